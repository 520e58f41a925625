"""The batch of a `run`: what is typed of it, as options, template and sources, and how it enters the queue."""

from __future__ import annotations

import os
import re
import sys

from .. import text
from ..agents.agent import SHELL
from ..errors import UsageError
from ..home import location
from ..store.batches import ALL, ANY, OPEN, REST, identify
from ..system.named_tuple import NamedTuple
from ..view.terminal import say_aside
from .arguments import join_command, parse_count, parse_variable, value_of
from .run_group import fields_of_group

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterable, Iterator
    from typing import Union

    from ..agents.agent import Agent
    from ..batch.typed import Reading, TypedBatch
    from ..store.batches import Batch
    from ..store.store import Store
    from .arguments import Options

    Task = tuple[str, Union[tuple[str, ...], None]]  # a command or a prompt, and the arguments of its template

PLAIN = "--"  # a command, and no template
MATCHES = {"-": ALL, PLAIN: OPEN}  # how lines that have no file are known again


class WantedBatch(NamedTuple):
    """What is to be in the queue."""

    tasks: Iterable[Task]  # gone through more than once
    name: str  # of where it comes from
    origin: tuple[str, ...]  # and what else it has in common with itself, typed again
    match: str  # how much of it must be there to be the same


def add_options(parser: Options) -> None:
    """Give a parser the options of a batch."""
    add = parser.add_argument
    add("--arg-file", "-a", action="append", default=[], metavar="FILE", help="arguments, one a line; - is stdin")
    add("--null", action="store_true", help="NUL ends the arguments of files and stdin (also -0)")
    add("--delimiter", "-d", type=value_of(_parse_delimiter), metavar="TEXT", help="or this does, as , or \\t")
    add("--colsep", "-C", type=value_of(_parse_separator), metavar="REGEX", help="cut arguments into {1}, {2}, ...")
    add("--max-args", "-N", "-n", type=value_of(parse_count), metavar="N", help="so many arguments for each task")
    add("--link", "--xapply", action="store_true", help="sources go step by step, all of them, as with :::+")
    add("--no-run-if-empty", "-r", action="store_true", help="leave out empty arguments")
    add("-I", dest="bare", default="{}", metavar="TEXT", help="what stands for an argument ({})")
    add("--quote", "-q", action="store_true", help="words are kept as they are, as after --")
    add("--env", action="append", default=[], type=value_of(parse_variable), metavar="NAME[=VALUE]",
        help="a variable for each task; without VALUE the one that is set here")  # fmt: skip
    add("--dry-run", "--dryrun", action="store_true", help="print what would be run, and add nothing")
    add("--bar", "--eta", "--progress", action="store_true", help="nothing: on a terminal there is a bar anyway")


def read(args: Namespace, tell: Callable[[str], object]) -> WantedBatch | None:
    """Return what is given; None where there is only what is queued. tell: is given what is left out.

    Raises UsageError, and NotFound where all that is given are patterns that match no file.
    """
    from ..batch import typed as batch
    from ..batch.placeholder import Notation

    words, notation, reading = batch.cut(args.command), Notation(args.bare), _find_reading(args)
    if args.quote and words.words:
        words = words._replace(is_exact=True)
    is_template = batch.has_template(words, reading, notation)
    if args.source is not None:
        if args.command or is_template:
            raise UsageError("--from, or a command and its arguments: give one of the two")
        return _read_lines(args.source)
    if is_template:
        if not words.sources and not reading.files:
            _check_stdin()
        found = batch.read_batch(words, reading, notation, args.agent != SHELL, tell)
        return _want(found, (*words.words, "", str(words.is_exact), *map(str, reading[1:]), args.bare))
    if args.dry_run and not words.words:
        raise UsageError("--dry-run shows a batch, and none is given: `txlite list` shows what is queued")
    return WantedBatch([(join_command(list(words.words)), None)], PLAIN, (PLAIN,), OPEN) if words.words else None


def _want(found: TypedBatch, typed: tuple[str, ...]) -> WantedBatch:
    """What is known again by what was typed, and, where it comes from files alone, by them."""
    files = found.files
    origin = ("", *typed, *map(os.path.realpath, files or ()))
    return WantedBatch(found, found.name, origin, REST if files is None else ANY)


def _find_reading(args: Namespace) -> Reading:
    from ..batch.typed import Reading

    delimiter = b"\0" if args.null else args.delimiter or b"\n"
    return Reading(tuple(args.arg_file), delimiter, args.colsep, args.max_args, args.link, args.no_run_if_empty)


def _check_stdin() -> None:
    """Refuse to wait for arguments that somebody would have to type."""
    if sys.stdin.isatty():
        raise UsageError(
            "the arguments are missing: give ::: ARGUMENT ..., :::: FILE, or pipe them in; a command alone stands "
            "after --"
        )


def _read_lines(source: str) -> WantedBatch:
    from ..batch.lines import TaskLines

    origin = source if source == "-" else os.path.realpath(source)
    return WantedBatch(_Plain(TaskLines(source)), source, (origin,), MATCHES.get(origin, ANY))


