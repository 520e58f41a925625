"""run: a batch, or whatever is queued, by several workers."""

from __future__ import annotations

import io
import os
import sys
from functools import partial

from .. import text
from ..agents.agent import SHELL, find_agent
from ..errors import Interrupted, UsageError
from ..execution.bounds import read_limits
from ..execution.executor import Limits
from ..execution.places import LOCAL, SLURM, SRUN, check_place, move_agent, read_place
from ..execution.supervisor import Supervisor
from ..execution.supervisor_settings import SupervisorSettings
from ..home import config, location
from ..reports import report
from ..store.batches import ALL, ANY, OPEN, identify
from ..store.store import Store
from ..view.json_objects import print_json, run_object
from ..view.run_progress import conclude, print_result, result_object, show_run
from ..view.terminal import check_said, say
from ..view.waiting import FEW, MANY
from . import open_writing, run_output
from .arguments import add_bounds, add_place, duration, join_command, parse_workers, value_of
from .run_admission import add_limits
from .run_output import RunOutput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterable, Iterator

    from ..store.batches import Batch


TAKES_COMMAND = True  # after --
WIDTHS = {LOCAL: 4, SLURM: 64, SRUN: 16}  # attempts at a time, by the place
MATCHES = {"-": ALL, "--": OPEN}  # how lines that have no file are known again


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.usage = "txlite run [options]   or   txlite run [options] -- COMMAND ..."
    parser.epilog = (
        "What is queued is run; with --from, or a COMMAND (a line for sh -c if it is one word), that is added first. "
        "Lines that were added before from the same FILE are not added again: what is unfinished of them goes on. "
        "Exits with 0 when all is done, and with 1 when a task failed, or is left that nobody here will run: it waits "
        "for what failed, for an agent, or for a capability (`txlite help states`)."
    )
    add_options(parser, "4; jobs: 64")
    add_place(parser)
    run_output.add_options(parser)
    parser.add_argument("--json", action="store_true", help="print one object at the end, and nothing else")


def add_options(parser: ArgumentParser, many: str) -> None:
    """Give a parser the options of a run, wherever its attempts run; many: how many workers, where nobody says it."""
    add = parser.add_argument
    add("--workers", "-w", "-j", type=value_of(parse_workers), metavar="N", help=f"how many at a time ({many})")
    add("--from", dest="source", metavar="FILE", help="a task a line, a command for sh -c; - is stdin")
    add("--again", action="store_true", help="add all lines, also those that were added before")
    add("--agent", default=SHELL, metavar="NAME", help="who runs prompts (shell: commands only)")
    add_bounds(parser, 3)
    add("--drain", type=duration, metavar="TIME", help="how long attempts may go on after the first signal")
    add("--kill-after", type=duration, default=10.0, metavar="TIME", help="between TERM and KILL (10s)")
    add("--forever", action="store_true", help="stay when there is nothing left to do")
    add_limits(parser)


def run(args: Namespace) -> int:
    """Run a batch, or what is queued; return 1 where something failed or waits."""
    lines = _read(args)
    home = location.locate(args.home)
    options = config.read(home)
    place = read_place(args.executor, args.slurm, options)
    output = RunOutput(args, place.executor)
    agent = move_agent(find_agent(args.agent, options), place)
    limits = read_limits(Limits(args.timeout, args.kill_after), vars(args), options, place)
    settings = SupervisorSettings(
        args.workers or WIDTHS[place.executor], agent, args.max_attempts, limits,
        report.read_cap(options), args.drain, args.forever, place=place, keeps_output=output.keeps,
        asks_after=args.halt.outcomes if args.halt else (),
    )  # fmt: skip
    is_empty = lines is not None
    for line in lines or ():
        agent.check_prompt(line)
        is_empty = False
    if is_empty:
        _say(args, f"no tasks in {args.source}")
        if args.json:
            print_json(run_object(None, None, False, {}, [], []))
        return 0
    with open_writing(args) as store:
        check_place(store.home, place, options, partial(_say, args))
        batch = _enter(store, lines, args) if lines else None
        if args.retry_failed and not batch:
            _retry_failed(store, args)
        return _run(store, settings, batch, args, output)


