"""The sections of the benchmark of the web environment: what is measured, how often, and against which target."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable
from typing import Any

from traffic_speed.runner import Progress, order
from traffic_speed.sections import Plan, figure

from .contenders import Bare, Ours
from .episodes import at_once, build, play
from .pages import LARGE, SMALL
from .peer import PACKAGE, BrowserGym, UnavailableError

Section = dict[str, Any]
RATIOS = (
    "wall times of the other's over ours, turn k beside turn k: median over all turns, and lower and upper quartile; "
    "above 1 ours is faster, unless the target reads `<=`. Team steps a second of the model engine are of CPU time"
)
"""How the figures of a result are to be read; part of the result."""
DEFAULTS, AWAKE = "BrowserGym, defaults", "BrowserGym, without its sleeps"
_WAYS = {DEFAULTS: "defaults", AWAKE: "without its sleeps"}
_TARGETS: dict[tuple[str, int, str], float] = {
    ("change", SMALL, DEFAULTS): 150.0,
    ("change", SMALL, AWAKE): 40.0,
    ("change", LARGE, DEFAULTS): 40.0,
    ("load", SMALL, DEFAULTS): 20.0,
    ("load", SMALL, AWAKE): 4.0,
}
_WORDS = {"change": "click that changes the page", "load": "click that loads a page"}
_BARE_SHARE = 0.75
_TABS = 7


def quartiles(values: list[float]) -> dict[str, Any]:
    """Median, and the quartiles as range."""
    low, median, high = statistics.quantiles(values, n=4) if len(values) > 1 else (values[0],) * 3
    return {"median": median, "low": low, "high": high, "all": values}


def small(plan: Plan, progress: Progress) -> Section:
    """Clicks on the small page."""
    return _clicks(SMALL, plan, progress)


def large(plan: Plan, progress: Progress) -> Section:
    """Clicks on the page of 2,400 elements."""
    return _clicks(LARGE, plan, progress)


def _clicks(elements: int, plan: Plan, progress: Progress) -> Section:
    """Ours, the bare loop and BrowserGym, one click each in turn."""
    turns = plan.pick(30, 2)
    progress.expect(2 * turns)
    figures: list[Section] = []
    all_ms: dict[str, Any] = {}
    skipped = ""
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(contextlib.closing(Ours(elements)))
        bare = stack.enter_context(contextlib.closing(Bare(elements)))
        peer: BrowserGym | None = None
        progress.begin("BrowserGym starts")
        try:
            peer = stack.enter_context(BrowserGym())
            for way in _WAYS.values():
                peer.ms("reset", way, elements)
        except UnavailableError as error:
            peer, skipped = None, f"Without BrowserGym: {error}"
        for kind in ("change", "load"):
            ways = _ways(kind, elements, ours, bare, peer)
            ms: dict[str, list[float]] = {name: [] for name in ways}
            for turn in range(turns + 1):
                progress.begin(_WORDS[kind])
                try:
                    taken = {name: ways[name]() for name in order(list(ways), turn)}
                except UnavailableError as error:
                    peer, skipped = None, f"Without BrowserGym from here on: {error}"
                    for name in _WAYS:
                        ways.pop(name, None)
                        ms.pop(name, None)
                    continue
                if turn:  # the first warms up
                    for name, value in taken.items():
                        ms[name].append(value)
                if turn:
                    progress.end()
            figures += _figures(kind, elements, ms)
            all_ms[kind] = {name: quartiles(values) for name, values in ms.items()}
        read = ours.read_items
    found: Section = {"elements": elements, "items_read": read, "peer": PACKAGE, "ms": all_ms, "figures": figures}
    found["peer_clicks_tried_again"] = peer.missed if peer is not None else None
    found["remark"] = "; ".join(
        f"{_WORDS[kind]}: " + ", ".join(f"{name} {value['median']:.3g} ms" for name, value in by_name.items())
        for kind, by_name in all_ms.items()
    )
    return found | ({"skipped": skipped} if skipped else {})


def _ways(kind: str, elements: int, ours: Ours, bare: Bare, peer: BrowserGym | None) -> dict[str, Callable[[], float]]:
    """Who clicks, each a function that gives milliseconds."""

    def with_pictures() -> None:
        getattr(ours, kind)()
        ours.engine.accessibility_tree(0)
        ours.engine.screenshot(0)

    ways = {
        "ours": lambda: _ms(getattr(ours, kind)),
        "bare loop": lambda: _ms(getattr(bare, kind)),
        "ours, with accessibility tree and screenshot": lambda: _ms(with_pictures),
    }
    if peer is not None:
        at = peer
        ways |= {name: lambda way=way: at.ms(kind, way, elements) for name, way in _WAYS.items()}  # type: ignore[misc]
    return ways


def _figures(kind: str, elements: int, ms: dict[str, list[float]]) -> list[Section]:
    what = f"{_WORDS[kind]}, {elements:,} elements"
    figures = []
    for name, target in (("bare loop", _BARE_SHARE), *((way, _TARGETS.get((kind, elements, way))) for way in _WAYS)):
        if name in ms:
            figures.append(figure(f"{name}: {what}", quartiles(_ratios(ms[name], ms["ours"])), target))
    for name in _WAYS:
        if name in ms:
            value = quartiles(_ratios(ms[name], ms["ours, with accessibility tree and screenshot"]))
            figures.append(figure(f"{name}, tree and screenshot on both sides: {what}", value))
    return figures


def _ratios(slower: list[float], faster: list[float]) -> list[float]:
    return [a / b for a, b in zip(slower, faster, strict=True)]


def _ms(work: Callable[[], Any]) -> float:
    before = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - before)


def tabs(plan: Plan, progress: Progress) -> Section:
    """Seven tabs that all click, beside one."""
    turns = plan.pick(30, 2)
    progress.expect(2 * turns)
    figures = []
    with contextlib.closing(Ours(SMALL)) as one, contextlib.closing(Ours(SMALL, _TABS)) as seven:
        for kind in ("change", "load"):
            pairs = []
            for turn in range(turns + 1):
                progress.begin(_WORDS[kind])
                pair = [_ms(getattr(who, kind)) for who in ((one, seven) if turn % 2 else (seven, one))]
                pairs.append(pair if turn % 2 else pair[::-1])
                if turn:
                    progress.end()
            ratios = [b / a for a, b in pairs[1:]]
            figures.append(figure(f"seven tabs over one: {_WORDS[kind]}", quartiles(ratios), 6.0, "<="))
            for count, at in ((1, 0), (_TABS, 1)):
                value = quartiles([pair[at] for pair in pairs[1:]])
                figures.append(figure(f"{count} tab{'s' * (count > 1)}: {_WORDS[kind]}", value, unit="ms"))
    return {"figures": figures}


def resets(plan: Plan, progress: Progress) -> Section:
    """An episode begins, and every tab of it is read."""
    turns = plan.pick(20, 2)
    progress.expect(turns)
    ms: dict[int, list[float]] = {1: [], _TABS: []}
    with contextlib.closing(Ours(SMALL)) as one, contextlib.closing(Ours(SMALL, _TABS)) as seven:
        for turn in range(turns + 1):
            progress.begin("a new episode")
            for who in (one, seven):
                taken = _ms(who.reset)
                if turn:
                    ms[len(who.tabs)].append(taken)
            if turn:
                progress.end()
    figures = [
        figure("reset, one tab", quartiles(ms[1]), 120.0, "<=", "ms"),
        figure("reset, seven tabs", quartiles(ms[_TABS]), 600.0, "<=", "ms"),
    ]
    return {"figures": figures}


def oracle(plan: Plan, progress: Progress) -> Section:
    """Whole episodes of the oracle in Chromium, resets included."""
    episodes = plan.pick({"easy": 20, "medium": 8}, {"easy": 1})
    progress.expect(len(episodes))
    figures = []
    for level, count in episodes.items():
        progress.begin(level)
        with contextlib.closing(build(level, "chromium")) as env:
            play(env, "oracle", range(1), time.perf_counter)
            found = [play(env, "oracle", range(seed, seed + 1), time.perf_counter) for seed in range(1, count + 1)]
        rates = [1 / (sum(one["resets_s"]) + one["steps_s"]) for one in found]
        steps = [one["steps"] / (sum(one["resets_s"]) + one["steps_s"]) for one in found]
        figures.append(figure(f"oracle's episodes, {level}, reset included", quartiles(rates), unit="/s"))
        figures.append(figure(f"the same in team steps, {level}", quartiles(steps), unit="/s"))
        progress.end()
    return {"figures": figures}


def model(plan: Plan, progress: Progress) -> Section:
    """The engine without a browser, on one core."""
    counts = plan.pick({"easy": 60, "medium": 20, "hard": 8}, {"easy": 2, "medium": 1, "hard": 1})
    targets = {"easy": 2000.0, "medium": 2000.0, "hard": 700.0}
    rounds = plan.pick(5, 1)
    progress.expect(2 * len(counts) * rounds)
    figures = []
    for level, count in counts.items():
        with contextlib.closing(build(level, "model")) as env:
            all_resets: list[float] = []
            for policy in ("oracle", "random"):
                play(env, policy, range(10_000, 10_003), time.thread_time)
                rates = []
                for k in range(rounds):
                    progress.begin(f"{level}, {policy}")
                    one = play(env, policy, range(k * count, (k + 1) * count), time.thread_time)
                    rates.append(one["steps"] / one["steps_s"])
                    all_resets += [1e3 * reset for reset in one["resets_s"]]
                    progress.end()
                figures.append(
                    figure(f"model engine, {level}, {policy}, team steps", quartiles(rates), targets[level], unit="/s")
                )
            figures.append(figure(f"model engine, {level}, reset", quartiles(all_resets), 2.0, "<=", "ms"))
    return {"domains": "episodes.DOMAINS", "clock": "CPU time of one thread", "figures": figures}


def environments(plan: Plan, progress: Progress) -> Section:
    """Team steps a second of several environments, random play on easy tasks, resets included."""
    counts = plan.pick((1, 2, 4, 8), (1, 2))
    seconds = plan.pick(8.0, 1.0)
    progress.expect(2 * len(counts))
    figures = []
    for engine in ("model", "chromium"):
        for count in counts:
            progress.begin(f"{count} of {engine}")
            rates = [at_once(count, "easy", engine, seconds) for _ in range(plan.pick(2, 1))]
            value = quartiles(rates)
            figures.append(figure(f"{engine}, {count} at once, team steps", value, unit="/s"))
            progress.end()
    return {"figures": figures}
