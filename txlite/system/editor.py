"""A person's editor: which one it is, and how it is run on a file.

Called by `edit`.
"""

from __future__ import annotations

import os
import signal

from ..errors import NotFound

USUAL = "vi"
STOPPING = (signal.SIGINT, signal.SIGQUIT)  # of the terminal's keys: they are the editor's while it runs
NOT_FOUND = (126, 127)  # as sh says it


def find_editor() -> str | None:
    """Return the command that a person has set ($VISUAL, else $EDITOR), or None."""
    found = (os.environ.get(name, "").strip() for name in ("VISUAL", "EDITOR"))
    return next(filter(None, found), None)


def run_editor(editor: str, path: str) -> int:
    """Run an editor, which may be a command with arguments, on a file to its end; its exit code.

    Raises NotFound where there is no such program.
    """
    import shutil
    import subprocess

    program = editor.split()[0]
    if program.replace("/", "").replace("-", "").isalnum() and shutil.which(program) is None:
        raise _missing(editor)  # else the shell would say so as well
    handlers = {number: signal.signal(number, lambda *_: None) for number in STOPPING}
    try:
        code = subprocess.call(["/bin/sh", "-c", f'{editor} "$@"', editor, path])
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if code in NOT_FOUND:
        raise _missing(editor)
    return code


def _missing(editor: str) -> NotFound:
    return NotFound(f"the editor {editor!r} cannot be run: set $VISUAL or $EDITOR to one that can")
