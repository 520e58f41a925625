"""One attempt that runs elsewhere, as its dispatcher holds it: assignment, process, report.

How it stands is noted with its ticket whenever that changes, so that recovery, or another dispatcher, can go on with
it, and whoever looks is told. Made by `dispatcher`.
"""

from __future__ import annotations

import os
from types import MappingProxyType

from ..agents.results import LIMITED
from ..model import DONE, FAILED, QUEUED, REFUSED, RUNNING, UNSTARTABLE
from ..reports import salvage
from ..reports.outputs import OUT, KeptStream, close_kept, output_path, remove_output
from ..store.attempts import Result
from ..system import clock
from .agent_output import AgentOutput
from .attempt_record import AttemptRecord, plan_attempt
from .conversation import tell_all
from .executor import CannotStart
from .spending import find_allowance, refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..agents.results import Sink
    from ..store.assignments import Assignment
    from .attempt_record import Plan
    from .executor import RemoteExecutor, RemoteProcess
    from .worker_context import WorkerContext


class RemoteAttempt:
    """An attempt elsewhere. `result`: None until nothing of it is left."""

    def __init__(
        self,
        context: WorkerContext,
        executor: RemoteExecutor,
        assignment: Assignment,
        left: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        """left: what a dispatcher that died had noted of it."""
        self.assignment = assignment
        self.result: Result | None = None
        self._context = context
        self._executor = executor
        plan = _go_on(plan_attempt(assignment, context.settings.roster), left)
        plan = plan._replace(header=plan.header._replace(place=QUEUED))
        is_prompt = assignment.task.command is None
        if is_prompt:
            plan = plan._replace(allowance=find_allowance(context.store, assignment.task))
        cap = context.settings.cap
        self._record = AttemptRecord(context.store.home, plan, cap, self._keep_note, is_late=True)
        path = output_path(context.store.home, assignment.claim.token, OUT)
        self._kept = [KeptStream(path, self._record.write)] if context.settings.keeps_output else []
        sink: Sink = self._record
        if self._kept:
            sink = self._kept[0]
        self._output: AgentOutput | None = None
        if is_prompt:
            events = self._record.keep_events()
            self._output = AgentOutput(
                plan.agent, sink, has_said_done=self._has_said_done, events=events, allowance=plan.allowance
            )
        self._sink: Sink = self._output if self._output else sink
        self._process: RemoteProcess | None = None
        self._noted: dict[str, object] = {}
        self._is_running = left.get("state") == RUNNING  # that it started is written down
        self._is_ended = False
        self._was_started = bool(left)
        self._must_note = not left

    def start(self) -> None:
        """Submit it."""
        context, task = self._context, self.assignment.task
        plan = self._record.plan
        environment = context.environment_of(task, self.assignment.claim, plan.agent)
        limits = context.settings.limits.of(task)
        if limits.max_memory:
            self._must_note = False
            words = f"--max-memory is for attempts here: `txlite update {task.id} --max-memory none` goes without"
            self.result = Result(REFUSED, duration=0.0, note=words)
            return
        refused = refuse(plan.agent, plan.allowance)
        if refused:
            self._must_note, self.result = False, refused
            return
        try:
            self._record.note(max_attempts=context.settings.max_attempts)
            if self._output:
                words = tell_all(context.store, task.id, plan.header.attempt, plan.prompt)
                self._record.plan = plan._replace(prompt=words)
            invocation = self._record.prepare(task, environment)
            self._was_started = True
            self._process = self._executor.start(
                invocation, task.directory, self._sink, plan.header.attempt, limits,
                plan.agent.daemons and task.command is None, task.slurm,
            )  # fmt: skip
        except OSError as error:
            self._must_note = False
            self.result = Result(UNSTARTABLE, duration=0.0, note=f"its ticket could not be written: {error.strerror}")
        except CannotStart as error:
            self.result = Result(UNSTARTABLE, duration=0.0, note=str(error))

    def resume(self) -> None:
        """Go on with what a dispatcher left that died: its report is written anew, from the beginning."""
        plan, attempt = self._record.plan, self.assignment.claim.token
        remove_output(self._context.store.home, attempt)  # what there is of it comes again, too
        try:
            salvage.discard(os.path.join(self._context.store.home, plan.directory), plan.stamp, plan.header)
        except OSError:
            pass  # then it stays, and says that it is not finished
        limits = self._context.settings.limits.of(self.assignment.task)
        self._process = self._executor.resume(attempt, self._sink, limits)

    def turn(self) -> None:
        """See whether it is over, and note how it stands."""
        process = self._process
        if process is None:
            return
        self.result = process.result
        if self.result is None and process.note != self._noted:
            self._note(process)

    def observe(self) -> None:
        """Look at what its agent said; called about once a second."""
        if self._process and self._output:
            self._output.observe(self._process)

    def stop(self, result: Result) -> None:
        """End it, with this result."""
        if self._process:
            self._process.stop(result)

    def withdraw(self, result: Result) -> None:
        """End it with this result, if it has not started."""
        if self._process:
            self._process.withdraw(result)

    def hasten(self) -> None:
        """Do not wait before KILL, if it is being ended."""
        if self._process:
            self._process.hasten()

    def end(self) -> Result:
        """Complete its report, once; return its result."""
        assert self.result
        if self._is_ended:
            return self.result
        result = self.result
        refusal = self._output.finish() if self._output else None
        if self._output and self._was_started:
            result = self._output.explain(self._output.add_usage(result, self.assignment.claim.token))
        if refusal and result.outcome in (DONE, FAILED):
            until = f" (no more before {refusal.until})" if refusal.kind == LIMITED else ""
            result = result._replace(outcome=FAILED, note=refusal.reason + until)
        result = close_kept(self._kept, result)
        self.result = self._record.end(result, self._context.settings.max_attempts)
        self._process, self._is_ended = None, True
        return self.result

    def remove(self) -> None:
        """Remove what it left beside its report: its end is on the disk."""
        self._executor.clear(self.assignment.claim.token)

    def _keep_note(self, note: dict[str, object]) -> None:
        """Without the first one nothing is submitted; of the others a full disk takes what only tells how it goes."""
        try:
            self._executor.write_note(self.assignment.claim.token, note)
            self._must_note = False
        except OSError:
            if self._must_note:
                raise

    def _note(self, process: RemoteProcess) -> None:
        self._noted = process.note
        if process.is_queued:
            if not self._is_running:
                self._record.note(**self._noted)
            return
        if not self._is_running:
            self._is_running = True
            header = self._record.plan.header._replace(started=clock.now())
            self._record.restart(self._record.plan._replace(header=header))
        self._record.note_report(**self._noted)

    def _has_said_done(self) -> bool:
        return self._process is not None and self._process.has_said_done


def _go_on(plan: Plan, left: Mapping[str, object]) -> Plan:
    """The plan of an attempt that has begun already, if it has: so its report is found wherever who goes on dies."""
    if "stamp" not in left:
        return plan
    return plan._replace(stamp=str(left["stamp"]), header=plan.header._replace(started=str(left["started"])))
