"""What is written of one attempt while it runs: its report, its prompt, and the note by which recovery finds it.

Guarantee: what recovery must know is noted before there is anything that it would have to find. Made for each attempt
by `attempt_runner`, and by `dispatcher` for those that run elsewhere.
"""

from __future__ import annotations

import os

from ..agents.agent import SHELL
from ..agents.environment import Invocation, build_command
from ..model import WORKERS
from ..reports import report
from ..reports.header import TASK, Header
from ..reports.naming import remove
from ..system import clock
from ..system.named_tuple import NamedTuple
from .ended import describe
from .executor import CannotStart

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..agents.agent import Agent
    from ..agents.open_input import OpenInput
    from ..agents.roster import Roster
    from ..model import Task
    from ..reports.events import EventLog
    from ..store.assignments import Assignment
    from ..store.attempts import Result
    from .spending import Allowance


class Plan(NamedTuple):
    """How an attempt is to be run."""

    agent: Agent
    header: Header
    stamp: str  # of the report's name
    directory: str  # of the report, below home
    prompt: str
    level: str = ""
    in_loop: bool = False  # as RALPH runs it
    search: bool = False  # whether the agent may search the web
    allowance: Allowance | None = None  # what it may cost


def plan_attempt(assignment: Assignment, roster: Roster) -> Plan:
    """Return the plan of an attempt of the queue, which begins now, by the agent that it was claimed for."""
    agent = roster.find(assignment.agent)
    name = SHELL if assignment.task.command is not None else agent.name
    header = Header.of(assignment.task, assignment.claim.token, name, clock.now())._replace(level=assignment.level)
    return Plan(agent, header, clock.stamp(), WORKERS, header.prompt, assignment.level)


class AttemptRecord:
    """Report, prompt and note of one attempt; a sink for its output. `plan`: as it is run at the moment."""

    def __init__(
        self,
        home: str,
        plan: Plan,
        cap: int,
        write_note: Callable[[dict[str, object]], object],
        is_late: bool = False,
    ) -> None:
        """Begin the report; before it is made, note what recovery must know. Where it is late, both wait until the
        attempt has lasted a moment: nearly none of a thousand short ones needs them.

        home: its directory; cap: bytes of output that are kept; write_note: keeps the note."""
        self.plan = plan
        self._home = home
        self._cap = cap
        self._events: EventLog | None = None  # of an agent that writes some
        self._input: OpenInput | None = None  # of an agent that listens, and is to be started next
        self._directory = os.path.join(home, plan.directory)
        self._write_note = write_note
        self._noted: dict[str, object] = {}  # beside the plan
        self._prompt_file = ""  # if there is one
        self.report = report.Report(self._directory, plan.stamp, plan.header, cap, is_late, self.note)

    def restart(self, plan: Plan) -> None:
        """Write down that it, which had waited, starts at another time than was said."""
        self.plan = plan
        self.report.restart(plan.header.started)
        self.note(report=self.report.name)

    def note_report(self, **more: object) -> None:
        """Make the report if it was late, and note its name, which somebody may be told."""
        self._move(more)
        self.report.make()
        self.note(report=self.report.name, **more)

    def write(self, data: bytes) -> None:
        """Append to the report."""
        self.report.write(data)

    def prepare(self, task: Task, environment: dict[bytes, bytes]) -> Invocation:
        """Return what is started for its task; its prompt is written where the agent reads it. Raises CannotStart."""
        plan = self.plan
        file = report.prompt_file(self._directory, plan.header.attempt)
        budget = plan.allowance and plan.allowance.left
        words, self._input = (self._input, None) if task.command is None else (None, None)
        argv, stdin = build_command(
            plan.agent, task, plan.prompt, file, plan.level, plan.search, plan.in_loop, budget, words is not None
        )
        if words:
            words.say(plan.prompt)
            stdin = None
        try:
            if file in argv:
                self._prompt_file = file
                report.write_prompt(file, plan.prompt)
        except OSError as error:
            raise CannotStart(f"its prompt could not be written: {error.strerror}") from error
        return Invocation(argv, stdin, environment, words)

    def open_input(self) -> OpenInput | None:
        """Return the standard input of its agent, through which it gets its prompt, and can be told more while it runs
        here; None for an agent that does not listen."""
        if not self.plan.header.place and self.plan.agent.listens(self.plan.in_loop):
            from ..agents.open_input import OpenInput  # what only runs commands does without

            self._input = OpenInput()
        return self._input

    def keep_events(self) -> EventLog | None:
        """Return the sink for what its agent writes, as it comes; None for an agent that writes no events."""
        if self.plan.agent.results and self._events is None:
            from ..reports import events  # what only runs commands does without

            self._events = events.EventLog(events.events_path(self._home, self.plan.header.attempt), self._cap)
        return self._events

    def note(self, **more: object) -> None:
        """Note what recovery must know, and this; where it runs elsewhere, the head of its report says where."""
        self._move(more)
        plan, header = self.plan, self.plan.header
        note = {"attempt": header.attempt, "stamp": plan.stamp, "started": header.started, "name": header.agent}
        if plan.directory != WORKERS:
            note["directory"] = plan.directory
        if header.subject != TASK:
            note["subject"] = header.subject
        self._noted.update(more)  # who looks while it ends is still told of its report and its agent
        self._write_note({**note, **self._noted})

    def _move(self, noted: Mapping[str, object]) -> None:
        if "state" in noted:
            self.report.move(str(noted.get("place") or noted["state"]))

    def end(self, result: Result, max_attempts: int) -> Result:
        """Complete the report; return the result with what that adds. max_attempts: as the worker was told."""
        if self._prompt_file or self.plan.header.place:  # elsewhere a dispatcher that died may have written it
            remove(report.prompt_file(self._directory, self.plan.header.attempt))
        if self._events:
            self._events.close()
        pid = self.report.pid or result.pid or os.getpid()
        result = result._replace(pid=pid, level=self.plan.level or None)
        if not self.plan.in_loop:  # that one is judged by others
            self.note(end=describe(result, max_attempts))
        return self.report.finish(result, pid)
