"""BrowserGym on the same pages, in the Python of its own environment; takes turns when told, one line a turn.

``python peer_side.py SITE_FOLDER CHROMIUM`` reads ``{"do", "elements", "as"}`` as lines of JSON and answers each with
``{"ms", "missed"}``: the time, and how many clicks have missed their limit so far. It imports nothing of ours, whose
packages cannot be installed beside BrowserGym.
"""

from __future__ import annotations

import functools
import http.server
import json
import sys
import threading
import time

import playwright.sync_api
from browsergym.core.env import BrowserEnv
from browsergym.core.task import AbstractBrowserTask

WAYS = {"defaults": {"slow_mo": 100}, "without its sleeps": {"slow_mo": 0, "pre_observation_delay": 0.0}}
"""``defaults``: as BrowserGym's own MiniWoB tasks are played; its open tasks wait ten times as long at each call."""

TRIES = 10


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves the folder; a page is never kept, as ours are not."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Says nothing: the output carries answers."""

    def end_headers(self):
        kept = "public, max-age=31536000, immutable" if self.path.startswith("/static/") else "no-store"
        self.send_header("Cache-Control", kept)
        super().end_headers()


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
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    launch = playwright.sync_api.BrowserType.launch

    def with_the_program(self, **options):
        return launch(self, **{"executable_path": program, **options})

    playwright.sync_api.BrowserType.launch = with_the_program
    envs, seen, shown, missed = {}, {}, {}, 0
    for line in sys.stdin:
        told = json.loads(line)
        key = (told["as"], told["elements"])
        before = time.perf_counter()
        if key not in envs:
            url = f"http://127.0.0.1:{server.server_port}/{told['elements']}.html"
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
