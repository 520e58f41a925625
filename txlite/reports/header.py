"""A report's header: what it says about its attempt, from the start and at the end, and where its output lies.

The header is as long at the end as at the start, so that it can be written anew in its place while the output behind
it grows: two rules (`---`) in it take up the room that words leave. It is little, so why an attempt ended as it
did stands behind the output. Whoever reads a report learns from its header where the output begins, how much of it
there is, and what was cut. Used by `report`, by `execution`, which makes one for each attempt, and by `view`, which
shows reports.
"""

from __future__ import annotations

import re

from .. import text
from ..system import clock
from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model import Launch, Task
    from ..store.attempts import Result

FENCE = b"~" * 16 + b"\n"
OUTPUT = b"\n## Output\n\n" + FENCE
RUNNING = "running"
TASK = "task"  # the last word of the name of a report that is not named after its topic
ROOM = 130  # bytes by which the lines about the result may grow beyond RUNNING, two rules of three dashes among them
TIME_ROOM = 18  # more for each {{END_TIME}} of a template, and
TOOK_ROOM = 2  # for each {{DURATION}}
PLACE_ROOM = 64  # more where the attempt runs elsewhere: bytes of where that is, which is known only when it began
RULES = 10  # bytes of two rules at the least
WIDEST = 76  # bytes of a rule
CHANGING = "changing"
# What is rendered at the end, if the template asks for it.
LATE = ("END_TIME", "DURATION", "EXIT_CODE")
MARK = b"\n[txlite: %15d bytes of output were cut here]\n"
MARK_LENGTH = len(MARK % 0)
_LAYOUT = re.compile(
    rb"\n\*\*Output:\*\* (running|changing|\d+ bytes)(?:, (\d+) more were cut after the first (\d+))?"
    rb"(?:, the rest was lost)?  \n"
)


class Header(NamedTuple):
    """What a report says about its attempt from the start."""

    task: str
    title: str
    attempt: int
    agent: str
    started: str
    directory: str
    text: str  # the command, or the prompt
    level: str = ""
    pid: int | None = None  # of the launched worker: known from the start
    template: str = ""  # its part before the first section is the report's beginning
    subject: str = TASK  # the last word of the report's name
    place: str = ""  # where it runs, in words, or that this is not known yet; "" for here

    @classmethod
    def of(
        cls, task: Task, attempt: int, agent: str, started: str, launch: Launch | None = None, pid: int | None = None
    ) -> Header:
        """Return the header for an attempt of a task: of the queue, or launched (then with the PID of its worker)."""
        if task.command is not None:
            words = task.command
        elif launch:
            words = task.description  # all of it: the title is only its beginning
        else:
            words = task.title + ("\n\n" + task.description if task.description else "")
        header = cls(task.id, task.title, attempt, agent, started, task.directory or "", words)
        return header._replace(level=launch.level, pid=pid, template=launch.template) if launch else header

    @property
    def prompt(self) -> str:
        """Return what an agent is told: the task, and the form of its report."""
        if not self.template:
            return self.text
        return f"{self.text}\n\n{self.render(self.template, **dict.fromkeys(LATE, '(added at the end)'))}"

    def render(self, template: str, **late: object) -> str:
        """Return `template` with all the {{NAME}}s filled in that are known; those of the end (LATE) from `late`."""
        started = clock.to_local(self.started)
        values = {
            "TASK_DESCRIPTION": self.text,
            "TOPIC": self.text,
            "START_TIME": started,
            "DATE": started[:10],
            "REASONING_LEVEL": self.level or "default",
            "WORKER_PID": self.pid or "unknown",
            **late,
        }
        return text.expand(template, values)


class Layout(NamedTuple):
    """Where the output lies in a report, so that who reads it while it grows can tell what was cut."""

    size: int | None = None  # bytes of it in the file; None while it runs
    cut: int = 0  # bytes that were cut, after the first
    after: int = 0  # bytes; then comes the mark, and then the tail
    is_changing: bool = False  # what is read now may be wrong
    is_lost: bool = False  # what came last could not be written

    def __str__(self) -> str:
        size = CHANGING if self.is_changing else RUNNING if self.size is None else f"{self.size} bytes"
        cut = f", {self.cut} more were cut after the first {self.after}" if self.cut else ""
        return size + cut + (", the rest was lost" if self.is_lost else "")


def read_layout(header: bytes) -> Layout:
    """Return what a report's header says about its output.

    The last such line is ours, others may be the task's text.
    """
    lines = list(_LAYOUT.finditer(header))
    if not lines:
        return Layout()
    found = lines[-1]
    size = found[1].split(b" ")[0]
    return Layout(int(size) if size.isdigit() else None, int(found[2] or 0), int(found[3] or 0), size == b"changing")


