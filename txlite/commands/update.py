"""update and delete: changes to a task that exists."""

from __future__ import annotations

import os

from ..errors import UsageError
from ..execution.bounds import check_task
from ..model import ACTIVE
from ..view.groups import say_new_group
from ..view.json_output import print_json
from ..view.objects.tasks import task_object
from ..view.tasks import print_tasks
from ..view.terminal import say_aside
from . import open_writing
from .arguments import add_bounds, parse_score, parse_slurm, value_of
from .decide import own_token
from .run_admission import add_cost, add_memory
from .task_agent import add_task_agent, check_task_agent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


CHANGES = (
    "status",
    "title",
    "score",
    "description",
    "parent",
    "verify",
    "timeout",
    "max_attempts",
    "slurm",
    "max_memory",
    "max_cost",
    "every",
    "group",
    "directory",
    "agent",
    "level",
)


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.add_argument("task", metavar="ID")
    if verb == "delete":
        parser.add_argument("--cascade", action="store_true", help="with all tasks below it")
    else:
        parser.add_argument("--status", metavar="STATUS", help="backlog, blocked, done, failed or cancelled")
        parser.add_argument("--title", metavar="TEXT")
        parser.add_argument("--score", "-s", type=value_of(parse_score), metavar="N", help="the higher, the sooner")
        parser.add_argument("--description", "-d", metavar="TEXT")
        parser.add_argument("--parent", "-p", metavar="ID", help="the task that it is a part of; '' for none")
        parser.add_argument("--group", metavar="GROUP", help="of which only so many run at a time; '' for none")
        add_task_agent(parser, "; '' for that")
        parser.add_argument("--command", dest="line", metavar="LINE", help="for sh -c, while it does not run")
        parser.add_argument("--directory", type=os.path.abspath, metavar="DIR", help="where it runs")
        add_bounds(parser, None)
        add_memory(parser)
        add_cost(parser)
        parser.add_argument(
            "--slurm", type=value_of(parse_slurm), metavar="OPTIONS", help="of sbatch, for its job; '' for none"
        )
        parser.add_argument("--every", metavar="TIME", help="when it comes again, as for add; '' for no more")
        parser.add_argument("--verify", metavar="COMMAND", help="the gate that its work must pass; '' for none")
    parser.add_argument("--json", action="store_true", help="print an object")


def run(args: Namespace) -> int:
    """Change or delete a task and print it."""
    return _delete(args) if args.verb == "delete" else _update(args)


def _update(args: Namespace) -> int:
    changes = {name: getattr(args, name) for name in CHANGES}
    changes["command"] = args.line
    check_task(args.max_memory, args.slurm)
    check_task_agent(args, args.agent, args.level)
    if all(value is None for value in changes.values()):
        raise UsageError("nothing to change was given: `txlite update --help` shows what can be")
    with open_writing(args) as store:
        if args.parent:
            changes["parent"] = store.resolve(args.parent)
        id = store.resolve(args.task)
        is_known = not args.group or store.groups.exists(args.group)
        task = store.update(id, **changes, token=own_token(id) if args.status else None)
        relations = store.relations([task])[task.id]
        group = None if is_known else store.groups.find(args.group)
    say_new_group(group)
    if args.slurm is not None and task.status == ACTIVE:
        say_aside(f"its next job will have these options: `txlite stop {id}` and `txlite retry {id}` give it one now")
    if args.json:
        print_json(task_object(task, relations))
    else:
        print_tasks([task])
    return 0


def _delete(args: Namespace) -> int:
    with open_writing(args) as store:
        task = store.get(store.resolve(args.task))
        ids = store.delete(task.id, args.cascade)
    if args.json:
        data = {"id": task.id, "title": task.title, "deleted": ids}
        print_json({"success": True, "message": f"{len(ids)} deleted", "data": data})
    else:
        print("deleted: " + ", ".join(ids))
    return 0
