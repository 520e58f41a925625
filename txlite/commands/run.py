"""run: a batch, or whatever is queued, by several workers."""

from __future__ import annotations

import sys

from .. import text
from ..agents.agent import SHELL, find_agent
from ..errors import AlreadyClaimed, Interrupted, UsageError
from ..execution.guarded_process import Limits
from ..execution.supervisor import Supervisor, SupervisorSettings
from ..home import config, location
from ..model import STATES
from ..reports import report
from ..store.store import Store, open_store
from ..store.supervisors import check_count
from ..view import output
from . import value_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterable, Iterator

    from ..model import Task
    from ..store.batches import Batch
    from ..store.history import Finished


def configure(parser: ArgumentParser, verb: str) -> None:
    parser.add_argument(
        "--workers", "-w", type=value_of(workers), default=4, metavar="N", help="how many at a time (4)"
    )
    parser.add_argument("--from", dest="source", metavar="FILE", help="a task a line, a command for sh -c; - is stdin")
    parser.add_argument("--again", action="store_true", help="add the lines though the same batch is unfinished")
    parser.add_argument("--agent", default=SHELL, metavar="NAME", help="who runs prompts (shell: commands only)")
    parser.add_argument(
        "--max-attempts", type=value_of(attempts), default=3, metavar="N", help="until a task counts as failed (3)"
    )
    parser.add_argument(
        "--timeout", type=value_of(text.parse_duration), metavar="TIME", help="for each attempt: 90, 10s, 5m, 2h"
    )
    parser.add_argument(
        "--drain",
        type=value_of(text.parse_duration),
        metavar="TIME",
        help="how long attempts may go on after the first signal",
    )
    parser.add_argument(
        "--kill-after",
        type=value_of(text.parse_duration),
        default=10.0,
        metavar="TIME",
        help="between TERM and KILL (10s)",
    )
    parser.add_argument("--forever", action="store_true", help="stay when there is nothing left to do")
    parser.add_argument("--json", action="store_true", help="print one object at the end, and nothing else")


def workers(value: str) -> int:
    return check_count(_whole(value, "workers"))


def attempts(value: str) -> int:
    number = _whole(value, "attempts")
    if not 1 <= number <= 1_000_000:
        raise UsageError(f"{number} attempts: give a number from 1")
    return number


