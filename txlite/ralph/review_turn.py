"""A reviewer's part of an attempt: a fresh agent reads work that passed its gate, and its verdict counts like a gate.

Guarantees: no verdict is no approval, and no fault of the work, which waits for a person then; what a reviewer changes
is undone, and kept under a ref; a provider that refuses to work costs the task nothing, and its work stays for the next
attempt, which is reviewed alone. Made by `trial` for each attempt of a loop that has a reviewer.
"""

from __future__ import annotations

import os

from ..agents.results import LIMITED
from ..agents.verdict import SCHEMA, GivenVerdict, VerdictReader, as_reviewer, parse_verdict
from ..errors import Refused
from ..execution.agent_output import AgentOutput
from ..execution.attempt_runner import AttemptStopped
from ..execution.conversation import add_messages
from ..execution.spending import find_allowance, refuse
from ..git.parking import Label
from ..model import APPROVED, INTERRUPTED, REVIEWER_PART, UNSTARTABLE, Usage
from ..store.attempts import Result
from ..text import printable, shorten
from . import review_prompt
from .agent_turn import COMMANDS, NOT_JUDGED, VERDICT_FILE, confine, remove
from .reason import NO_VERDICT, REVIEWER
from .reviewed_tree import ReviewedTree
from .workspace import WorkRejected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..agents.results import ProviderRefusal
    from .loop_settings import Reviewer
    from .turn_context import TurnContext

SAID = 300  # characters of its reason in the note of the attempt


class ReviewerUnusable(Refused):
    """The reviewer cannot work, whatever the task: its login, its model, its money, or its command is missing."""


