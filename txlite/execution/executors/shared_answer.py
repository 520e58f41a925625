"""The last answer of squeue in a home, for all processes there that wait for jobs: who needs one takes another's, if it
was asked for since its own last.

So several workers of a loop ask Slurm hardly more often than one. Used by `slurm_cluster`.
"""

from __future__ import annotations

import json
import os

from ...system import clock
from .slurm_command import Answer
from .ticket import DIRECTORY

NAME = ".squeue"  # beside the tickets


class SharedAnswer:
    """The answer that lies in one home."""

    def __init__(self, home: str, of: str) -> None:
        """home: its directory; of: what was asked for."""
        self._path = os.path.join(home, DIRECTORY, f"{NAME}-{of}")
        self._seen = clock.monotonic()  # when that was asked for which was read or written last

    def write(self, answer: Answer) -> None:
        """Let others have an answer."""
        self._seen = answer.asked
        draft = f"{self._path}.{os.getpid()}"
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as file:
                json.dump([clock.boot(), answer.asked, answer.output], file)
            os.rename(draft, self._path)
        except OSError:
            pass  # a full disk: then each asks for itself

    def read(self) -> Answer | None:
        """Return another's answer that is newer than all that was read or written here."""
        try:
            with open(self._path) as file:
                boot, asked, output = json.load(file)
        except (OSError, ValueError):
            return None
        if boot != clock.boot() or asked <= self._seen:
            return None
        self._seen = asked
        return Answer(0, output, asked)
