"""export and import: all tasks with their attempts, as JSON Lines, or the tasks of a task list; sync export and sync
import, as tx calls them."""

from __future__ import annotations

import os
import sys

from .. import text
from ..errors import Refused, UsageError
from ..home import location, trust
from ..view.json_output import print_json
from ..view.objects.homes import file_object
from . import open_reading, open_writing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from typing import BinaryIO

    from ..store.store import Store

STDIO = "-"


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    if verb == "export":
        parser.epilog = "A task that is running is exported as one that waits: its claim is this machine's."
        parser.add_argument("file", metavar="FILE", nargs="?", help="an export that is there is replaced (- is stdout)")
        parser.add_argument(
            "--list", metavar="FILE", dest="task_list",
            help="tick the boxes of this task list, in place or as FILE, and change nothing else of it",
        )  # fmt: skip
        return
    if verb == "sync":
        parser.epilog = f"Without FILE it is home's {trust.EXPORT}, for version control to hold."
        parser.add_argument("action", choices=("export", "import"), help="the same as the commands of these names")
        parser.add_argument("file", metavar="FILE", nargs="?")
        parser.add_argument("--path", metavar="FILE", help="the same")
        parser.add_argument("--json", action="store_true", help="print an object")
        return
    parser.epilog = (
        "Of two records of a task the newer one wins; a task that somebody holds is left alone. A file that tx "
        "exported is taken, too: its tasks and their dependencies. So is a task list: Markdown's (- [ ] title), the "
        "PRD of a ralph loop (userStories), beads' issues; of one that is imported again, what is new."
    )
    parser.add_argument("file", metavar="FILE", help="what `export` wrote, or a task list (- is stdin)")
    parser.add_argument("--json", action="store_true", help="print the counts as an object")


def run(args: Namespace) -> int:
    """Export or import; print what was merged."""
    if args.verb == "sync":
        args.file = args.path or args.file or os.path.join(location.locate(args.home), trust.EXPORT)
    if args.verb == "import" or (args.verb == "sync" and args.action == "import"):
        return _import(args)
    if args.verb == "export" and args.task_list:
        from . import task_lists

        return task_lists.tick(args)
    with open_reading(args) as store:
        if args.file in (None, STDIO):
            _print(store)
            return 0
        store.export.check(args.file)
        _check_target(args.file)
        store.export.write(args.file)
    if args.verb == "sync":
        _tell(os.path.abspath(args.file), args.json)
    return 0


def _check_target(path: str) -> None:
    """An export takes the place of an export, and of nothing else. Raises Refused."""
    if not os.path.isfile(path):
        return
    from ..task_lists.reading import EXPORT, Arriving

    with _open(path, "give another name") as file:
        if Arriving(file, "").form != EXPORT:
            raise Refused(
                f"{path} exists already, and is no export: give another name (--list FILE ticks a task list's boxes)"
            )


def _tell(path: str, as_json: bool) -> None:
    size = os.path.getsize(path)
    if as_json:
        print_json(file_object(path, size))
    else:
        print(f"Exported to {text.printable(path)} ({text.size(size)})")


def _print(store: Store) -> None:
    """By way of a file: whoever reads us slowly must not keep the database's log from being checkpointed."""
    import shutil
    import tempfile

    with tempfile.TemporaryFile() as file:
        file.writelines(line.encode() for line in store.export.lines())
        store.close()
        file.seek(0)
        sys.stdout.flush()
        shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()


def _import(args: Namespace) -> int:
    import gc

    from ..task_lists.reading import EXPORT, Arriving

    gc.disable()  # a million records come and go, and none of them in a circle
    name = "stdin" if args.file == STDIO else args.file
    with _open(args.file, "give an export or a task list, or - for stdin") as file:
        arriving = Arriving(file, name)
        if arriving.form != EXPORT:
            from . import task_lists

            return task_lists.add(args, arriving)
        with open_writing(args) as store:
            counts = store.importing.merge(arriving, name)
    if args.json:
        print_json(counts._asdict())
        return 0
    print(
        f"tasks: {counts.added} added, {counts.updated} updated, {counts.unchanged} unchanged, {counts.kept} kept as "
        f"they are here; attempts: {counts.attempts} added"
    )
    return 0


def _open(path: str, advice: str) -> BinaryIO:
    if path == STDIO:
        return sys.stdin.buffer
    try:
        return open(path, "rb")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}: {advice}") from error