def _whole(value: str, what: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise UsageError(f"{text.shorten(value, 40)!r} {what}: give a whole number") from None


def run(args: Namespace) -> int:
    lines = None if args.source is None else list(_read_lines(args.source))
    home = location.locate(args.home)
    options = config.read(home)
    agent = find_agent(args.agent, options)
    cap = report.read_cap(options)
    limits = Limits(args.timeout, args.kill_after)
    for line in lines or ():
        agent.check_prompt(line)
    if lines == []:
        _say(args, f"no tasks in {args.source}")
        if args.json:
            output.print_json(
                {"run": None, "batch": None, "interrupted": False, "counts": {}, "failed": [], "waiting": []}
            )
        return 0
    with open_store(home) as store:
        batch = _enter(store, lines, args) if lines else None
        progress = _progress(store, batch, args)
        watch = Watch(store, progress)
        settings = SupervisorSettings(
            args.workers, agent, args.max_attempts, limits, cap, args.drain, args.forever
        )  # fmt: skip
        supervisor = Supervisor(store, settings, watch.look)
        watch.workers = supervisor.worker_ids
        try:
            supervisor.run()
            watch.look()
            store.batches.end_finished()
        finally:
            progress.end()
        return _conclude(store, batch, supervisor, watch, args)


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
    import hashlib

    directory = location.working_directory()
    digest = hashlib.sha256("\n".join([args.agent, directory, *lines]).encode()).hexdigest()
    new = [{"command" if args.agent == SHELL else "title": line} for line in lines]
    batch, is_new = store.batches.add(digest, args.source, new, args.again)
    if is_new:
        _say(args, f"{batch.size} tasks added")
        return batch
    failed = store.batches.failed(batch)
    for task in failed:
        try:
            store.retry(task)
        except AlreadyClaimed:
            pass  # another run of the same batch was first
    done = store.batches.count(batch).get("done", 0)
    again = f", {len(failed)} that failed are tried again" if failed else ""
    _say(args, f"{batch.size} tasks were added before and are continued: {done} done{again} (--again adds them anew)")
    return batch


def _say(args: Namespace, line: str) -> None:
    if not args.json:
        output.say(line)


def _progress(store: Store, batch: Batch | None, args: Namespace) -> output.Progress:
    counts = store.batches.count(batch) if batch else store.count()
    open_now = counts.get("backlog", 0) + counts.get("active", 0)
    done = counts.get("done", 0) if batch else 0
    return output.Progress(open_now + done, done, quiet=args.json)


class Watch:
    """Reads from the history what the run has finished, shows it, and hands it on to `heed`."""

    def __init__(
        self,
        store: Store,
        progress: output.Progress,
        heed: Callable[[Iterable[Finished]], None] = lambda events: None,
    ) -> None:
        self.heed = heed
        self._store = store
        self._progress = progress
        self._event = store.history.last_event()
        self._is_told = False
        self.workers: set[str] = set()  # those of the run
        self.touched: dict[str, str | None] = {}  # task -> worker of its last attempt

    def look(self, is_interrupted: bool = False) -> None:
        if is_interrupted and not self._is_told:
            self._is_told = True
            self._progress.say("stopping: what runs may finish; another Ctrl-C, or TERM, ends that, too")
        events = self._store.history.finished_since(self._event)
        if events:
            self._event = events[-1].event
            self.touched.update((event.task, event.worker) for event in events)
            self._progress.finished(events)
            self.heed(events)
        self._progress.update(lambda: sum(claim.worker in self.workers for claim in self._store.claims()))


def _conclude(store: Store, batch: Batch | None, supervisor: Supervisor, watch: Watch, args: Namespace) -> int:
    """Say how it went; the exit code."""
    ours = [task for task, worker in watch.touched.items() if worker in supervisor.worker_ids]
    tasks = {task.id: task for task in (*map(store.get, ours), *(store.batches.unfinished(batch) if batch else ()))}
    failed = [task for task in tasks.values() if task.status == "failed"]
    waiting = store.batches.stuck(batch)
    counts = store.batches.count(batch) if batch else _count(tasks.values())
    if args.json:
        _print_object(store, batch, supervisor, counts, failed, waiting)
    else:
        _print_summary(store, counts, failed, waiting)
    if supervisor.is_interrupted:
        raise Interrupted("interrupted: `txlite run` goes on where it stopped")
    return 1 if failed or waiting else 0


def _count(tasks: Iterable[Task]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for task in tasks:
        counts[task.status] = counts.get(task.status, 0) + 1
    return counts


def _print_summary(store: Store, counts: dict[str, int], failed: list[Task], waiting: list[Task]) -> None:
    for task in failed:
        ended = "".join(f"  ({output.describe(one)})  {one.report or ''}" for one in store.attempts(task.id)[-1:])
        output.say(f"failed:  {task.id}  {text.shorten(task.title, 100)}{ended}")
    relations = store.relations(waiting)
    for task in waiting:
        blockers = ", ".join(relations[task.id].blocked_by)
        output.say(f"waiting: {task.id}  {text.shorten(task.title, 100)}  (for {blockers})")
    output.say(", ".join(f"{counts.get(state, 0)} {state}" for state in STATES if counts.get(state)) or "nothing to do")


def _print_object(
    store: Store,
    batch: Batch | None,
    supervisor: Supervisor,
    counts: dict[str, int],
    failed: list[Task],
    waiting: list[Task],
) -> None:
    relations = store.relations([*failed, *waiting])
    output.print_json(
        {
            "run": supervisor.id,
            "batch": batch.id if batch else None,
            "interrupted": supervisor.is_interrupted,
            "counts": counts,
            "failed": [
                {
                    **output.task_object(task, relations[task.id]),
                    "attempts": list(map(output.attempt_object, store.attempts(task.id))),
                }
                for task in failed
            ],
            "waiting": [output.task_object(task, relations[task.id]) for task in waiting],
        }
    )
