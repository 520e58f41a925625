"""How git is run: what it is told, what it may see, and what it answers.

Questions are asked at once (`ask`); what changes something or runs hooks goes through the caller's `act`, which guards
it as it does an agent, or through `by_itself`, for a command that somebody typed. Called by the other modules of git,
and by the loop, whose worker runs git under its guard.
"""

from __future__ import annotations

import os
import shutil
import subprocess

from ..errors import Refused
from ..text import shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Act(Protocol):
        """What runs a command to its end."""

        def __call__(self, argv: list[str], directory: str, stdin: bytes | None = None) -> tuple[int | None, str]:
            """Return the exit code (None: it could not be started) and the output, stdout and stderr together."""


ASKED = 120.0  # seconds for a question
ACTED = 600.0  # seconds for a command that changes something, with the hooks that it runs
LOCAL = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX",
         "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE")  # fmt: skip
# No maintenance: killed in the middle, it would leave a lock for which git skips it for ever, without a word.
SETTINGS = ("core.fsmonitor=false", "gc.auto=0", "maintenance.auto=false", "rebase.autoStash=false",
            "merge.autoStash=false")  # fmt: skip
# Nothing may ask, and messages are in the language in which they are searched.
QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": ":", "GIT_SEQUENCE_EDITOR": ":", "LANGUAGE": "C"}


class GitError(Refused):
    """git could not do it; the message is git's own."""


def environment(inherited: dict[bytes, bytes], top: str | None = None) -> dict[bytes, bytes]:
    """Return what git is started with: nothing that points it to another repository, and nobody to ask."""
    kept = confined(inherited, top)
    kept.update((name.encode(), value.encode()) for name, value in QUIET.items())
    return kept


def confined(inherited: dict[bytes, bytes], top: str | None) -> dict[bytes, bytes]:
    """Return an environment in which git finds no repository but the one at `top` (git(1), GIT_CEILING_DIRECTORIES).

    A worktree lies within the user's own working tree, which would be found where its `.git` is gone.
    """
    kept = {name: value for name, value in inherited.items() if os.fsdecode(name) not in LOCAL}
    if top:
        kept[b"GIT_CEILING_DIRECTORIES"] = os.fsencode(os.path.dirname(top))
    return kept


def command(*words: str) -> list[str]:
    """Return argv for git, with the settings that it is given for every command."""
    return ["git", *(part for setting in SETTINGS for part in ("-c", setting)), *words]


def ask(
    directory: str, *words: str, codes: tuple[int, ...] = (0,), top: str | None = None, stdin: bytes = b""
) -> str:  # fmt: skip
    """Return what git answers on stdout; bytes that are no UTF-8 as surrogates.

    It is given ASKED seconds. Raises GitError for an exit code that is not in `codes`, or where there is no git.
    """
    surroundings = environment(dict(os.environb), top)
    surroundings[b"GIT_OPTIONAL_LOCKS"] = b"0"
    try:
        done = subprocess.run(
            command(*words), cwd=directory, env=surroundings, input=stdin, capture_output=True, timeout=ASKED,
            check=False,
        )  # fmt: skip
    except OSError as error:
        raise GitError(f"git could not be started in {directory}: {error.strerror}") from error
    except subprocess.TimeoutExpired:
        raise GitError(f"git {words[0]} in {directory} took longer than {ASKED:g} s") from None
    if done.returncode not in codes:
        raise GitError(f"git {words[0]} in {directory}: {last_line(done.stderr.decode(errors='replace'))}")
    return done.stdout.decode("utf-8", "surrogateescape")


def last_line(output: str) -> str:
    """Return the line that says what was wrong: the last one that git itself calls an error, else the last."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("error:", "fatal:"))]
    return shorten((errors or lines or ["no reason was given"])[-1], 200)


def find(directory: str) -> str | None:
    """Return the top of the working tree in which a directory lies; None outside of any. Raises GitError."""
    try:
        return ask(directory, "rev-parse", "--show-toplevel").rstrip("\n") or None
    except GitError as error:
        silent = ("not a git repository", "must be run in a work tree")
        if any(words in str(error) for words in silent) or not shutil.which("git"):
            return None
        raise  # it may be one, and be forbidden to us: then nobody else's work may be mixed with ours


def by_itself(
    argv: list[str], directory: str, stdin: bytes | None = None, more: dict[bytes, bytes] | None = None
) -> tuple[int | None, str]:
    """Run git where no worker guards it: for a command, which is watched by who typed it (`Act`). more: of its
    environment."""
    try:
        done = subprocess.run(
            argv, cwd=directory, env={**environment(dict(os.environb), directory), **(more or {})}, input=stdin or b"",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=ACTED, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None, f"it took longer than {ACTED:g} s"
    return done.returncode, done.stdout.decode("utf-8", "replace")
