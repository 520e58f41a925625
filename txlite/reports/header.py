"""A report's header: what it says about its attempt, from the start and at the end, and where its output lies.

The header is as long at the end as at the start, so that it can be written anew in its place while the output behind
it grows. Whoever reads a report learns from it where the output begins, how much of it there is, and what was cut.
Used by `report`, by `execution`, which makes one for each attempt, and by `view`, which shows reports.
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
ROOM = 500  # bytes for the lines about the result, and
FIELD_ROOM = 32  # more for each {{NAME}} that is known at the end only
RUNNING = "running"
CHANGING = "changing"
# What is rendered at the end, if the template asks for it.
LATE = ("END_TIME", "DURATION", "EXIT_CODE")
MARK = b"\n[txlite: %15d bytes of output were cut here]\n"
MARK_LENGTH = len(MARK % 0)
_LAYOUT = re.compile(
    rb"\n\*\*Output:\*\* (running|changing|\d+ bytes)(?:, (\d+) more were cut after the first (\d+))?  \n"
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

    def __str__(self) -> str:
        size = CHANGING if self.is_changing else RUNNING if self.size is None else f"{self.size} bytes"
        return size + (f", {self.cut} more were cut after the first {self.after}" if self.cut else "")


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
    facts = _facts(header)
    ending = _ending(header, result, pid, late, layout)
    rest = _body(header).encode() + OUTPUT
    if not size:
        fields = _opening(header.template).count("{{")
        size = len(_beginning(header, dict.fromkeys(LATE, "")).encode() + facts + rest) + ROOM + FIELD_ROOM * fields
    room = size - len(beginning) - len(facts) - len(rest)
    if room < ROOM:  # the task was changed since: what it says now does not fit
        beginning = beginning[: max(len(beginning) + room - ROOM, 0)]
        rest = rest[: max(size - len(beginning) - len(facts) - ROOM - len(OUTPUT), 0)] + OUTPUT
        room = size - len(beginning) - len(facts) - len(rest)
    return beginning + facts + ending[: room - 1].ljust(room - 1) + b"\n" + rest


def _late(result: Result | None) -> dict[str, object]:
    if result is None:
        return dict.fromkeys(LATE, RUNNING)
    took = "unknown" if result.duration is None else text.duration(result.duration)
    code = "none" if result.exit_code is None else result.exit_code
    return {"END_TIME": clock.to_local(clock.now()), "DURATION": took, "EXIT_CODE": code}


def _beginning(header: Header, late: dict[str, object]) -> str:
    if header.template:
        rendered = header.render(_opening(header.template), **late).rstrip("\n") + "\n\n"
        return re.sub(r"(?m)^(?=~{16})", r"\\", rendered)  # the task's text must not look like the output's beginning
    return f"# Worker Task Report\n\n**Task:** {text.shorten(header.title, 200)}  \n"


def _opening(template: str) -> str:
    """A template up to its first section: those are for the agent to write."""
    return template.split("\n## ", 1)[0]


def _facts(header: Header) -> bytes:
    lines = [
        f"**ID:** {header.task}  ",
        f"**Attempt:** {header.attempt}  ",
        f"**Agent:** {header.agent}  ",
        f"**Directory:** {text.printable(header.directory)}  ",
        *([] if header.template else [f"**Started:** {header.started}  "]),
        "",
    ]
    return "\n".join(lines).encode()


def _ending(header: Header, result: Result | None, pid: int | None, late: dict[str, object], layout: Layout) -> bytes:
    """The lines about the result, but for what the template says itself; a note that is too long is cut."""
    output = f"  \n**Output:** {layout}  \n"
    if result is None:
        return f"**Outcome:** {RUNNING}{output}".encode()
    why = f" ({text.printable(result.note)})" if result.note else ""
    facts = "".join(
        f"  \n**{name}:** {value}"
        for field, name, value in (
            ("END_TIME", "Ended", clock.now()),
            ("DURATION", "Duration", late["DURATION"]),
            ("WORKER_PID", "PID", pid),
            ("EXIT_CODE", "Exit code", late["EXIT_CODE"]),
            ("REASONING_LEVEL", "Level", header.level),
        )
        if value != "" and f"{{{{{field}}}}}" not in _opening(header.template)
    )
    outcome = f"**Outcome:** {result.outcome}{why}".encode()[: ROOM - len(facts) - len(output) - 1]
    return f"{outcome.decode(errors='ignore')}{facts}{output}".encode()


def _body(header: Header) -> str:
    """The task's text, unless the template says it."""
    if any(name in _opening(header.template) for name in ("{{TASK_DESCRIPTION}}", "{{TOPIC}}")):
        return ""
    return "\n".join(["", "## Task", "", *("    " + line for line in header.text.split("\n")), ""])
