"""Standard input and output as lines: bounded, and without anything that is no message.

    read   lines as they come; of one that is too long only that there was one, and none of it is kept
    send   a message whole; a client that has gone, or does not read for a minute, ends the wire

From the moment on that a wire is made, what any other code prints goes to stderr. Made once, by the command `mcp`.
"""

from __future__ import annotations

import json
import os
import select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LONGEST = 1 << 20  # bytes of a message
PART = 1 << 16  # bytes that are read at a time
PATIENCE = 60.0  # seconds for a client to read on


class Wire:
    """The two ends of a client's pipe."""

    def __init__(self) -> None:
        self._has_ended = False  # the input
        self._is_lost = False  # nobody reads the output
        self._in = 0
        self._out = os.dup(1)
        os.dup2(2, 1)
        self._rest = b""  # of a line whose end has not come
        self._is_skipping = False  # the rest of a line that is too long

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes, or nobody reads any more."""
        return self._has_ended or self._is_lost

    def read(self, seconds: float | None) -> list[bytes | None]:
        """Return the lines that came within so many seconds (None: whenever one comes); None stands for one that is
        too long."""
        poll = select.poll()
        poll.register(self._in, select.POLLIN)
        if not poll.poll(None if seconds is None else seconds * 1000):
            return []
        try:
            data = os.read(self._in, PART)
        except OSError:
            data = b""  # a terminal that has gone
        if data:
            return self._cut(data)
        self._has_ended = True
        return [self._rest] if self._rest else []

    def _cut(self, data: bytes) -> list[bytes | None]:
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        if self._is_skipping:
            if not lines:
                self._rest = b""
                return []
            del lines[0]
            self._is_skipping = False
        found = [line if len(line) <= LONGEST else None for line in lines]
        if len(self._rest) > LONGEST:
            self._rest, self._is_skipping = b"", True
            found.append(None)
        return found

    def send(self, message: Mapping[str, object] | Sequence[Mapping[str, object]]) -> None:
        """Write a message, in ASCII; one that the client does not take is lost with it."""
        data = json.dumps(message, separators=(",", ":"), allow_nan=False, default=str).encode() + b"\n"
        poll = select.poll()
        poll.register(self._out, select.POLLOUT)
        while data and not self._is_lost:
            if not poll.poll(PATIENCE * 1000):
                self._is_lost = True
                return
            try:  # a pipe that is writable takes so much without blocking
                data = data[os.write(self._out, data[: select.PIPE_BUF]) :]
            except BlockingIOError:
                pass
            except OSError:
                self._is_lost = True