class ReviewTurn:
    """One reviewer of one attempt's work."""

    def __init__(self, given: TurnContext, reviewer: Reviewer) -> None:
        self._given = given
        self._store = given.context.store
        self._task = given.assignment.task
        self._reviewer = reviewer
        self._host = given.host
        self._token = given.assignment.claim.token
        self._file = os.path.join(given.workspace.directory, f"{VERDICT_FILE}{self._token}")
        self._schema_file = os.path.join(self._store.home, COMMANDS, "verdict-schema.json")
        self._name = f"{REVIEWER} {reviewer.agent.name}"

    def run(self) -> str:
        """Have the work that is in the workspace reviewed; "" where it is approved, or why there is no verdict.

        Raises WorkRejected where it is not, AttemptStopped where it cannot be reviewed now, ReviewerUnusable where it
        never can.
        """
        verdict, why_not = self._find_earlier(), ""
        if verdict is None:
            verdict, why_not = self._ask()
        if verdict is None:
            return f"{self._name} {NO_VERDICT} ({why_not})"
        self._store.reviews.judge(self._token, verdict.verdict, verdict.reason, self._reviewer.agent.name)
        said = f": {printable(verdict.reason)}" if verdict.reason else ""
        self._host.remark(f"{self._name} {verdict.verdict} it{said}")
        if verdict.verdict != APPROVED:
            said = f": {shorten(' '.join(verdict.reason.split()), SAID)}" if verdict.reason else ""
            raise WorkRejected(f"{self._name} {verdict.verdict} it{said}")
        return ""

    def _find_earlier(self) -> GivenVerdict | None:
        """What approved the same work in an attempt that was cut off after that."""
        reviews = self._store.reviews
        earlier, now = reviews.cut_off(self._token), reviews.get(self._token)
        if not earlier or not now or earlier.work != now.work:
            return None
        said = [one for one in reviews.verdicts(earlier.attempt) if one.reviewer == self._reviewer.agent.name]
        return GivenVerdict(said[-1].verdict, said[-1].reason) if said and said[-1].verdict == APPROVED else None

    def _ask(self) -> tuple[GivenVerdict | None, str]:
        """Run the reviewer; its verdict, or why there is none."""
        remove(self._file)
        top = self._given.workspace.top
        tree = ReviewedTree(self._store.home, self._host, top) if top else None
        words = review_prompt.write(
            self._reviewer.template, self._task, self._host.gate, self._describe(tree), self._file
        )
        words = add_messages(words, self._store.messages.of(self._task.id))
        self._host.remark(f"{self._name} reviews it")
        try:
            return self._run(words)
        finally:
            remove(self._file)
            if tree:
                parked = tree.restore(Label(self._task.id, self._token, f"what {self._name} changed"))
                if parked:
                    self._host.remark(f"what {self._name} changed is undone, and parked as {parked}")

    def _describe(self, tree: ReviewedTree | None) -> str:
        record = self._store.loop_attempts.get(self._token)
        if tree is None or record is None or record.start is None:
            return "It is in no git repository: look at the directory itself."
        return tree.describe(record.start)

    def _run(self, words: str) -> tuple[GivenVerdict | None, str]:
        agent = as_reviewer(self._reviewer.agent, self._schema_file)
        runner, policy, task = self._given.runner, self._given.policy, self._task._replace(command=None)
        allowance = find_allowance(self._store, task, policy.loop)
        refused = refuse(agent, allowance)
        if refused:
            raise AttemptStopped(refused)
        if self._schema_file in agent.loop:
            _write(self._schema_file, SCHEMA)
        self._store.usages.put([Usage(self._token, REVIEWER_PART, agent.name)])  # unknown, should it be cut off
        reader = VerdictReader(agent.results)
        output = AgentOutput(agent, runner, policy.settle, lambda: os.path.lexists(self._file), reader, allowance)
        plan = runner.record.plan
        own = plan._replace(agent=agent, prompt=words, level=self._reviewer.level, allowance=allowance)
        try:
            result = runner.ask_agent(task, own, self._environment(), output, output.observe)
        finally:
            runner.record.plan = plan
        refusal = output.finish()
        self._store.usages.put(output.add_usage(result, self._token, REVIEWER_PART).usages)
        return self._judge(output.explain(result), self._find_verdict(reader), refusal)

    def _judge(
        self, result: Result, verdict: GivenVerdict | None, refusal: ProviderRefusal | None
    ) -> tuple[GivenVerdict | None, str]:
        """What its end means. Raises AttemptStopped, ReviewerUnusable."""
        if result.outcome in NOT_JUDGED:
            raise AttemptStopped(result)
        if result.outcome == UNSTARTABLE:
            raise ReviewerUnusable(f"{self._name}: {result.note}")
        if verdict is None and refusal:
            self._refuse(refusal)
        return verdict, result.note or f"it ended with exit {result.exit_code}"

    def _find_verdict(self, reader: VerdictReader) -> GivenVerdict | None:
        said = reader.find()
        if said or not os.path.isfile(self._file):  # what it made there may be anything
            return said
        try:
            with open(self._file, encoding="utf-8", errors="replace") as file:
                return parse_verdict(file.read(1 << 20))
        except OSError:
            return None

    def _refuse(self, refusal: ProviderRefusal) -> None:
        """Its provider does not serve it. Raises AttemptStopped, ReviewerUnusable."""
        if refusal.kind != LIMITED:
            raise ReviewerUnusable(f"{self._name}: {refusal.reason}: mend that first")
        self._store.loops.limit_agent(self._reviewer.agent.name, refusal.until, refusal.reason)
        note = f"{self._name}: {refusal.reason} (no more before {refusal.until})"
        raise AttemptStopped(Result(INTERRUPTED, note=note))

    def _environment(self) -> dict[bytes, bytes]:
        """What it sees: as an agent does, but it is not the one whose word ends the task."""
        task, claim = self._task._replace(command=None), self._given.assignment.claim
        inherited = self._given.context.environment_of(task, claim, self._reviewer.agent)
        environment = confine(inherited, self._given.workspace.top, self._store.home)
        for name in (b"TXLITE_TASK", b"TXLITE_TOKEN"):
            environment.pop(name, None)
        environment[b"TXLITE_VERDICT_FILE"] = os.fsencode(self._file)
        return environment


def _write(path: str, words: str) -> None:
    """The same each time: whoever writes it beside us writes the same."""
    draft = f"{path}.{os.getpid()}"
    with open(draft, "w", encoding="utf-8") as file:
        file.write(words)
    os.replace(draft, path)