def find_output(data: bytes, attempt: int) -> int:
    """Return where the output begins in the report of this attempt, in bytes; 0 if it is another's, or none."""
    start = data.find(OUTPUT)  # nothing before it holds such a line: see `_beginning`
    ours = data[: max(start, 0)].rpartition(b"\n**Attempt:** ")[2].startswith(b"%d  \n" % attempt)
    return start + len(OUTPUT) if start >= 0 and ours else 0


def read_output(data: bytes, attempt: int) -> bytes:
    """Return the output in the report of an attempt that has ended."""
    start = find_output(data, attempt)
    size = read_layout(data[:start]).size
    return data[start:] if size is None else data[start : start + size]


def render_header(
    header: Header,
    result: Result | None = None,
    pid: int | None = None,
    size: int = 0,
    layout: Layout = Layout(),  # noqa: B008  # a tuple
) -> bytes:
    """Return all that comes before the output, as long before the end as after it.

    size: bytes to fill, or 0 for as many as it needs.
    """
    late = _late(result)
    beginning = _beginning(header, late).encode()
    facts = _facts(header, result, pid, late, layout).encode()
    rest = _body(header).encode() + OUTPUT
    if not size:
        opening = _opening(header.template)
        more = TIME_ROOM * opening.count("{{END_TIME}}") + TOOK_ROOM * opening.count("{{DURATION}}")
        more += PLACE_ROOM if header.place else 0
        size = len(beginning) + len(facts) + len(rest) + ROOM + more
    if len(beginning) + len(facts) + len(rest) + RULES > size:  # the task was changed since, and grew
        rest = rest[: max(size - len(beginning) - len(facts) - RULES - len(OUTPUT), 0)] + OUTPUT
        beginning = beginning[: max(size - len(facts) - len(rest) - RULES, 0)]
    first, *others = _rules(size - len(beginning) - len(facts) - len(rest))
    return b"".join([beginning, first, facts, *others, rest])


def render_end(result: Result) -> str:
    """Return what stands behind the output of an attempt that has ended: why it did so, where that is to be said, and
    what its agent cost."""
    note = f"\n**Note:** {text.printable(result.note)}\n" if result.note else ""
    if not result.usages:
        return note
    from .costs import describe_usages  # what runs commands does without

    cost = describe_usages(result.usages)
    return f"{note}\n**Cost:** {cost}\n" if cost else note


def _rules(room: int) -> list[bytes]:
    """Two rules, or more, of so many bytes together, each with a line's end before and behind it."""
    count = max(-(-room // (WIDEST + 2)), 2)
    return [b"\n" + b"-" * ((room + place) // count - 2) + b"\n" for place in range(count)]


def _late(result: Result | None) -> dict[str, object]:
    if result is None:
        return dict.fromkeys(LATE, RUNNING)
    took = "unknown" if result.duration is None else text.duration(result.duration)
    code = "none" if result.exit_code is None else result.exit_code
    return {"END_TIME": clock.to_local(clock.now()), "DURATION": took, "EXIT_CODE": code}


def _beginning(header: Header, late: dict[str, object]) -> str:
    if header.template:
        rendered = header.render(_opening(header.template), **late).rstrip("\n") + "\n"
        return re.sub(r"(?m)^(?=~{16})", r"\\", rendered)  # the task's text must not look like the output's beginning
    return f"# Worker Task Report\n\n**Task:** {text.shorten(header.title, 200)}  \n"


def _opening(template: str) -> str:
    """A template up to its first section: those are for the agent to write."""
    return template.split("\n## ", 1)[0]


def _facts(header: Header, result: Result | None, pid: int | None, late: dict[str, object], layout: Layout) -> str:
    """The lines about the attempt and its result, but for what the template says itself."""
    opening = _opening(header.template)
    facts = (
        ("", "ID", header.task),
        ("", "Attempt", header.attempt),
        ("", "Agent", header.agent),
        ("", "Directory", text.printable(header.directory)),
        ("", "Place", text.shorten((result and result.place) or header.place, PLACE_ROOM)),
        ("REASONING_LEVEL", "Level", header.level),
        ("START_TIME", "Started", clock.to_local(header.started)),
        ("", "Outcome", result.outcome if result else RUNNING),
        ("END_TIME", "Ended", late["END_TIME"]),
        ("DURATION", "Duration", late["DURATION"]),
        ("WORKER_PID", "PID", pid or header.pid or RUNNING),
        ("EXIT_CODE", "Exit code", late["EXIT_CODE"]),
        ("", "Output", layout),
    )
    lines = [
        f"**{name}:** {value}  "
        for field, name, value in facts
        if value != "" and not (field and f"{{{{{field}}}}}" in opening)
    ]
    return "\n".join(["", *lines, ""])


def _body(header: Header) -> str:
    """The task's text, unless the template says it."""
    if any(name in _opening(header.template) for name in ("{{TASK_DESCRIPTION}}", "{{TOPIC}}")):
        return ""
    return "\n".join(["", "## Task", "", *("    " + line if line else "" for line in header.text.split("\n")), ""])
