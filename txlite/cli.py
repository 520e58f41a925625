"""The command line: verb to module, errors to exit codes.

The one place that catches: every error becomes one line on stderr and its exit code. What nobody raised on
purpose is our bug: its traceback goes into a file, and the user is told where.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from functools import partial

from .commands import VERBS
from .errors import Error, Interrupted, StoreUnavailable, UsageError, find_shortage

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
        width = os.environ.get("COLUMNS", "")
        formatter = partial(argparse.HelpFormatter, width=int(width) - 2 if width.isdigit() else 78)
        super().__init__(formatter_class=formatter, allow_abbrev=False, **options)  # type: ignore[arg-type]

    def format_help(self) -> str:
        """Return what argparse has to say, and then examples."""
        from .commands.examples import write_examples

        lines = write_examples(self._verb, self.prog)
        return super().format_help() + "\n".join(["", "examples:", *(f"  {line}" for line in lines), ""])

    def error(self, message: str) -> NoReturn:
        """Raise UsageError, where argparse would exit, with what may have been meant, or there is to choose."""
        kind, _, rest = message.partition(": ")
        if kind == "unrecognized arguments" and rest.startswith("-"):
            message += _hint(rest.split(" ")[0].split("=")[0], self._option_string_actions)
        for action in self._get_positional_actions():
            if action.choices and (kind == f"argument {action.dest}" or rest.split(", ")[0] == action.dest):
                message = self._name_actions(list(action.choices), rest)
        raise UsageError(f"{message}: `{self.prog} --help` shows how")

    def _name_actions(self, actions: list[str], complaint: str) -> str:
        """What there is to choose where an action is missing, or is none of them."""
        verb = self.prog.rpartition(" ")[2]
        wrong = complaint.partition("invalid choice: ")[2].rpartition(" (choose")[0]
        what = f"{verb} has no {wrong}{_hint(wrong[1:-1], actions)}" if wrong else f"{verb} does nothing alone"
        return f"{what}: give {' or '.join(filter(None, [', '.join(actions[:-1]), actions[-1]]))}"


def main(argv: list[str] | None = None) -> int:
    """Run one command; its exit code. Our scripts say first by which name they were called: --as NAME."""
    arguments = sys.argv[1:] if argv is None else argv
    name, arguments = (
        (arguments[1], arguments[2:]) if arguments[:1] == ["--as"] and arguments[1:] else ("txlite", arguments)
    )
    _mend_streams()
    try:
        code = _dispatch(arguments, name)
        sys.stdout.flush()
        return code
    except Error as error:
        if name == "tx" and error.exit_code == UsageError.exit_code:
            error.exit_code = Error.exit_code  # as tx has it
        return _complain(error, arguments)
    except KeyboardInterrupt:
        return _complain(Interrupted("interrupted"), arguments)
    except BrokenPipeError:
        _mute()  # whoever read our output has seen enough
        return 128 + 13
    except (OSError, MemoryError) as error:
        return _complain(_explain(error) or _record_bug(arguments), arguments)
    except Exception:
        return _complain(_record_bug(arguments), arguments)


def _explain(error: OSError | MemoryError) -> Error | None:
    """What to say of an error that is the machine's, and no bug of ours."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS):
        if error.filename is None:
            _mute()
        return StoreUnavailable(f"{error.filename or 'the output'}: {error.strerror}")
    return find_shortage(error)


def _mend_streams() -> None:
    """Closed standard streams become /dev/null, so that no file of ours gets their number; what an encoding cannot
    show is escaped."""
    while True:
        descriptor = os.open(os.devnull, os.O_RDWR)
        if descriptor > 2:
            os.close(descriptor)
            break
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _mute() -> None:
    from .view.terminal import mute

    mute()


def _record_bug(arguments: list[str]) -> Error:
    from .errors import record_bug

    return record_bug(f"arguments: {arguments!r}")


