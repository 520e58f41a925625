"""What a person has to trust before it is used as home: one that came with a repository, or lies with another user.

A home that git tracks came with a clone: its tasks and agents are somebody else's code, as its hooks would be (which
git never clones). A new home in another user's directory could be exchanged by them. Both are refused until a person
says `--trust`, which is remembered outside of home: in the user's own state directory, by place and inode, so that
another clone at the same place is asked for again. A copy of the package that lies in its home is trusted by being run.

git's index is read here, and git not run, because each command asks. Called by `location`, and by `cli` for `--trust`.
"""

from __future__ import annotations

import os
import stat

from ..errors import StoreUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # `location` knows it, too, and calls us
EXPORT = "tasks.jsonl"  # in home: where `sync` exports to and imports from, as tx does
HARMLESS = (b".gitignore", EXPORT.encode())
TRUSTED = "trusted"  # the file in the user's state directory: a line for each directory


def remember(home: str) -> None:
    """Have this home used from now on, or one made there. Raises StoreUnavailable where that cannot be written."""
    path = _memory()
    place = home if os.path.isdir(home) else os.path.dirname(os.path.abspath(home))
    try:
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        line = _line(place)
        if line not in _remembered():
            with open(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600), "ab") as file:
                file.write(line + b"\n")
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be written: {error.strerror}: give XDG_STATE_HOME another") from error


def check_place(home: str) -> None:
    """Raise StoreUnavailable where a home that is to be made would lie directly in another user's directory."""
    around = os.path.dirname(os.path.abspath(home))
    try:
        owner = os.stat(around).st_uid
    except OSError:
        return  # its making tells what is wrong
    if owner not in (os.geteuid(), 0) and not _is_trusted(home):
        raise StoreUnavailable(
            f"{around} belongs to user {owner}, who could exchange a home in it: give another with --home, or say "
            "--trust once"
        )


def check_origin(home: str, repository: str) -> None:
    """Raise StoreUnavailable where git tracks files of this home, unless it is trusted.

    repository: the nearest directory upwards with a .git in it.
    """
    real = os.path.realpath(home)
    if real == os.path.dirname(os.path.realpath(PACKAGE)):
        return
    places = {os.path.relpath(os.path.abspath(home), repository), os.path.relpath(real, os.path.realpath(repository))}
    tracked = _find_tracked(repository, {b"" if place == "." else os.fsencode(place) + b"/" for place in places})
    if tracked and not _is_trusted(home):
        raise StoreUnavailable(
            f"home {home} came with a repository: git tracks {os.fsdecode(tracked)}, and what it holds would run "
            "as you: look at it, then say --trust once; or give another with --home"
        )


def _find_tracked(repository: str, places: set[bytes]) -> bytes:
    """A tracked file of home, whose files have these beginnings in the repository; b"" where there is none."""
    git = _find_git(os.path.join(repository, ".git"))
    for data in _read_indexes(git) if git else ():
        if data[4:8] in (b"\0\0\0\2", b"\0\0\0\3") and not any(place.rstrip(b"/") in data for place in places):
            continue  # each name stands there whole
        for name in _names(data, _hash_size(git)):
            if any(_is_of(name, place) for place in places):
                return name
    return b""


def _is_of(name: bytes, place: bytes) -> bool:
    """Whether it is home itself, as a link, or a file in it but for what says which files are ours, and for an export:
    nothing of it runs before somebody imports it."""
    return name + b"/" == place or (name.startswith(place) and name[len(place) :] not in HARMLESS)


def _read_indexes(git: str) -> list[bytes]:
    names = [name for name in os.listdir(git) if name == "index" or name.startswith("sharedindex.")]
    return [_read(os.path.join(git, name)) for name in names]


def _find_git(git: str) -> str:
    """The directory with the index; .git itself is a file in worktrees and submodules (gitrepository-layout(5))."""
    if not os.path.isdir(git):
        beginning, _, path = _read(git).partition(b": ")
        git = os.path.join(os.path.dirname(git), os.fsdecode(path.strip())) if beginning == b"gitdir" else ""
    return git if os.access(git, os.R_OK | os.X_OK) else ""


def _hash_size(git: str) -> int:
    common = os.path.join(git, os.fsdecode(_read(os.path.join(git, "commondir")).strip()))
    return 32 if b"sha256" in _read(os.path.join(common, "config")) else 20


def _names(data: bytes, hash_size: int) -> Iterator[bytes]:
    """The names in an index (gitformat-index(5))."""
    version = int.from_bytes(data[4:8], "big")
    place, name = 12, b""
    for _ in range(int.from_bytes(data[8:12], "big")):
        start = place
        place += 40 + hash_size
        is_extended = data[place] & 0x40
        place += 4 if is_extended and version > 2 else 2
        kept = 0
        if version == 4:
            strip, place = _read_number(data, place)
            kept = len(name) - strip
        end = data.index(b"\0", place)
        name = name[:kept] + data[place:end]
        place = end + 1 if version == 4 else end + 8 - (end - start) % 8
        yield name


def _read_number(data: bytes, place: int) -> tuple[int, int]:
    """A number of git's variable width, and the place behind it."""
    value = data[place] & 0x7F
    while data[place] & 0x80:
        place += 1
        value = ((value + 1) << 7) | (data[place] & 0x7F)
    return value, place + 1


def _memory() -> str:
    base = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(base):  # so the XDG specification wants it
        base = os.path.expanduser("~/.local/state")
    return os.path.join(base, "txlite", TRUSTED)


def _remembered() -> list[bytes]:
    path = _memory()
    for part in (os.path.dirname(path), path):
        if not os.path.exists(part):
            return []
        status = os.stat(part)
        if status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise StoreUnavailable(f"{part} can be written by others, who would say what you trust: chmod go-w it")
    return _read(path).splitlines()


def _is_trusted(home: str) -> bool:
    known = _remembered()
    around = os.path.dirname(os.path.abspath(home))
    return any(_line(place) in known for place in (home, around) if os.path.isdir(place))


def _line(place: str) -> bytes:
    status = os.stat(place)
    return f"{status.st_dev}:{status.st_ino} ".encode() + os.fsencode(os.path.realpath(place)).replace(b"\n", b"?")


def _read(path: str) -> bytes:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return b""
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
