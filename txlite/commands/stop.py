"""stop: end what runs: an attempt, or a whole run."""

from __future__ import annotations

from ..errors import UsageError
from ..execution import presence
from ..execution.known_runs import PREFIX, end_run, find_run
from ..execution.stopping import find_attempt_to_stop, stop_attempts
from ..view.attempts import print_attempts
from ..view.json_output import print_json
from ..view.terminal import say_aside
from . import open_writing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from ..store.attempt_status import AttemptStatus
    from ..store.store import Store


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.usage = "txlite stop ID|PID|RUN ...   or   txlite stop --all"
    parser.epilog = (
        "The agent gets TERM and, after its --kill-after, KILL, with all that it started. A run is told to end as by "
        "Ctrl-C in its terminal: what runs may finish; stopped again, a second or more later, it ends that, too."
    )
    parser.add_argument(
        "names", nargs="*", metavar="ID|PID|RUN", help="tasks, attempts by their PID, or runs as `status` names them"
    )
    parser.add_argument("--all", action="store_true", help="all that was launched and has not ended")
    parser.add_argument("--json", action="store_true", help="print an array of objects")


def run(args: Namespace) -> int:
    """Stop attempts and print them, return 1 where one goes on; or tell runs to end."""
    if bool(args.names) == args.all:
        raise UsageError("give the tasks to stop, or --all: `txlite status` lists what runs")
    are_runs = [name.startswith(PREFIX) for name in args.names]
    if any(are_runs) and not all(are_runs):
        raise UsageError("tasks and runs: stop them by two commands")
    with open_writing(args) as store:
        if any(are_runs):
            return _end_runs(store, args)
        found = [find_attempt_to_stop(store, name) for name in args.names] if args.names else _find_launched(store)
        stopped = stop_attempts(store, found, say_aside)
        print_attempts(store.home, stopped, args.json)
    return 0 if all(attempt.is_over for attempt in stopped) else 1


def _end_runs(store: Store, args: Namespace) -> int:
    found = [find_run(store, name) for name in args.names]
    for run in found:
        end_run(run)
    if args.json:
        print_json([{"run": run.id, "stopping": True} for run in found])
        return 0
    for run in found:
        print(f"{run.id} ends when what runs has finished; `txlite stop {run.id}` once more ends that, too")
    return 0


def _find_launched(store: Store) -> list[AttemptStatus]:
    """All that was launched and goes on; where nothing does, what ends a run is said."""
    found = [attempt for attempt in presence.open_attempts(store) if attempt.launched]
    if not found:
        hint = "".join(f"; `txlite stop {run.id}` ends a run" for run in presence.live_supervisors(store)[:1])
        say_aside(f"nothing that was launched runs here{hint}")
    return found
