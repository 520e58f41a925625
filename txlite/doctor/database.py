"""What home's database holds: its file, its log, damage, contradictions, and what the dead left.

It is opened by `store` alone, for reading; nothing is changed. Called by `diagnose`.
"""

from __future__ import annotations

import os
import shlex
from functools import partial

from .. import text
from ..errors import Error
from ..execution import presence
from ..home import location
from ..store import schema
from ..store.integrity import Inconsistency, Inspection
from ..store.set_aside import companions, names
from ..store.store import open_store
from ..system import liveness, mounts
from .probe import BROKEN, LIMITED, OK, Check, Finding, found_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..store.store import Store

LARGE_LOG = 64 << 20  # bytes of write-ahead log
LONG = 60.0  # seconds for what reads the whole database
RECONCILE = "`txlite reconcile`, or the next `run`, clears that up"


def checks(home: str) -> list[Check]:
    """Return the check whether the database can be opened."""
    return [Check("database", partial(check_database, home))]


def content_checks(home: str) -> list[Check]:
    """Return the checks that are worth asking where the database can be opened."""
    late = "took longer than a minute: the database is large, or its disk is slow"
    looks = {"integrity": check_integrity, "records": check_records, "workers": check_workers, "leftovers": check_left}
    return [
        Check(name, partial(look, home), LONG, Finding(name, LIMITED, late, "ask again when less runs"))
        for name, look in looks.items()
    ]


def has_database(home: str) -> bool:
    """Return whether there is a file where home has its database."""
    return os.path.lexists(os.path.join(home, location.DATABASE))


def check_database(home: str) -> list[Finding]:
    """Open the database, and look at its version and the size of its write-ahead log."""
    path = os.path.join(home, location.DATABASE)
    if not has_database(home):
        orphans = companions(path)
        if orphans:
            found = f"{path} is gone, and what belongs to it is here: {names(orphans)}"
            return [Finding("database", BROKEN, found, "put it back; or `txlite doctor --set-aside` moves them away")]
        return [Finding("database", OK, "none yet: the first command that writes makes it")]
    try:
        with open_store(home, read_only=True) as store:
            version, journal = Inspection(store.database).schema_version, Inspection(store.database).journal_mode
    except Error as error:
        return [found_error("database", error)]
    if journal == "wal" and mounts.is_on_network(home):
        found = "has a write-ahead log on a network file system, where that loses and mixes up data"
        advice = "move home to a local disk; or there, while nothing runs: "
        return [Finding("database", BROKEN, found, advice + _sqlite(home, "PRAGMA journal_mode = DELETE"))]
    log = os.path.getsize(path + "-wal") if os.path.exists(path + "-wal") else 0
    if log > LARGE_LOG:
        found = f"its write-ahead log has {text.size(log)}: some program has been reading it all the time"
        return [Finding("database", LIMITED, found, "end what reads tasks.db for long; the log then shrinks")]
    more = "" if version == schema.VERSION else f", which the next command that writes makes {schema.VERSION}"
    return [Finding("database", OK, f"{text.size(os.path.getsize(path))}, schema {version}{more}")]


def check_integrity(home: str) -> list[Finding]:
    """Have SQLite read the whole database for damage and for rows against the rules of its schema."""
    try:
        with open_store(home, read_only=True) as store:
            damage, violations = Inspection(store.database).damage(), Inspection(store.database).violations()
    except Error as error:
        return [found_error("integrity", error)]
    findings = []
    if damage:
        found = f"the file is damaged: {text.shorten(damage[0], 100)}"
        advice = (
            "stop all runs, have `txlite doctor --set-aside` move it and its log away together, and recover what they "
            "hold there with sqlite3's .recover"
        )
        findings.append(Finding("integrity", BROKEN, found, advice))
    if violations:
        found = "; ".join(violations[:3]) + ("; …" if len(violations) > 3 else "")
        advice = "rows were edited by hand, or a copy is not whole: go back to a good one, or mend them with sqlite3"
        findings.append(Finding("integrity", BROKEN, found, advice))
    return findings or [Finding("integrity", OK, "no damage, and no rule of the schema is broken")]


def check_records(home: str) -> list[Finding]:
    """Compare what the database says in two places: tasks, claims, attempts, counts."""
    with open_store(home, read_only=True) as store:
        broken = [_describe(home, one) for one in Inspection(store.database).inconsistencies()]
    return broken or [Finding("records", OK, "tasks, claims, attempts and counts agree")]


def _describe(home: str, one: Inconsistency) -> Finding:
    names = ", ".join(one.tasks[:3]) + (", …" if len(one.tasks) > 3 else "")
    advice = f"while nothing runs, and after a copy: {_sqlite(home, one.remedy)}"
    return Finding("records", BROKEN, f"{text.count(len(one.tasks), 'task')} {one.name}: {names}", advice)


def _sqlite(home: str, statement: str) -> str:
    return f'sqlite3 {shlex.quote(os.path.join(home, location.DATABASE))} "{statement}"'


def check_workers(home: str) -> list[Finding]:
    """Look for workers that died and leases that ran out, which nobody has recovered yet."""
    with open_store(home, read_only=True) as store:
        gone = _gone(store) & _gone(store)  # twice: one that leaves now has let go of its lock before it signs off
        lapsed, runs = len(store.expired()), len(presence.live_supervisors(store))
        alive = len(presence.live_pids(store))
    facts = [f"{text.count(len(gone), 'worker')} died, and what they held was not given back yet"] if gone else []
    facts += [f"the lease of {text.count(lapsed, 'claim')} has run out"] if lapsed else []
    if facts:
        return [Finding("workers", LIMITED, "; ".join(facts), RECONCILE)]
    return [
        Finding("workers", OK, f"{text.count(alive, 'worker')} and {text.count(runs, 'run')} now; nothing to recover")
    ]


def _gone(store: Store) -> set[str]:
    return {worker.id for worker in store.workers.unrecovered() if not presence.is_alive(store, worker)}


def check_left(home: str) -> list[Finding]:
    """Look for lock files and FIFOs whose processes are gone, and who were not entered or have signed off."""
    with open_store(home, read_only=True) as store:
        left = liveness.find_leftovers(
            os.path.dirname(store.lock_path("")),
            store.wake_directory,
            lambda: {worker.id for worker in store.workers.unrecovered()}
            | {one.id for one in store.supervisors.present()},
        )
    count = len(left.locks) + len(left.fifos)
    if count:
        found = f"{text.count(count, 'lock file or FIFO')} of dead processes in home: they do no harm"
        return [Finding("leftovers", LIMITED, found.replace("lock file or FIFOs", "lock files or FIFOs"), RECONCILE)]
    return [Finding("leftovers", OK, "none of dead processes")]
