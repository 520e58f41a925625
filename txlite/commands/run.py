"""run: a batch, or whatever is queued, by several workers."""

from __future__ import annotations

from functools import partial

from ..agents.agent import SHELL
from ..agents.roster import read_one
from ..errors import Interrupted
from ..execution.bounds import read_limits, read_reserve
from ..execution.executor import Limits
from ..execution.hooks import read_hooks, start_hooks, told_by_run
from ..execution.places import LOCAL, SLURM, SRUN, check_place, move_agent, read_place
from ..execution.supervisor import Supervisor
from ..execution.supervisor_settings import SupervisorSettings
from ..home import config, location
from ..reports import report
from ..store.store import Store
from ..store.workers import new_id
from ..view.json_output import print_json
from ..view.objects.runs import run_object
from ..view.run_progress import conclude, print_result, result_object, show_run
from ..view.terminal import check_said, say, say_aside
from ..view.waiting import FEW, MANY
from . import open_writing, run_batch, run_group, run_output, run_words
from .arguments import add_bounds, add_place, duration, parse_workers, value_of
from .run_admission import add_limits, add_reserve
from .run_hooks import add_hooks
from .run_output import RunOutput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable

    from ..execution.hook_call import HookCommands
    from ..store.batches import Batch
    from ..view.run_progress import RunProgress
    from .arguments import Options


TAKES_COMMAND = True  # after the options
cut_words = run_words.cut_words
WIDTHS = {LOCAL: 4, SLURM: 64, SRUN: 16}  # attempts at a time, by the place


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.usage = "txlite run [options] [[--] COMMAND ... [::: ARGUMENT ... | :::: FILE ...] ...]"
    parser.epilog = (
        "What is queued is run; with --from, or a COMMAND, that is added first. COMMAND is a line for sh -c, filled in "
        "for each argument as GNU parallel does it: {} is the argument, quoted for where it stands; {.} without its "
        "extension, {/} its name, {//} its directory, {1} the first of several (`txlite help parallel`). After -- it "
        "is words, or, if it is one word, a line. Arguments come from ::: or ::::, several of which give each with "
        "each, or else from stdin; a command after -- without {} and arguments is run as it is. "
        "The same line typed again goes on where it was interrupted; lines that were added from the same FILE are not "
        "added again. "
        "Exits with 0 when all is done, and with 1 when a task failed, or is left that nobody here will run: it waits "
        "for what failed, for an agent, or for a capability (`txlite help states`)."
    )
    add_options(parser, "4; jobs: 64", add_place)
    run_batch.add_options(parser.add_argument_group("a batch, as GNU parallel writes it"))
    output = parser.add_argument_group("what comes out, and when it ends")
    run_output.add_options(output)
    output.add_argument("--json", action="store_true", help="print one object at the end, and nothing else")


def add_options(parser: ArgumentParser, many: str, *more: Callable[[Options], None]) -> None:
    """Give a parser the options of a run, wherever its attempts run; many: how many workers, where nobody says it.

    more: give it further options about workers."""
    queue = parser.add_argument_group("what is run")
    add = queue.add_argument
    add("--from", dest="source", metavar="FILE", help="a task a line, a command for sh -c; - is stdin")
    add("--again", action="store_true", help="add all lines, also those that were added before")
    run_group.add_options(queue)
    workers = parser.add_argument_group("by whom")
    add = workers.add_argument
    add(
        "--workers",
        "--jobs",
        "-w",
        "-j",
        "-P",
        "--max-procs",
        type=value_of(parse_workers),
        metavar="N",
        help=f"how many at a time ({many})",
    )
    add("--agent", default=SHELL, metavar="NAME", help="who runs prompts (shell: commands only)")
    for add_more in more:
        add_more(workers)
    add("--forever", action="store_true", help="stay when there is nothing left to do")
    add("--drain", type=duration, metavar="TIME", help="how long attempts may go on after the first signal")
    add("--kill-after", type=duration, default=10.0, metavar="TIME", help="between TERM and KILL (10s)")
    limits = parser.add_argument_group("how much each task may take, and when one begins")
    add_bounds(limits, 3)
    add_limits(limits)
    add_reserve(limits)
    add_hooks(parser.add_argument_group("who is told"))


def run(args: Namespace) -> int:
    """Run a batch, or what is queued; return 1 where something failed or waits."""
    wanted = run_batch.read(args, say_aside)
    if wanted and args.dry_run:
        run_batch.show(wanted, args.json)
        return 0
    home = location.locate(args.home)
    options = config.read(home)
    place = read_place(args.executor, args.slurm, options)
    output = RunOutput(args)
    roster = read_one(args.agent, options).moved(partial(move_agent, place=place))
    limits = read_limits(Limits(args.timeout, args.kill_after), vars(args), options, place)
    settings = SupervisorSettings(
        args.workers or WIDTHS[place.executor], roster, args.max_attempts, limits,
        report.read_cap(options), args.drain, args.forever, place, read_reserve(vars(args), options, place),
        keeps_output=output.prints, asks_after=args.halt.outcomes if args.halt else (),
    )  # fmt: skip
    hooks = read_hooks(vars(args), options)
    if wanted and not run_batch.check(wanted, roster.first):
        _say(args, run_batch.describe_empty(wanted))
        if args.json:
            print_json(run_object(None, None, False, {}, [], []))
        return 0
    with open_writing(args) as store:
        check_place(store.home, place, options, partial(_say, args))
        is_known = run_group.set_group_limit(store, args, adds=bool(wanted))
        batch = run_batch.enter(store, wanted, args, partial(_say, args)) if wanted else None
        run_group.tell_group(store, args, batch, is_known)
        if args.retry_failed and not batch:
            run_batch.retry_failed(store, partial(_say, args))
        return _run(store, settings, batch, args, output, hooks)


def _run(
    store: Store, settings: SupervisorSettings, batch: Batch | None, args: Namespace, output: RunOutput,
    commands: HookCommands,
) -> int:  # fmt: skip
    name, lanes = new_id("run"), settings.roster.lanes
    progress = show_run(store, settings.roster, batch, quiet=args.json)
    say = say_aside if args.json else progress.tell
    with start_hooks(commands, store, name, told_by_run(name, batch), say, lanes, settings.forever) as hooks:
        supervisor = Supervisor(store, settings, hooks.beside(output.look), name, progress.tell)
        output.begin(store, progress, supervisor, batch, lanes)
        return _supervise(store, supervisor, progress, batch, args, output)


def _supervise(
    store: Store, supervisor: Supervisor, progress: RunProgress, batch: Batch | None, args: Namespace, output: RunOutput
) -> int:
    progress.workers, progress.lacks_room = supervisor.worker_ids, supervisor.lacks_room
    progress.find_hold = supervisor.hold
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
        if not batch and not result.counts and not result.waiting:
            run_batch.say_what_was_not_read()
        check_said()
    if supervisor.is_interrupted:
        where = f" --executor {args.executor}" if args.executor else ""
        raise Interrupted(f"interrupted: `txlite run{where}{output.words}` goes on where it stopped")
    return 0 if result.is_complete or output.succeeds else 1


def _say(args: Namespace, line: str) -> None:
    if not args.json:
        say(line)