def _dispatch(arguments: list[str], called: str) -> int:
    home, rest = _split_home(arguments)
    verb = rest.pop(0) if rest else "help"
    if verb in ("--version", "-v"):
        from .version import VERSION

        print(f"{called} {VERSION}")
        return 0
    if verb in ("-h", "--help", "help"):
        return _help(rest[0] if verb == "help" and rest else "help", called)
    if verb not in VERBS:
        from .commands.spelling import ALIASES, suggest

        if verb not in ALIASES:
            raise UsageError(f"unknown command {verb!r}{suggest(verb)}: `txlite help` lists them")
        verb = ALIASES[verb]
    module, parser = make_parser(verb, home, called)
    command: list[str] = []
    if getattr(module, "TAKES_COMMAND", False) and "--" in rest:
        cut = rest.index("--")  # argparse would give the first word after it to a positional argument before it
        rest, command = rest[:cut], rest[cut + 1 :]
        if not command:
            raise UsageError(f"nothing stands after --: `{parser.prog} --help` shows how")
    rest = _join_options(rest)
    args = parser.parse_intermixed_args(rest)
    args.verb, args.typed, args.command, args.prog = verb, rest, command, parser.prog
    if args.trust:
        _trust(args.home)
    return int(module.run(args))


def _join_options(words: list[str]) -> list[str]:
    """Join --slurm and its value, which begins as an option does: argparse would take it for one of ours."""
    joined = list(words)
    for place in reversed(range(len(joined) - 1)):
        if joined[place] == "--slurm":
            joined[place : place + 2] = [f"--slurm={joined[place + 1]}"]
    return joined


def _trust(given: str | None) -> None:
    from .home import location, trust

    trust.remember(location.locate(given))


def make_parser(verb: str, home: str | None = None, called: str = "txlite") -> tuple[ModuleType, Parser]:
    """Return a verb's module, and the parser of its arguments.

    `home` is what --home is without being given, and `called` how we are shown in its usage."""
    from importlib import import_module

    name, summary = VERBS[verb]
    module = import_module(f".commands.{name}", __package__)
    is_script = called not in NAMES  # of ours, which is one verb
    prog = called if is_script else f"{called} {verb}"
    parser = Parser(verb, prog=prog, description=summary[0].upper() + summary[1:] + ".")
    parser.add_argument("--home", default=home, help="the directory with the database and the reports")
    parser.add_argument("--db", dest="home", type=_find_home, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    parser.add_argument("--trust", action="store_true", help="use that home from now on, though it came with a clone")
    if is_script:
        from .version import VERSION

        told = f"{called} {VERSION}"
        parser.add_argument("-v", "--version", action="version", version=told, help="print its version")
    module.configure(parser, verb)
    return module, parser


def _find_home(database: str) -> str:
    """Return the home that --db means: the directory in which tasks.db lies, and one called as any other file."""
    path = os.path.abspath(database)
    return os.path.dirname(path) if os.path.basename(path) == "tasks.db" else path


def _help(topic: str, called: str) -> int:
    """Show the overview, what a verb's --help says, the page of a topic, or, where both have the name, both."""
    from .commands import help
    from .commands.spelling import ALIASES, suggest

    topic = ALIASES.get(topic, topic)
    if topic in ("-h", "--help", "help"):
        from .commands.overview import write_overview

        print(write_overview())
    elif topic in help.TOPICS:
        options = make_parser(topic, None, called)[1].format_help() + "\n" if topic in VERBS else ""
        help.show(options + help.read(topic))
    elif topic in VERBS:
        print(make_parser(topic, None, called)[1].format_help(), end="")
    else:
        near = suggest(topic, help.TOPICS)
        raise UsageError(f"unknown command or topic {topic!r}{near}: `txlite help` lists them")
    return 0


def _split_home(arguments: list[str]) -> tuple[str | None, list[str]]:
    """--home, or --db, may stand before the verb, too."""
    home, rest = None, list(arguments)
    while rest and rest[0].partition("=")[0] in ("--home", "--db"):
        option, equals, value = rest.pop(0).partition("=")
        if not equals and not rest:
            raise UsageError(f"{option}: a path is missing: `txlite help` shows how")
        home = value if equals else rest.pop(0)
        home = _find_home(home) if option == "--db" else home
    return home, rest


def _hint(word: str, known: Iterable[str]) -> str:
    from .text import find_nearest

    near = find_nearest(word, known)
    return f" (did you mean {near!r}?)" if near else ""


def _complain(error: Error, arguments: list[str]) -> int:
    """Say what is wrong: one line on stderr, and with --json one object on stdout; return the exit code."""
    from .text import printable

    try:
        print(f"txlite: {printable(str(error))}", file=sys.stderr)
        if "--json" in arguments[: arguments.index("--") if "--" in arguments else None]:
            from .view.json_objects import print_error

            print_error(error)
            sys.stdout.flush()
    except OSError:
        pass  # nobody is left to tell; the exit code says it
    return error.exit_code
