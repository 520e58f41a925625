"""A trial: one attempt of a loop. A fresh agent works on the task, and a gate judges before its work counts.

What an agent says decides nothing by itself: the task is done when the agent exited with 0, or said done itself, and
the gate passed, and its work is where it belongs (`workspace`). Then, and only then, its attempt is recorded as done.
What a provider refuses costs the task nothing. Satisfies `execution.worker.Runner`; made by `loop_worker`.
"""

from __future__ import annotations

import contextlib
import errno
import os

from ..errors import Error, Refused, StoreUnavailable
from ..execution.attempt_record import plan_attempt
from ..execution.attempt_runner import AttemptRunner, AttemptStopped
from ..model import CUT_OFF, DONE, FAILED, INTERRUPTED, UNSTARTABLE
from ..store.attempts import Result
from .acceptance import accept
from .agent_turn import AgentTurn, AgentUnusable
from .host import AttemptHost
from .in_place import InPlace
from .review_turn import ReviewTurn
from .turn_context import TurnContext
from .workspace import PlainDirectory, WorkRejected, below
from .worktree import Worktree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..execution.worker_context import WorkerContext
    from ..store.assignments import Assignment
    from .loop_settings import LoopSettings
    from .workspace import Workspace, WorkspaceKind


class TrialRunner:
    """Runs the trials of one worker. `trouble`: why this loop cannot go on, once that is so."""

    def __init__(self, context: WorkerContext, policy: LoopSettings) -> None:
        self.trouble: Error | None = None
        self._context = context
        self._policy = policy
        self._runner = AttemptRunner(context)

    def run(self, assignment: Assignment) -> Result:
        """Run a trial to the end of all that it started, and leave its workspace as it must be."""
        gate = assignment.task.verify or self._policy.verify
        environment = self._context.environment_of(assignment.task, assignment.claim, None)
        host = AttemptHost(self._context, self._runner, environment, gate, self._policy.verify_timeout)
        workspace = self._choose(assignment, host)
        plan = plan_attempt(_move(assignment, workspace), self._context.settings.roster)
        self._runner.begin(plan._replace(in_loop=True))
        given = TurnContext(self._context, self._runner, self._policy, assignment, workspace, host)
        with contextlib.ExitStack() as alone:
            result = self._try_in(given, alone)
            return self.end(self._leave(workspace, host, result))

    def end(self, result: Result) -> Result:
        """End the report; return the result with what it adds."""
        return self._runner.end(result)

    def _choose(self, assignment: Assignment, host: AttemptHost) -> Workspace:
        """Where to work on a task."""
        rules, task = self._policy.rules, assignment.task
        directory = os.path.realpath(task.directory or rules.repository or os.getcwd())
        kind: WorkspaceKind = InPlace
        if rules.worktrees:
            kind = Worktree
        if rules.repository is None or below(directory, os.path.realpath(rules.repository)) is None:
            kind = PlainDirectory
        return kind(self._context.store, host, rules, task, assignment.claim.token)

    def _try_in(self, given: TurnContext, alone: contextlib.ExitStack) -> Result:
        """All that is done for the task, in a workspace that is ours alone where it cannot be shared."""
        try:
            if given.workspace.lock:
                alone.enter_context(given.host.locked(given.workspace.lock))
            return self._work(given)
        except AttemptStopped as stop:
            self.trouble = self.trouble or self._runner.trouble
            return stop.result
        except WorkRejected as error:
            return Result(FAILED, note=str(error))
        except AgentUnusable as error:
            return self._go_without(given.assignment.agent, error)
        except Refused as error:
            return self._give_up(error)
        except OSError as error:
            return self._give_up(_named(error))

    def _go_without(self, agent: str, error: AgentUnusable) -> Result:
        """The agent drops out of this loop, which goes on while it has another; the task goes back at no cost."""
        loop, loops, names = self._policy.loop, self._context.store.loops, self._context.settings.roster.names
        is_new = loops.drop_agent(loop, agent, str(error))
        left = [name for name in names if name not in loops.dropped(loop)]
        if not left:
            return self._give_up(error)
        if is_new:
            self._context.say(f"{error}; this loop goes on without it, by {' and '.join(left)}")
        return Result(INTERRUPTED, note=str(error))

    def _give_up(self, error: Error) -> Result:
        """The loop cannot go on; the task goes back at no cost."""
        self.trouble = error
        return Result(INTERRUPTED, note=str(error))

    def _work(self, given: TurnContext) -> Result:
        """From the start to the end of what is done for a task. Raises AttemptStopped, WorkRejected, Refused."""
        workspace, host = given.workspace, given.host
        landed = workspace.enter()
        if landed:
            return Result(DONE, note=f"its work had landed as {landed[:12]} when the attempt before was cut off")
        host.top = workspace.top
        assignment = _move(given.assignment, workspace)
        given = given._replace(assignment=assignment)
        if workspace.is_judged:
            result = Result(DONE, note="its work had passed when the attempt before was cut off")
        else:
            result = AgentTurn(given).run(self._runner.record.plan)
        self.trouble = self.trouble or self._runner.trouble
        if self._is_nobodys_fault(result, assignment, workspace):
            raise AgentUnusable(f"agent {assignment.agent}: {result.note}")
        if result.outcome != DONE:
            return result
        try:
            waits = accept(workspace, host, self._review(given))
        except WorkRejected as error:
            return result._replace(outcome=FAILED, note=str(error))
        except AttemptStopped as stop:
            return stop.result._replace(exit_code=result.exit_code, pid=result.pid)
        return result._replace(note=waits) if waits else result

    def _review(self, given: TurnContext) -> Callable[[], str]:
        """What has a say in work that passed its gate."""
        reviewer = self._policy.reviewer
        return ReviewTurn(given, reviewer).run if reviewer else lambda: ""

    def _is_nobodys_fault(self, result: Result, assignment: Assignment, workspace: Workspace) -> bool:
        """Whether the agent could not be started, and no task of the loop could be worked on."""
        is_ours = os.access(workspace.directory, os.X_OK) and os.strerror(errno.E2BIG) not in (result.note or "")
        return result.outcome == UNSTARTABLE and assignment.task.command is None and is_ours

    def _leave(self, workspace: Workspace, host: AttemptHost, result: Result) -> Result:
        """Leave the workspace as it must be after an attempt that did not pass."""
        if result.outcome == DONE:
            return result
        self._runner.end_process()  # nothing of it may run beside git
        reason = result.note or result.outcome
        try:
            parked = workspace.leave(reason) if result.outcome in CUT_OFF else workspace.set_aside(reason)
        except (Refused, OSError) as error:
            self.trouble = self.trouble or (_named(error) if isinstance(error, OSError) else error)
            host.remark(str(self.trouble))
            return result
        if parked:
            host.remark(f"what it changed is parked as {parked}")
        return result


def _move(assignment: Assignment, workspace: Workspace) -> Assignment:
    """The same task, with the directory in which it is worked on."""
    return assignment._replace(task=assignment.task._replace(directory=workspace.directory))


def _named(error: OSError) -> StoreUnavailable:
    return StoreUnavailable(f"{error.filename or 'a file'}: {error.strerror}")
