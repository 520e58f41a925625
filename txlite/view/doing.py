"""What an agent that is looked at has done so far, in one line: time, turns, tokens, money, files, and silence.

On a terminal it stands below the output that is followed, drawn anew in its place. Used by `logs`.
"""

from __future__ import annotations

import sys
import time

from .. import text
from ..agents.activity import Activity
from ..agents.agent import recall_agent
from ..reports import events
from ..system import clock
from .attempt_row import describe_silence
from .live_lines import LiveLine, LiveLines
from .terminal import say_aside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..store.attempt_status import AttemptStatus
    from ..store.store import Store

NAMED = 4  # files, the last ones
PAUSE = 0.5  # seconds between two drawings


class Doings:
    """What the agent of one attempt has done, as its events come. activity: None where it writes none."""

    def __init__(self, store: Store, attempt: AttemptStatus) -> None:
        self.activity = _make_activity(store, attempt)
        self._reader = events.EventReader(events.events_path(store.home, attempt.attempt)) if self.activity else None

    def read(self) -> Activity | None:
        """Take what has come, and return what was done so far."""
        if self._reader and self.activity:
            for data in self._reader.read_all():
                self.activity.write(data)
        return self.activity

    def close(self) -> None:
        """Let go of the events."""
        if self._reader:
            self._reader.close()


def _make_activity(store: Store, attempt: AttemptStatus) -> Activity | None:
    agent = recall_agent(attempt.agent, store.home)
    return Activity(agent) if agent and agent.results else None


def read_activity(store: Store, attempt: AttemptStatus) -> Activity | None:
    """Return what the agent of an attempt has done; None where it writes no events, or none are left."""
    activity = _make_activity(store, attempt)
    if activity is None or not events.has_events(store.home, attempt.attempt):
        return None
    try:
        for data in events.read_events(store.home, attempt.attempt):
            activity.write(data)
    except OSError:
        return None
    return activity


def describe_doings(activity: Activity | None, attempt: AttemptStatus) -> str:
    """Return what was done, in words that are safe for a terminal; "" where nothing is known."""
    parts = []
    if activity:
        usage = activity.usage(attempt.attempt)
        parts = [text.count(usage.turns, "turn")] if usage.turns else []
        if usage.input_tokens:
            parts.append(f"{text.amount(usage.input_tokens)} tokens in")
        if usage.output_tokens:
            parts.append(f"{text.amount(usage.output_tokens)} out")
        if usage.cost is not None:
            parts.append(text.money(usage.cost, usage.output_tokens is not None))
        if activity.changed:
            parts.append(f"changed {_name(activity.changed)}")
    silence = describe_silence(attempt)
    return ", ".join([*parts, silence] if silence else parts)


def _name(files: list[str]) -> str:
    names = ", ".join(map(text.printable, files[-NAMED:]))
    return f"{len(files)} files, last {names}" if len(files) > NAMED else names


class FollowedLog:
    """Output that is followed on a terminal, with a line below it that says what was done so far."""

    def __init__(self, store: Store) -> None:
        import codecs

        self._store = store
        self._lines = LiveLines()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""  # of a line that has not ended
        self._doings: Doings | None = None
        self._number = 0
        self._next = 0.0

    def write(self, data: bytes) -> None:
        """Write what came, as far as its lines have ended."""
        *lines, self._rest = (self._rest + text.printable_lines(self._decoder.decode(data))).split("\n")
        if lines:
            self._lines.say("\x1b[K\n".join(lines))

    def look(self, attempt: AttemptStatus | None) -> None:
        """Draw what was done so far, in the attempt that is followed now."""
        now = clock.monotonic()
        if attempt is None or (now < self._next and attempt.attempt == self._number and not attempt.is_over):
            return
        self._next = now + PAUSE
        if attempt.attempt != self._number:
            self.close()
            self._doings, self._number = Doings(self._store, attempt), attempt.attempt
        words = describe_doings(self._doings.read() if self._doings else None, attempt)
        age = "" if attempt.is_over else text.age(max(time.time() - clock.to_seconds(attempt.started), 0.0))
        shown = ", ".join(filter(None, (age, words)))
        self._lines.draw([LiveLine(self._rest)] * bool(self._rest), f"[{shown}]" if shown else "")

    def end(self) -> None:
        """Leave the last line as it is: nothing more comes."""
        if self._rest:
            self._lines.draw([])
            self._lines.say(self._rest)
            self._rest = ""
        self.close()

    def close(self) -> None:
        """Let go of what is read."""
        if self._doings:
            self._doings.close()


class SilenceTeller:
    """Says, once each time, that what is followed has become silent; for who follows into a pipe or a file."""

    def __init__(self) -> None:
        self._told: str | None = None

    def look(self, attempt: AttemptStatus | None) -> None:
        """Look at an attempt that goes on."""
        since = attempt.silent if attempt else None
        if attempt and since and since != self._told:
            say_aside(f"{attempt.task} is {describe_silence(attempt)}: no output and no CPU time")
        self._told = since


def is_for_a_person() -> bool:
    """Return whether a person looks at what is printed."""
    return sys.stdout.isatty() and sys.stderr.isatty()
