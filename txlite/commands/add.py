"""add: one task."""

from __future__ import annotations

from ..agents.environment import plain_environment
from ..execution.bounds import check_task
from ..ralph.worktree_directory import lasting_directory
from ..view.json_output import print_json
from ..view.objects.tasks import task_object
from . import open_writing
from .arguments import (
    add_bounds,
    join_command,
    parse_every,
    parse_moment,
    parse_names,
    parse_score,
    parse_slurm,
    parse_variable,
    value_of,
)
from .run_admission import add_cost, add_memory
from .task_agent import add_task_agent, check_task_agent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from ..model import Task
    from ..store.store import Store

TAKES_COMMAND = True  # after --


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.usage = "txlite add [options] TITLE   or   txlite add [options] [TITLE] -- COMMAND ..."
    parser.epilog = (
        "COMMAND is a line for sh -c if it is one word, and a command with its arguments otherwise. It runs with the "
        "environment of the worker, not of this shell: --env takes variables along."
    )
    _add_turn(parser)
    _add_running(parser)
    parser.add_argument("--json", action="store_true", help="print the task as an object")
    parser.add_argument("--quiet", "-q", action="store_true", help="print its id and nothing else")


def _add_turn(parser: ArgumentParser) -> None:
    """What it is, and when its turn comes."""
    parser.add_argument("title", nargs="?", default="", help="what is to be done; for a command it may be left out")
    parser.add_argument(
        "--score", "-s", type=value_of(parse_score), default=0, metavar="N", help="the higher, the sooner (0)"
    )
    parser.add_argument("--description", "-d", default="", metavar="TEXT", help="more about it")
    parser.add_argument("--parent", "-p", metavar="ID", help="the task that this is a part of")
    parser.add_argument("--needs", default="", metavar="CAPABILITY", help="what its worker must be able to do")
    add_task_agent(parser)
    parser.add_argument(
        "--group", default="", metavar="GROUP", help="of which only so many run at a time (a new one: 1)"
    )
    parser.add_argument(
        "--after", action="append", default=[], metavar="ID,...", help="wait until these tasks are done"
    )
    parser.add_argument(
        "--at", type=value_of(parse_moment), metavar="TIME", help="not before: 15:00, 2025-10-24T15:00, +10m"
    )
    parser.add_argument(
        "--every", type=value_of(parse_every), metavar="TIME",
        help="it comes again: 90m, 1d (from --at, or now, on), '0 2 * * *', @daily",
    )  # fmt: skip


def _add_running(parser: ArgumentParser) -> None:
    """Where it runs and with what, and what it may take."""
    parser.add_argument("--directory", metavar="DIR", help="where it runs (here)")
    add_bounds(parser, None)
    add_memory(parser)
    add_cost(parser)
    parser.add_argument(
        "--env", action="append", default=[], type=value_of(parse_variable), metavar="NAME[=VALUE]",
        help="a variable for it; without VALUE the one that is set here",
    )  # fmt: skip
    parser.add_argument("--env-all", action="store_true", help="all that are set here, but for what looks secret")
    parser.add_argument(
        "--slurm",
        type=value_of(parse_slurm),
        metavar="OPTIONS",
        help="it runs as a job of Slurm's, with these options of sbatch beside the run's",
    )
    parser.add_argument("--verify", metavar="COMMAND", help="the gate that its work must pass in `txlite ralph`")


def run(args: Namespace) -> int:
    """Add a task and tell of it."""
    command = join_command(args.command) if args.command else None
    check_task(args.max_memory, args.slurm)
    check_task_agent(args, args.agent, args.level)
    with open_writing(args) as store:
        is_known = not args.group or store.groups.exists(args.group)
        task = store.add(
            args.title,
            command=command,
            description=args.description,
            score=args.score,
            parent=args.parent and store.resolve(args.parent),
            needs=args.needs,
            agent=args.agent,
            level=args.level,
            not_before=args.at,
            every=args.every,
            directory=args.directory or lasting_directory(store),
            verify=args.verify,
            after=[store.resolve(name) for names in args.after for name in parse_names(names)],
            timeout=args.timeout,
            max_attempts=args.max_attempts,
            slurm=args.slurm,
            max_memory=_or_none(args.max_memory),
            max_cost=_or_none(args.max_cost),
            group=args.group,
            environment={**(plain_environment() if args.env_all else {}), **dict(args.env)},
        )
        if not is_known and not args.quiet:
            from ..view.groups import say_new_group

            say_new_group(store.groups.find(args.group))
        _tell(args, store, task)
    return 0


def _tell(args: Namespace, store: Store, task: Task) -> None:
    """Print the task that was added, in the form that was asked for."""
    if args.json:
        print_json(task_object(task, store.relations([task])[task.id]))
    elif args.quiet:
        print(task.id)
    else:
        from ..view.tasks import print_tasks

        print_tasks([task])


def _or_none(bound: int | None) -> int | None:
    """0 is `none`, as it was said."""
    return bound or None
