"""review, approve, reject, diff: a person's word on work that passed its gate."""

from __future__ import annotations

import os

from ..errors import Interrupted, Refused, UsageError
from ..home import config, location
from ..text import parse_duration
from ..view.terminal import say_aside
from . import open_recovered, open_writing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from ..ralph.approval import Approved

MORE = {
    "review": "Without an ID: all that waits for a review, what has waited longest first. With one: what it changes, "
    "in git's pager.",
    "approve": "The work is rebased onto its base branch, judged again if that had moved, and put onto it. Where that "
    "cannot be, nothing lands, and the task stays to be reviewed. What you committed on its own branch lands "
    "with it.",
    "reject": "The task goes back into the queue. Its next attempt goes on with the work as it is, and is told why.",
    "diff": "Its changes, in git's pager. What is unfinished is shown as its working tree is now.",
}
JSON = {
    "review": "print an array of objects; of one task an object",
    "approve": "print an array of objects",
    "reject": "print an object",
}


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.epilog = MORE[verb]
    if verb == "approve":
        parser.add_argument("tasks", metavar="ID", nargs="*", help="one task, or several")
    elif verb == "review":
        parser.add_argument("task", metavar="ID", nargs="?", help="the task (all that wait)")
    else:
        parser.add_argument("task", metavar="ID", help="the task")
    if verb == "reject":
        parser.add_argument("why", metavar="WHY", help="what its next attempt is told")
    if verb == "review":
        parser.add_argument("--quiet", "-q", action="store_true", help="print the ids of what waits and nothing else")
    if verb in JSON:
        parser.add_argument("--json", action="store_true", help=JSON[verb])


def run(args: Namespace) -> int:
    """Show work, or say what becomes of it."""
    return {"review": _review, "approve": _approve, "reject": _reject, "diff": _diff}[args.verb](args)


def _review(args: Namespace) -> int:
    from ..git import changes
    from ..ralph import work
    from ..view import reviews
    from ..view.json_output import print_json

    if args.quiet and (args.task or args.json):
        raise UsageError("--quiet prints the ids of all that waits: omit the ID, and --json")
    with open_recovered(args) as store:
        if args.quiet:
            for review in store.reviews.open():
                print(review.task)
            return 0
        if args.task is None:
            reviews.show_waiting(work.find_waiting(store), args.json)
            return 0
        review = store.approvals.find(store.resolve(args.task))
        found = work.look_at(store, review)
        if args.json:
            print_json(reviews.waiting_object(found))
            return 0
        shown = work.of_review(store, review)
        reviews.say_head(found)
    changes.show(shown.top, shown.old, shown.new)


def _diff(args: Namespace) -> int:
    from ..git import changes
    from ..ralph import work
    from ..view import reviews

    with open_recovered(args) as store:
        task = store.get(store.resolve(args.task))
        shown = work.find(store, task)
        reviews.say_what(task, shown)
    changes.show(shown.top, shown.old, shown.new)


def _reject(args: Namespace) -> int:
    from ..ralph.work import find_landed
    from ..view.json_output import print_json
    from ..view.objects.tasks import task_object
    from ..view.reviews import say_rejected

    refuse_agents("a review")
    with open_recovered(args) as store:
        id = store.resolve(args.task)
        review = store.approvals.find(id)
        landed = find_landed(store, review)
        if landed:
            done = f"{id} was approved, and landed on {review.base} as {landed[:12]} before that was killed"
            raise Refused(f"{done}: `txlite approve {id}` completes it")
    with open_writing(args) as store:
        store.approvals.reject(id, args.why)
        task = store.get(id)
        if args.json:
            print_json(task_object(task, store.relations([task])[id]))
        else:
            say_rejected(task)
    return 0


def _approve(args: Namespace) -> int:
    from ..ralph.approval import WorktreeWishes, approve
    from ..ralph.options import merge_options
    from ..reports import report
    from ..view import reviews
    from ..view.json_output import print_json

    refuse_agents("a review")
    if not args.tasks:  # of `$(txlite review --quiet)`, where nothing waits
        raise UsageError("no task is given: `txlite review` lists what waits for you")
    settings = config.read(location.locate(args.home))
    options = merge_options({}, settings, {"kill_after": parse_duration})
    with open_recovered(args) as store:
        database = store.database.path
        ids = list(dict.fromkeys(map(store.resolve, args.tasks)))
    told: list[Approved] = []

    def tell(one: Approved) -> None:
        told.append(one)
        if not one.has_landed:
            say_aside(reviews.describe_failure(one))
        elif not args.json:
            reviews.say_landed(one)

    wishes = WorktreeWishes(options.allow, options.copy, options.setup)
    is_interrupted = approve(
        database, ids, wishes, report.read_cap(settings), options.kill_after, tell, reviews.say_course
    )
    if args.json:
        print_json(list(map(reviews.approved_object, told)))
    else:
        _say_freed(database, [one.task for one in told if one.has_landed])
    if is_interrupted:
        raise Interrupted("interrupted: what has not landed stays to be reviewed")
    return 0 if all(one.has_landed for one in told) else 1


def _say_freed(database: str, landed: list[str]) -> None:
    """database: its path, because the working directory may have been the worktree that is gone by now."""
    from ..store.store import open_store

    with open_store(database, read_only=True) as store:
        relations = store.relations([store.get(id) for id in landed])
        after = dict.fromkeys(other for id in landed for other in relations[id].blocks)
        ready = [other for other in after if store.get(other).is_ready]
    if ready:
        print("now ready: " + ", ".join(ready))


def refuse_agents(what: str) -> None:
    """Raise Refused within an attempt; what: is a person's word, as what an agent has done is approved by no agent."""
    from ..system.process_tree import is_in_an_attempt

    task = os.environ.get("TXLITE_TASK")
    if task or is_in_an_attempt():  # a reviewer is not told of its task
        attempt = f"an attempt of {task}" if task else "an attempt"
        raise Refused(f"{what} is a person's word, and this is {attempt}: leave it to a person")
