"""show: one task with its attempts."""

from __future__ import annotations

from ..view.json_output import print_json
from ..view.objects.attempts import story_object
from ..view.one_task import print_story, tell
from . import open_reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.add_argument("task", metavar="ID")
    parser.add_argument("--json", action="store_true", help="print an object")


def run(args: Namespace) -> int:
    """Print a task with its attempts."""
    with open_reading(args) as store:
        story = tell(store, store.resolve(args.task))
    if args.json:
        print_json(story_object(story))
    else:
        print_story(story)
    return 0
