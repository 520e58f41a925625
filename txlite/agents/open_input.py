"""The standard input of an agent that can be told more while it runs: it stays open, and takes a message a line.

The form is claude's (`--input-format stream-json`). It never blocks: what the pipe does not take waits for the next
call. That the agent is gone is no error; nothing is lost that it had not read, since those who say something keep it.
Made by `execution` for an attempt, and opened where its process is started.
"""

from __future__ import annotations

import json
import os

ROOM = 1 << 20  # bytes that the pipe takes at once, where the system allows that


class OpenInput:
    """What an agent reads; it ends when `close` was called and all was taken."""

    def __init__(self) -> None:
        self._said = b""  # all of it
        self._held = b""  # what was not taken yet
        self._pipe = -1
        self._is_closing = False

    @property
    def is_open(self) -> bool:
        """Return whether an agent reads it, and more may be said."""
        return self._pipe >= 0 and not self._is_closing

    def open(self) -> int:
        """Return the descriptor from which the agent is to read; the caller closes it. Raises OSError.

        Where it is called again, since the agent could not be started, all comes from the beginning.
        """
        if self._pipe >= 0:
            os.close(self._pipe)
        self._held = self._said
        reading, self._pipe = os.pipe()
        os.set_blocking(self._pipe, False)
        try:
            import fcntl

            fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, ROOM)  # type: ignore[attr-defined,unused-ignore]
        except (AttributeError, OSError):
            pass  # it takes less at a time
        self.flush()
        return reading

    def say(self, words: str) -> None:
        """Write a message."""
        content = [{"type": "text", "text": words}]
        message = {"type": "user", "message": {"role": "user", "content": content}}
        line = json.dumps(message).encode() + b"\n"
        self._said += line
        self._held += line
        self.flush()

    def flush(self) -> None:
        """Write what the agent takes now of what waits."""
        try:
            while self._held and self._pipe >= 0:
                self._held = self._held[os.write(self._pipe, self._held) :]
        except BlockingIOError:
            return
        except OSError:
            self._held = b""  # nobody reads it any more
        if self._is_closing:
            self.abandon()

    def close(self) -> None:
        """Have it end behind what waits."""
        self._is_closing = True
        self.flush()

    def abandon(self) -> None:
        """End it now: its process is gone, or was never started."""
        self._is_closing = True
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
