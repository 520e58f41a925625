"""A runner whose attempts have their output kept whole, stdout and stderr apart, for a run that prints it.

It does what `AttemptRunner.run` does, with a pipe more: what comes goes into the report as ever, and into the files of
`reports.outputs`. Guarantee: those are complete before the attempt's end is noted, and one of which something is
missing, because a disk was full, did not succeed. What an agent says comes in the words of its report, with its stderr
among them. Made by `queue_worker`.
"""

from __future__ import annotations

from functools import partial

from ..reports.outputs import ERR, OUT, KeptStream, close_kept, output_path
from .attempt_record import plan_attempt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..errors import Error
    from ..store.assignments import Assignment
    from ..store.attempts import Result
    from .attempt_runner import AttemptRunner
    from .worker_context import WorkerContext


class KeepingRunner:
    """Such a runner, of one worker."""

    def __init__(self, context: WorkerContext, runner: AttemptRunner) -> None:
        self._context = context
        self._runner = runner
        self._streams: list[KeptStream] = []  # of the attempt that runs

    @property
    def trouble(self) -> Error | None:
        """Return why no attempt can be run here any more, once that is so."""
        return self._runner.trouble

    def run(self, assignment: Assignment) -> Result:
        """Run an attempt to the end of its tree."""
        task, runner = assignment.task, self._runner
        plan = plan_attempt(assignment, self._context.settings.roster)
        runner.begin(plan, is_late=True)
        home, token = self._context.store.home, assignment.claim.token
        output, errors = (KeptStream(output_path(home, token, kind), runner.write) for kind in (OUT, ERR))
        self._streams = [output, errors]
        environment = self._context.environment_of(task, assignment.claim, plan.agent)
        if task.command is not None:
            return self.end(runner.ask_agent(task, plan, environment, output, errors=errors))
        from .agent_output import run_in_words  # what only runs commands does without

        ask = partial(runner.ask_agent, task, environment=environment)
        return self.end(run_in_words(self._context.store, task, runner.record, output, ask))

    def end(self, result: Result) -> Result:
        """End the report, and what is kept; return the result with what it adds."""
        self._runner.end_process()
        streams, self._streams = self._streams, []
        return self._runner.end(close_kept(streams, result))
