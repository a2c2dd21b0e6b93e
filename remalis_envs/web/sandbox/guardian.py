"""The guardian: a process between us and the browser. It builds the sandbox, watches memory, and leaves nothing behind.

Run by path as ``python -I -S guardian.py <settings as JSON>``, with nothing but the standard library, so that it starts
in 15 ms and holds nothing of ours. What it does, in order:

1. moves into a network namespace that holds a loopback interface and nothing else, where the system lets it;
2. opens the one listener in there and hands it to its parent (``SCM_RIGHTS``);
3. starts the browser without rights, and as the first to go when the machine's memory ends;
4. four times a second ends what holds more memory than it may;
5. ends the whole browser and removes its folder once its parent is gone: the socket between them then closes, however
   the parent ended. Should the guardian itself be killed, the kernel ends the browser (``PR_SET_PDEATHSIG``).
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
MS_REC, MS_PRIVATE, MS_BIND = 0x4000, 0x40000, 0x1000
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP_RUNNING = 0x8913, 0x8914, 0x41
LINUX = sys.platform == "linux"
LOOK_S = 0.25
"""Time between two looks at the memory."""
FIRST_TO_GO = "1000"
"""What the kernel's killer takes first when memory ends."""
libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Moves this process into namespaces of its own."""
    if libc.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def enter_network_namespace() -> str:
    """Leaves the machine's network; returns how: ``"root"``, ``"user"`` or why it could not."""
    if not LINUX:
        return "network namespaces exist on Linux only"
    uid, gid = os.getuid(), os.getgid()
    try:
        if uid == 0:
            unshare(CLONE_NEWNET)
        else:
            unshare(CLONE_NEWUSER | CLONE_NEWNET)
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
            Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            flags = struct.pack("16sh14x", b"lo", IFF_UP_RUNNING)
            fcntl.ioctl(probe.fileno(), SIOCSIFFLAGS, flags)
    except OSError as error:
        return f"the system refused a network namespace ({error.strerror})"
    return "root" if uid == 0 else "user"


def mount(source: str, target: str, kind: str, flags: int) -> None:
    """The system call."""
    if libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), None) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def enter_mount_namespace(policy: dict[str, Any], program: str, reachable: str) -> bool:
    """Gives the browser files of its own: policies that the machine does not have, and a way to its program.

    Args:
        policy: the browser's, as its administrator would set them.
        program: the browser.
        reachable: where its folder is shown, if nobody can reach it where it is; "" if that is not needed.

    Returns:
        Whether the policies are in force.
    """
    try:
        unshare(CLONE_NEWNS)
        mount("none", "/", "", MS_REC | MS_PRIVATE)
        if reachable:
            mount(os.path.dirname(program), reachable, "", MS_BIND | MS_REC)
        shown = False
        for folder in ("/etc/chromium", "/etc/chromium-browser", "/etc/opt"):
            if not os.path.isdir(folder):
                continue
            mount("remalis", folder, "tmpfs", 0)
            managed = Path(folder, "chrome" if folder == "/etc/opt" else "", "policies", "managed")
            managed.mkdir(parents=True)
            (managed / "remalis.json").write_text(json.dumps(policy))
            shown = True
    except OSError:
        return False
    return shown


