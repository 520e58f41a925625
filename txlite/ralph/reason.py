"""Why an attempt ended as it did: the last lines of the gate, and the agent's last words; and how a person goes on.

The report of an attempt of a loop holds its agent's output, then a line of ours (`[txlite] the gate: ...`) and what the
gate wrote. Where the report is gone, the database has the end of it. Nothing is decided by what is found here. Called
by `summary` and `prompt`, and by `view` for one task.
"""

from __future__ import annotations

import os
import re
import shlex

from ..agents.agent import SHELL
from ..agents.last_words import decode
from ..model import APPROVAL, BLOCKED, FAILED, REVIEW
from ..reports.ending import read_end
from ..system.named_tuple import NamedTuple
from ..text import printable_lines
from .host import GATE, REMARK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model import Attempt, Task

LINES = 12  # that are shown of each
WIDTH = 200  # characters of a line
REVIEWER = "the reviewer"  # as the remarks about one begin, and the reason why it did not approve
NO_VERDICT = "gave no verdict"  # in the note of an attempt whose work waits for a person, for its reviewer was no help
_REMARK = re.compile(re.escape(REMARK.rstrip("\n")).replace(re.escape("{}"), r"([^\n]*)") + r"(?:\n|\Z)")
# The remarks that come after its output.
_AFTER_AGENT = (f"{GATE}: ", REVIEWER, "what it changed is parked as ", "committed as ", "it waits for a review")


class Reason(NamedTuple):
    """What was written last in an attempt that has ended; safe for a terminal, and cut."""

    gate: str  # the last lines of the gate that did not pass; "" where none was run, or it passed
    words: str  # the agent's last words, or the last lines of a command
    by_agent: bool  # whether they are an agent's, and not a command's

    @property
    def parts(self) -> list[tuple[str, str]]:
        """Return what there is to show, each part with its heading."""
        heading = "the agent's last words" if self.by_agent else "the end of its output"
        found = (("the gate's last lines", self.gate), (heading, self.words))
        return [(heading, words) for heading, words in found if words]


def find_reason(home: str, attempt: Attempt) -> Reason:
    """Return what was written last in an attempt that has ended."""
    output = _read(home, attempt)
    agent, gate = _split(output, bool(attempt.note and attempt.note.startswith(GATE)))
    is_prompt = attempt.agent not in (SHELL, APPROVAL)
    return Reason(_end(gate), _end(decode(agent) if is_prompt else agent), is_prompt)


def tell_unjudged(note: str | None) -> str:
    """Return from the note of an attempt why the reviewer of its work gave no verdict; "" where it gave one."""
    return note if note and NO_VERDICT in note else ""


def find_gate(home: str, attempt: Attempt) -> str | None:
    """Return the gate that an attempt passed, as its report has it; None where there was none, or it is not known."""
    remarks = _REMARK.split(_read(home, attempt))[1::2]
    gates = [remark[len(GATE) + 2 :] for remark in remarks if remark.startswith(f"{GATE}: ")]
    return gates[-1] if gates else None


def _read(home: str, attempt: Attempt) -> str:
    try:
        if attempt.report:
            return read_end(os.path.join(home, attempt.report), attempt.id).decode("utf-8", "replace")
    except OSError:
        pass  # it was moved or deleted
    return attempt.tail or ""


def _split(output: str, failed_at_gate: bool) -> tuple[str, str]:
    """The agent's part, and that of the gate where it failed."""
    first, *rest = _REMARK.split(output)
    remarks = rest[::2]
    parts = [first, *rest[1::2]]  # one before the first remark, and one behind each
    cut = next((place for place, remark in enumerate(remarks) if remark.startswith(_AFTER_AGENT)), len(remarks))
    agent = next((part for part in reversed(parts[: cut + 1]) if part.strip()), "")
    gates = [part for remark, part in zip(remarks, parts[1:]) if remark.startswith(f"{GATE}: ")]
    if not failed_at_gate:
        return agent, ""
    return (agent, gates[-1]) if gates else ("", output)  # it wrote more than is looked at


def _end(output: str) -> str:
    """The last lines of it that are not empty."""
    lines = printable_lines(output).strip("\n").split("\n")[-LINES:]
    return "\n".join(line if len(line) <= WIDTH else line[: WIDTH - 1] + "…" for line in lines)


def ways_on(task: Task, parked: str | None, spent: int = 0) -> tuple[str, ...]:
    """Return the commands with which a person looks at what a task left and lets it go on; none where none is due.

    parked: the ref of the work of its last attempt that did not pass. spent: what its attempts have cost, in millionths
    of a dollar: where that is all that they may, it goes on with as much again.
    """
    look = [f"git show {shlex.quote(parked)}"] if parked else []
    if task.status == FAILED:
        if task.max_cost and spent >= task.max_cost:
            look.append(f"txlite update {shlex.quote(task.id)} --max-cost {_above(spent + task.max_cost)}")
        return (*look, f"txlite retry {shlex.quote(task.id)}")
    if task.status == REVIEW:
        return (f"txlite review {shlex.quote(task.id)}", f"txlite approve {shlex.quote(task.id)}")
    return (*look, f"txlite update {shlex.quote(task.id)} --status backlog") if task.status == BLOCKED else ()


def _above(cost: int) -> str:
    """Dollars and cents that are not less than this."""
    return f"{-(-cost // 10_000) / 100:.2f}"
