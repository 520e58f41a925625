"""What home itself holds: trust, config.ini, agents, templates, the database, what the dead left.

The database is opened by `store` alone, for reading; nothing is changed. Called by `diagnose`.
"""

from __future__ import annotations

import os
import shlex
import stat
from functools import partial

from .. import text
from ..agents.agent import BUILT_IN, SHELL, describe_agent, is_installed
from ..errors import Error, UsageError
from ..execution import presence
from ..home import config, location, prompt_templates
from ..model import WORKERS
from ..reports import report
from ..store import schema
from ..store.integrity import Inconsistency, Inspection
from ..store.store import open_store
from ..system import liveness, mounts
from . import filesystem
from .probe import BROKEN, LIMITED, OK, Check, Finding, found_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..store.store import Store

LARGE_LOG = 64 << 20  # bytes of write-ahead log
LONG = 60.0  # seconds for what reads the whole database
FOUNDATIONS = ("home", "database")  # the checks without which the later ones say nothing
RECONCILE = "`txlite reconcile`, or the next `run`, clears that up"


def checks(home: str, place: str | None) -> list[Check]:
    """Return all checks but those that read the whole database.

    place: where home's file system can be written, if anywhere.
    """
    return [
        Check("home", partial(check_home, home, place)),
        Check("writing", partial(check_writing, home, place)),
        Check("config.ini", partial(check_configuration, home)),
        Check("agents", partial(check_agents, home)),
        Check("templates", partial(check_templates, home)),
        Check("database", partial(check_database, home)),
    ]


def database_checks(home: str) -> list[Check]:
    """Return the checks that are worth asking where the database can be opened."""
    late = "took longer than a minute: the database is large, or its disk is slow"
    looks = {"integrity": check_integrity, "records": check_records, "workers": check_workers, "leftovers": check_left}
    return [
        Check(name, partial(look, home), LONG, Finding(name, LIMITED, late, "ask again when less runs"))
        for name, look in looks.items()
    ]


def check_home(home: str, place: str | None) -> list[Finding]:
    """See whether it is there and may be trusted, or could be made."""
    if not os.path.lexists(home):
        around = filesystem.nearest_directory(home)
        if place != around:
            found = f"{home} is not there and cannot be made: {around} cannot be written"
            return [Finding("home", BROKEN, found, "give another with --home")]
        return [Finding("home", OK, f"{home} is not there yet: the first command that writes makes it")]
    if not os.path.isdir(home):
        return [Finding("home", BROKEN, f"{home} is not a directory", "give another with --home")]
    try:
        location.check_trust(home)
    except Error as error:
        return [found_error("home", error)]
    mode = stat.S_IMODE(os.stat(home).st_mode)
    more = ": others may see which reports there are" if mode & 0o055 else ""
    return [Finding("home", OK, f"{home} is yours alone to write (mode {mode:04o}{more})")]


def check_writing(home: str, place: str | None) -> list[Finding]:
    """See whether a home that is there can be written."""
    if place == home or not os.path.isdir(home):
        return []
    advice = "change its rights, or give another with --home"
    return [Finding("writing", BROKEN, f"{home} cannot be written: commands can only read", advice)]


def check_configuration(home: str) -> list[Finding]:
    """Read config.ini, and what is set there for all commands."""
    try:
        parser = config.read(home)
        if not parser.sections():
            return [Finding("config.ini", OK, "none, or empty: all is as built in")]
        config.read_synchronous(home)
        report.read_cap(parser)
        describe_agent(config.option(parser, "agent", SHELL), parser)
    except UsageError as error:
        found = str(error).removeprefix(f"{home}/config.ini: ")
        return [Finding("config.ini", BROKEN, found, f"mend {home}/config.ini")]
    except Error as error:
        return [found_error("config.ini", error)]
    return [Finding("config.ini", OK, "understood")]


def check_agents(home: str) -> list[Finding]:
    """See whether each agent can be run: those that are configured must be there; the built-in ones need not."""
    try:
        parser = config.read(home)
    except Error:
        return []  # said already
    configured = config.agents(parser)
    findings, here, missing = [], [SHELL], []
    for name in sorted({*BUILT_IN, *configured}):
        try:
            found = describe_agent(name, parser)
        except UsageError as error:
            advice = f"mend [agent {name}] of config.ini"
            findings.append(Finding("agent", BROKEN, str(error).replace("config.ini, ", "", 1), advice))
            continue
        if is_installed(found):
            here.append(name)
        elif name in configured:
            said = f"{name}: its command {found.argv[0]!r} is not on PATH"
            findings.append(Finding("agent", LIMITED, said, f"install it, or mend [agent {name}] of config.ini"))
        else:
            missing.append(name)
    more = f"; not installed: {', '.join(missing)}" if missing else ""
    return [Finding("agents", OK, ", ".join(here) + more), *findings]


def check_templates(home: str) -> list[Finding]:
    """Read each template, home's own and the built-in ones."""
    directory = os.path.join(home, "templates")
    own = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    names = {name[:-3] for name in own if name.endswith(".md")} | set(prompt_templates.BY_TYPE.values())
    findings = []
    for name in sorted(names):
        try:
            prompt_templates.read(home, WORKERS, name)
        except Error as error:
            findings.append(found_error("template", error))
    return findings or [Finding("templates", OK, ", ".join(sorted(names)))]


def has_database(home: str) -> bool:
    """Return whether there is a file where home has its database."""
    return os.path.lexists(os.path.join(home, location.DATABASE))


def check_database(home: str) -> list[Finding]:
    """Open the database, and look at its version and the size of its write-ahead log."""
    path = os.path.join(home, location.DATABASE)
    if not has_database(home):
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
        advice = f"stop all runs, copy it, and recover what it holds: {_sqlite(home, '.recover')}"
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
    return Finding("records", BROKEN, f"{_count(len(one.tasks), 'task')} {one.name}: {names}", advice)


def _sqlite(home: str, statement: str) -> str:
    return f'sqlite3 {shlex.quote(os.path.join(home, location.DATABASE))} "{statement}"'


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def check_workers(home: str) -> list[Finding]:
    """Look for workers that died and leases that ran out, which nobody has recovered yet."""
    with open_store(home, read_only=True) as store:
        gone = _gone(store) & _gone(store)  # twice: one that leaves now has let go of its lock before it signs off
        lapsed, runs = len(store.expired()), len(presence.live_supervisors(store))
        alive = len(presence.live_pids(store))
    facts = [f"{_count(len(gone), 'worker')} died, and what they held was not given back yet"] if gone else []
    facts += [f"the lease of {_count(lapsed, 'claim')} has run out"] if lapsed else []
    if facts:
        return [Finding("workers", LIMITED, "; ".join(facts), RECONCILE)]
    return [Finding("workers", OK, f"{_count(alive, 'worker')} and {_count(runs, 'run')} now; nothing to recover")]


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
        found = f"{_count(count, 'lock file or FIFO')} of dead processes in home: they do no harm"
        return [Finding("leftovers", LIMITED, found.replace("lock file or FIFOs", "lock files or FIFOs"), RECONCILE)]
    return [Finding("leftovers", OK, "none of dead processes")]
