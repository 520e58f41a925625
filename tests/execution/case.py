"""What the tests of `launch` share: stand-ins for the agents, and a word for each thing done to what was launched."""

from __future__ import annotations

import os
import signal
from typing import Any

from ..case import Case, is_running, wait_until

# Records its argv and stdin, says hello, and does what the test asks for.
AGENT = """#!/bin/sh
n=$(mktemp -p "$CALLS")
for word; do printf '%s\\n' "$word"; done > "$n.argv"
cat > "$n.stdin"
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
        """Kill its worker; returns when that is dead."""
        os.kill(launched["pid"], signal.SIGKILL)
        wait_until(lambda: not is_running(launched["pid"]), "its death")

    def wait_for_states(self, *states: str) -> None:
        """Wait until all that was launched, the newest first, is in these states."""
        wait_until(lambda: [row["status"] for row in self.json("status")] == list(states), " ".join(states))

    def wait_for(self, launched: dict[str, Any], code: int = 0) -> dict[str, Any]:
        self.txlite("wait", launched["id"], code=code)
        return self.one(launched)

    def calls(self, kind: str) -> list[str]:
        names = sorted(name for name in os.listdir(self.path("calls")) if name.endswith(kind))
        return [self.read(f"calls/{name}") for name in names]


def limit_files() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (1_400_000, 1_400_000))


def tree_of(launched: dict[str, Any], home: str) -> list[int]:
    """The PIDs that carry the mark of an attempt."""
    import txlite
    from txlite.system import process, process_tree

    with txlite.open(home, read_only=True) as store:
        uuid = store.uuid
    return [pid for pid in process.table() if process_tree.is_marked(pid, uuid, launched["attempt"])]
