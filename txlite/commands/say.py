"""say: a person's word for the agents of a task."""

from __future__ import annotations

from ..errors import UsageError
from ..view.json_output import print_json
from ..view.objects.tasks import message_object
from . import open_writing
from .arguments import read_stdin
from .review import refuse_agents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from ..execution.saying import Said


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.usage = "txlite say ID WORDS..."
    parser.add_argument("task", nargs="?", metavar="ID", help="the task")
    parser.add_argument("words", nargs="*", metavar="WORDS", help="what its agents are told; - for standard input")
    parser.add_argument("--json", action="store_true", help="print an object")


def run(args: Namespace) -> int:
    """Leave a word, and print who is told it, and when."""
    from ..execution.saying import say

    if args.task is None or not args.words:
        raise UsageError('say what to whom: `txlite say ID "use the other library"`')
    refuse_agents("what is said to agents")
    words = " ".join(args.words)
    if words == "-":
        words = read_stdin("the message")
    with open_writing(args) as store:
        said = say(store, store.resolve(args.task), words)
    if args.json:
        print_json(message_object(said.message, said.running.attempt if said.running else None))
    else:
        print(_describe(said))
    return 0


def _describe(said: Said) -> str:
    task, running = said.message.task, said.running
    if said.message.attempt is None:
        deaf = f"; {running.agent}, which runs, does not listen" if running else ""
        return f"{task}: its next attempt is told{deaf}"
    if running and running.attempt == said.message.attempt:
        return f"{task}: {running.agent}, which runs, is told now"
    return f"{task}: attempt {said.message.attempt} is told, which has just begun"
