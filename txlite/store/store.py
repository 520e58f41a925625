"""The store: one home's tasks, dependencies, claims, attempts, workers and batches in one SQLite file.

`Store` is a façade: each noun has a module of its own, with its SQL and the part of the store that runs it. The parts
are made when they are first used, and their modules imported then, because a command that reads needs few of them.
Used by everything above, and by programs: `txlite.open()`.
"""

from __future__ import annotations

import os
from functools import cached_property

from ..home import location
from ..model import CANCELLED, DONE
from ..system import mounts
from .opening import empty_database, is_current, open_database
from .tasks import id_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import builtins
    from collections.abc import Iterable, Mapping, Sequence

    from ..model import Attempt, Claim, Lane, Task
    from .approvals import Approvals
    from .assignments import Assignment, Assignments
    from .attempt_status import AttemptStatuses
    from .attempts import Attempts
    from .batches import Batches
    from .claim_keeper import ClaimKeeper
    from .claims import Claims
    from .completion import Completion
    from .database import Database
    from .dependencies import Dependencies
    from .editing import Editing
    from .ends import Ends
    from .export import Export
    from .groups import Groups
    from .history import History
    from .importing import Import
    from .launches import Launches
    from .listed import ListedTasks
    from .loop_attempts import LoopAttempts
    from .loops import Loops
    from .messages import Messages
    from .new_tasks import NewTasks
    from .nights import Nights
    from .pause import Pause
    from .ranking import Ranking
    from .recent import Recent
    from .reviews import Reviews
    from .supervisors import Supervisors
    from .tasks import Relations, Tasks
    from .usages import Usages
    from .waiting import WaitingTasks
    from .waking import Waking
    from .workers import Workers

LEASE = 30 * 60.0  # seconds, as tx gives

UUID = "SELECT uuid FROM home"


