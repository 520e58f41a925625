"""service: what has a run or a loop go on as a service of the user."""

from __future__ import annotations

import os

from .. import text
from ..errors import UsageError
from ..execution.service_unit import ServiceOrder, compose_plist, compose_unit
from ..home import installation, location
from ..view.json_output import print_json
from ..view.objects.runs import script_object
from .parser import make_parser, parse_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

TAKES_COMMAND = True  # of ours, after --
VERBS = ("run", "ralph")
DRAIN = 60.0  # seconds


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.usage = "txlite service [options] [-- run|ralph [options]]"
    parser.epilog = (
        "Prints, and changes nothing: a unit of systemd, whose head says where it goes, for this directory, home, "
        "Python and PATH. Unless other words come after --, it is for `run --forever`; --forever is added, and --drain "
        "60 to what gives none: so long may what runs finish when it is stopped."
    )
    parser.add_argument("--print", action="store_true", help="what it does anyway")
    parser.add_argument("--launchd", action="store_true", help="a property list for launchd of macOS instead")
    parser.add_argument("--name", default="txlite", metavar="NAME", help="what it is called (txlite)")
    parser.add_argument("--json", action="store_true", help="print an object")


def run(args: Namespace) -> int:
    """Print the unit, or the property list."""
    verb, *words = args.command or ["run"]
    if verb not in VERBS:
        raise UsageError(f"{text.shorten(verb, 40)!r} is no service: give run or ralph, with options, after --")
    asked = _check(verb, words)
    text.check_plain_name(args.name, "the name")
    home, drain = location.locate(args.home), DRAIN if asked.drain is None else asked.drain
    more = [] if asked.forever else ["--forever"]
    more += [] if asked.drain is not None else ["--drain", f"{DRAIN:g}"]
    argv = [*installation.call_words(), "--home", home, verb, *words, *more]
    order = ServiceOrder(
        args.name, argv, location.working_directory(), home, os.environ.get("PATH", os.defpath), drain,
        10.0 if asked.kill_after is None else asked.kill_after, verb == "ralph",
    )  # fmt: skip
    script = compose_plist(order) if args.launchd else compose_unit(order)
    if args.json:
        print_json(script_object(script))
    else:
        print(script, end="")
    return 0


def _check(verb: str, words: list[str]) -> Namespace:
    """What is asked of the verb; raises UsageError for what it does not understand, or a service cannot do."""
    module, parser = make_parser(verb)
    asked = parse_words(module, parser, words)
    if asked.command or getattr(asked, "source", None) is not None:
        raise UsageError("tasks would be added again at each start: add them now, with `txlite add` or `txlite run`")
    if getattr(asked, "idle_exit", None) is not None:
        raise UsageError("--idle-exit: a service stays: leave it out")
    if asked.json:
        raise UsageError(f"--json: {verb} would print at its end only: leave it out")
    return asked
