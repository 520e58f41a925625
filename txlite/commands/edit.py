"""edit: a task's words and bounds, in a person's editor."""

from __future__ import annotations

import os
import sys

from ..errors import DependencyCycle, Error, Refused, TaskNotFound, UsageError
from ..store.editing import check_free
from ..system.editor import USUAL, find_editor, run_editor
from ..view.groups import say_new_group
from ..view.json_output import print_json
from ..view.objects.tasks import task_object
from ..view.tasks import print_tasks
from ..view.terminal import say_aside
from . import open_reading, open_writing
from .task_agent import check_task_agent
from .task_form import mark_wrong, read_form, write_form

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from ..model import Task


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.epilog = (
        "The editor is $VISUAL, $EDITOR, or vi. All that was changed is checked, and written at once or not at all. On "
        "a terminal a mistake is shown in the editor again; else, and where the task was changed or taken meanwhile, "
        "what was written is kept in a file, which is named. `txlite update` changes the same without an editor."
    )
    parser.add_argument("task", metavar="ID")
    parser.add_argument("--json", action="store_true", help="print the task as an object")


def run(args: Namespace) -> int:
    """Have a task edited, and print it."""
    editor = find_editor()
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if editor is None and not is_terminal:
        raise UsageError(f"{USUAL} needs a terminal: set $EDITOR, or use `txlite update {args.task}`")
    with open_reading(args) as store:
        task = store.get(store.resolve(args.task))
    check_free(task)
    with Draft(task, editor or USUAL) as draft:
        changed = _edit(args, task, draft, is_terminal)
        draft.drop()
    if changed is task:
        say_aside("nothing was changed")
    if args.json:
        with open_reading(args) as store:
            print_json(task_object(changed, store.relations([changed])[changed.id]))
    else:
        print_tasks([changed])
    return 0


def _edit(args: Namespace, task: Task, draft: Draft, is_terminal: bool) -> Task:
    """The task as it is when it was edited, and edited again for as long as something is wrong with it."""
    while True:
        written = draft.edit()
        try:
            changes = read_form(written, task) if written is not None else {}
            return _write(args, task, changes) if changes else task
        except (UsageError, DependencyCycle, TaskNotFound) as error:
            if not is_terminal:
                raise
            draft.ask_again(error)


def _write(args: Namespace, task: Task, changes: dict[str, object]) -> Task:
    agent, level = (str(changes.get(key) or "") for key in ("agent", "level"))
    check_task_agent(args, agent, level)
    with open_writing(args) as store:
        if changes.get("parent"):
            changes["parent"] = store.resolve(str(changes["parent"]))
        is_known = not changes.get("group") or store.groups.exists(str(changes["group"]))
        changed = store.update(task.id, **changes, seen=task)  # type: ignore[arg-type]
        group = None if is_known else store.groups.find(changed.group)
    say_new_group(group)
    return changed


class Draft:
    """The file in which a task is edited: kept, and named, where an error leaves it."""

    def __init__(self, task: Task, editor: str) -> None:
        import tempfile

        self._editor = editor
        self._given = write_form(task).encode()
        self._error: Error | None = None  # why it is edited again
        file, self._path = tempfile.mkstemp(prefix=f"txlite-{task.id}-", suffix=".txt")
        with os.fdopen(file, "wb") as opened:
            opened.write(self._given)

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._read() in (self._given, b"") and self._error is None:
            self.drop()
        elif isinstance(error, Error):
            error.args = (f"{error}; what was written is kept in {self._path}",)
        elif error is not None:
            say_aside(f"what was written is kept in {self._path}")

    def edit(self) -> bytes | None:
        """Have it edited; what it says then, or None where that is what it said before. Raises Refused where the editor
        failed, or what was wrong is wrong still; NotFound where there is no such editor."""
        code = run_editor(self._editor, self._path)
        if code:
            raise Refused(f"{self._editor} ended with {code}: nothing was changed")
        written = self._read()
        if written != self._given:
            return written
        if self._error:
            raise self._error
        return None

    def ask_again(self, error: Error) -> None:
        """Show what is wrong, to be mended."""
        self._error = error
        written = self._read().decode("utf-8", "surrogateescape")  # bytes that are no text stay what they are
        self._given = mark_wrong(written, str(error)).encode("utf-8", "surrogateescape")
        with open(self._path, "wb") as file:
            file.write(self._given)

    def drop(self) -> None:
        """Remove it: nothing of it is to be kept."""
        try:
            os.unlink(self._path)
        except FileNotFoundError:
            pass  # its editor did

    def _read(self) -> bytes:
        try:
            with open(self._path, "rb") as file:
                return file.read()
        except FileNotFoundError:
            return b""
