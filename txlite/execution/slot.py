"""A place for one worker, and the worker in it: started, told, heard and buried for its supervisor.

Its process and the channel to it are `worker_process`'s. Used by `slots` and `supervisor`.
"""

from __future__ import annotations

from ..system import clock
from .stop_policy import LEAVE, NONE
from .worker_process import start_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .worker_context import WorkerSettings
    from .worker_process import Body, WorkerProcess

DEATHS = 12  # a worker that died this often without ending an attempt is not started again
LONGEST_BACKOFF = 10.0  # seconds


class Slot:
    """A place for one worker. `deaths`: in a row, without an attempt ended in between; `start_at`: not before this
    monotonic time; `is_leaving`: its worker was told to; `worker`: its id, of the last one; `hold`: what that one waits
    for before it may begin anything."""

    def __init__(self) -> None:
        self.deaths = 0
        self.start_at = 0.0
        self.is_leaving = False
        self.worker = ""
        self.hold = ""
        self._process: WorkerProcess | None = None

    @property
    def is_taken(self) -> bool:
        """Whether a worker is in it."""
        return self._process is not None

    @property
    def is_working(self) -> bool:
        """Whether a worker is in it that was not told to leave."""
        return self._process is not None and not self.is_leaving

    @property
    def is_hopeless(self) -> bool:
        """Whether it is empty, and no worker will be started in it again."""
        return self._process is None and self.deaths >= DEATHS

    @property
    def is_due(self) -> bool:
        """Whether it is empty, and a worker is to be started in it now."""
        return not self.is_taken and not self.is_hopeless and clock.monotonic() >= self.start_at

    @property
    def pid(self) -> int | None:
        """The PID of its worker."""
        return self._process.pid if self._process else None

    @property
    def descriptor(self) -> int:
        """What to wait for: its worker's words, and its death; -1 for none."""
        return self._process.channel.descriptor if self._process else -1

    def start(self, body: Body, settings: WorkerSettings) -> None:
        """Start a worker whose process runs `body`. Raises OSError where no process is to be had."""
        self._process = start_process(body, settings)
        self.worker = settings.id

    def tell(self, stage: int) -> None:
        """Order its worker to come to this stage; LEAVE only once."""
        if self._process and not (self.is_leaving and stage == LEAVE):
            self.is_leaving = True
            self._process.channel.send(b"%d" % stage)  # where it is not to be had, it is going already

    def answer(self) -> None:
        """Let its worker go on, which has asked; unless it was ordered something else before."""
        if self._process:
            self._process.channel.send(b"%d" % NONE)

    def hear(self) -> list[bytes]:
        """Return all that its worker has said. Raises EOFError where that was all, because it has died."""
        return self._process.channel.receive() if self._process else []

    def bury(self) -> bool:
        """Empty the place of a worker that has died, told to or not; where it was not, the next one starts later each
        time. Return whether it signed off before."""
        assert self._process
        has_signed_off = self._process.join() == 0
        self.let_go()
        self._process = None
        self.hold = ""
        if self.is_leaving:
            self.is_leaving = False
        else:
            self.deaths += 1
            self.start_at = clock.monotonic() + (min(0.1 * 2**self.deaths, LONGEST_BACKOFF) if self.deaths > 1 else 0.0)
        return has_signed_off

    def let_go(self) -> None:
        """Close the channel: a worker that lives finishes what it runs, and leaves."""
        if self._process:
            self._process.channel.close()
