"""The store's part for workers and supervisors: who is here, what they accept, how many there should be.

A row says who somebody is; whether it lives is asked of its lock (`is_held`). Mixed into `store.Store`.
"""

from __future__ import annotations

import os

from ..errors import InvalidValue, NotFound, Refused
from ..model import Claim, Lane, Worker, parse_lanes
from ..system import clock, process, wakeup
from ..system.named_tuple import NamedTuple
from .claims import HELD_LEASE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .database import Database

COLUMNS = "id, name, supervisor, accepts, host, identity, kill_after, started, heartbeat, ended"
SEEN = COLUMNS.replace("name", "CAST(name AS TEXT)").replace("accepts", "CAST(accepts AS TEXT)")
# A name used by hand is here for as long as it holds something.
SELECT_PRESENT = f"""SELECT {SEEN} FROM workers WHERE ended IS NULL
    AND (identity <> '' OR id IN (SELECT worker FROM claims)) ORDER BY started, id"""
SELECT_ONE = f"SELECT {COLUMNS} FROM workers WHERE id = ?"
SELECT_UNRECOVERED = f"""SELECT {COLUMNS} FROM workers WHERE ended IS NULL AND identity <> ''
    OR id IN (SELECT worker FROM claims WHERE held) ORDER BY started, id"""
INSERT = f"INSERT INTO workers ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)"
HEARTBEAT = "UPDATE workers SET heartbeat = ? WHERE id = ?"
RENEW = "UPDATE claims SET deadline = ? + lease, expires = ? WHERE token = ?"
RETIRE = "UPDATE workers SET ended = ? WHERE id = ? AND ended IS NULL"
SELECT_CLAIM = """SELECT t.id, c.worker, c.token, c.lease, c.expires, c.held, c.renewals FROM claims c
    JOIN tasks t ON t.seq = c.task WHERE c.worker = ? ORDER BY c.held DESC LIMIT 1"""
INSERT_SUPERVISOR = "INSERT INTO supervisors (id, identity, wanted, started) VALUES (?, ?, ?, ?)"
SELECT_SUPERVISORS = "SELECT id, identity, wanted, started FROM supervisors WHERE ended IS NULL ORDER BY started, id"
WANTED = "SELECT wanted FROM supervisors WHERE id = ?"
SCALE = "UPDATE supervisors SET wanted = ? WHERE id = ?"
RETIRE_SUPERVISOR = "UPDATE supervisors SET ended = ? WHERE id = ?"

WORKER_LIMIT = 1024


class Supervisor(NamedTuple):
    """A run: it keeps `wanted` workers alive."""

    id: str
    identity: str
    wanted: int
    started: str


