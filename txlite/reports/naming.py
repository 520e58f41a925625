"""The names of a report, and how a file gets one that nobody else has.

Nothing that has a name is ever replaced: a report is linked (link(2)) under the first of its names that is free. Used
by `report`.
"""

from __future__ import annotations

import os
import re

from ..home import location
from .header import TASK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .header import Header


LONGEST = 80  # bytes of a topic in a name


def make_subject(words: str) -> str:
    """Return a topic as it stands in a report's name: its first words, small, with `_` between them."""
    found = ""
    for word in re.findall(r"[^\W_]+", words.lower()):
        longer = f"{found}_{word}" if found else word.encode()[:LONGEST].decode(errors="ignore")
        if len(longer.encode()) > LONGEST:
            break
        found = longer
    return found or TASK


def subject_of(path: str, agent: str) -> str:
    """Return the last word of the name of an agent's report."""
    found = re.search(rf"_{re.escape(agent)}_([^/]+)\.md$", path)
    return TASK if not found or re.fullmatch(rf"{TASK}_\d+", found[1]) else found[1]


def names_of(directory: str, stamp: str, middle: str, header: Header) -> list[str]:
    """Return the paths that a report can have, the one to try first first.

    middle: what stands between the time and the agent: TEMP, or a PID; the attempt's number is added to it where two
    names would be the same, so that `*_codex_task.md` and `*TEMP*` match every report of their kind.
    """
    return [
        os.path.join(directory, f"{stamp}_{part}_{header.agent}_{header.subject}.md")
        for part in (middle, f"{middle}-{header.attempt}")
    ]


def former_names_of(directory: str, stamp: str, middle: str, header: Header) -> list[str]:
    """Return the paths that a report can have, with the one that an earlier version gave it where two were the same."""
    earlier = os.path.join(directory, f"{stamp}_{middle}_{header.agent}_{header.subject}_{header.attempt}.md")
    return [*names_of(directory, stamp, middle, header), earlier]


def draft_path(directory: str, header: Header) -> str:
    """Return the path of a report until its header is written, so that no report is ever without one."""
    return os.path.join(directory, f".attempt-{header.attempt}.new")


def create(path: str) -> int:
    """Make an empty file (0600), and its directory where that is missing; return its descriptor. Raises OSError."""
    return _create(path, os.O_TRUNC)


def _create(path: str, how: int) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | how
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        _make_directory(os.path.dirname(path))
        return os.open(path, flags, 0o600)


def create_first(names: list[str]) -> tuple[str, int]:
    """Make an empty file (0600) under the first of these names that is free; return that, and its descriptor.

    Raises OSError.
    """
    for name in names:
        try:
            return name, _create(name, os.O_EXCL)
        except FileExistsError as error:
            taken = error
    raise taken


def _make_directory(path: str) -> None:
    """A directory for reports, of which version control sees nothing."""
    os.makedirs(path, 0o700, exist_ok=True)
    location.ignore(*os.path.split(path))


def below_home(path: str) -> str:
    """Return a report's path as it is recorded: its directory's name and its own."""
    directory, name = os.path.split(path)
    return os.path.join(os.path.basename(directory), name)


def link_first(path: str, names: list[str]) -> str:
    """Link the file at `path` under the first of these names that is free, or is one of its own already; return that.

    Raises OSError.
    """
    for name in names:
        try:
            os.link(path, name)
            return name
        except FileExistsError as error:
            if _is_same(path, name):
                return name
            taken = error
    raise taken


def _is_same(path: str, name: str) -> bool:
    try:
        return os.path.samefile(path, name)
    except FileNotFoundError:
        return False  # another's report had that name until a moment ago


def remove(path: str) -> None:
    """Remove a file, if it is there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
