"""BrowserGym on the same pages, in the Python of its own environment; takes turns when told, one line a turn.

``python peer_side.py SITE_FOLDER CHROMIUM`` reads ``{"do", "elements", "as"}`` as lines of JSON and answers each with
``{"ms", "missed"}``: the time, and how many clicks have missed their limit so far. It imports nothing of ours, whose
packages cannot be installed beside BrowserGym.
"""

from __future__ import annotations

import json
import sys
import time

from browsergym.core.env import BrowserEnv
from browsergym.core.task import AbstractBrowserTask
from peer_serving import serve, use_program

WAYS = {"defaults": {"slow_mo": 100}, "without its sleeps": {"slow_mo": 0, "pre_observation_delay": 0.0}}
"""``defaults``: as BrowserGym's own MiniWoB tasks are played; its open tasks wait ten times as long at each call."""

TRIES = 10


class Pages(AbstractBrowserTask):
    """Opens a page, and is never solved."""

    def __init__(self, seed, url):
        super().__init__(seed)
        self._url = url

    def setup(self, page):
        page.goto(self._url)
        return "Click.", {}

    def teardown(self):
        """Nothing is left."""

    def validate(self, page, chat_messages):
        return 0.0, False, "", {}


def named(obs, role, name):
    """The bid of the control with this role and name in the accessibility tree."""
    for node in obs["axtree_object"]["nodes"]:
        if node["role"]["value"] == role and node.get("name", {}).get("value") == name:
            return node["browsergym_id"]
    raise LookupError(f"BrowserGym does not see the {role} {name!r}.")


def main():
    """Answers until its input ends."""
    folder, program = sys.argv[1:]
    port = serve(folder)
    use_program(program)
    envs, seen, shown, missed = {}, {}, {}, 0
    for line in sys.stdin:
        told = json.loads(line)
        key = (told["as"], told["elements"])
        before = time.perf_counter()
        if key not in envs:
            url = f"http://127.0.0.1:{port}/{told['elements']}.html"
            envs[key] = BrowserEnv(Pages, {"url": url}, **WAYS[told["as"]])
            told["do"] = "reset"
        if told["do"] == "reset":
            seen[key], _ = envs[key].reset(seed=0)
            shown[key] = 0
        else:
            if told["do"] == "change":
                shown[key] = 1 - shown[key]
                bid = named(seen[key], "tab", ("By day", "By week")[shown[key]])
            else:
                bid, shown[key] = named(seen[key], "link", "Again"), 0
            for _ in range(TRIES):  # on a busy machine a click may miss its limit of 500 ms; such a try is not timed
                before = time.perf_counter()  # choosing is the agent's time
                seen[key], *_ = envs[key].step(f"click('{bid}')")
                failed = seen[key]["last_action_error"]
                if not failed:
                    break
                missed += 1
            else:
                raise RuntimeError(failed.splitlines()[0])
        print(json.dumps({"ms": 1e3 * (time.perf_counter() - before), "missed": missed}), flush=True)
    for env in envs.values():
        env.close()


if __name__ == "__main__":
    main()
