"""What an agent writes, on its way into the report: its results are read, and its events become words.

Guarantee: nothing that an agent prints decides anything but its provider's structured results; one whose result is
there and that does not exit is ended. Used where a prompt is run: by `attempt_runner` and `launched` through
`run_in_words`, and by a loop, which judges for itself.
"""

from __future__ import annotations

from ..agents.results import LIMITED, ResultParser
from ..agents.transcript import Transcript
from ..agents.usage import CostMeter
from ..model import AGENT_PART, DONE, FAILED, UNSTARTABLE
from ..store.attempts import Result
from .conversation import Conversation, tell_all
from .spending import conclude, find_allowance, refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..agents.agent import Agent
    from ..agents.results import ProviderRefusal, Sink
    from ..model import Task
    from ..store.store import Store
    from .attempt_record import AttemptRecord
    from .executor import RunningProcess
    from .spending import Allowance

SETTLE = 60.0  # seconds for an agent to exit after its result


def run_in_words(store: Store, task: Task, record: AttemptRecord, report: Sink, run: Callable[..., Result]) -> Result:
    """Run the agent of a prompt outside of a loop; return its end, failed where its provider refused.

    run: runs it, given a plan, a sink for its output and an observer of its process.
    """
    allowance = find_allowance(store, task)
    plan = record.plan = record.plan._replace(allowance=allowance)
    ended = refuse(plan.agent, allowance)
    if ended:
        return ended
    plan = plan._replace(prompt=tell_all(store, task.id, plan.header.attempt, plan.prompt))
    output = listen_to(store, task, record, report)
    result = run(plan=plan, sink=output, observe=output.observe)
    refusal = output.finish()
    result = output.explain(output.add_usage(result, plan.header.attempt))
    if refusal is None or result.outcome not in (DONE, FAILED):
        return result
    until = f" (no more before {refusal.until})" if refusal.kind == LIMITED else ""
    return result._replace(outcome=FAILED, note=refusal.reason + until)


def listen_to(
    store: Store,
    task: Task,
    record: AttemptRecord,
    report: Sink,
    settle: float = SETTLE,
    has_said_done: Callable[[], bool] = lambda: False,
) -> AgentOutput:
    """Return the sink for the agent of this attempt of a task, whose events are kept, and which is told what a person
    says meanwhile, if it listens."""
    plan, words = record.plan, record.open_input()
    conversation = Conversation(store, task.id, plan.header.attempt, record, words) if words else None
    return AgentOutput(plan.agent, report, settle, has_said_done, record.keep_events(), plan.allowance, conversation)


class AgentOutput:
    """A sink for what the agent of one attempt writes, and the observer of its process."""

    def __init__(
        self,
        agent: Agent,
        sink: Sink,
        settle: float = SETTLE,
        has_said_done: Callable[[], bool] = lambda: False,
        events: Sink | None = None,
        allowance: Allowance | None = None,
        conversation: Conversation | None = None,
    ) -> None:
        """settle: seconds for it to exit once its result is there, or it has said so itself; events: what takes its
        output as it comes, too; allowance: what it may cost; conversation: what it is told meanwhile, where it
        listens."""
        self._conversation = conversation
        self._agent = agent.name
        self._allowance = allowance
        self._usage = CostMeter(agent.results, agent.price)
        self._events = events
        self._transcript = Transcript(sink, agent.results)
        self._parser = ResultParser(self._transcript, agent.results, agent.limit, agent.unusable, self._usage.read)
        self._settle = settle
        self._has_said_done = has_said_done
        self._is_settling = False  # it has reported its result

    def write(self, data: bytes) -> None:
        """Pass output on in words, and read the results on the way."""
        if self._events:
            self._events.write(data)
        self._parser.write(data)
        if self._conversation:
            self._conversation.is_answering = self._parser.has_events
            if self._parser.has_result and self._conversation.end_turn():
                self._parser.has_result = False

    def finish(self) -> ProviderRefusal | None:
        """Write what was held back; return why its provider refuses, None where that does not say so. It has ended."""
        self._transcript.finish()
        if self._conversation:
            self._conversation.end()
        return self._parser.find_refusal()

    def add_usage(self, result: Result, attempt: int, part: str = AGENT_PART) -> Result:
        """Return the end of its attempt, the one with this number, with what that has cost; part: whose part it is."""
        if result.outcome == UNSTARTABLE:
            return result
        return result._replace(usages=(*result.usages, self._usage.tell(attempt, part, self._agent)))

    def explain(self, result: Result) -> Result:
        """Return the end of an attempt that failed because it had no more to spend with that as its reason; any other
        as it is."""
        return conclude(result, self._allowance, self._usage.cost, self._usage.is_exhausted)

    def observe(self, process: RunningProcess) -> None:
        """Stop an agent that has spent what it may; tell it what a person says; give one that has ended its work, and
        does not exit, a while for it. Called once a second or so."""
        if self._conversation:
            self._conversation.listen()
        allowance, cost = self._allowance, self._usage.cost
        if allowance and cost >= allowance.left and not self._parser.has_result:
            process.stop(Result(FAILED, note=allowance.explain(cost)))
        is_over = self._parser.has_result or self._has_said_done()
        if is_over and not self._is_settling:
            note = f"it had ended its work, and was stopped {self._settle:g} s later"
            process.bound(self._settle, Result(DONE, note=note))
        elif self._is_settling and not is_over:
            process.unbind()
        self._is_settling = is_over