class Store:
    """The queue of one home. Use it as a context manager, in the process that opened it; threads may share it.

    home: its directory, absolute. notice: what a person should read, of files that opening it missed or set aside.
    All times are UTC text: 2025-10-24T15:00:00.000Z. Every method that changes something does so in one transaction,
    and all of them may raise StoreUnavailable. Where a task is to be named, its id will do, or the Task itself.
    """

    def __init__(self, home: str, database: Database, notice: str = "") -> None:
        self.home = home
        self.notice = notice
        self.database = database

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database. Raises StoreUnavailable where the lock for it is not to be had."""
        self.database.close()

    def changes(self) -> int:
        """Return a number that differs when another process has changed the queue since."""
        return self.database.changes()

    @property
    def uuid(self) -> str:
        """Id of this home, the same in all copies of it."""
        return str(self.database.execute(UUID)[0][0])

    @property
    def is_on_network(self) -> bool:
        """Whether home lies on a network file system."""
        return mounts.is_on_network(self.home)

    def lock_path(self, id: str) -> str:
        """Return the path of the lock file of the worker or supervisor with this id."""
        return os.path.join(self.home, "locks", id)

    @property
    def wake_directory(self) -> str:
        """Where the listeners of this home show themselves (`system.wakeup`)."""
        return self.waking.directory

    # Tasks

    def add(
        self,
        title: str = "",
        *,
        command: str | None = None,
        description: str = "",
        score: float = 0,
        parent: Task | str | None = None,
        needs: str = "",
        not_before: str | None = None,
        directory: str | None = None,
        after: Iterable[Task | str] | Task | str = (),
        verify: str | None = None,
        timeout: float | None = None,
        max_attempts: int | None = None,
        environment: Mapping[str, str] | None = None,
        slurm: str | None = None,
        group: str = "",
        every: str | None = None,
        arguments: Iterable[str] | None = None,
        max_memory: int | None = None,
        agent: str | None = None,
        level: str | None = None,
        max_cost: int | None = None,
    ) -> Task:
        """Add one task, in state backlog.

        With `command` (for `sh -c`) it is a command, and `title` may be left out; without, a prompt of title
        and description. `score`: the higher, the sooner. `parent`, `after`: ids; it waits for those in
        `after`. `needs`: the capability that its worker must have. `not_before`: UTC text as `clock.now` writes
        it. `directory`: where it runs, the working directory unless given. `verify`: for `sh -c`, the gate that its
        work must pass in a loop. `timeout`: seconds for each attempt, and `max_attempts`: until it counts as failed;
        both before what the run says. `environment`: variables on top of the worker's. `slurm`: options for the job of
        Slurm's that it runs as, beside the run's, "" for none; where it needs nothing else, it needs `slurm` then.
        `group`: of whose tasks no more are in work at a time than its limit, 1 to begin with. `every`: when it comes
        again. `arguments`: what its command was made of. `max_memory`: bytes that an attempt's processes may have.
        `agent`, `level`: who works on it and how hard it thinks, instead of what the run says. `max_cost`: millionths
        of a US dollar for all its attempts together.
        Raises InvalidValue, TaskNotFound.
        """
        from .new_tasks import check

        new = check(
            title, command, description, score, parent, needs, not_before, directory, after, verify, timeout,
            max_attempts, environment, slurm, group, every, arguments, max_memory, agent, level, max_cost,
        )  # fmt: skip
        return self._new_tasks.add(new)

    def add_many(self, tasks: Iterable[Mapping[str, object] | str]) -> Sequence[str]:
        """Add many in one transaction: all of them, or none. Their ids, in order: reading the tasks back, as `add`
        does, would take as long again.

        Each is a title, or a mapping of what `add` takes. The iterable is read to its end before the database is
        locked. Raises as `add` does, naming the position.
        """
        return self._new_tasks.add_many(tasks)

    def get(self, task: Task | str) -> Task:
        """Return the task with this id; raises TaskNotFound."""
        return self._tasks.get(id_of(task))

    def list(self, status: Sequence[str] | None = None, limit: int | None = None) -> Sequence[Task]:
        """Return tasks in the order of arrival, of these states or of all, at most `limit`.

        What is in the backlog can also be asked for as ready, waiting (for other tasks), reserved or later. Raises
        InvalidValue.
        """
        return self._tasks.list(status, limit)

    def ready(self, limit: int | None = None, needs: Iterable[str] | None = None) -> Sequence[Task]:
        """Return the tasks that a worker could claim now, best first: by score, then by arrival; and after them those
        that are reserved for a moment, because they were released by hand.

        `needs`: only those that need one of these capabilities ("": none).
        """
        return self._tasks.ready(limit, needs)

    def count(self) -> dict[str, int]:
        """Return how many tasks there are in each state that has any."""
        return self._tasks.count()

    def resolve(self, name: str) -> str:
        """Return the id that is meant: by itself, or by a beginning of it, of three characters at the least, that no
        other task's id has, with or without tx-. Raises TaskNotFound; InvalidValue where several are meant.
        """
        return self._tasks.resolve(name)

    def relations(self, tasks: Iterable[Task]) -> dict[str, Relations]:
        """Return by id what each task waits for, what waits for it, and its children."""
        return self._tasks.relations(tasks)

    def attempts(self, task: Task | str) -> builtins.list[Attempt]:
        """Return all attempts of the task with this id, oldest first."""
        return self._attempts.of(id_of(task))

    def update(
        self,
        task: Task | str,
        *,
        title: str | None = None,
        description: str | None = None,
        score: float | None = None,
        parent: Task | str | None = None,
        status: str | None = None,
        verify: str | None = None,
        command: str | None = None,
        timeout: float | None = None,
        max_attempts: int | None = None,
        slurm: str | None = None,
        group: str | None = None,
        every: str | None = None,
        max_memory: int | None = None,
        directory: str | None = None,
        agent: str | None = None,
        level: str | None = None,
        max_cost: int | None = None,
        token: int | None = None,
        seen: Task | None = None,
    ) -> Task:
        """Change what is given, all of it or nothing; the task as it is then.

        `parent`: an id, or "" for none. `verify`: its gate, or "" for none of its own. `command`: what it runs, while
        it does not; a prompt has none. `group`, `every`: "" for none. `agent`, `level`: "" for the run's. `timeout`,
        `max_attempts`, `max_memory`, `max_cost`: 0 for none of its own. `status`: a state but `active`, which claiming
        gives, and which changes nothing for who has the claim, and `review`; backlog (or ready, as tx has it) gives
        back a task that was claimed by hand. While a worker runs it, its agent may say done or failed with `token`, and
        cancelled stops the agent. `seen`: the task as it was read: it must be so still. Raises InvalidValue,
        InvalidMove, Refused, TaskNotFound, DependencyCycle for a parent below the task, AlreadyClaimed, LeaseLost.
        """
        from .editing import Changes

        above = parent and id_of(parent, "parent")
        changes = Changes(
            title, description, score, above, verify, command, timeout, max_attempts, slurm, group, every, max_memory,
            directory, agent, level, max_cost,
        )  # fmt: skip
        return self._editing.update(id_of(task), changes, status, token, seen)

    def delete(self, task: Task | str, cascade: bool = False) -> builtins.list[str]:
        """Remove a task and, with `cascade`, all below it; their ids. What waited for it does so no longer.

        Raises Refused where it has children and `cascade` is not given, or where one of them is claimed; TaskNotFound.
        """
        return self._editing.delete(id_of(task), cascade)

    def add_dependency(self, task: Task | str, blocker: Task | str) -> None:
        """Let `task` wait until `blocker` is done (both ids). Adding it twice changes nothing.

        Raises TaskNotFound, and DependencyCycle where `blocker` waits for `task`, or is it.
        """
        self._dependencies.add(id_of(task), id_of(blocker, "blocker"))

    def remove_dependency(self, task: Task | str, blocker: Task | str) -> None:
        """Let `task` no longer wait for `blocker`. Raises TaskNotFound; Refused where it does not wait for it."""
        self._dependencies.remove(id_of(task), id_of(blocker, "blocker"))

    # Claims

    def claim(self, task: Task | str, worker: str, lease: float = LEASE) -> Claim:
        """Take the task with this id, by hand, for `lease` seconds (1 or more).

        `worker` is any name. Raises AlreadyClaimed (naming the holder), NotReady, TaskNotFound, InvalidValue.
        """
        return self._claims.take(id_of(task), worker, lease)

    def claim_best(self, worker: str, lease: float = LEASE, lanes: Iterable[Lane] | None = None) -> Assignment | None:
        """Take the best ready task, of these lanes or of all, by hand; None when there is none."""
        return self._claims.take_best(worker, lease, lanes)

    def claimed(self, task: Task | str, worker: str, lease: float = LEASE) -> ClaimKeeper:
        """Take a task by hand for as long as a `with` block runs: its claim is renewed in the background, and the
        task is given back at the end unless it was done. Raises as `claim`."""
        from .claim_keeper import ClaimKeeper

        return ClaimKeeper(self, self.claim(task, worker, lease))

    def renew(self, task: Task | str, worker: str | None = None, token: int | None = None) -> Claim:
        """Begin the lease again, at the length it was given. Any number of times.

        Raises LeaseLost unless `worker`, or `token`, holds the claim; TaskNotFound.
        """
        return self._claims.renew(id_of(task), worker, token)

    def release(self, task: Task | str, worker: str | None = None, token: int | None = None) -> None:
        """Give a task back that was claimed by hand. It costs no attempt.

        For two seconds no other worker may claim it (`ready` lists it last), so that whoever releases a task and then
        marks it done does not see it run again in between. Raises as `renew`.
        """
        self._claims.release(id_of(task), worker, token)

    def claims(self) -> builtins.list[Claim]:
        """Return the claims of this moment, oldest first."""
        return self._claims.all()

    def started(self, claim: Claim) -> str:
        """Return when a claim began."""
        return self._claims.started(claim)

    def expired(self) -> builtins.list[Claim]:
        """Return the claims made by hand whose lease has run out. (A worker's claim ends with the worker.)"""
        return self._claims.expired()

    def expire(self, token: int) -> None:
        """End a claim whose lease has run out; its task is ready again. Raises LeaseLost where there is no such
        claim any more, Refused where its lease has not run out."""
        self._claims.expire(token)

    # Words about tasks

    def done(
        self, task: Task | str, worker: str | None = None, token: int | None = None, force: bool = False
    ) -> builtins.list[str]:
        """Mark a task done. The ids of the tasks that this made ready.

        A claim made by hand is taken and closed. Where a live worker holds the task, its agent may say so with
        `token`, and the worker records it when the agent has ended; others need `force`, which has the worker stop
        the agent. Raises LeaseLost where `worker` or `token` is not the holder's, AlreadyClaimed, InvalidMove,
        TaskNotFound.
        """
        return self._completion.decide(id_of(task), DONE, worker, token, force)

    def fail(self, task: Task | str, note: str = "", worker: str | None = None, token: int | None = None) -> None:
        """Put a task aside as failed; the reason is kept with its last attempt, if it had one. Raises as `done`;
        InvalidValue."""
        self._completion.fail(id_of(task), note, worker, token)

    def cancel(self, task: Task | str) -> None:
        """Take a task out of the queue. If a worker runs it, the worker stops its agent first.

        Raises InvalidMove for a task that is done, TaskNotFound.
        """
        self._completion.decide(id_of(task), CANCELLED, force=True)

    def retry(self, task: Task | str) -> None:
        """Put a task back into the queue with all its attempts ahead of it: done, failed, cancelled, blocked, or
        waiting for its next attempt. Raises AlreadyClaimed while it is active; Refused for a launched task, which
        `execution.launch` starts again; TaskNotFound."""
        self._completion.retry(id_of(task))

    def reset(self, task: Task | str) -> str:
        """Put a task back into the queue, whatever its state, with all its attempts ahead of it; the state it was in.

        A claim made by hand ends. Raises AlreadyClaimed while a worker runs it, Refused for a launched task,
        TaskNotFound.
        """
        return self._completion.reset(id_of(task))

    # The queue as a whole

    def pause(self) -> str:
        """Have the worker processes claim nothing more until `resume`; since when that has been so."""
        return self._pause.begin()

    def resume(self) -> None:
        """Have them claim again."""
        self._pause.end()

    def paused(self) -> str | None:
        """Return since when the queue has been paused, or None."""
        return self._pause.since()

    def backup(self, path: str) -> int:
        """Write a copy of the database, as of one moment, into a new file; it is there whole, or not at all. Others
        go on writing. How many bytes it has.

        Raises Refused where the file exists; NotFound where there is no database.
        """
        from .backup import back_up

        return back_up(self.database, path)

    # Parts that have verbs of their own

    @cached_property
    def approvals(self) -> Approvals:
        """A person's word on work that waits for a review."""
        from .approvals import Approvals

        return Approvals(self.database, self.waking)

    @cached_property
    def assignments(self) -> Assignments:
        """What worker processes claim, and how they hand it back."""
        from .assignments import Assignments

        return Assignments(self.database, self.waking)

    @cached_property
    def attempt_statuses(self) -> AttemptStatuses:
        """How attempts stand, as it is recorded."""
        from .attempt_status import AttemptStatuses

        return AttemptStatuses(self.database)

    @cached_property
    def batches(self) -> Batches:
        """What `run --from` added."""
        from .batches import Batches

        return Batches(self.database, self.waking)

    @cached_property
    def ends(self) -> Ends:
        """How tasks came to their ends."""
        from .ends import Ends

        return Ends(self.database)

    @cached_property
    def export(self) -> Export:
        """What another home needs to go on, as JSON Lines."""
        from .export import Export

        return Export(self.database)

    @cached_property
    def groups(self) -> Groups:
        """Tasks of which only so many are in work at a time."""
        from .groups import Groups

        return Groups(self.database, self.waking)

    @cached_property
    def history(self) -> History:
        """Each change of a task's state."""
        from .history import History

        return History(self.database)

    @cached_property
    def importing(self) -> Import:
        """Merging an export into this home."""
        from .importing import Import

        return Import(self.database, self.waking)

    @cached_property
    def launches(self) -> Launches:
        """Tasks that are claimed as they are inserted, each by a worker of its own."""
        from .launches import Launches

        return Launches(self.database, self.waking)

    @cached_property
    def listed(self) -> ListedTasks:
        """Tasks of task lists, which bring their ids."""
        from .listed import ListedTasks

        return ListedTasks(self.database, self.waking)

    @cached_property
    def loops(self) -> Loops:
        """The runs of RALPH."""
        from .loops import Loops

        return Loops(self.database)

    @cached_property
    def loop_attempts(self) -> LoopAttempts:
        """What RALPH must know of an attempt besides its result."""
        from .loop_attempts import LoopAttempts

        return LoopAttempts(self.database, self.waking)

    @cached_property
    def messages(self) -> Messages:
        """What persons said to the agents of tasks."""
        from .messages import Messages

        return Messages(self.database)

    @cached_property
    def nights(self) -> Nights:
        """The runs of RALPH, in figures."""
        from .nights import Nights

        return Nights(self.database)

    @cached_property
    def ranking(self) -> Ranking:
        """Whose turn comes first."""
        from .ranking import Ranking

        return Ranking(self.database)

    @cached_property
    def recent(self) -> Recent:
        """What happened lately."""
        from .recent import Recent

        return Recent(self.database)

    @cached_property
    def reviews(self) -> Reviews:
        """The work that waits for a person's word, and what was said of it."""
        from .reviews import Reviews

        return Reviews(self.database)

    @cached_property
    def supervisors(self) -> Supervisors:
        """The runs, and how many workers each should have."""
        from .supervisors import Supervisors

        return Supervisors(self.database, self.waking)

    @cached_property
    def usages(self) -> Usages:
        """What attempts cost."""
        from .usages import Usages

        return Usages(self.database)

    @cached_property
    def waiting(self) -> WaitingTasks:
        """What nobody holds and has not ended."""
        from .waiting import WaitingTasks

        return WaitingTasks(self.database)

    @cached_property
    def waking(self) -> Waking:
        """The bells of idle and of busy workers."""
        from .waking import Waking

        return Waking(self.home, self.database)

    @cached_property
    def workers(self) -> Workers:
        """Who is here."""
        from .workers import Workers

        return Workers(self.database)

    # Parts behind the methods above

    @cached_property
    def _attempts(self) -> Attempts:
        from .attempts import Attempts

        return Attempts(self.database)

    @cached_property
    def _claims(self) -> Claims:
        from .claims import Claims

        return Claims(self.database, self.waking)

    @cached_property
    def _completion(self) -> Completion:
        from .completion import Completion

        return Completion(self.database, self.waking)

    @cached_property
    def _dependencies(self) -> Dependencies:
        from .dependencies import Dependencies

        return Dependencies(self.database, self.waking)

    @cached_property
    def _editing(self) -> Editing:
        from .editing import Editing

        return Editing(self.database, self.waking)

    @cached_property
    def _new_tasks(self) -> NewTasks:
        from .new_tasks import NewTasks

        return NewTasks(self.database, self.waking)

    @cached_property
    def _pause(self) -> Pause:
        from .pause import Pause

        return Pause(self.database, self.waking)

    @cached_property
    def _tasks(self) -> Tasks:
        from .tasks import Tasks

        return Tasks(self.database)


def open_store(path: str | None = None, read_only: bool = False) -> Store:
    """Open the store of a home: `path` is home's directory, or its database file (ending in .db), or None for the home
    that the command line would use.

    Unless `read_only`, home and database are made where they are missing; with it, they read as empty.
    Raises StoreUnavailable where they cannot be made, trusted or used; UsageError for a broken config.ini.
    """
    home, name = path, location.DATABASE
    if path is not None and path.endswith(".db"):
        home, name = os.path.split(os.path.abspath(path))
    home = location.locate(home)
    database = os.path.join(home, name)
    if read_only:
        return Store(home, _open_reading(home, database), _find_orphans(database))
    notice = _make(home, database)
    opened = _open_writing(home, database)
    return Store(home, opened, notice or opened.notice)


def _open_reading(home: str, path: str) -> Database:
    if not os.path.lexists(path):
        return empty_database(path)
    location.check_home(home)
    location.check_trust(path)
    found = open_database(path, read_only=True)
    if is_current(found):
        return found
    found.close()
    open_database(path).close()  # an older version's: only writing brings it up to date
    return open_database(path, read_only=True)


def _find_orphans(path: str) -> str:
    """What a person should know where a log lies beside no database."""
    if os.path.lexists(path):
        return ""
    from .set_aside import companions, names

    orphans = companions(path)
    if not orphans or os.path.lexists(path):  # it was made, and opened, between the two looks
        return ""
    said = f"{path} is gone, and what belongs to it is here: put it back; the next command that writes sets"
    return f"{said} {names(orphans)} aside"


def _make(home: str, path: str) -> str:
    """Make what is missing; what a person should know of it."""
    location.make(home)
    if os.path.lexists(path):
        return ""
    import uuid

    from ..home.config import read_synchronous
    from .create import create

    read_synchronous(home)  # a config.ini that is refused leaves nothing behind
    return create(path, str(uuid.uuid4()))


def _open_writing(home: str, path: str) -> Database:
    from ..home.config import read_synchronous  # what only reads does without

    synchronous = read_synchronous(home)
    location.check_trust(path)
    return open_database(path, synchronous=synchronous)
