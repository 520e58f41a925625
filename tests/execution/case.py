"""What tests of execution share: a guarded process; for those of `launch` stand-ins for the agents, and a word for each
thing done to what was launched."""

from __future__ import annotations

import os
import resource
import select
import signal
from typing import Any
from unittest import mock

from txlite.agents.environment import Invocation
from txlite.execution.executor import Limits
from txlite.execution.executors.local import LocalExecutor
from txlite.execution.guarded_process import GuardedProcess
from txlite.store.attempts import Result
from txlite.system import child, process, process_tree

from ..case import Case, is_running, wait_until

HOME = "abcdef0" + "0" * 29


class Output:
    """What it wrote."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data


class GuardedCase(Case):
    """A test that starts a process of an attempt, and is its owner."""

    is_subreaper = False

    def setUp(self) -> None:
        super().setUp()
        limits = resource.getrlimit(resource.RLIMIT_RTTIME)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_RTTIME, limits)
        self.output = Output()
        self.signals: list[int] = []  # those that its owner was sent
        self.attempt = os.getpid()  # not that of tests beside us
        # A worker has no children but those of its attempt; we may have, such as what starts commands for other tests.
        others = frozenset(one.pid for one in process.table().values() if one.parent == os.getpid())
        known = child.uncollected
        for patch in (
            mock.patch.object(child, "uncollected", lambda: known() | others),
            mock.patch.object(process_tree, "KILL_PATIENCE", 60.0),  # a machine can be busy for longer than it has
        ):
            patch.start()
            self.addCleanup(patch.stop)

    def begin(self, script: str, **limits: Any) -> GuardedProcess:
        executor = LocalExecutor(HOME, tuple, self.is_subreaper, self.signals)
        invocation = Invocation(["/bin/sh", "-c", script], None, {})
        guarded = executor.start(invocation, self.directory, self.output, self.attempt, Limits(**limits))
        self.addCleanup(self.kill, guarded)
        return guarded

    def kill(self, guarded: GuardedProcess) -> None:
        if guarded._child.returncode is None:
            os.kill(guarded._child.pid, signal.SIGKILL)
            wait_until(lambda: guarded._child.poll() is not None, "its end")

    def turn(self, guarded: GuardedProcess) -> Result | None:
        """Turn its owner's loop once; how it ended, if it did."""
        patience = 0.1 if guarded.patience is None else min(guarded.patience, 0.1)
        guarded.advance(select.select(guarded.descriptors, [], [], patience)[0])
        return guarded.result

    def end(self, guarded: GuardedProcess) -> Result:
        """Turn that loop until it is over."""
        result: Result = wait_until(lambda: self.turn(guarded), "its end")
        return result


# Records its argv and stdin, says hello, and does what the test asks for.
AGENT = """#!/bin/sh
n=$(mktemp -p "$CALLS")
for word; do printf '%s\\n' "$word"; done > "$n.argv"
{ case "$*" in *--input-format*) head -n 1 ;; *) cat ;; esac; } > "$n.stdin"
echo "hello from $$"
eval "${THEN:-true}"
"""


class LaunchCase(Case):
    """A test with a stand-in `codex` on PATH, and `claude` as another name of it."""

    def setUp(self) -> None:
        super().setUp()
        os.mkdir(self.path("path"))
        os.mkdir(self.path("calls"))
        for name in ("codex", "claude"):
            with open(self.path(f"path/{name}"), "w") as file:
                file.write(AGENT)
            os.chmod(self.path(f"path/{name}"), 0o755)
        self.environment.update(PATH=self.path("path") + ":" + self.environment["PATH"], CALLS=self.path("calls"))
        self.addCleanup(self.stop_all)

    def stop_all(self) -> None:
        if os.path.exists(self.home):
            self.start("stop", "--all").wait(60)

    def launch(self, *arguments: str, then: str = "true", **options: Any) -> dict[str, Any]:
        """Launch; the object that `--json` printed."""
        self.environment["THEN"] = then
        return self.json("launch", *arguments, **options)

    def one(self, launched: dict[str, Any]) -> dict[str, Any]:
        """Its object in `status`."""
        return next(row for row in self.json("status") if row["attempt"] == launched["attempt"])

    def kill(self, launched: dict[str, Any]) -> None:
        """Kill its worker; returns when that is dead, and so is a fork of it that had not become its agent yet: that
        holds its lock, and who looks then leaves it to others."""
        import txlite
        from txlite.system.liveness import is_held

        with txlite.open(self.home, read_only=True) as store:
            found = store.attempt_statuses.get(launched["attempt"])
            assert found
            lock = store.lock_path(found.worker)
        kill(launched["pid"])
        wait_until(lambda: not is_held(lock), "its lock to be free")

    def wait_for_states(self, *states: str) -> None:
        """Wait until all that was launched, the newest first, is in these states."""
        wait_until(lambda: [row["status"] for row in self.json("status")] == list(states), " ".join(states))

    def wait_for(self, launched: dict[str, Any], code: int = 0) -> dict[str, Any]:
        self.txlite("wait", launched["id"], code=code)
        return self.one(launched)

    def calls(self, kind: str) -> list[str]:
        names = sorted(name for name in os.listdir(self.path("calls")) if name.endswith(kind))
        return [self.read(f"calls/{name}") for name in names]


def kill(*pids: int) -> None:
    """Kill processes; returns when they are dead, as they may not be when the signal is sent, and hold no lock."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(map(is_running, pids)), "their death")


def limit_files() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (1_400_000, 1_400_000))


def tree_of(launched: dict[str, Any], home: str) -> list[int]:
    """The PIDs that carry the mark of an attempt."""
    import txlite

    with txlite.open(home, read_only=True) as store:
        uuid = store.uuid
    return [pid for pid in process.table() if process_tree.is_marked(pid, uuid, launched["attempt"])]
