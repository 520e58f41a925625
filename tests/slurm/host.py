"""A host of its own on this machine: its processes, its name and its /etc/hosts are those of another computer.

Namespaces make it (PIDs, mounts, names), so that no look into one host's /proc finds or ends what runs on another,
though all of them see the same files. It ends, and all that runs on it, when its first process does: when it is
stopped, and when the tests are killed, whichever way.
"""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

NAMESPACES = {"pid_for_children": 0x20000000, "mnt": 0x00020000, "uts": 0x04000000}

SET_UP = """
set -e
echo "$1" > /proc/sys/kernel/hostname
python=$2 init=$3
shift 3
while [ $# -gt 0 ]; do mount --bind "$1" "$2"; shift 2; done
exec "$python" -S -E -c "$init"
"""

# The first process of the host: ends when the other end of its stdin is gone; orphans leave it nothing to collect.
INIT = """
import os, signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.write(1, b"up\\n")
os.read(0, 1)
"""


class Host:
    """A computer, as far as processes can tell."""

    def __init__(self, name: str, mounts: Mapping[str, str] = MappingProxyType({})) -> None:
        """Start it.

        mounts: what lies on it, as this path (the key), as seen from us; else it sees the files that we see.
        """
        self.name = name
        self._started: list[subprocess.Popen[bytes]] = []
        command = ["unshare", "--pid", "--fork", "--uts", "--mount-proc", "--kill-child", "sh", "-c", SET_UP, "sh"]
        self._first = subprocess.Popen(
            [*command, name, sys.executable, INIT, *(word for path, seen in mounts.items() for word in (seen, path))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C is for the tests, which then stop it
        )
        if self._first.stdout.readline() != b"up\n":
            raise OSError(f"no host {name}: {self._first.communicate()[1].decode().strip()}")
        with open(f"/proc/{self._first.pid}/task/{self._first.pid}/children") as file:
            self.init = int(file.read())
        self._namespaces = {kind: self._open(self.init, kind) for kind in NAMESPACES}

    @staticmethod
    def _open(pid: int | str, kind: str) -> int:
        return os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)

    def _enter(self, kind: str, namespace: int) -> None:
        if ctypes.CDLL(None, use_errno=True).setns(namespace, NAMESPACES[kind]):
            raise OSError(ctypes.get_errno(), f"setns: {self.name}, {kind}")

    @contextmanager
    def entered(self, options: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """What is started by Popen within this block, with the options that it gives, runs on this host.

        Its PID is the one that it has on our side.
        """
        before, directory = options.get("preexec_fn", lambda: None), os.path.abspath(options.get("cwd") or ".")

        def move() -> None:
            for kind in ("uts", "mnt"):
                self._enter(kind, self._namespaces[kind])
            os.chdir(directory)  # a namespace of mounts is entered at its root
            before()

        own = self._open("self", "pid")
        try:
            self._enter("pid_for_children", self._namespaces["pid_for_children"])
            yield {**options, "preexec_fn": move}
        finally:
            self._enter("pid_for_children", own)
            os.close(own)

    def start(self, command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start a command on it."""
        with self.entered(options) as here:
            self._started.append(subprocess.Popen(command, **here))
        return self._started[-1]

    def pids(self) -> dict[int, int]:
        """The PIDs on our side of all processes of this host, by those they have there."""
        found = {}
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/status") as file:
                    numbers = re.search(r"^NSpid:((?:\t\d+)+)", file.read(), re.M)
                if os.readlink(f"/proc/{name}/ns/pid") == os.readlink(f"/proc/{self.init}/ns/pid"):
                    found[int(numbers[1].split()[-1])] = int(name)
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                pass  # it is gone, or not ours to look at
        return found

    def stop(self) -> None:
        """Cut its power: returns when nothing runs there any more."""
        self._first.stdin.close()
        for process in self._started:  # the first process is not gone before they are collected
            process.wait()
        self._first.wait()
        for stream in (self._first.stdout, self._first.stderr):
            stream.close()
        for namespace in self._namespaces.values():
            os.close(namespace)
        self._namespaces = {}
