"""A verb's parser: argparse with our errors, examples below its help, and the options that every verb takes.

Made by `cli` for the verb that was called, and for all of them by what describes the commands: completions, the manual
page, the reference.
"""

from __future__ import annotations

import argparse
import os
from functools import partial

from ..errors import UsageError
from . import VERBS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType
    from typing import NoReturn


NAMES = ("txlite", "tx")  # as which every verb can be called


class Parser(argparse.ArgumentParser):
    """argparse with our errors, and a width of its own: asking the terminal for one imports half of shutil."""

    def __init__(self, verb: str, **options: object) -> None:
        self._verb = verb
        self.typed: list[str] = []  # the words that are parsed
        self.has_command = False  # one stands after them, behind --
        width = os.environ.get("COLUMNS", "")
        formatter = partial(argparse.HelpFormatter, width=int(width) - 2 if width.isdigit() else 78)
        super().__init__(formatter_class=formatter, allow_abbrev=False, **options)  # type: ignore[arg-type]

    @property
    def actions(self) -> list[argparse.Action]:
        """Return its options and arguments, those of every verb first."""
        return list(self._actions)

    def format_help(self) -> str:
        """Return what argparse has to say, and then examples."""
        from .examples import write_examples

        lines = write_examples(self._verb, self.prog)
        return super().format_help() + "\n".join(["", "examples:", *(f"  {line}" for line in lines), ""])

    def error(self, message: str) -> NoReturn:
        """Raise UsageError, where argparse would exit, with what may have been meant, or there is to choose."""
        kind, _, rest = message.partition(": ")
        if kind == "unrecognized arguments":
            message += self._hint_at(rest.split(" ")[0])
        for action in self._get_positional_actions():
            if action.choices and (kind == f"argument {action.dest}" or rest.split(", ")[0] == action.dest):
                message = self._name_actions(list(action.choices), rest)
        if kind.startswith("argument -"):
            message = f"{self._name_option(kind)}: {rest}"
        says_what_to_do = kind.startswith("argument ") and (": give " in rest or "`" in rest)
        raise UsageError(message if says_what_to_do else f"{message}: `{self.prog} --help` shows how")

    def _hint_at(self, word: str) -> str:
        """What may have been meant by a word that is too much."""
        is_option = word.startswith("-")
        near = _hint(word.partition("=")[0], self._option_string_actions) if is_option else ""
        if near or self._verb != "add" or (is_option and self.has_command):
            return near
        return " (a task is in quotes, or stands after -- as a command)"

    def _name_option(self, kind: str) -> str:
        """The option that argparse complains of, as it was typed: argparse names all its spellings."""
        spellings = kind.partition(" ")[2].split("/")
        return next((name for name in spellings if any(_is(word, name) for word in self.typed)), spellings[0])

    def _name_actions(self, actions: list[str], complaint: str) -> str:
        """What there is to choose where an action is missing, or is none of them."""
        verb = self.prog.rpartition(" ")[2]
        wrong = complaint.partition("invalid choice: ")[2].rpartition(" (choose")[0]
        what = f"{verb} has no {wrong}{_hint(wrong[1:-1], actions)}" if wrong else f"{verb} does nothing alone"
        return f"{what}: give {' or '.join(filter(None, [', '.join(actions[:-1]), actions[-1]]))}"


def make_parser(verb: str, home: str | None = None, called: str = "txlite") -> tuple[ModuleType, Parser]:
    """Return a verb's module, and the parser of its arguments.

    `home` is what --home is without being given, and `called` how we are shown in its usage."""
    from importlib import import_module

    name, summary = VERBS[verb]
    module = import_module(f".{name}", __package__)
    is_script = called not in NAMES  # of ours, which is one verb
    prog = called if is_script else f"{called} {verb}"
    parser = Parser(verb, prog=prog, description=summary[0].upper() + summary[1:] + ".")
    parser.add_argument("--home", default=home, help="the directory with the database and the reports")
    parser.add_argument("--db", dest="home", type=find_home, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    parser.add_argument("--trust", action="store_true", help="use that home from now on, though it came with a clone")
    if is_script:
        from ..version import VERSION

        told = f"{called} {VERSION}"
        parser.add_argument("-v", "--version", action="version", version=told, help="print its version")
    module.configure(parser, verb)
    return module, parser


def parse_words(module: ModuleType, parser: Parser, words: list[str]) -> argparse.Namespace:
    """Return the arguments of a verb with, as `typed`, the words that are options, and as `command` those of a command
    behind them. Raises UsageError."""
    rest, command = words, []
    if hasattr(module, "cut_words"):
        rest, command = module.cut_words(words, parser)
    elif getattr(module, "TAKES_COMMAND", False) and "--" in words:
        cut = words.index("--")  # argparse would give the first word after it to a positional argument before it
        rest, command = words[:cut], words[cut + 1 :]
        if not command:
            raise UsageError(f"nothing stands after --: `{parser.prog} --help` shows how")
    rest = parser.typed = _join_options(rest)
    parser.has_command = bool(command)
    args = parser.parse_intermixed_args(rest)
    args.typed, args.command = rest, command
    return args


def _join_options(words: list[str]) -> list[str]:
    """Join --slurm and its value, which begins as an option does: argparse would take it for one of ours."""
    joined = list(words)
    for place in reversed(range(len(joined) - 1)):
        if joined[place] == "--slurm":
            joined[place : place + 2] = [f"--slurm={joined[place + 1]}"]
    return joined


def find_home(database: str) -> str:
    """Return the home that --db means: the directory in which tasks.db lies, and one called as any other file."""
    path = os.path.abspath(database)
    return os.path.dirname(path) if os.path.basename(path) == "tasks.db" else path


def _is(word: str, option: str) -> bool:
    """Whether a word is this option, perhaps with its value: --jobs=4, -j4."""
    return word.partition("=")[0] == option or (option[:2] != "--" and word.startswith(option))


def _hint(word: str, known: Iterable[str]) -> str:
    from ..text import find_nearest

    near = find_nearest(word, known)
    return f" (did you mean {near!r}?)" if near else ""
