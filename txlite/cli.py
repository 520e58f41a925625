"""The command line: verb to module, errors to exit codes.

The one place that catches: every error becomes one line on stderr and its exit code. What nobody raised on
purpose is our bug: its traceback goes into a file, and the user is told where.
"""

from __future__ import annotations

import errno
import os
import sys

from .commands import VERBS
from .errors import Error, Interrupted, StoreUnavailable, UsageError, find_shortage


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
    if verb == "complete":  # asked by a shell while somebody types
        from .commands.complete import complete

        return complete(home, rest)
    from .commands.parser import make_parser, parse_words

    verb = _find_verb(verb)
    module, parser = make_parser(verb, home, called)
    args = parse_words(module, parser, rest)
    args.verb, args.prog = verb, parser.prog
    if args.trust:
        _trust(args.home)
    return int(module.run(args))


def _find_verb(word: str) -> str:
    if word in VERBS:
        return word
    from .commands.spelling import ALIASES, suggest

    if word not in ALIASES:
        raise UsageError(f"unknown command {word!r}{suggest(word)}: `txlite help` lists them")
    return ALIASES[word]


def _trust(given: str | None) -> None:
    from .home import location, trust

    trust.remember(location.locate(given))


def _help(topic: str, called: str) -> int:
    """Show the overview, what a verb's --help says, the page of a topic, or, where both have the name, both."""
    from .commands import help
    from .commands.parser import make_parser
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
        home = _home_of(home) if option == "--db" else home
    return home, rest


def _home_of(database: str) -> str:
    from .commands.parser import find_home

    return find_home(database)


def _complain(error: Error, arguments: list[str]) -> int:
    """Say what is wrong: one line on stderr, and with --json one object on stdout; return the exit code."""
    from .text import printable

    try:
        print(f"txlite: {printable(str(error))}", file=sys.stderr)
        if "--json" in arguments[: arguments.index("--") if "--" in arguments else None]:
            from .view.json_output import print_error

            print_error(error)
            sys.stdout.flush()
    except OSError:
        pass  # nobody is left to tell; the exit code says it
    return error.exit_code
