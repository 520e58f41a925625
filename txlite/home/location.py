"""Where home is, whether it may be trusted, and how it is made.

Home holds tasks and agents, which are code: `check_trust` refuses a home, or a file in it, that belongs to another
user or that others may write. Nothing here reads what a home holds. Called first by every verb, and by `txlite.open`;
commands that only read import this and not `config`.
"""

from __future__ import annotations

import os
import stat

from ..errors import StoreUnavailable

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # of this copy
NAME = ".txlite"
DATABASE = "tasks.db"

_GITIGNORE = """\
# Made by txlite: what it writes here is ignored, what was copied or configured here is not.
/.gitignore
/tasks.db*
/locks/
/wake/
/workers/
__pycache__/
"""


def find(given: str | None = None, start: str | None = None) -> str | None:
    """Return the home to use, absolute, or None where there is none yet.

    In this order: `given`; TXLITE_HOME; the dot-directory in which txlite/ and bin/ both lie; the nearest .txlite/ from
    `start` (the working directory) upwards. The first two need not exist.
    """
    chosen = given or os.environ.get("TXLITE_HOME")
    if chosen:
        return os.path.abspath(chosen)
    around = os.path.dirname(PACKAGE)
    if os.path.basename(around).startswith(".") and os.path.isdir(os.path.join(around, "bin")):
        if os.access(around, os.W_OK) or os.path.lexists(os.path.join(around, DATABASE)):
            return around  # else it lies on read-only media, and is no home
    directory = os.path.abspath(start or working_directory())
    while True:
        candidate = os.path.join(directory, NAME)
        if os.path.isdir(candidate):
            return candidate
        parent = os.path.dirname(directory)
        if parent == directory:
            return None
        directory = parent


def locate(given: str | None = None) -> str:
    """Return the home to use, whether it exists or is still to be made in the working directory."""
    return find(given) or os.path.join(working_directory(), NAME)


def working_directory() -> str:
    """Return the working directory. Raises StoreUnavailable where it was removed."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        raise StoreUnavailable("the working directory no longer exists: change to one that does") from None


def make(home: str) -> None:
    """Make `home` (0700) and its .gitignore, unless they are there. Safe to call from many processes.

    Raises StoreUnavailable where it cannot be made, written or trusted.
    """
    is_new = not os.path.lexists(home)
    if is_new:
        from .trust import check_place

        check_place(home)
    try:
        os.makedirs(home, 0o700, exist_ok=True)
    except FileExistsError:
        raise StoreUnavailable(f"home {home} is not a directory: give another with --home") from None
    except OSError as error:
        raise StoreUnavailable(f"cannot make home {home}: {error.strerror}: give another with --home") from error
    check_home(home)
    if is_new:
        _trust_own(home)
    try:
        handle = os.open(os.path.join(home, ".gitignore"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    except OSError as error:
        raise StoreUnavailable(f"home {home} cannot be written: {error.strerror}: give another with --home") from error
    try:
        os.write(handle, _GITIGNORE.encode())
    except OSError:
        pass  # a full disk, which the database will report
    finally:
        os.close(handle)


def ignore(home: str, directory: str) -> None:
    """Have version control ignore a directory that we made in home, too, if home's .gitignore is ours."""
    path = os.path.join(home, ".gitignore")
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
        if lines[:1] == _GITIGNORE.splitlines()[:1] and f"/{directory}/" not in lines:
            with open(path, "a") as file:
                file.write(f"/{directory}/\n")
    except OSError:
        pass  # it is the user's to keep: that it is missing, or not ours to write, is no reason to stop


def check_home(home: str) -> None:
    """Raise StoreUnavailable unless home is ours, only we may write it, and it came with no repository."""
    check_trust(home)
    repository = _find_repository(home)
    if repository:
        from .trust import check_origin

        check_origin(home, repository)


def _find_repository(home: str) -> str | None:
    """The nearest directory upwards with a .git in it."""
    directory = os.path.abspath(home)
    while not os.path.lexists(os.path.join(directory, ".git")):
        parent = os.path.dirname(directory)
        if parent == directory:
            return None
        directory = parent
    return directory


def _trust_own(home: str) -> None:
    """Remember a home that was made here, in a repository: it came with no clone, though a commit may take its
    config.ini in, of a person or of an agent's `git add -A`."""
    if _find_repository(home):
        from .trust import remember

        try:
            remember(home)
        except StoreUnavailable:
            pass  # nothing can be remembered here: it is refused once git tracks it, and that says why


def check_trust(path: str) -> None:
    """Raise StoreUnavailable unless `path` is ours and only we may write it."""
    try:
        status = os.stat(path)
    except OSError as error:
        raise StoreUnavailable(f"{path}: {error.strerror}") from error
    if status.st_uid != os.geteuid():
        raise StoreUnavailable(
            f"{path} belongs to user {status.st_uid}, not to you ({os.geteuid()}), and what it holds would run "
            "as you: give another with --home"
        )
    if status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and not _is_private_group(status)):
        raise StoreUnavailable(f"{path} can be written by others, and what it holds would run as you: chmod go-w it")


def _is_private_group(status: os.stat_result) -> bool:
    """A group that is the owner's alone, as distributions with umask 002 give each user."""
    import grp
    import pwd

    try:
        group, user = grp.getgrgid(status.st_gid), pwd.getpwuid(status.st_uid)
    except KeyError:
        return False
    return group.gr_gid == user.pw_gid and group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}
