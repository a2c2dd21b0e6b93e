"""The browser has no rights, no network and no more memory than it may, and it does not outlive who started it."""

from __future__ import annotations

import contextlib
import gc
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from remalis_envs.web.engines.base import Deed, EngineError
from remalis_envs.web.engines.chromium import ChromiumEngine
from tests.web.sandbox.files_world import FilesWorld
from tests.web.toy_world import ToyWorld

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(sys.platform != "linux", reason="namespaces and /proc are of Linux"),
]


def family(pid: int) -> list[int]:
    """A process and all below it."""
    parents: dict[int, int] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            parents[int(name)] = int(Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[1])
    found = {pid} & parents.keys()
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return sorted(found)


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def kind(pid: int) -> str:
    found = re.search(rb"--type=([\w-]+)", Path(f"/proc/{pid}/cmdline").read_bytes())
    return found[1].decode() if found else "browser"


def gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() and status(pid)["State"][0] != "Z" for pid in pids)


def wait_for(condition: Callable[[], bool], limit_s: float = 20.0) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


@pytest.fixture
def engine(chromium: str):
    engine = ChromiumEngine(settle_s=20.0, hang_s=60.0)
    engine.reset(ToyWorld(), 2)
    engine.read([0, 1])
    yield engine
    engine.close()


def test_the_browser_has_no_rights_and_no_network(engine: ChromiumEngine):
    sandbox = engine._browser.sandbox
    pids = [pid for pid in family(sandbox.guardian.pid) if pid != sandbox.guardian.pid]
    kinds = [kind(pid) for pid in pids]
    assert kinds.count("renderer") >= 2 and "browser" in kinds
    ours = os.readlink("/proc/self/ns/net")
    for pid, what in zip(pids, kinds, strict=True):
        said = status(pid)
        assert set(said["Uid"].split()) == {"65534"} if os.getuid() == 0 else "0" not in said["Uid"].split(), what
        # Chromium's zygote is mighty in a user namespace of its own, which holds nothing but its sandbox.
        elsewhere = os.readlink(f"/proc/{pid}/ns/user") != os.readlink("/proc/self/ns/user")
        assert elsewhere or int(said["CapEff"], 16) == 0 or os.getuid() != 0, what
        if what == "renderer":
            assert said["Seccomp"] == "2"  # filters are on
            assert os.readlink(f"/proc/{pid}/ns/pid") != os.readlink("/proc/self/ns/pid")
    main = sandbox.pid
    deadline = time.monotonic() + 10.0
    while Path(f"/proc/{main}/oom_score_adj").read_text().strip() != "1000":
        assert time.monotonic() < deadline, "the browser would not be the first to go"
        time.sleep(0.1)
    assert status(main)["Groups"] == "" or os.getuid() != 0
    if sandbox.namespace in ("root", "user"):
        assert os.readlink(f"/proc/{main}/ns/net") != ours
        interfaces = Path(f"/proc/{main}/net/dev").read_text().splitlines()[2:]
        assert [line.split(":")[0].strip() for line in interfaces] == ["lo"]
        listening = [line for line in Path(f"/proc/{main}/net/tcp").read_text().splitlines() if line.split()[3] == "0A"]
        assert [int(line.split()[1].split(":")[1], 16) for line in listening] == [sandbox.port]
        assert Path(f"/proc/{main}/net/tcp6").read_text().count("\n") == 1


@pytest.mark.skipif(os.getuid() != 0, reason="root alone reads the shadow file")
def test_the_network_is_had_here_as_root(engine: ChromiumEngine, chromium: str):
    """On the machines that this is developed on no layer may be missing."""
    sandbox = engine._browser.sandbox
    assert sandbox.namespace == "root" and sandbox.policies == (chromium == "browser")
    read = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "cat", "/etc/shadow"], capture_output=True
    )
    assert read.returncode != 0 and b"denied" in read.stderr


