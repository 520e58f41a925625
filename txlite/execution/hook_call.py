"""One call of a hook: what it is told, and how its command is run, bounded, to the end of its tree.

What happened stands in its environment (TXLITE_EVENT, TXLITE_MESSAGE, ...) and, as one JSON object, on its stdin, which
is a file: whether it reads that is its own affair. Of what it writes the last line is kept, in case it fails. Its
processes are found as an attempt's are, by session, parenthood and a mark, which is that of no attempt. Used by
`hook_teller`.
"""

from __future__ import annotations

import json
import os
import re
import sys

from .. import text
from ..agents.environment import Invocation
from ..model import CANCELLED, DONE, FAILED, TIMEOUT
from ..system.named_tuple import NamedTuple
from .executor import Limits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..store.attempts import Result
    from ..store.history import Event
    from .executor import RunningProcess
    from .executors.local import LocalExecutor

FINISH, FAILURE, IDLE = "finish", "failure", "idle"  # the kinds of hooks
KINDS = (FINISH, FAILURE, IDLE)
END, NOW = b"end", b"now"  # what who tells them is told: tell the rest, and leave; leave at once
ENDS = (DONE, FAILED, CANCELLED)  # to which tasks come
LIMITS = Limits(timeout=30.0, kill_after=2.0)
NO_ATTEMPT = 0  # whose mark its processes carry
KEPT = 4096  # bytes of what it wrote
LONGEST = 1000  # columns of a title, or a message, in the environment
OUR_ATTEMPTS = ("TXLITE_TOKEN", "TXLITE_ATTEMPT", "TXLITE_DIRECTORY")  # what the run's own environment may have
TERMINAL = re.compile(r"/dev/tty\b")


class HookCommands(NamedTuple):
    """What is to be told, by kind; None: nothing is. terminal: a path, of the terminal of who asked for it."""

    finish: str | None = None
    failure: str | None = None
    idle: str | None = None
    terminal: str = os.devnull

    def of(self, kind: str) -> str | None:
        """Return the command of one kind."""
        return {FINISH: self.finish, FAILURE: self.failure, IDLE: self.idle}[kind]


class HookCall(NamedTuple):
    """What one call tells: the tasks that ended, or how many did."""

    kind: str
    home: str
    run: str | None  # id of the supervisor
    counts: Mapping[str, int]  # of tasks that ended, by status
    tasks: Sequence[Event] = ()  # their ends; of idle none
    left: int | None = None  # of idle: tasks that have not ended

    @property
    def message(self) -> str:
        """Return it in words, on one line."""
        words = ", ".join(f"{self.counts[state]:,} {state}" for state in ENDS if self.counts.get(state))
        if self.kind == IDLE:
            left = f", {self.left:,} left" if self.left else ""
            return (
                f"{'nothing runs any more' if self.left else 'nothing is left to do'}: {words or 'nothing ended'}{left}"
            )
        if len(self.tasks) > 1:
            return f"{len(self.tasks):,} tasks ended: {words}"
        one = self.tasks[0]
        how = f" (exit {one.exit_code})" if one.exit_code else f" ({one.note})" if one.note else ""
        return text.shorten(f"{one.to_status}: {one.title or one.task}{how}", LONGEST)

    def to_json(self) -> bytes:
        """Return it as one JSON object."""
        facts = {"event": self.kind, "home": self.home, "run": self.run, "message": self.message}
        found: dict[str, object] = {**facts, "counts": dict(self.counts)}
        if self.kind == IDLE:
            found["left"] = self.left
        else:
            found["tasks"] = [one.to_object() for one in self.tasks]
        return json.dumps(found, ensure_ascii=False).encode("utf-8", "replace")

    def environment(self, terminal: str) -> dict[bytes, bytes]:
        """Return what its command gets, on top of what we have; of several tasks the last one."""
        found = {
            "TXLITE_HOME": self.home,
            "TXLITE_EVENT": self.kind,
            "TXLITE_MESSAGE": self.message,
            "TXLITE_RUN": self.run,
            "TXLITE_TTY": terminal,
            "TXLITE_COUNT": sum(self.counts.values()),
            "TXLITE_LEFT": self.left,
            **{f"TXLITE_{state.upper()}": self.counts.get(state, 0) for state in ENDS},
            **(self._describe_last() if self.tasks else {}),
        }
        environment = {name: value for name, value in os.environb.items() if os.fsdecode(name) not in OUR_ATTEMPTS}
        for name, value in found.items():
            if value is not None:
                environment[name.encode()] = str(value).encode("utf-8", "surrogateescape")
        return environment

    def _describe_last(self) -> dict[str, object]:
        one = self.tasks[-1]
        return {
            "TXLITE_TASK": one.task,
            "TXLITE_TITLE": text.shorten(one.title or "", LONGEST),
            "TXLITE_STATUS": one.to_status,
            "TXLITE_OUTCOME": one.outcome or "",
            "TXLITE_EXIT_CODE": "" if one.exit_code is None else one.exit_code,
            "TXLITE_REPORT": os.path.join(self.home, one.report) if one.report else "",
        }


def is_end(event: Event) -> bool:
    """Whether a task came to its end with this change."""
    return event.to_status in ENDS and event.from_status != event.to_status


def say_on_stderr(words: str) -> None:
    """Print a line on stderr, where no run shows it."""
    try:
        print(f"txlite: {text.printable(words)}", file=sys.stderr, flush=True)
    except OSError:
        pass  # nobody is left to tell


class HookOutput:
    """The end of what a hook wrote."""

    def __init__(self) -> None:
        self._data = b""

    def write(self, data: bytes) -> None:
        """Keep the end of it."""
        self._data = (self._data + data)[-KEPT:]

    @property
    def last_line(self) -> str:
        """Return the last line that says something."""
        return "".join(text.last_lines(self._data.decode("utf-8", "replace"), 1)).strip()


def start_call(local: LocalExecutor, command: str, call: HookCall, terminal: str, output: HookOutput) -> RunningProcess:
    """Start a hook's command for one call. Raises CannotStart, NoRoomToStart."""
    invocation = Invocation(["/bin/sh", "-c", command], call.to_json(), call.environment(terminal))
    return local.start(invocation, None, output, NO_ATTEMPT, LIMITS)


def describe_failure(kind: str, command: str, result: Result, output: HookOutput) -> str | None:
    """Return what went wrong with a call, on one line; None where nothing did."""
    if result.outcome == DONE:
        return None
    if result.outcome == TIMEOUT:
        how = f"was ended after {LIMITS.timeout:g} s"
    else:
        how = f"failed ({result.note or f'exit {result.exit_code}'})"
    words = f"the hook on_{kind} {how}"
    if output.last_line:
        words += f": {text.shorten(output.last_line, 300)}"
    if TERMINAL.search(command):
        words += '; it has no /dev/tty: "$TXLITE_TTY" is the terminal'
    return words
