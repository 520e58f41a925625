"""worker start, list, status, stop: persistent workers."""

from __future__ import annotations

import os
import sys
from functools import partial

from .. import text
from ..agents.agent import SHELL
from ..agents.roster import read_one
from ..errors import UsageError
from ..execution.bounds import read_limits, read_reserve
from ..execution.executor import Limits
from ..execution.hooks import read_hooks, start_worker_hooks
from ..execution.known_workers import find_workers, stop_workers
from ..execution.places import LOCAL, check_place, move_agent, read_place
from ..home import config, location
from ..reports import report
from ..store.workers import new_id
from ..view.json_output import print_json
from ..view.objects.runs import worker_object
from ..view.terminal import say
from ..view.worker_status import look_at_worker, look_at_workers, print_worker_list, print_worker_table
from . import open_reading, open_writing, settle
from .arguments import add_place, duration, parse_attempts, parse_names, parse_workers, value_of
from .run_admission import add_limits, add_reserve
from .run_hooks import add_hooks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

ACTIONS = ("start", "list", "status", "stop")
WIDTH = 64  # attempts at a time, where they run elsewhere


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.usage = "txlite worker start|list|status|stop [options] [ID|NAME ...]"
    parser.epilog = (
        "A worker started so stays in the foreground: TERM or Ctrl-C lets what it runs finish, another one a second "
        "later gives that back, too. `worker stop` sends TERM."
    )
    parser.add_argument("action", choices=ACTIONS)
    parser.add_argument("names", nargs="*", metavar="ID|NAME", help="for status and stop: which")
    parser.add_argument("--name", "-n", metavar="NAME", help="what it is called (its id)")
    parser.add_argument("--capabilities", "-c", default="", metavar="A,B", help="needs of tasks that it meets")
    parser.add_argument("--agent", default=SHELL, metavar="NAME", help="who runs prompts (shell: commands only)")
    parser.add_argument(
        "--max-attempts", type=value_of(parse_attempts), default=3, metavar="N", help="until failed (3)"
    )
    parser.add_argument("--timeout", type=duration, metavar="TIME", help="for each attempt")
    parser.add_argument("--drain", type=duration, metavar="TIME", help="how long it may finish after a signal")
    parser.add_argument("--kill-after", type=duration, default=10.0, metavar="TIME", help="from TERM to KILL (10s)")
    add_limits(parser)
    add_reserve(parser)
    add_hooks(parser)
    add_place(parser)
    parser.add_argument(
        "--workers",
        "-w",
        "-j",
        type=value_of(parse_workers),
        metavar="N",
        help="how many jobs at a time (64)",
    )
    parser.add_argument("--all", action="store_true", help="stop: all persistent workers")
    parser.add_argument("--now", action="store_true", help="stop: do not let what runs finish; its task goes back")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: Namespace) -> int:
    """Start, list or stop persistent workers."""
    if args.action == "start":
        return _start(args)
    if args.action == "stop":
        return _stop(args)
    with open_reading(args) as store:
        seen = look_at_workers(store, args.names)
    if args.json:
        found = list(map(worker_object, seen))
        one_was_named = args.action == "status" and len(args.names) == 1
        print_json(found[0] if one_was_named else found)
    elif args.action == "list":
        print_worker_list(seen)
    else:
        print_worker_table(seen)
    return 0


def _start(args: Namespace) -> int:
    if args.names:
        raise UsageError(f"worker start takes no {text.shorten(args.names[0], 40)!r}: its name comes after --name")
    id = new_id("worker")
    name = id if args.name is None else text.check_name(args.name, "the worker's name")
    capabilities = [text.check_name(one, "a capability") for one in parse_names(args.capabilities)]
    home = location.locate(args.home)
    options = config.read(home)
    place = read_place(args.executor, args.slurm, options)
    if args.workers is not None and place.executor == LOCAL:
        raise UsageError("--workers: a worker here runs one task at a time: give --executor slurm, or start several")
    roster = read_one(args.agent, options).moved(partial(move_agent, place=place))
    cap = report.read_cap(options)
    from ..execution.persistent import lanes_of, start_worker
    from ..execution.worker_context import WorkerSettings

    limits = read_limits(Limits(args.timeout, args.kill_after), vars(args), options, place)
    database = os.path.join(home, location.DATABASE)
    width = args.workers or WIDTH
    reserve = read_reserve(vars(args), options, place)
    settings = WorkerSettings(database, id, name, None, roster, args.max_attempts, limits, cap, place, width, reserve)
    settle(args)
    check_place(home, place, options, lambda words: None if args.json else say(words))
    commands = read_hooks(vars(args), options)
    with open_writing(args) as store:
        hooks = start_worker_hooks(commands, store, id, lanes_of(roster, capabilities))
    worker = start_worker(settings, capabilities, args.drain)
    try:
        if not args.json:
            say(f"{id} [{os.getpid()}] {text.printable(name)} works, until TERM or Ctrl-C")
        worker.run()
    finally:
        worker.close()
        hooks.close()
    if args.json:
        print_json({"id": id, "name": name, "stopped": True})
    return 0


def _stop(args: Namespace) -> int:
    if bool(args.names) == args.all:
        raise UsageError("give the workers to stop, or --all: `txlite worker list` shows them")
    with open_writing(args) as store:
        workers = find_workers(store, args.names)
        seen = {worker.id: look_at_worker(store, worker) for worker in workers}
        told = [seen[worker.id] for worker in stop_workers(store, workers, bool(args.names), args.now)]
    if args.json:
        print_json(list(map(worker_object, told)))
    for one in told if not args.json else ():
        does = f"finishes {one.task} first" if one.task and not args.now else "leaves"
        print(text.printable(f"{one.id} [{one.pid}] {one.name} {does}"))
    if not told and not args.json:
        print("no persistent workers", file=sys.stderr)
    return 0