def open_listener() -> socket.socket:
    """The one listener, on a free port of the loopback interface."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    return listener


def start_browser(settings: dict[str, Any], port: int) -> int:
    """Starts the browser; returns its process id, which is its process group too."""
    guardian = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setpgid(0, 0)
        if LINUX:
            Path("/proc/self/oom_score_adj").write_text(FIRST_TO_GO)
        if os.getuid() == 0:
            os.setgroups([])
            os.setresgid(settings["gid"], settings["gid"], settings["gid"])
            os.setresuid(settings["uid"], settings["uid"], settings["uid"])
        if LINUX:
            # Only now: the kernel forgets it when a process changes its user.
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != guardian:
                os._exit(1)
        os.chdir(settings["home"])
        # The browser reads commands on 3 and writes on 4; nothing else of ours is handed on.
        read = fcntl.fcntl(settings["read_fd"], fcntl.F_DUPFD, 100)
        write = fcntl.fcntl(settings["write_fd"], fcntl.F_DUPFD, 100)
        said = os.open(os.path.join(settings["home"], "said.txt"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (said, 1), (said, 2), (read, 3), (write, 4)):
            os.dup2(source, target)
        os.closerange(5, 4096)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        command = [part.replace("{port}", str(port)) for part in settings["command"]]
        os.execve(command[0], command, settings["environment"])
    except BaseException as error:
        os.write(2, f"the browser could not be started: {error}\n".encode())
    os._exit(127)


class Watch:
    """Finds the browser's processes and looks at their memory.

    Args:
        group: process group of the browser.
        limit: bytes of its own (not shared with files) that a process may hold.
    """

    def __init__(self, group: int, limit: int) -> None:
        self.group, self.limit = group, limit
        self.page = os.sysconf("SC_PAGE_SIZE")
        self.others: set[str] = set()  # processes that are not the browser's: looking once is enough

    def members(self) -> list[int]:
        """Ids of the browser's processes."""
        running = {name for name in os.listdir("/proc") if name.isdigit()}
        self.others &= running  # a number may be given out again
        found = []
        for name in running - self.others:
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    group = int(file.read().rpartition(b")")[2].split()[2])
            except OSError:
                continue
            if group == self.group:
                found.append(int(name))
            else:
                self.others.add(name)
        return found

    def look(self) -> list[int]:
        """Ends processes that hold too much; returns their ids. All stay the first to go when memory ends."""
        ended = []
        for pid in self.members():
            try:
                with open(f"/proc/{pid}/oom_score_adj", "r+") as file:  # the browser sets its own
                    if file.read().strip() != FIRST_TO_GO:
                        file.write(FIRST_TO_GO)
                with open(f"/proc/{pid}/statm", "rb") as file:
                    _, resident, shared = file.read().split()[:3]
                if (int(resident) - int(shared)) * self.page > self.limit:
                    os.kill(pid, signal.SIGKILL)
                    ended.append(pid)
            except OSError:  # it ended in between
                continue
        return ended


def end_browser(group: int) -> None:
    """Ends every process of the browser, and waits until they are gone."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    limit = time.monotonic() + 3.0
    while time.monotonic() < limit:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)  # orphans of the browser are handed to the guardian
        except ChildProcessError:
            return
        if pid == 0:
            time.sleep(0.002)


def main() -> None:
    """Builds the sandbox, starts the browser in it and stands guard until the parent is gone or the browser ends."""
    settings = json.loads(sys.argv[1])
    for number in (signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)  # Ctrl-C in a terminal is for the parent
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    parent = socket.socket(fileno=settings["control_fd"])
    how = enter_network_namespace() if settings["namespace"] else "it was asked not to"
    policies = how in ("root", "user") and enter_mount_namespace(
        settings["policy"], settings["program"], settings["reachable"]
    )
    listener = open_listener()
    if LINUX:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    group = start_browser(settings, listener.getsockname()[1])
    os.close(settings["read_fd"])
    os.close(settings["write_fd"])
    try:
        hello = {"pid": group, "namespace": how, "port": listener.getsockname()[1], "policies": policies}
        socket.send_fds(parent, [json.dumps(hello).encode() + b"\n"], [listener.fileno()])
        listener.close()
        guard(parent, group, settings["memory_bytes"])
    finally:
        end_browser(group)
        shutil.rmtree(settings["home"], ignore_errors=True)


def guard(parent: socket.socket, group: int, limit: int) -> None:
    """Looks four times a second, until the parent is gone or the browser has ended."""
    watch = Watch(group, limit)
    while True:
        ready, _, _ = select.select([parent], [], [], LOOK_S)
        if ready and not parent.recv(64):
            return
        if LINUX:
            for pid in watch.look():
                parent.send(json.dumps({"ended": pid}).encode() + b"\n")
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, _ = os.waitpid(-1, os.WNOHANG)
                if pid == group:
                    return
                if pid == 0:
                    break


if __name__ == "__main__":
    main()
