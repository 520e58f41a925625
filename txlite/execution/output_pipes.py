"""The pipes through which the output of one process comes: one for all of it, or one for stdout and one for stderr.

It never blocks, and takes what a pipe holds when its owner's loop has seen that there is something. Made by
`executors.local`, and read by `guarded_process`.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ..agents.results import Sink

CHUNK = 1 << 16  # bytes: what a pipe holds
LAST_CHUNKS = 64  # read after the end: no writer of ours is left, but one that is spared may go on for ever


class OutputPipes:
    """The pipes to these sinks. descriptors: to be waited for; writing: the other ends, for the process."""

    def __init__(self, sinks: Iterable[Sink]) -> None:
        """Raises OSError where no pipe is to be had."""
        self.writing: list[int] = []
        self._sinks: dict[int, Sink] = {}
        try:
            for sink in sinks:
                reading, writing = os.pipe()
                self._sinks[reading] = sink
                self.writing.append(writing)
                os.set_blocking(reading, False)
        except OSError:
            self.close_writing()
            self.close()
            raise

    @property
    def descriptors(self) -> list[int]:
        """Return the ends that are read: those that have not come to their end."""
        return list(self._sinks)

    def take(self, readable: Collection[int]) -> bool:
        """Pass on what those pipes hold that are readable; whether that was anything."""
        has_come = False
        for pipe in [pipe for pipe in self._sinks if pipe in readable]:
            has_come = self._read(pipe) or has_come
        return has_come

    def drain(self) -> None:
        """Pass on what is left, as the process is over, and close them."""
        for pipe in self.descriptors:
            for _ in range(LAST_CHUNKS):
                if not self._read(pipe):
                    break
        self.close()

    def close_writing(self) -> None:
        """Leave the other ends to the process alone."""
        for end in self.writing:
            os.close(end)
        self.writing = []

    def close(self) -> None:
        """Close the ends that are read."""
        for pipe in self.descriptors:
            os.close(pipe)
        self._sinks = {}

    def _read(self, pipe: int) -> bool:
        """Pass on what a pipe holds; False when there is no more for now."""
        try:
            data = os.read(pipe, CHUNK)
        except BlockingIOError:
            return False
        if data:
            self._sinks[pipe].write(data)
            return True
        os.close(pipe)
        del self._sinks[pipe]
        return False
