"""MiniWoB++ as tasks of the web environment: 125 pages of others, for testing what was learnt elsewhere.

The pages come from the ``miniwob`` wheel (MIT licence; Shi et al. 2017, Liu et al. 2018), which the BrowserGym protocol
uses as well: success is a raw reward above nought, without the discount for time, within ten actions.
"""

from __future__ import annotations

import numpy as np

from remalis_envs.errors import unknown
from remalis_envs.web.others.tasks import PageOracle, page_task
from remalis_envs.web.others.wheel import pages
from remalis_envs.web.others.world import FilesWorld
from remalis_envs.web.source import Drawn

PREFIX = "miniwob/"
STEPS = 10
"""Actions of an episode under the published protocol."""
SEEDS = 1_000_000
MAX_TIME_MS = 1_000_000
"""What the published protocol sets the pages' time limit to, which nobody reaches."""
_UNREGISTERED = ("button-delay", "chase-circle", "hover-shape", "moving-items", "simon-says")
"""Pages that the wheel has and its list of tasks has not."""

_SHOWN = ("click-menu-2", "use-colorwheel-2")
"""Pages whose instruction shows an icon or a colour in place of a word, which BrowserGym puts into words, as here."""

_DRAG = "something has to be dragged"
_POINT = "a point has to be pointed at that is no control"
_SELECT = "a part of a text has to be selected"
_REACH = {
    **dict.fromkeys(
        (
            "drag-box",
            "drag-circle",
            "drag-cube",
            "drag-items",
            "drag-items-grid",
            "drag-shapes",
            "drag-shapes-2",
            "drag-single-shape",
            "drag-sort-numbers",
            "form-sequence",
            "resize-textarea",
            "use-slider",
            "use-slider-2",
        ),
        _DRAG,
    ),
    **dict.fromkeys(("draw-circle", "draw-line"), "something has to be drawn"),
    **dict.fromkeys(
        (
            "bisect-angle",
            "circle-center",
            "find-midpoint",
            "hot-cold",
            "right-angle",
            "use-colorwheel",
            "use-colorwheel-2",
        ),
        _POINT,
    ),
    **dict.fromkeys(("highlight-text", "highlight-text-2", "text-editor"), _SELECT),
    "scroll-text": "a text has to be scrolled",
    "click-scroll-list": "several options have to be chosen with a key held down, in most draws",
    "terminal": "the Enter key has to be pressed outside any form",
}


def miniwob_tasks() -> dict[str, str]:
    """Names of the tasks, ``miniwob/click-test``, and why one is out of reach of the environment's actions; else "".

    What is out of reach can be played all the same; a few such pages give a part of their reward for less. Fetches the
    pages if they are not in the cache.

    Raises:
        RemalisError: the pages are not in the cache and cannot be fetched.
    """
    names = sorted(
        path.removeprefix("/miniwob/").removesuffix(".html")
        for path in pages()
        if path.startswith("/miniwob/") and path.endswith(".html")
    )
    return {PREFIX + name: _REACH.get(name, "") for name in names if name not in _UNREGISTERED}


class MiniWobTasks:
    """A :class:`~remalis_envs.web.source.Source` of MiniWoB++ tasks.

    Args:
        name: ``miniwob/click-test``, or ``miniwob`` for all of them.

    Raises:
        UnknownNameError: there is no such task.
        RemalisError: the pages are not in the cache and cannot be fetched.
    """

    def __init__(self, name: str) -> None:
        known = tuple(miniwob_tasks())
        if name.rstrip("/") != PREFIX.rstrip("/") and name not in known:
            raise unknown("task", name, known)
        self.domains: tuple[str, ...] = (name,) if name in known else known

    def draw(self, domain: str, level: str, seed: int, site_seed: int) -> Drawn:
        """The page with the problem that BrowserGym's task of the same seed has."""
        drawn = int(np.random.RandomState(seed % 2**32).randint(0, SEEDS))
        name = domain.removeprefix(PREFIX)
        begin = _begin(drawn, _IN_WORDS if name in _SHOWN else "core.getUtterance()")
        world = FilesWorld(pages().get, f"/miniwob/{name}.html", begin, WATCH)
        return Drawn(world, page_task(domain, level, seed, STEPS), PageOracle())


WATCH = """(window.__remalisBegun !== location.href || typeof WOB_DONE_GLOBAL === "undefined")
    ? { done: true, reward: 0, reason: "the page was left" }
    : { done: WOB_DONE_GLOBAL, reward: WOB_RAW_REWARD_GLOBAL, reason: WOB_REWARD_REASON }"""
"""How a page stands; one that was left is over, as in the published protocol."""


_IN_WORDS = """Array.from(document.getElementById("query").childNodes, (node) => {
    if (node.nodeType !== 1 || node.textContent.trim()) return node.textContent;
    const colour = node.style.backgroundColor.match(/\\d+/g);
    if (!colour) return `"${node.className.split(" ").at(-1)}"`;
    return "#" + colour.slice(0, 3).map((part) => Number(part).toString(16).padStart(2, "0")).join("");
  }).join(" ")"""
"""The instruction with an icon's name and a colour's number where it shows them."""


def _begin(seed: int, told: str) -> str:
    """What begins an episode through the pages' own core; ``told`` gives the instruction."""
    return f"""(async () => {{
  if (document.readyState !== "complete") await new Promise((go) => addEventListener("load", go));
  await new Promise((go) => setTimeout(go, 0));
  if (window.jQuery) jQuery.fx.off = true;
  Math.seedrandom({seed});
  core.EPISODE_MAX_TIME = {MAX_TIME_MS};
  core.startEpisodeReal();
  while (!WOB_TASK_READY) await new Promise((go) => setTimeout(go, 10));
  const told = {told};
  // What is for a person's eyes alone: the instruction, of which the agent is told, time and rewards.
  for (const id of ["query", "reward-display", "click-canvas", "sync-task-cover"]) {{
    document.getElementById(id)?.setAttribute("aria-hidden", "true");
  }}
  document.getElementById("click-canvas")?.style.setProperty("pointer-events", "none");
  window.__remalisBegun = location.href;
  return typeof told === "string" ? told : told.utterance;
}})()"""
