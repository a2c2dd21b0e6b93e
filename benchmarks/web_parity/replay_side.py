"""BrowserGym's own MiniWoB tasks, in the Python of its own environment; plays what it is told, one episode a line.

``python replay_side.py PAGES_FOLDER CHROMIUM`` reads lines of JSON. ``{"do": "tasks"}`` is answered with the tasks and
whether they are flagged nondeterministic; ``{"do": "versions"}`` with those of packages; ``{"do": "play", "task",
"seed", "actions"}`` with the goal, the elements at the start, and how the page stands after the actions. It imports
nothing of ours, whose packages cannot be installed beside BrowserGym.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
import sys

import playwright.sync_api
from peer_serving import serve, use_program

PACKAGES = ("browsergym-core", "browsergym-miniwob", "playwright", "gymnasium")
TRIES = 3
"""On a busy machine a click may miss its limit of 500 ms."""


class NoChat:
    """In place of the chat's window, a second browser in which no MiniWoB task says anything."""

    def __init__(self, **_):
        self.messages = []

    def add_message(self, role, msg):
        """Keeps a message."""
        self.messages.append({"role": role, "timestamp": 0.0, "message": msg})

    def close(self):
        """Nothing was opened."""


def keep_browser():
    """Has one browser serve all episodes, each in a context of its own, as starting one takes a second or two."""
    launch, held = playwright.sync_api.BrowserType.launch, []

    def launched(self, **options):
        if not held:
            held.append(launch(self, **options))
            held[0].close = lambda: None
        return held[0]

    playwright.sync_api.BrowserType.launch = launched


def find(page, script, path):
    """Name and bid of the element at a path; two Nones where there is none."""
    found = page.evaluate(f"(path) => {{ {script}; return elementAt(path); }}", path)
    return (found["tag"], found["bid"]) if found else (None, None)


def shortened(error):
    """What BrowserGym says of an action that failed: its beginning, and what covered the element if something did."""
    words = " ".join(error.split())
    covered = re.search(r"- (<.{1,200}> intercepts pointer events)", words)
    return words[:160] + (f" ... {covered[1]}" if covered else "")


def call(action, bid):
    """An action in BrowserGym's words."""
    if action["operation"] == "click":
        return f"click({bid!r})"
    verb = {"fill": "fill", "choose": "select_option"}[action["operation"]]
    return f"{verb}({bid!r}, {json.dumps(action['value'])})"


def play(env, told):
    """One episode."""
    obs, _ = env.reset(seed=told["seed"])
    inner = env.unwrapped
    looked = inner.page.evaluate(f"() => {{ {told['script']}; return outline(); }}")
    said = {"goal": obs["goal"], "outline": looked, "raw": 0.0, "done": False, "actions": 0, "errors": [], "retries": 0}
    for action in told["actions"]:
        tag, bid = find(inner.page, told["script"], action["path"])
        said["actions"] += 1
        if tag != action["tag"] or bid is None:
            said["errors"].append(f"action {said['actions']}: no such element, but {tag} {bid}")
            do = "noop(0)"
        else:
            do = call(action, bid)
        for trial in range(TRIES):
            obs, _, done, _, info = env.step(do)
            failed = obs["last_action_error"]
            if done or "TimeoutError" not in failed:
                break
            said["retries"] += trial < TRIES - 1
        if failed:
            said["errors"].append(f"action {said['actions']}: " + shortened(failed))
        task = info["task_info"]
        if done:
            said.update(done=True, raw=float(task.get("RAW_REWARD_GLOBAL") or 0.0), reason=task.get("REWARD_REASON"))
            said["left"] = task.get("error", "")
            break
    return said


def main():
    """Answers until its input ends."""
    folder, program = sys.argv[1:]
    os.environ["MINIWOB_URL"] = f"http://127.0.0.1:{serve(folder)}/miniwob/"
    use_program(program)
    keep_browser()
    import browsergym.core.env
    import browsergym.miniwob
    import gymnasium

    browsergym.core.env.Chat = NoChat
    known = {task.subdomain: task for task in browsergym.miniwob.ALL_MINIWOB_TASKS}
    answers, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no answer
    for line in sys.stdin:
        told = json.loads(line)
        if told["do"] == "tasks":
            answer = {name: bool(task.nondeterministic) for name, task in known.items()}
        elif told["do"] == "versions":
            answer = {name: importlib.metadata.version(name) for name in PACKAGES}
            shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
            answer["chromium"] = shown.stdout.strip()
        else:
            env = gymnasium.make(f"browsergym/miniwob.{told['task']}", **told["options"])
            try:
                answer = play(env, told)
            finally:
                env.close()
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
