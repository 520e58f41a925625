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
    from ..execution.attempt_runner import AttemptRunner
    from ..execution.worker_context import WorkerContext
    from ..store.assignments import Assignment
    from .loop_settings import LoopSettings
    from .workspace import Workspace

DONE_FILE = ".txlite-done-"  # with the attempt's number: in the task's directory
VERDICT_FILE = ".txlite-verdict-"  # the same, of who reviews it
COMMANDS = "commands"  # below home: where agents find `txlite`
NOT_JUDGED = (CANCELLED, *CUT_OFF, UNKILLABLE, REFUSED, NODE_FAILED)  # how an attempt ends whatever its agent says


class AgentUnusable(Refused):
    """The agent cannot work, whatever its task: its login, its model, its money, or its command is missing."""


class AgentTurn:
    """One agent in one workspace. assignment: with the directory in which it works; gate: as the agent is told."""

    def __init__(
        self,
        context: WorkerContext,
        runner: AttemptRunner,
        policy: LoopSettings,
        assignment: Assignment,
        workspace: Workspace,
        gate: str | None,
    ) -> None:
        self._context = context
        self._store = context.store
        self._agent = context.settings.roster.find(assignment.agent)
        self._runner = runner
        self._policy = policy
        self._assignment = assignment
        self._workspace = workspace
        self._gate = gate
        self._token = assignment.claim.token
        self._done_file = os.path.join(workspace.directory, f"{DONE_FILE}{self._token}")

    def run(self, plan: Plan) -> Result:
        """Run the agent; return its end, judged by itself: DONE if it exited with 0, or said so.

        Raises AgentUnusable where no task can be worked on, AttemptStopped.
        """
        directory, task = self._workspace.directory, self._assignment.task
        _remove_done_files(directory)
        words = prompt.write(
            self._policy.template, self._store, task, self._gate, self._done_file, self._workspace.goes_on,
            self._workspace.commits, describe_agent(self._agent.name, self._assignment.level),
        )  # fmt: skip
        allowance = find_allowance(self._store, task, self._policy.loop) if task.command is None else None
        plan = plan._replace(prompt=words, allowance=allowance)
        self._runner.check()
        refused = refuse(self._agent, allowance)
        if refused:
            return refused
        refusal = output = None
        if task.command is None:
            plan = self._runner.record.plan = plan._replace(prompt=tell_all(self._store, task.id, self._token, words))
            output = listen_to(
                self._store, task, self._runner.record, self._runner, self._policy.settle, self._has_said_done
            )
            result = self._runner.ask_agent(task, plan, self._environment(), output, output.observe)
            refusal = output.finish()
            result = output.add_usage(result, self._token)
            self._store.usages.put(result.usages)  # at once: its gate may take long, and be cut off
        else:
            result = self._runner.ask_agent(task, plan, self._environment())
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
        inherited = self._context.environment_of(self._assignment.task, self._assignment.claim, self._agent)
        environment = confine(inherited, self._workspace.top, self._store.home)
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
