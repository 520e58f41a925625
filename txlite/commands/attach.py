"""attach: an agent's session, gone on with by hand."""

from __future__ import annotations

from .. import text
from ..model import BACKLOG, FAILED, REVIEW
from ..view.json_output import print_json
from ..view.objects.attempts import session_object
from ..view.terminal import say
from . import open_reading, open_recovered, open_writing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from ..execution.agent_sessions import AgentSession

AFTER = {
    BACKLOG: "goes back into the queue, where a fresh agent takes it up",
    FAILED: "is failed as before: `txlite retry {}` has a fresh agent take it up, `txlite done {}` ends it",
    REVIEW: "waits for its review as before: what you committed on its branch lands with `txlite approve {}`",
}


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.epilog = (
        "The agent's own program goes on with the session of the last attempt, in the directory where that worked. "
        "Meanwhile no loop takes the task. It ends when that program does."
    )
    parser.add_argument("task", metavar="ID", help="a task on which claude or codex has worked")
    parser.add_argument("--dry-run", "-d", action="store_true", help="print what would be started, and start nothing")
    parser.add_argument("--json", action="store_true", help="print that as an object, and start nothing")


def run(args: Namespace) -> int:
    """Go on with a session; return the exit code of its agent."""
    from ..execution.agent_sessions import find_session

    with open_recovered(args) as store:
        found = find_session(store, store.resolve(args.task))
    if args.json:
        print_json(session_object(found))
    elif args.dry_run:
        print(_describe(found))
    else:
        return _attach(args, found)
    return 0


def _describe(found: AgentSession) -> str:
    import shlex

    return text.printable(f"cd {shlex.quote(found.directory)} && {shlex.join(found.argv)}")


def _attach(args: Namespace, found: AgentSession) -> int:
    from ..execution.agent_sessions import hold, run_in_terminal

    with open_writing(args) as store, hold(store, found.task):
        say(f"{found.task} is yours: {_describe(found)}")
        code = run_in_terminal(found, store.home)
    with open_reading(args) as store:
        status = store.get(found.task).status
    if status in AFTER:
        say(f"{found.task} {AFTER[status].format(*[found.task] * 2)}")
    return code
