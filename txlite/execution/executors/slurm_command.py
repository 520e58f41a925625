"""A command of Slurm's, run beside other work: its answer is waited for in somebody's loop, and never longer than a
deadline.

Slurm's controller answers within milliseconds, or not at all for a while: then its commands try for nine seconds and
more. Used by `slurm_cluster` and
`slurm_submissions`.
"""

from __future__ import annotations

import os
import re
import signal

from ...system import child, clock, process
from ...system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

DEADLINE = 120.0  # seconds
COLLECT = 0.003  # seconds until a process is collected whose output has ended
LATE = -1  # exit code of one that was killed
# What the environment would change in what the commands do and print (squeue(1), sbatch(1), scancel(1)).
_CHANGING = re.compile(
    rb"SQUEUE_.*|SCANCEL_.*|SALLOC_.*|SLURM_(?!CONF$|CLUSTERS$).*|SLURMD_.*"
    rb"|SBATCH_(ARRAY_INX|WAIT|REQUEUE|NO_REQUEUE|JOB_NAME|OPEN_MODE|TEST_ONLY|WAIT_ALL_NODES)"
)

_BEFORE = re.compile(r"^\w+: (error: )?(Batch job submission failed: |allocation failure: )?")  # what tells nothing


class Answer(NamedTuple):
    """What a command said."""

    code: int
    output: str  # and its errors, as they came
    asked: float  # monotonic time at which it was started

    @property
    def reason(self) -> str:
        """Return its words, in one line."""
        lines = [_BEFORE.sub("", line.strip()) for line in self.output.splitlines()]
        words = "; ".join(dict.fromkeys(filter(None, lines)))
        return words[:300] or f"exit {self.code}"


class SlurmCommand:
    """A command that was started. `answer`: None until it has ended."""

    def __init__(
        self,
        argv: list[str],
        environment: Mapping[bytes, bytes],
        then: Callable[[Answer], object],
        stdin: bytes | None = None,
        deadline: float = DEADLINE,
    ) -> None:
        """then: called with its answer. stdin: fits into a pipe. deadline: seconds. Raises OSError where it cannot be
        started."""
        self.answer: Answer | None = None
        self._then = then
        self._asked = clock.monotonic()
        self._deadline = self._asked + deadline
        self._output = b""
        self._pipe, writing = os.pipe()
        source = -1
        try:
            os.set_blocking(self._pipe, False)
            source = -1 if stdin is None else _fill_pipe(stdin)
            self._child = child.start(argv, None, environment, None if source < 0 else source, writing)
        except (OSError, ValueError):
            os.close(self._pipe)
            raise
        finally:
            os.close(writing)
            if source >= 0:
                os.close(source)

    @property
    def descriptors(self) -> list[int]:
        """Return what to wait for."""
        return [self._pipe] if self._pipe >= 0 else []

    @property
    def patience(self) -> float:
        """Return the seconds until `advance` must be called though nothing came."""
        return COLLECT if self._pipe < 0 else max(self._deadline - clock.monotonic(), 0.0)

    def advance(self, readable: Collection[int]) -> None:
        """Take what it says; call back when it has ended."""
        if self._pipe in readable:
            self._read()
        if clock.monotonic() >= self._deadline:
            self.kill()
        code = self._collect() if self._pipe < 0 else None
        if code is not None:
            output = self._output.decode("utf-8", "replace")
            self.answer = Answer(LATE if code < 0 else code, output, self._asked)
            self._then(self.answer)

    def kill(self) -> None:
        """Wait no longer for it."""
        seen = process.look(self._child.pid) if self._collect() is None else None
        if seen:
            process.send_signal(seen, signal.SIGKILL)

    def _collect(self) -> int | None:
        """Its exit code once it has ended; LATE where a subreaper has taken it for an orphan, and collected it."""
        try:
            return self._child.poll()
        except ChildProcessError:
            return LATE

    def _read(self) -> None:
        try:
            while True:
                part = os.read(self._pipe, 1 << 16)
                self._output += part
                if not part:
                    os.close(self._pipe)
                    self._pipe = -1
                    return
        except BlockingIOError:
            pass


class SlurmCommands:
    """The commands of one process that have not ended."""

    def __init__(self, fail: Callable[[str], None]) -> None:
        """fail: called where one cannot be started, with the reason."""
        self._fail = fail
        self._commands: list[SlurmCommand] = []

    @property
    def descriptors(self) -> list[int]:
        """Return what to wait for."""
        return [descriptor for command in self._commands for descriptor in command.descriptors]

    @property
    def patience(self) -> float:
        """Return the seconds until `advance` must be called though nothing came."""
        return min((command.patience for command in self._commands), default=DEADLINE)

    def run(
        self,
        argv: list[str],
        then: Callable[[Answer], object],
        environment: Mapping[bytes, bytes] | None = None,
        stdin: bytes | None = None,
    ) -> bool:
        """Start a command; return whether that could be done."""
        return self.start(argv, then, environment or plain(os.environb), stdin) is not None

    def start(
        self,
        argv: list[str],
        then: Callable[[Answer], object],
        environment: Mapping[bytes, bytes],
        stdin: bytes | None = None,
        deadline: float = DEADLINE,
    ) -> SlurmCommand | None:
        """Start a command; return it, None where that could not be done."""
        try:
            command = SlurmCommand(argv, environment, then, stdin, deadline)
        except (OSError, ValueError) as error:
            self._fail(f"{argv[0]}: {error.strerror if isinstance(error, OSError) else error}")
            return None
        self._commands.append(command)
        return command

    def advance(self, readable: Collection[int]) -> None:
        """Take what they say; those that have ended call back."""
        for command in self._commands[:]:
            command.advance(readable)
        self._commands = [command for command in self._commands if not command.answer]


def plain(environment: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Return an environment without what would change what Slurm's commands do."""
    return {name: value for name, value in environment.items() if not _CHANGING.fullmatch(name)}


def _fill_pipe(data: bytes) -> int:
    """A descriptor that gives these bytes, which fit into a pipe, and then end-of-file."""
    reading, writing = os.pipe()
    try:
        os.set_blocking(writing, False)
        if os.write(writing, data) < len(data):
            raise ValueError("the script of a job is too long")
    finally:
        os.close(writing)
    return reading
