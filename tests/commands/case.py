"""What the tests of the launcher's scripts share: a project with a copy of txlite/ and bin/, a stand-in for `codex`."""

from __future__ import annotations

import functools
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from ..case import ROOT, Case, running, share, wait_until
from ..endings import make_directory

FINAL = re.compile(r"\d{8}_\d{6}_(\d+)(-\d+)?_codex_task\.md")


LEVEL = re.compile(r"model_reasoning_effort=(\w+)")


# Records argv, directory and stdin of each call in a directory of its own; then does what CODEX_DOES says, which may
# use `number` (of calls so far), `wait_for FILE` and `meet N` (until there were so many calls).
CODEX = r"""#!/bin/sh
calls=${0%/*}/calls
call=$calls/$$
mkdir "$call" || exit 70
trap ': > "$call/ended"' EXIT
printf '%s\0' "$@" > "$call/argv"
pwd > "$call/directory"
cat > "$call/stdin"
: > "$call/heard"
set -- "$calls"/*
number=$#
wait_for() { until [ -e "$1" ] || [ ! -d "$call" ]; do sleep 0.05; done; }
count() { set -- "$calls"/*/heard; echo $#; }
meet() { until [ "$(count)" -ge "$1" ] || [ ! -d "$call" ]; do sleep 0.05; done; }
echo "call $number begins"
echo "call $number complains" >&2
eval "${CODEX_DOES:-}"
echo "call $number ends"
"""


class Call(NamedTuple):
    """One call of the stand-in; times in nanoseconds."""

    argv: list
    directory: str
    stdin: bytes
    began: int
    ended: int  # or 0

    @property
    def level(self) -> str:
        return LEVEL.search(" ".join(self.argv))[1]

    @property
    def text(self) -> str:
        """The task: what comes before the template."""
        return self.stdin.rpartition(b"\n\n# ")[0].decode()


def install(directory: str, copy_function: Callable[..., Any] = os.link) -> None:
    """A copy of txlite/ and bin/ in `directory`; of links, which is quicker and looks the same."""
    shutil.copytree(own_copy(), directory, copy_function=copy_function)


@functools.cache
def own_copy() -> str:
    """One of this process's own: what it changes is changed for it alone."""
    return shutil.copytree(share("copy", _make_copy), make_directory("txlite-copy-"), dirs_exist_ok=True)


def _make_copy(directory: str) -> None:
    """Compiled once: what is copied from it stays compiled."""
    package = os.path.join(directory, "txlite")
    shutil.copytree(os.path.join(ROOT, "txlite"), package, ignore=shutil.ignore_patterns("__pycache__"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    subprocess.run([sys.executable, "-m", "compileall", "-q", package], env=environment, check=True)
    shutil.copytree(os.path.join(ROOT, "bin"), os.path.join(directory, "bin"))


def install_codex(directory: str) -> None:
    """The stand-in in `directory`, which is to be put on PATH, and a Python for which nothing is installed."""
    os.makedirs(os.path.join(directory, "calls"))
    python = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -S "$@"\n'
    for name, content in (("codex", CODEX), ("python", python)):
        path = os.path.join(directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        os.chmod(path, 0o755)


def read_calls(directory: str) -> list[Call]:
    """The calls of the stand-in in `directory` that have read their stdin, in the order of their beginnings."""
    calls = os.path.join(directory, "calls")
    found = [os.path.join(calls, name) for name in os.listdir(calls)]
    return sorted((_read_call(path) for path in found if os.path.exists(path + "/heard")), key=lambda call: call.began)


def _read_call(path: str) -> Call:
    parts = {}
    for name in ("argv", "directory", "stdin"):
        with open(os.path.join(path, name), "rb") as file:
            parts[name] = file.read()
    began, ended = (
        os.stat(os.path.join(path, name)).st_mtime_ns if os.path.exists(os.path.join(path, name)) else 0
        for name in ("argv", "ended")
    )
    argv = parts["argv"].decode().split("\0")[:-1]
    return Call(argv, parts["directory"].decode().rstrip("\n"), parts["stdin"], began, ended)


def most_at_once(calls: list[Call]) -> int:
    """How many calls there were at the same time, at most."""
    events = sorted([(call.began, 1) for call in calls] + [(call.ended, -1) for call in calls])
    counts = [0]
    for _, step in events:
        counts.append(counts[-1] + step)
    return max(counts)


def hear_interrupts() -> None:
    """As in a terminal: in the background of a script they are ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class CrewCase(Case):
    """A project with a copy in .crew, and scripts that are run in it."""

    def setUp(self) -> None:
        super().setUp()
        self.home = self.path(".crew")
        self.stand = self.path("stand")
        install(self.home)
        install_codex(self.stand)
        for name in ("PYTHONPATH", "PYTHONPYCACHEPREFIX"):
            del self.environment[name]
        self.environment.update(
            PATH=self.stand + os.pathsep + os.environ["PATH"],
            TXLITE_PYTHON=os.path.join(self.stand, "python"),
            LAUNCH="./.crew/bin/codex-worker-launcher.sh",
        )
        self.addCleanup(self.wait_for_quiet)

    def wait_for_quiet(self) -> None:
        self.open_gate()
        places = [self.home, self.path("kit"), os.path.join(self.stand, "codex")]
        wait_until(lambda: not any(map(running, places)), "the last process of txlite and of codex to leave")

    def begin(self, script: str, *words: str, does: str = "", **options: Any) -> subprocess.Popen[bytes]:
        """Start a script; codex does as it is told."""
        options = {"cwd": self.directory, "stdin": subprocess.DEVNULL, **options}
        environment = {**options.pop("env", self.environment), "CODEX_DOES": does}
        pipe = subprocess.PIPE
        command = ["bash", "-c", script, "bash", *words]
        process = subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, **options)
        self.addCleanup(self._end, process)
        return process

    def sh(self, script: str, *words: str, code: int = 0, stdin: bytes = b"", **options: Any) -> str:
        """Run a script to its end; its stdout."""
        process = self.begin(script, *words, stdin=subprocess.PIPE, **options)
        out, error = process.communicate(stdin, timeout=300)
        self.errors = error.decode()
        self.assertEqual(process.returncode, code, f"{script}: {out.decode()}{self.errors}")
        self.assertNotIn("Traceback", self.errors)
        return out.decode()

    def run_bin(self, name: str, *words: str, **options: Any) -> str:
        """Run one of bin/ as a user types it."""
        return self.sh(f'./.crew/bin/{name} "$@"', *words, **options)

    def open_gate(self) -> None:
        with open(self.path("go"), "w"):
            pass

    def calls(self) -> list[Call]:
        return read_calls(self.stand)

    def texts(self) -> list[str]:
        return [call.text for call in self.calls()]

    def names(self, type: str = "workers") -> list[str]:
        """The names of the reports of one type, finished or not."""
        directory = os.path.join(self.home, type)
        return sorted(os.listdir(directory)) if os.path.isdir(directory) else []

    def pids(self, type: str = "workers") -> list[int]:
        """The PIDs in their final names; all have one."""
        found = [FINAL.fullmatch(name) for name in self.names(type)]
        self.assertNotIn(None, found, self.names(type))
        return [int(match[1]) for match in found]

    def told_pids(self, out: str) -> list[int]:
        """The PIDs that the launcher printed."""
        return sorted(int(pid) for pid in re.findall(r"^PID: (\d+)$", out, re.M))
