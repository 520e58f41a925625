"""The agent's part of an attempt: what it is told, how it says that it is done, and what its provider says.

Guarantee: nothing that an agent prints decides anything; its exit code, its own word (`txlite done`, or a file) and its
provider's structured results do. An agent whose result is there and that does not exit is ended. Made by `trial` for
each attempt.
"""

from __future__ import annotations

import contextlib
import os
import shutil

from ..agents.results import LIMITED
from ..errors import Refused
from ..execution.agent_output import listen_to
from ..execution.conversation import tell_all
from ..execution.spending import find_allowance, refuse
from ..git import command
from ..model import CANCELLED, CUT_OFF, DONE, INTERRUPTED, NODE_FAILED, REFUSED, UNKILLABLE, describe_agent
from ..store.attempts import Result
from . import prompt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..agents.results import ProviderRefusal
    from ..execution.attempt_record import Plan
    from .turn_context import TurnContext

DONE_FILE = ".txlite-done-"  # with the attempt's number: in the task's directory
VERDICT_FILE = ".txlite-verdict-"  # the same, of who reviews it
COMMANDS = "commands"  # below home: where agents find `txlite`
NOT_JUDGED = (CANCELLED, *CUT_OFF, UNKILLABLE, REFUSED, NODE_FAILED)  # how an attempt ends whatever its agent says


class AgentUnusable(Refused):
    """The agent cannot work, whatever its task: its login, its model, its money, or its command is missing."""


class AgentTurn:
    """One agent in one workspace."""

    def __init__(self, given: TurnContext) -> None:
        self._given = given
        self._store = given.context.store
        self._agent = given.context.settings.roster.find(given.assignment.agent)
        self._token = given.assignment.claim.token
        self._done_file = os.path.join(given.workspace.directory, f"{DONE_FILE}{self._token}")

    def run(self, plan: Plan) -> Result:
        """Run the agent; return its end, judged by itself: DONE if it exited with 0, or said so.

        Raises AgentUnusable where no task can be worked on, AttemptStopped.
        """
        given, runner = self._given, self._given.runner
        directory, task = given.workspace.directory, given.assignment.task
        _remove_done_files(directory)
        words = prompt.write(
            given.policy.template, self._store, task, given.host.gate, self._done_file, given.workspace.goes_on,
            given.workspace.commits, describe_agent(self._agent.name, given.assignment.level),
        )  # fmt: skip
        allowance = find_allowance(self._store, task, given.policy.loop) if task.command is None else None
        plan = plan._replace(prompt=words, allowance=allowance)
        runner.check()
        refused = refuse(self._agent, allowance)
        if refused:
            return refused
        refusal = output = None
        if task.command is None:
            plan = runner.record.plan = plan._replace(prompt=tell_all(self._store, task.id, self._token, words))
            output = listen_to(self._store, task, runner.record, runner, given.policy.settle, self._has_said_done)
            result = runner.ask_agent(task, plan, self._environment(), output, output.observe)
            refusal = output.finish()
            result = output.add_usage(result, self._token)
            self._store.usages.put(result.usages)  # at once: its gate may take long, and be cut off
        else:
            result = runner.ask_agent(task, plan, self._environment())
        has_said_done = self._has_said_done()
        _remove_done_files(directory)
        judged = self._judge(result, has_said_done, refusal)
        return output.explain(judged) if output else judged

    def _judge(self, result: Result, has_said_done: bool, refusal: ProviderRefusal | None) -> Result:
        if result.outcome in NOT_JUDGED:
            return result
        if has_said_done or (result.outcome == DONE and not refusal):
            return result._replace(outcome=DONE, note=result.note if result.outcome == DONE else "it had said done")
        if refusal and refusal.kind == LIMITED:
            self._store.loops.limit_agent(self._agent.name, refusal.until, refusal.reason)
            return result._replace(outcome=INTERRUPTED, note=f"{refusal.reason} (no more before {refusal.until})")
        if refusal:
            raise AgentUnusable(f"agent {self._agent.name}: {refusal.reason}: mend that first")
        return result

    def _environment(self) -> dict[bytes, bytes]:
        """What the agent sees: where to find `txlite`, and the file that says done where that may not be run."""
        assignment = self._given.assignment
        inherited = self._given.context.environment_of(assignment.task, assignment.claim, self._agent)
        environment = confine(inherited, self._given.workspace.top, self._store.home)
        environment[b"TXLITE_DONE_FILE"] = os.fsencode(self._done_file)
        return environment

    def _has_said_done(self) -> bool:
        return os.path.lexists(self._done_file) or self._store.loop_attempts.has_said_done(self._token)


def confine(inherited: dict[bytes, bytes], top: str | None, home: str) -> dict[bytes, bytes]:
    """Return what an agent inherits with git held to a working tree (None: to none), and `txlite` on its PATH."""
    environment = command.confined(inherited, top)
    path = environment.get(b"PATH", os.fsencode(os.defpath))
    environment[b"PATH"] = os.fsencode(os.path.join(home, COMMANDS)) + b":" + path
    return environment


def _remove_done_files(directory: str) -> None:
    """Ours, and those of attempts that were cut off here: nobody commits them."""
    with contextlib.suppress(OSError):  # a directory that cannot be read: the agent will not start there
        for name in os.listdir(directory):
            if name.startswith((DONE_FILE, VERDICT_FILE)):
                remove(os.path.join(directory, name))


def remove(path: str) -> None:
    """Remove what an agent made under this path, whatever it is, if it is there. Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
