"""import and export --list: a task list's tasks are added, and its boxes ticked. Called by `transfer`."""

from __future__ import annotations

import os
import sys

from ..errors import Refused, UsageError
from ..model import DONE
from ..store.merging import Counts
from ..task_lists.entry import NOTHING_IMPORTED
from ..task_lists.reading import EXPORT, Arriving, place_of, read
from ..task_lists.ticking import tick as tick_text
from ..text import count, printable
from ..view.json_output import print_json
from . import open_reading, open_writing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from ..store.store import Store
    from ..task_lists.settled import ListedTask

STDIO = "-"


def add(args: Namespace, arriving: Arriving) -> int:
    """Add the tasks of a list that are not here; say how many those are."""
    text = arriving.text()
    with open_writing(args) as store:
        listed = _read(store, text, arriving, args.file)
        added = store.listed.add([one._asdict() for one in listed])
        states = store.listed.states(one.id for one in listed if one.status == DONE)
    if args.json:
        print_json(Counts(len(added), 0, len(listed) - len(added), 0, 0)._asdict())
        return 0
    new = set(added)
    done = sum(one.id in new and one.status == DONE for one in listed)
    print(
        f"{printable(arriving.name)}, {arriving.form}: {count(len(added), 'task')} added"
        + (f", {done} of them done already" if done else "")
        + (f"; {len(listed) - len(added):,} were here" if len(added) < len(listed) else "")
    )
    ticked = [id for id, (status, _) in states.items() if status != DONE]
    if ticked:
        print(f"{count(len(ticked), 'task')} ticked there, and not done here: `txlite done {ticked[0]}` says so")
    return 0


def tick(args: Namespace) -> int:
    """Write a task list with the boxes of what is done ticked; say how many are new."""
    path, target = args.task_list, args.file or args.task_list
    arriving, text, mode = _take(path)
    with open_reading(args) as store:
        try:
            listed = _read(store, text, arriving, path)
        except UsageError as error:
            raise UsageError(str(error).replace(NOTHING_IMPORTED, "nothing was ticked")) from error
        _check_target(store, target, path, listed)
        states = store.listed.states(one.id for one in listed)
    if not states:
        import shlex

        raise Refused(f"{path}: none of its tasks is here: `txlite import {shlex.quote(path)}` adds them")
    done = {id: completed or "" for id, (status, completed) in states.items() if status == DONE}
    text, ticked = tick_text(text, listed, done)
    _write(target, text, mode)
    if target != STDIO:
        print(f"{printable(target)}: {ticked} more ticked, {_sum_up(len(done), len(states), len(listed))}")
    return 0


def _take(path: str) -> tuple[Arriving, str, int]:
    """The list that is to be ticked, its text and its mode. Raises UsageError where there is none."""
    if path == STDIO:
        raise UsageError("--list is -: give the file that was imported, and - behind it for stdout")
    try:
        with open(path, "rb") as file:
            arriving = Arriving(file, path)
            mode = os.fstat(file.fileno()).st_mode & 0o777
            text = "" if arriving.form == EXPORT else arriving.text()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}: give the task list that was imported") from error
    if not text:
        raise UsageError(f"{path} is no task list: a Markdown list, a PRD or beads' issues has boxes to tick")
    return arriving, text, mode


def _sum_up(done: int, here: int, listed: int) -> str:
    missing = f"; {listed - here:,} not here: `txlite import` adds what is new" if here < listed else ""
    return f"{done} of {count(listed, 'task')} done{missing}"


def _check_target(store: Store, target: str, path: str, listed: list[ListedTask]) -> None:
    """A copy of the list at `path` takes the place of that list, or of an earlier copy. Raises Refused."""
    if target == STDIO or not os.path.isfile(target) or os.path.samefile(target, path):
        return
    try:
        with open(target, "rb") as file:
            arriving = Arriving(file, target)
            there = {one.id for one in read(arriving.text(), arriving.form, target, place_of(path, store.home), str)}
    except (UsageError, OSError):
        there = set()
    if not there or not there <= {one.id for one in listed}:
        raise Refused(f"{target} exists already, and is no copy of {path}: give another name, or remove it")


def _write(target: str, text: str, mode: int) -> None:
    if target == STDIO:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
        return
    from ..system.atomic_file import AtomicFile

    with AtomicFile(target, replace=True, mode=mode) as new, open(new.draft, "wb") as file:
        if os.path.isfile(target):
            os.fchmod(file.fileno(), os.stat(target).st_mode & 0o777)  # whatever the umask is
        file.write(text.encode())


def _read(store: Store, text: str, arriving: Arriving, path: str) -> list[ListedTask]:
    place = arriving.name if path == STDIO else place_of(path, store.home)
    return read(text, arriving.form, arriving.name, place, store.resolve)
