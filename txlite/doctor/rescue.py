"""A database that cannot be used is moved out of the way, and with it all that belongs to it.

Its files stay together, for sqlite3's .recover to read, and nothing is deleted. A database that can be used is never
moved, nor one that living workers work with. Called by the verb `doctor --set-aside`, which alone changes anything.
"""

from __future__ import annotations

import os

from ..errors import Error, NotFound, Refused, StoreUnavailable
from ..home import location
from ..store.integrity import Inspection
from ..store.log_record import find_foreign
from ..store.opening import write_lock
from ..store.set_aside import BROKEN, FOREIGN, ORPHANED, companions, names, set_aside
from ..store.store import open_store
from ..system import liveness

PATIENCE = 30.0  # seconds for who writes now


def move_database(given: str | None = None) -> str:
    """Move the database of a home, and what belongs to it, into a directory beside it; return what was done.

    Raises NotFound where there is nothing to move, Refused where the database can be used or processes live that use
    it, StoreUnavailable where home may not be trusted or written.
    """
    home = location.locate(given)
    path = os.path.join(home, location.DATABASE)
    if not os.path.isdir(home):
        raise NotFound(f"{home} is not there: nothing to set aside")
    location.check_home(home)
    lock = write_lock(path, PATIENCE)
    lock.acquire()
    try:
        files = _find_files(home, path)
        aside = set_aside(path, files, _why(path, files))
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be moved: {error.strerror}") from error
    finally:
        lock.release()
        lock.close()
    return f"{names(files)}: now in {aside}" + ("" if os.path.lexists(path) else ": the next command makes a new one")


def _find_files(home: str, path: str) -> list[str]:
    files = [path] * os.path.lexists(path) + companions(path)
    if not files:
        raise NotFound(f"{home} has no database: nothing to set aside")
    alive = _living(os.path.join(home, "locks"))
    if alive:
        raise Refused(f"{', '.join(alive)} of this home live, and use the database: end them first")
    if path in files and find_foreign(path):
        return companions(path)
    if path in files and _can_be_used(home):
        raise Refused(f"{path} can be used, and stays where it is: `txlite backup FILE` copies it")
    return files


def _why(path: str, files: list[str]) -> str:
    if path in files:
        return BROKEN
    return FOREIGN if os.path.lexists(path) else ORPHANED


def _living(locks: str) -> list[str]:
    """The ids of workers and runs."""
    names = sorted(os.listdir(locks)) if os.path.isdir(locks) else []
    return [name for name in names if liveness.is_held(os.path.join(locks, name))]


def _can_be_used(home: str) -> bool:
    try:
        with open_store(home, read_only=True) as store:
            return not Inspection(store.database).damage()
    except Error:
        return False