KEEPER = """
import sys, time
from remalis_envs.web.engines.chromium import ChromiumEngine
from tests.web.toy_world import ToyWorld
engine = ChromiumEngine(settle_s=20.0, hang_s=60.0)
engine.reset(ToyWorld(), 2)
engine.read([0, 1])
sandbox = engine._browser.sandbox
print(sandbox.guardian.pid, sandbox.home, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("victim", ("parent", "guardian"))
def test_nothing_outlives_a_kill(victim: str):
    parent = subprocess.Popen([sys.executable, "-c", KEEPER], stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None
        guardian, home = parent.stdout.readline().split()
        pids = family(int(guardian))
        assert len(pids) > 5
        os.kill(parent.pid if victim == "parent" else int(guardian), signal.SIGKILL)
        wait_for(lambda: gone(pids))
        if victim == "parent":
            wait_for(lambda: not Path(home).exists())
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()


def test_closing_leaves_nothing(engine: ChromiumEngine):
    sandbox = engine._browser.sandbox
    pids, handles = family(sandbox.guardian.pid), len(os.listdir("/proc/self/fd"))
    engine.close()
    assert gone(pids) and not Path(sandbox.home).exists()
    assert len(os.listdir("/proc/self/fd")) < handles
    engine.close()
    with pytest.raises(EngineError, match="reset"):
        engine.read([0])
    engine.reset(ToyWorld(), 1)
    assert engine.read([0])[0].url == "main/"


def held(engine: ChromiumEngine) -> tuple[int, int, int]:
    """Processes, handles of ours, and megabytes of the browser that are nobody else's."""
    sandbox, total = engine._browser.sandbox, 0
    pids = family(sandbox.guardian.pid)
    for pid in pids:
        with contextlib.suppress(OSError):
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().split("Pss:")[1]
            total += int(rollup.split()[0])
    return len(pids), len(os.listdir("/proc/self/fd")), total >> 10


def run_episodes(engine: ChromiumEngine, episodes: int) -> None:
    for number in range(episodes):
        engine.reset(ToyWorld(), 2, number)
        for tab, reading in enumerate(engine.read([0, 1])):
            link = next(k for k, item in enumerate(reading.items) if item.name == "Calculator")
            engine.act(tab, Deed("click", link))
        engine.read([0, 1])


def assert_nothing_grows(engine: ChromiumEngine, episodes: int) -> None:
    run_episodes(engine, 8)
    gc.collect()
    before = held(engine)
    run_episodes(engine, episodes)
    gc.collect()
    wait_for(lambda: held(engine)[0] <= before[0] + 2)  # a renderer of the last episode may still be on its way out
    after = held(engine)
    assert after[1] <= before[1] + 4, (before, after)
    assert after[2] <= before[2] * 1.3 + 60, (before, after)


def test_episodes_leave_nothing(engine: ChromiumEngine):
    assert_nothing_grows(engine, 30)


@pytest.mark.full
def test_many_episodes_leave_nothing(engine: ChromiumEngine):
    assert_nothing_grows(engine, 500)


def test_a_page_that_fills_the_memory_is_ended():
    page = """<body><button onclick="fill()">Fill</button><script>
        const kept = [];
        function fill() {
          for (let k = 0; k < 40; k++) kept.push(new Uint8Array(1 << 24).fill(k + 1));
          setTimeout(fill, 200);
        }</script></body>"""
    engine = ChromiumEngine(settle_s=30.0, hang_s=60.0, memory_bytes=400 << 20)
    try:
        engine.reset(FilesWorld(start=page), 2)
        engine.read([0, 1])
        with pytest.raises(EngineError, match="crashed"):
            engine.act(0, Deed("click", 0))
            # The guardian looks now and then: a fast page is read once more before it is ended.
            limit = time.monotonic() + 30.0
            while time.monotonic() < limit:
                engine.read([0])
        engine.reset(ToyWorld(), 2)
        assert engine.read([0])[0].url == "main/"
    finally:
        engine.close()


def test_what_cannot_be_had_is_said_once(monkeypatch: pytest.MonkeyPatch):
    from remalis_envs.web.sandbox import launch

    real = launch.Sandbox._hello

    def refused(self: launch.Sandbox):
        hello, listener = real(self)
        return {**hello, "namespace": "the system refused a network namespace (Operation not permitted)"}, listener

    monkeypatch.setattr(launch.Sandbox, "_hello", refused)
    monkeypatch.setattr(launch, "_warned", set())
    with pytest.warns(RuntimeWarning, match="Operation not permitted") as said:
        for _ in range(2):
            launch.Sandbox().close()
    assert len(said) == 1
