"""The verbs that keys stand for, each run as a process of its own, as if it had been typed.

So a verb that takes long holds nothing up, what it answers is what it answers anywhere, and what it does goes on though
the screen is left. One after the other, in their order.
"""

from __future__ import annotations

import os
from collections import deque

from ...home.installation import call_words
from ...system.named_tuple import NamedTuple
from ...text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess

MOST = 1 << 16  # bytes of an answer


class Errand(NamedTuple):
    """A verb with its words."""

    words: tuple[str, ...]
    done: str  # what is said when it was done


class Reply(NamedTuple):
    """What came of an errand."""

    words: str
    is_error: bool


class Errands:
    """Those that are to be done in one home."""

    def __init__(self, home: str) -> None:
        self._home = home
        self._waiting: deque[Errand] = deque()
        self._current: Errand | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._said = b""

    @property
    def descriptor(self) -> int:
        """What becomes readable when `step` has something to do; -1 while nothing is done."""
        return self._process.stdout.fileno() if self._process and self._process.stdout else -1

    def order(self, errand: Errand) -> None:
        """Have it done, after those before it; of `scale` only the last counts that has not begun."""
        waiting = [one for one in self._waiting if one.words[0] != errand.words[0] or errand.words[0] != "scale"]
        self._waiting = deque([*waiting, errand])
        self._begin()

    def step(self) -> Reply | None:
        """Hear what the present one says; what came of it, once it is over."""
        process, errand = self._process, self._current
        if not process or not errand or not process.stdout:
            return None
        part = os.read(process.stdout.fileno(), MOST)
        self._said = (self._said + part)[:MOST]
        if part:
            return None
        process.stdout.close()
        code, said = process.wait(), self._said.decode(errors="replace").splitlines()
        self._process = self._current = None
        self._begin()
        return _judge(errand, code, said)

    def _begin(self) -> None:
        if self._process or not self._waiting:
            return
        import subprocess

        self._current, self._said = self._waiting.popleft(), b""
        verb, *rest = self._current.words
        self._process = subprocess.Popen(
            [*call_words(), verb, "--home", self._home, *rest],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C and Ctrl-Z are meant for the screen
        )


def _judge(errand: Errand, code: int, said: list[str]) -> Reply:
    if code == 0:
        return Reply(errand.done or printable((said or ["done"])[-1]), False)
    why = [line for line in said if line.startswith("txlite: ")] or said or [f"exit {code}"]
    return Reply(printable(why[-1].partition("txlite: ")[2] or why[-1]), True)
