"""When Slurm is asked about its jobs again: politely, and with patience where it does not answer.

One squeue serves all jobs of a process: every five seconds while something changes, then less often, up to a minute; at
once, and then a few times a second, where somebody waits for what becomes of a job. Where it fails it says nothing
about any job; it is asked again after pauses that grow, and a line tells of that once. Used by `slurm_cluster`.
"""

from __future__ import annotations

from ...system import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

USUAL, LONGEST, GROWTH = 5.0, 60.0, 1.5  # seconds between two; by which factor they grow
PRESSING, LONGEST_PRESSING = 0.2, 5.0  # where an answer is waited for
SILENT = 1.0  # seconds after a first failure


class Polling:
    """The times at which Slurm is asked."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """say: tells a person."""
        self._say = say
        self._pause = USUAL
        self._pressing_pause = PRESSING
        self._silence = 0.0  # the last pause after a failure; 0.0: it answers
        self._asked = clock.monotonic()  # the last time

    @property
    def is_silent(self) -> bool:
        """Whether it did not answer the last time."""
        return self._silence > 0.0

    def due(self, is_pressing: bool) -> float:
        """Return the monotonic time of the next question."""
        if self._silence:
            return self._asked + self._silence
        return self._asked + (min(self._pressing_pause, self._pause) if is_pressing else self._pause)

    def hurry(self) -> None:
        """Begin anew where an answer is waited for."""
        self._pressing_pause = PRESSING

    def note_change(self) -> None:
        """Ask more often again: something has changed."""
        self._pause = USUAL

    def ask(self) -> None:
        """Note that it is asked now."""
        self._asked = clock.monotonic()
        self._pause = min(self._pause * GROWTH, LONGEST)
        self._pressing_pause = min(self._pressing_pause * GROWTH, LONGEST_PRESSING)

    def succeed(self) -> None:
        """Note that it answered."""
        if self._silence:
            self._say("Slurm answers again")
        self._silence = 0.0

    def fail(self, words: str) -> None:
        """Note that it did not answer, or could not be asked."""
        if not self._silence:
            self._say(f"Slurm does not answer, and is waited for: {words}")
        self._asked = clock.monotonic()
        self._silence = min(self._silence * 2 or SILENT, LONGEST)
