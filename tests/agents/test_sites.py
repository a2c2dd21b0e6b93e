"""`remalis sites`: a person's browser gets the pages, the judge speaks at the end, Ctrl-C ends it."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator

import pytest

from remalis_agents.cli import remalis_main
from remalis_envs.web.tasks.generate import draw_task

COMMAND = [
    sys.executable,
    "-c",
    "from remalis_agents.cli import remalis_main; raise SystemExit(remalis_main())",
    "sites",
]


def ask(port: int, target: str, host: str = "main", form: dict[str, str] | None = None) -> tuple[int, str]:
    """Status and body of what is answered, redirects not followed: their hosts need a browser's resolver."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    data = None if form is None else urllib.parse.urlencode(form).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{target}", data, {"Host": f"{host}.localhost:{port}"})
    try:
        with urllib.request.build_opener(Stay).open(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture
def serving() -> Iterator[subprocess.Popen[str]]:
    """The command at work on an easy task of the library: one request among many is to be confirmed."""
    command = [*COMMAND, "--level", "easy", "--seed", "3", "--port", "0", "--show-answer"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    yield running
    running.kill()
    running.wait()


def test_a_person_goes_through_an_easy_task(serving):
    task = draw_task("library", "easy", 3).task
    assert task.instruction in serving.stdout.readline()
    assert serving.stdout.readline().startswith("One way: 1.")
    found = re.search(r"http://main\.localhost:(\d+)(/\S*) ", serving.stdout.readline())
    assert found is not None
    port, path = int(found[1]), found[2]
    status, page = ask(port, path)
    assert status == 200 and f".localhost:{port}" in page and "<title>" in page
    assert ask(port, "/", host="elsewhere")[0] == 404
    assert ask(port, "/static/widgets.js")[0] == 200
    final = re.search(r'action="(/confirm/pending/\d+)"', page)
    assert final is not None, "this task is one request among many"
    assert ask(port, final[1], form={})[0] == 303
    said = serving.stdout.readline()
    assert said.startswith(("Solved.", "Not solved: 0%")), said
    serving.send_signal(signal.SIGINT)
    assert "Closed." in serving.stdout.read() and serving.wait(20) == 0
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--domain", "libary"], "'library'"),
        (["--seed", "-1"], "at least 0"),
        (["--port", "99999"], "another with --port"),
    ],
)
def test_mistakes_are_one_sentence(arguments, message, capsys):
    assert remalis_main(["sites", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_the_list_names_domains_with_their_services(capsys):
    assert remalis_main(["sites", "--list"]) == 0
    assert "library: reserve_book" in capsys.readouterr().out
