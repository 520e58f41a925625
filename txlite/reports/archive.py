"""A report's second form: compressed, beside its place; and how reports are read, whichever form they have.

    workers/20251024_150000_54321_codex_task.md           as its attempt left it
    workers/.20251024_150000_54321_codex_task.md.gz.new   while it is compressed
    workers/20251024_150000_54321_codex_task.md.gz        then: same content, same time, same rights

Guarantees: an original goes only when its archive is on the disk, was read back and found equal; nothing is reached
through a symbolic link: files are looked at, opened and removed relative to their directory's descriptor (openat(2)).
The form is gzip's (RFC 1952). Called by `retention`; who shows reports uses `find` and `open_report`.
"""

from __future__ import annotations

import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from io import BufferedIOBase, FileIO

SUFFIX = ".gz"
CHUNK = 1 << 20  # bytes
LEVEL = 6  # of compression; 9 takes twice as long for one per cent

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def find(path: str) -> str | None:
    """Return where the report that was recorded as `path` is now: there, or compressed beside it; None: gone."""
    return next((place for place in (path, path + SUFFIX) if os.path.isfile(place)), None)


def open_report(path: str) -> BufferedIOBase:
    """Open the report that was recorded as `path`, to be read as it was written. Raises FileNotFoundError."""
    try:
        return open(path, "rb")
    except FileNotFoundError:  # an archive is there before its original goes
        if not os.path.lexists(path + SUFFIX):
            raise
    import gzip

    return gzip.open(path + SUFFIX)


def compress(directory: int, name: str) -> int:
    """Put an archive in the place of the report `name`, and return how many bytes this saved.

    directory: the descriptor of where it lies. Raises OSError; then the report is still there.
    """
    packed = name + SUFFIX
    with _open(directory, name) as original:
        before = os.fstat(original.fileno())
        is_new = not _exists(directory, packed)
        if is_new:
            size = _pack(directory, name, original, before)
        elif status_of(directory, packed) and _is_same(directory, packed, original):
            size = 0  # a crash came between the two names; the archive's room was taken then
        else:
            raise FileExistsError(errno.EEXIST, f"{packed} is there, and holds something else: move one of them away")
        os.fsync(directory)  # the archive's name is on the disk before the original's goes
        if not _is_unchanged(directory, name, before):
            if is_new:
                os.unlink(packed, dir_fd=directory)
            raise OSError(errno.EBUSY, "it changed while it was compressed: see who writes to it")
        os.unlink(name, dir_fd=directory)
    return room_of(before) - size


def _pack(directory: int, name: str, original: FileIO, like: os.stat_result) -> int:
    """Write the archive and give it its name, once it reads back as the original; its size."""
    draft = draft_of(name)
    _remove(directory, draft)
    handle = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=directory)
    try:
        _write_packed(handle, original)
        os.fchmod(handle, stat.S_IMODE(like.st_mode) & 0o777)
        os.utime(handle, ns=(like.st_atime_ns, like.st_mtime_ns))
        if not _is_same(directory, draft, original):
            raise OSError(errno.EIO, "its archive does not read back as it was written: check the disk")
        os.link(draft, name + SUFFIX, src_dir_fd=directory, dst_dir_fd=directory, follow_symlinks=False)
        return os.fstat(handle).st_size
    finally:
        os.close(handle)
        _remove(directory, draft)


def draft_of(name: str) -> str:
    """Return the name of an archive until it is complete."""
    return f".{name}{SUFFIX}.new"


def _write_packed(handle: int, original: FileIO) -> None:
    import zlib

    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, 31)  # 31: gzip's header and checksum
    original.seek(0)
    while True:
        chunk = original.read(CHUNK)
        data = packer.compress(chunk) if chunk else packer.flush()
        while data:
            data = data[os.write(handle, data) :]
        if not chunk:
            return


def _is_same(directory: int, packed: str, original: FileIO) -> bool:
    """Whether the archive `packed` is on the disk, and holds what `original` holds, byte for byte."""
    import gzip
    import zlib

    original.seek(0)
    try:
        with _open(directory, packed) as file, gzip.GzipFile(fileobj=file, mode="rb") as unpacked:
            os.fsync(file.fileno())
            while True:
                chunk = original.read(CHUNK)
                if unpacked.read(len(chunk) or 1) != chunk:
                    return False
                if not chunk:
                    return True
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return False


def _open(directory: int, name: str) -> FileIO:
    """A regular file of ours, to be read; never a link to one, and never a wait for a FIFO's writer."""
    file = open(os.open(name, _READ, dir_fd=directory), "rb", buffering=0)
    if _is_ours(os.fstat(file.fileno())):
        return file
    file.close()
    raise OSError(errno.EBUSY, f"{name} was replaced meanwhile: see who writes there")


def status_of(directory: int, name: str) -> os.stat_result | None:
    """Return the status of a file, None unless it is a regular file of ours. Raises OSError."""
    try:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENAMETOOLONG):
            return None
        raise
    return status if _is_ours(status) else None


def _is_ours(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()


def _exists(directory: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _is_unchanged(directory: int, name: str, before: os.stat_result) -> bool:
    now = status_of(directory, name)
    return now is not None and _version(now) == _version(before)


def _version(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def room_of(status: os.stat_result) -> int:
    """Return how many bytes come free with a name: none while the file has others."""
    return status.st_size if status.st_nlink == 1 else 0


def _remove(directory: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=directory)
    except FileNotFoundError:
        pass