class Workers:
    """Mixed into Store."""

    db: Database
    home: str

    def lock_path(self, name: str) -> str:
        """The lock file of the worker or supervisor with this id."""
        return os.path.join(self.home, "locks", name)

    @property
    def wake_directory(self) -> str:
        return os.path.join(self.home, "wake")

    def is_alive(self, one: Worker | Supervisor) -> bool:
        """Whether its process lives: it holds its lock or, where somebody tidied the lock files away, it is there."""
        return self.is_present(one.id, one.identity)

    def is_present(self, name: str, identity: str) -> bool:
        """The same, by id and identity."""
        known = process.Identity.parse(identity)
        if known and known.is_here():
            return known.is_alive()  # its lock may be held by who recovers it
        from ..system.liveness import is_held  # what only reads the queue does without

        return known is not None and is_held(self.lock_path(name))

    def register(self, worker: Worker) -> None:
        """Enter a worker; its lock must be held already."""
        with self.db.writing() as connection:
            connection.execute(INSERT, worker[:-1])

    def heartbeat(self, worker: str, token: int | None = None) -> None:
        """A worker shows that it goes on; the lease of its claim begins again."""
        with self.db.writing() as connection:
            connection.execute(HEARTBEAT, (clock.now(), worker))
            if token is not None:
                connection.execute(RENEW, (clock.monotonic(), clock.now(HELD_LEASE), token))

    def retire(self, worker: str) -> None:
        """A worker is no more."""
        with self.db.writing() as connection:
            connection.execute(RETIRE, (clock.now(), worker))

    def workers(self) -> list[Worker]:
        """Those that have not left, whether they live or not, oldest first."""
        return list(map(Worker._make, self.db.execute(SELECT_PRESENT)))

    def unrecovered_workers(self) -> list[Worker]:
        """Those that recovery has to look at: that have not left, or left a claim behind."""
        return list(map(Worker._make, self.db.execute(SELECT_UNRECOVERED)))

    def worker(self, name: str) -> Worker:
        """The worker with this id; raises NotFound."""
        rows = self.db.execute(SELECT_ONE, (name,))
        if not rows:
            raise NotFound(f"no worker {name!r}: `txlite status` shows those that exist")
        return Worker._make(rows[0])

    def claim_of(self, worker: str) -> Claim | None:
        """The claim that a worker process holds."""
        rows = self.db.execute(SELECT_CLAIM, (worker,))
        return Claim._make(rows[0])._replace(held=bool(rows[0][5])) if rows else None

    def add_supervisor(self, name: str, wanted: int) -> None:
        with self.db.writing() as connection:
            identity = str(process.identify(os.getpid()))
            connection.execute(INSERT_SUPERVISOR, (name, identity, check_count(wanted), clock.now()))

    def supervisors(self) -> list[Supervisor]:
        """Those that live, oldest first."""
        found = map(Supervisor._make, self.db.execute(SELECT_SUPERVISORS))
        return list(filter(self.is_alive, found))

    def present_supervisors(self) -> list[str]:
        """The ids of those that have not signed off, whether they live or not."""
        return [row[0] for row in self.db.execute(SELECT_SUPERVISORS)]

    def gone_supervisors(self) -> list[str]:
        """Those that died without signing off."""
        found = map(Supervisor._make, self.db.execute(SELECT_SUPERVISORS))
        return [supervisor.id for supervisor in found if not self.is_alive(supervisor)]

    def live_pids(self) -> set[int]:
        """The PIDs of the workers that live: no sweep may touch them."""
        return {int(worker.identity.split(" ")[0]) for worker in self.workers() if _is_there(worker.identity)}

    def wanted(self, supervisor: str) -> int:
        """How many workers a supervisor should have."""
        return int(self.db.execute(WANTED, (supervisor,))[0][0])

    def retire_supervisor(self, name: str) -> None:
        with self.db.writing() as connection:
            connection.execute(RETIRE_SUPERVISOR, (clock.now(), name))

    def scale(self, wanted: int, supervisor: str | None = None) -> Supervisor:
        """Give the run that goes on (`supervisor`, where there are several) this many workers.

        Raises NotFound where none goes on, Refused where several do, InvalidValue.
        """
        check_count(wanted)
        found = [one for one in self.supervisors() if supervisor in (None, one.id)]
        if not found:
            raise NotFound("no such run goes on here: start one with `txlite run`")
        if len(found) > 1:
            names = ", ".join(one.id for one in found)
            raise Refused(f"several runs go on here: name one of {names} with --run")
        with self.db.writing() as connection:
            connection.execute(SCALE, (wanted, found[0].id))
        wakeup.ring(self.wake_directory, found[0].id)
        return found[0]._replace(wanted=wanted)

    def wake_for(self, lanes: Iterable[Lane]) -> None:
        """Wake one idle worker for each of these lanes in which something may have become ready."""
        idle = wakeup.listeners(self.wake_directory) if lanes else []
        if not idle:
            return
        accepting = {worker.id: parse_lanes(worker.accepts) for worker in self.workers() if worker.id in idle}
        for lane in lanes:
            any(wakeup.ring(self.wake_directory, name) for name in idle if lane in accepting.get(name, ()))

    def tell_worker(self, worker: str) -> None:
        """Have a worker that runs an attempt look at what was decided about it."""
        wakeup.ring(self.wake_directory, "." + worker)


def _is_there(identity: str) -> bool:
    known = process.Identity.parse(identity)
    return known is not None and known.is_alive()


def check_count(count: int) -> int:
    if not 1 <= count <= WORKER_LIMIT:
        raise InvalidValue(f"{count} workers: give a number from 1 to {WORKER_LIMIT}")
    return count


def new_id(role: str) -> str:
    """worker-abc123, run-abc123."""
    return f"{role}-{os.urandom(5).hex()}"