class _Plain:
    """Lines as tasks without arguments."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = lines

    def __iter__(self) -> Iterator[Task]:
        return ((line, None) for line in self._lines)


def check(wanted: WantedBatch, agent: Agent) -> bool:
    """Return whether there is any task. Raises UsageError for one that is no text, or that its agent would not take."""
    is_any = False
    for line, _ in wanted.tasks:
        agent.check_prompt(line)
        is_any = True
    return is_any


def describe_empty(wanted: WantedBatch) -> str:
    """Return what is to be said of a batch without tasks."""
    if len(wanted.origin) == 1:
        return f"no tasks in {wanted.name}"
    from ..batch.typed import MARKS

    hint = " (a command that needs none stands after --)" if wanted.name == "stdin" else ""
    return f"nothing to run: no arguments {'behind' if wanted.name in MARKS else 'in'} {wanted.name}{hint}"


def say_what_was_not_read() -> None:
    """Where nothing was to be done, say that stdin, which holds something, was not asked for: other tools read it."""
    import fcntl
    import struct
    import termios

    try:
        waiting = struct.unpack("i", fcntl.ioctl(sys.stdin.fileno(), termios.FIONREAD, bytes(4)))[0]
    except (OSError, ValueError):
        return  # a terminal, or nothing of which that can be asked
    if waiting > 0 and not sys.stdin.isatty():
        say_aside("stdin was not read: `txlite run --from -` takes commands from it")


def show(wanted: WantedBatch, is_json: bool) -> None:
    """Print what would be run: as it is, to be piped on, or escaped on a terminal."""
    if is_json:
        from ..view.json_output import print_json

        print_json([{"command": line, "arguments": list(given or ())} for line, given in wanted.tasks])
        return
    is_shown = sys.stdout.isatty()
    for line, _ in wanted.tasks:
        sys.stdout.write((text.printable_lines(line) if is_shown else line) + "\n")


def enter(store: Store, wanted: WantedBatch, args: Namespace, tell: Callable[[str], object]) -> Batch:
    """Add the batch, or what is new in it, and tell which."""
    directory = location.working_directory()
    origin = identify(args.agent, directory, ["\0" + "\0".join(wanted.origin)])
    is_older = len(wanted.origin) == 1  # older versions knew such by its lines alone
    lines = identify(args.agent, directory, (line for line, _ in wanted.tasks)) if is_older else origin
    match = None if args.again else wanted.match
    batch = store.batches.add((origin, lines), wanted.name, _new(wanted, args), match, _find_untold(store, args))
    if not batch.found:
        tell(f"{text.count(batch.added, 'task')} added")
        return batch
    failed = store.batches.retry_failed(batch)
    counts = store.batches.count(batch)
    known = f"{text.count(batch.found, 'task')} {'was' if batch.found == 1 else 'were'} added before"
    more = [f"{counts.get('done', 0)} done"]
    if failed:
        more.append(f"{failed} that failed {'is' if failed == 1 else 'are'} tried again")
    if batch.added:
        more.append(f"{batch.added} new")
    tell(f"{known}: {', '.join(more)} (--again adds all of them anew)")
    return batch


def _find_untold(store: Store, args: Namespace) -> set[int]:
    """The batches that go on because a killed run had not printed all of their output, where that is asked for."""
    if not (args.output or args.keep_order or args.tag):
        return set()
    from ..view.task_output import find_left

    return find_left(store)


def retry_failed(store: Store, tell: Callable[[str], object]) -> None:
    """Put back all of the queue that failed, and tell how many there were."""
    failed = store.batches.retry_failed(None)
    told = f"{text.count(failed, 'task')} that failed {'is' if failed == 1 else 'are'} tried again"
    tell(told if failed else "no task has failed: none is tried again")


def _new(wanted: WantedBatch, args: Namespace) -> Iterator[dict[str, object]]:
    kind = "command" if args.agent == SHELL else "title"
    more = {**({"environment": dict(args.env)} if args.env else {}), **fields_of_group(args)}
    return ({kind: line, "arguments": given, **more} for line, given in wanted.tasks)


def _parse_separator(value: str) -> re.Pattern[str]:
    """Return what cuts an argument. Raises UsageError for what is no regular expression, or matches nothing at all."""
    try:
        found = re.compile(value)
    except re.error as error:
        raise UsageError(f"{value!r} is no regular expression: {error}") from None
    if found.match(""):
        raise UsageError(f"{value!r} matches an empty text, and would cut everywhere: write [|] for |")
    return found


def _parse_delimiter(value: str) -> bytes:
    """Return the bytes that a delimiter stands for: itself, or \\n, \\t, \\0 and the like."""
    try:
        found = value.encode().decode("unicode_escape").encode("latin-1")
    except (UnicodeError, ValueError):
        found = b""
    if not found:
        raise UsageError(f"{value!r} is no delimiter: give a text, or one as \\n, \\t, \\0")
    return found
