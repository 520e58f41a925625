"""What a person says to the agents of a task (`txlite say`): told to the one that runs, where it listens, and in the
prompt of each one that begins.

Guarantee: who begins is told all that was ever said about its task, since it remembers nothing (of more than a prompt
has room for, the last); what is told to one that runs stands in its report, and counts as told from then on. Used by
all that run prompts.
"""

from __future__ import annotations

from .. import text
from ..errors import StoreUnavailable
from ..system import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..agents.open_input import OpenInput
    from ..agents.results import Sink
    from ..model import Message
    from ..store.store import Store

SHOWN = 20  # messages in a prompt, the last ones
ROOM = 40_000  # bytes for all of them: of what Linux takes as an argument (128 KiB), the rest is for the task
HEADING = "## What a person has said about this task"
EXPLAINED = "These words are of the person whose work this is. Where they differ from what stands above, they count."
LIVE = "The person whose work this is says, while you work on it: "
PATIENCE = 20.0  # seconds for an agent to write events, until its input ends: it may be one that reads to the end first


def tell_all(store: Store, task: str, attempt: int, prompt: str) -> str:
    """Return the prompt with all that a person has said about the task with this id, and note that it was told."""
    messages = store.messages.of(task)
    if not messages:
        return prompt
    waiting = [one.id for one in messages if one.attempt is None]
    if waiting:
        store.messages.tell(waiting, attempt)
    return add_messages(prompt, messages)


def add_messages(prompt: str, messages: Iterable[Message]) -> str:
    """Return the prompt with these messages behind it, marked as a person's: the last ones, as many as there is room
    for, and how many there were before."""
    every = list(messages)
    if not every:
        return prompt
    lines = _write_last(every)
    if len(lines) < len(every):
        earlier = text.count(len(every) - len(lines), "earlier message")
        lines.insert(0, f"- {earlier}: `txlite show {every[0].task}`")
    return "\n".join([prompt.rstrip("\n"), "", HEADING, "", EXPLAINED, "", *lines, ""])


def _write_last(messages: list[Message]) -> list[str]:
    lines: list[str] = []
    room = ROOM
    for one in reversed(messages[-SHOWN:]):
        line = f"- {clock.to_local(one.at)}: " + "\n  ".join(one.words.strip().split("\n"))
        room -= len(line.encode())
        if room < 0 and lines:
            break
        lines.insert(0, line)
    return lines


class Conversation:
    """What is told to one agent that runs. is_answering: it writes events, so it does not read to the end first."""

    def __init__(self, store: Store, task: str, attempt: int, report: Sink, words: OpenInput) -> None:
        """task: its id; report: gets what is said, too; words: the agent's standard input."""
        self.is_answering = False
        self._store = store
        self._task = task
        self._attempt = attempt
        self._report = report
        self._input = words
        self._silent_until = clock.monotonic() + PATIENCE

    def listen(self) -> None:
        """Pass on what a person has said since; called about once a second, and when somebody rings."""
        self._input.flush()
        if self._input.is_open:
            self._tell()
        if not self.is_answering and clock.monotonic() >= self._silent_until:
            self._input.close()

    def end_turn(self) -> bool:
        """Go on where something waits to be said, now that the agent has its result, else have its input end; return
        whether it goes on."""
        goes_on = self._input.is_open and self._tell()
        if not goes_on:
            self._input.close()
        return goes_on

    def end(self) -> None:
        """Let go of its input: it has ended."""
        self._input.abandon()

    def _tell(self) -> bool:
        try:
            messages = self._store.messages.waiting(self._task)
            if messages:
                self._store.messages.tell([one.id for one in messages], self._attempt)
        except StoreUnavailable:
            return False  # the next look may succeed
        for one in messages:
            self._input.say(LIVE + one.words)
            self._report.write(f"[a person said: {text.printable(one.words)}]\n".encode())
        return bool(messages)
