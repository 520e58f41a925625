"""completion: the script that makes a shell complete what is typed after txlite.

Its three forms stand in templates/; what they have in common is put into each as tables, from the parsers. A table is a
function of the shell: from words (a verb, an option, a place) to what completes there. A bash without associative
arrays is still in use.
"""

from __future__ import annotations

import pkgutil

from ..batch.quoting import quote
from ..errors import NotFound
from ..system.named_tuple import NamedTuple
from . import VERBS
from .grammar import ARGUMENTS, BY_OPTION, Grammar, read_grammar
from .help import TOPICS
from .spelling import ALIASES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterable

SHELLS = ("bash", "zsh", "fish")
HELP = ("help", "how it is used: a command, or a page")


class Table(NamedTuple):
    """A function of the script: `rows` are patterns of its words, each with the answers, `other` those for all else."""

    name: str
    rows: list[tuple[list[str], list[str]]]
    other: list[str]


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.epilog = (
        "The head of what it prints says where that goes. Ids are offered with the titles of their tasks, and where "
        "the verb can do something with them; they come from the home at hand, as you type."
    )
    parser.add_argument("shell", choices=SHELLS, help="for which shell")


def run(args: Namespace) -> int:
    """Print the script for a shell."""
    print(write_completion(args.shell), end="")
    return 0


def write_completion(shell: str) -> str:
    """Return the script of a shell. Raises NotFound where this copy came without it."""
    name = f"templates/completion.{shell}"
    try:
        data = pkgutil.get_data(__package__.rpartition(".")[0], name)
    except OSError:
        data = None
    if data is None:
        raise NotFound(f"{name} is not in this copy of txlite: copy the whole directory")
    write = _write_for_fish if shell == "fish" else _write_for_others
    return data.decode().replace("@TABLES@", "\n\n".join(map(write, _make_tables())))


def _make_tables() -> list[Table]:
    grammars = [read_grammar(verb) for verb in VERBS]
    verbs = [f"{verb}\t{VERBS[verb][1]}" for verb in VERBS]
    everywhere = ["--home\tthe directory with the database and the reports", "--version\tits version", "--help\thelp"]
    commands = [one.verb for one in grammars if one.takes_command and one.verb != "service"]
    return [
        Table("verbs", [], [*verbs, "\t".join(HELP)]),
        Table("verb", [([alias], [verb]) for alias, verb in ALIASES.items()] + [([*VERBS, "help"], ["$1"])], ["-"]),
        Table("options", [([one.verb], _tell_options(one)) for one in grammars] + [([""], everywhere)], []),
        Table("value", _group(_complete_options(grammars)), []),
        Table("argument", _group(_complete_arguments(grammars)), []),
        Table("takes_command", [(commands, ["yes"]), (["service"], ["again"])], []),  # one of ours, from its verb on
    ]


def _tell_options(grammar: Grammar) -> list[str]:
    return [f"{one.names[0]}\t{one.says}" for one in [*grammar.options[3:], *grammar.options[:3]]]  # own ones first


def _complete_options(grammars: list[Grammar]) -> Iterable[tuple[str, str]]:
    common = ("--home", "--db")
    yield from ((f"* {name}", BY_OPTION[name]) for name in common)
    for grammar in grammars:
        for option in grammar.options:
            if option.completed and option.names[0] not in common:
                yield from ((f"{grammar.verb} {name}", option.completed) for name in option.names)


def _complete_arguments(grammars: list[Grammar]) -> Iterable[tuple[str, str]]:
    yield "help 0", "=" + " ".join(dict.fromkeys([*VERBS, *TOPICS]))
    for grammar in grammars:
        yield from ((f"{grammar.verb} {place}", kind) for place, kind in enumerate(ARGUMENTS.get(grammar.verb, ())))
        for place, argument in enumerate(grammar.arguments if grammar.verb not in ARGUMENTS else ()):
            yield f"{grammar.verb} {'*' if argument.repeats else place}", argument.completed


def _group(pairs: Iterable[tuple[str, str]]) -> list[tuple[list[str], list[str]]]:
    """Return the patterns of each answer together, in the order in which they come."""
    found: dict[str, list[str]] = {}
    for pattern, answer in pairs:
        found.setdefault(answer, []).append(pattern)
    return [(patterns, [answer]) for answer, patterns in found.items()]


def _write_for_others(table: Table) -> str:
    """Write a table for bash and zsh: it puts the answers into the array _txlite_answer."""
    rows = [*table.rows, (["*"], table.other)]
    cases = [
        f"    {'|'.join(map(_write_pattern, some))}) _txlite_answer=({_quote_all(answers)}) ;;"
        for some, answers in rows
    ]
    return "\n".join([f"_txlite_{table.name}() {{", '    case "$*" in', *cases, "    esac", "}"])


def _write_pattern(pattern: str) -> str:
    parts = [quote(part) if part else "" for part in pattern.split("*")]
    return "*".join(parts) or "''"


def _quote_all(answers: list[str], quote_one: Callable[[str], str] = quote) -> str:
    return " ".join('"$1"' if answer == "$1" else quote_one(answer) for answer in answers)


def _write_for_fish(table: Table) -> str:
    """Write a table for fish: it prints the answers."""
    rows = [*table.rows, (["*"], table.other)]
    cases = [
        line
        for some, answers in rows
        for line in (
            f"        case {' '.join(map(_quote_for_fish, some))}",
            f"            printf '%s\\n' {_quote_all(answers, _quote_for_fish).replace('$1', '$argv[1]')}"
            if answers
            else "",
        )
        if line
    ]
    return "\n".join([f"function __txlite_{table.name}", '    switch "$argv"', *cases, "    end", "end"])


def _quote_for_fish(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "\\'") + "'"
