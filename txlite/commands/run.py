"""run: a batch, or whatever is queued, by several workers."""

from __future__ import annotations

import sys

from .. import text
from ..agents.agent import SHELL, find_agent
from ..errors import Interrupted, UsageError
from ..execution.executor import Limits
from ..execution.supervisor import Supervisor, SupervisorSettings
from ..home import config, location
from ..reports import report
from ..store.batches import identify
from ..store.store import Store
from ..view.json_objects import print_json, run_object
from ..view.run_progress import conclude, print_result, result_object, show_run
from ..view.terminal import check_said, say
from . import open_writing
from .arguments import duration, parse_attempts, parse_workers, value_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from ..store.batches import Batch


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    add = parser.add_argument
    add("--workers", "-w", type=value_of(parse_workers), default=4, metavar="N", help="how many at a time (4)")
    add("--from", dest="source", metavar="FILE", help="a task a line, a command for sh -c; - is stdin")
    add("--again", action="store_true", help="add the lines though the same batch is unfinished")
    add("--agent", default=SHELL, metavar="NAME", help="who runs prompts (shell: commands only)")
    attempts = value_of(parse_attempts)
    add("--max-attempts", type=attempts, default=3, metavar="N", help="until a task counts as failed (3)")
    add("--timeout", type=duration, metavar="TIME", help="for each attempt: 90, 10s, 5m, 2h")
    add("--drain", type=duration, metavar="TIME", help="how long attempts may go on after the first signal")
    add("--kill-after", type=duration, default=10.0, metavar="TIME", help="between TERM and KILL (10s)")
    add("--forever", action="store_true", help="stay when there is nothing left to do")
    add("--json", action="store_true", help="print one object at the end, and nothing else")


def run(args: Namespace) -> int:
    """Run a batch, or what is queued; return 1 where something failed or waits."""
    lines = None if args.source is None else list(_read_lines(args.source))
    home = location.locate(args.home)
    options = config.read(home)
    agent = find_agent(args.agent, options)
    settings = SupervisorSettings(
        args.workers, agent, args.max_attempts, Limits(args.timeout, args.kill_after), report.read_cap(options),
        args.drain, args.forever,
    )  # fmt: skip
    for line in lines or ():
        agent.check_prompt(line)
    if lines == []:
        _say(args, f"no tasks in {args.source}")
        if args.json:
            print_json(run_object(None, None, False, {}, [], []))
        return 0
    with open_writing(args) as store:
        return _run(store, settings, _enter(store, lines, args) if lines else None, args)


def _run(store: Store, settings: SupervisorSettings, batch: Batch | None, args: Namespace) -> int:
    progress = show_run(store, batch, quiet=args.json)
    supervisor = Supervisor(store, settings, progress.look)
    progress.workers = supervisor.worker_ids
    try:
        supervisor.run()
        progress.look()
        store.batches.end_finished()
    finally:
        progress.end()
    result = conclude(store, batch, progress)
    if args.json:
        print_json(result_object(store, result, supervisor.id, batch, supervisor.is_interrupted))
    else:
        print_result(store, result)
        check_said()
    if supervisor.is_interrupted:
        raise Interrupted("interrupted: `txlite run` goes on where it stopped")
    return 0 if result.is_complete else 1


def _read_lines(source: str) -> Iterator[str]:
    """The lines that are tasks. Raises UsageError where the source cannot be read, naming the line."""
    try:
        if source == "-":
            data = sys.stdin.buffer.read()
        else:
            with open(source, "rb") as file:
                data = file.read()
    except OSError as error:
        raise UsageError(f"--from {source}: {error.strerror}: give a file to read, or - for stdin") from error
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            decoded = line.rstrip(b"\r").decode()
        except UnicodeDecodeError:
            raise UsageError(f"--from {source}: line {number} is not UTF-8: re-encode it") from None
        if "\0" in decoded:
            raise UsageError(f"--from {source}: line {number} contains a NUL byte: remove it")
        if decoded.strip() and not decoded.lstrip().startswith("#"):
            yield decoded


def _enter(store: Store, lines: list[str], args: Namespace) -> Batch:
    """Add the batch, or find where it stood."""
    digest = identify(args.agent, location.working_directory(), lines)
    new = [{"command" if args.agent == SHELL else "title": line} for line in lines]
    batch, is_new = store.batches.add(digest, args.source, new, args.again)
    if is_new:
        _say(args, f"{text.count(batch.size, 'task')} added")
        return batch
    failed = store.batches.retry_failed(batch)
    done = store.batches.count(batch).get("done", 0)
    again = f", {failed} that failed are tried again" if failed else ""
    _say(args, f"{batch.size} tasks were added before and are continued: {done} done{again} (--again adds them anew)")
    return batch


def _say(args: Namespace, line: str) -> None:
    if not args.json:
        say(line)
