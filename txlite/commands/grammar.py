"""What can be typed, as data: each verb with its options and arguments, and what completes their values.

Read from the parsers, so that a completion, the manual page and `--help` say the same. Used by `completion` and `man`.
"""

from __future__ import annotations

from argparse import SUPPRESS

from ..model import LEVELS, STATES
from ..system.named_tuple import NamedTuple
from .parser import make_parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Action

    from .parser import Parser


# How a value is completed: a file, a directory, a command with its arguments, one of these words ("= one two"), or
# what the home at hand knows ("? ids"; see `complete`); a comma before it: several, with commas between them.
FILE, DIRECTORY, COMMAND, NOTHING = "file", "directory", "command", "text"
BY_VALUE = {
    "FILE": FILE, "DIR": DIRECTORY, "ID": "?ids", "ID|PID": "?ids", "BLOCKER": "?ids", "ID,...": ",?ids",
    "WORKER": "?holders", "ID|NAME": "?workers", "GROUP": "?groups", "GROUP[=N]": "?groups", "ID|PID|RUN": "?running",
    "LEVEL": "=" + " ".join(LEVELS),
}  # fmt: skip
BY_OPTION = {
    "--agent": "?agents", "--reviewer": "?agents",
    "--run": "?runs", "--executor": "=local slurm srun", "--home": DIRECTORY, "--db": FILE,
    "--every": "=@hourly @daily @weekly @monthly @yearly",
}  # fmt: skip
OF_VERB = {  # verb, option or place -> where it is not the same everywhere
    ("list", "--status"): ",=" + " ".join([*STATES, "ready", "reserved", "waiting", "later"]),
    ("ralph", "--agent"): ",?agents",
    ("ralph", "--escalate"): ",=" + " ".join(LEVELS),
    ("update", "--status"): "=backlog blocked done failed cancelled",
}
ARGUMENTS = {"claim": ("?ids", "?holders"), "run": (COMMAND,)}  # as argparse does not know them


class Option(NamedTuple):
    """An option: its names, the longest first, its value as it is shown ("": it takes none), what it is for."""

    names: tuple[str, ...]
    value: str
    says: str
    completed: str  # how its value is; "" where it takes none


class Argument(NamedTuple):
    """What stands behind a verb: as it is shown, what it is, how it is completed."""

    name: str
    says: str
    completed: str
    repeats: bool


class Grammar(NamedTuple):
    """One verb."""

    verb: str
    usage: str
    about: str
    options: tuple[Option, ...]
    arguments: tuple[Argument, ...]
    takes_command: bool  # after --


def read_grammar(verb: str) -> Grammar:
    """Return what can be typed after a verb."""
    module, parser = make_parser(verb)
    actions = [one for one in parser.actions if one.help is not SUPPRESS]
    positional = [one for one in actions if not one.option_strings]
    takes_command = getattr(module, "TAKES_COMMAND", False)
    options = tuple(_read_option(parser, verb, one) for one in actions if one.option_strings)
    arguments = tuple(_read_argument(parser, verb, place, one) for place, one in enumerate(positional))
    usage = parser.usage or " ".join([parser.prog, "[options]", *(show_argument(one) for one in arguments)])
    return Grammar(verb, usage, parser.epilog or "", options, arguments, takes_command)


def show_argument(argument: Argument) -> str:
    """Return the argument as it stands in a usage."""
    return argument.name + (" ..." if argument.repeats else "")


def _read_option(parser: Parser, verb: str, action: Action) -> Option:
    names = tuple(sorted(action.option_strings, key=len, reverse=True))
    value = "" if action.nargs == 0 else _show_value(action)
    return Option(names, value, _say(parser, action), _completed(verb, names[0], action) if value else "")


def _read_argument(parser: Parser, verb: str, place: int, action: Action) -> Argument:
    repeats = action.nargs in ("*", "+")
    return Argument(_show_value(action), _say(parser, action), _completed(verb, str(place), action), repeats)


def _completed(verb: str, name: str, action: Action) -> str:
    if action.choices:
        return "=" + " ".join(map(str, action.choices))
    value = _show_value(action)
    return OF_VERB.get((verb, name)) or BY_OPTION.get(name) or BY_VALUE.get(value, NOTHING)


def _show_value(action: Action) -> str:
    if isinstance(action.metavar, str):
        return action.metavar
    return "|".join(map(str, action.choices)) if action.choices else action.dest.upper()


def _say(parser: Parser, action: Action) -> str:
    return (action.help or "") % {**vars(action), "prog": parser.prog}