def _run(store: Store, settings: SupervisorSettings, batch: Batch | None, args: Namespace, output: RunOutput) -> int:
    progress = show_run(store, settings.agent, batch, quiet=args.json)
    supervisor = Supervisor(store, settings, output.look, say=progress.tell)
    progress.workers, progress.lacks_room = supervisor.worker_ids, supervisor.lacks_room
    output.begin(store, progress, supervisor, batch, settings.agent.lanes)
    try:
        supervisor.run()
        output.finish()
    finally:
        progress.end()
    result = conclude(store, batch, progress, MANY if args.json else FEW)
    if args.json:
        print_json(result_object(store, result, supervisor.id, batch, supervisor.is_interrupted))
    else:
        print_result(store, result)
        check_said()
    if supervisor.is_interrupted:
        where = f" --executor {args.executor}" if args.executor else ""
        raise Interrupted(f"interrupted: `txlite run{where}` goes on where it stopped")
    return 0 if result.is_complete or output.succeeds else 1


def _read(args: Namespace) -> Iterable[str] | None:
    """The tasks that are given; None where there is only what is queued."""
    if args.command and args.source is not None:
        raise UsageError("--from, or a command after --: give one of the two")
    if args.command:
        return [join_command(args.command)]
    return None if args.source is None else _Lines(args.source)


class _Lines:
    """The lines of a file that are tasks: read once, and decoded each time that they are gone through, because a
    million strings take three times the room of the file."""

    def __init__(self, source: str) -> None:
        """Raises UsageError where the source cannot be read."""
        self._source = source
        try:
            if source == "-":
                self._data = sys.stdin.buffer.read()
            else:
                with open(source, "rb") as file:
                    self._data = file.read()
        except OSError as error:
            raise UsageError(f"--from {source}: {error.strerror}: give a file to read, or - for stdin") from error

    def __iter__(self) -> Iterator[str]:
        """Yield them. Raises UsageError, naming the line that is no text."""
        for number, line in enumerate(io.BytesIO(self._data), 1):
            try:
                decoded = line.rstrip(b"\r\n").decode()
            except UnicodeDecodeError:
                raise UsageError(f"--from {self._source}: line {number} is not UTF-8: re-encode it") from None
            if "\0" in decoded:
                raise UsageError(f"--from {self._source}: line {number} contains a NUL byte: remove it")
            if decoded.lstrip()[:1] not in ("", "#"):
                yield decoded


def _enter(store: Store, lines: Iterable[str], args: Namespace) -> Batch:
    """Add the batch, or what is new in it."""
    source = "--" if args.source is None else args.source
    origin = source if source in ("--", "-") else os.path.realpath(source)
    directory = location.working_directory()
    digests = (identify(args.agent, directory, [f"\0{origin}"]), identify(args.agent, directory, lines))
    match = None if args.again else MATCHES.get(origin, ANY)
    new = ({"command" if args.agent == SHELL else "title": line} for line in lines)
    batch = store.batches.add(digests, source, new, match)
    if not batch.found:
        _say(args, f"{text.count(batch.added, 'task')} added")
        return batch
    failed = store.batches.retry_failed(batch)
    counts = store.batches.count(batch)
    known = f"{text.count(batch.found, 'task')} {'was' if batch.found == 1 else 'were'} added before"
    more = [f"{counts.get('done', 0)} done"]
    if failed:
        more.append(f"{failed} that failed {'is' if failed == 1 else 'are'} tried again")
    if batch.added:
        more.append(f"{batch.added} new")
    _say(args, f"{known}: {', '.join(more)} (--again adds all of them anew)")
    return batch


def _retry_failed(store: Store, args: Namespace) -> None:
    failed = store.batches.retry_failed(None)
    _say(args, f"{text.count(failed, 'task')} that failed {'is' if failed == 1 else 'are'} tried again")


def _say(args: Namespace, line: str) -> None:
    if not args.json:
        say(line)
