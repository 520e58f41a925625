"""Compiled code for a copy that cannot keep its own, as on read-only media: in the user's cache directory.

It runs as the user, so the directory is theirs alone (0700). Where it is a link, or somebody else's, or could be
exchanged by others, nothing is read or written, and each start compiles anew. What lies there counts only for the very
source that it was compiled from. It may be deleted at any time. Called by `__main__`, before anything else is imported:
this module itself is compiled at each such start.
"""

from __future__ import annotations

import marshal
import os
import stat
import sys
from functools import partial
from importlib.machinery import FileFinder, SourceFileLoader
from importlib.util import MAGIC_NUMBER, source_hash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import CodeType

_UNCHECKED = b"\1\0\0\0"  # its kind of PEP 552: we compare the hash ourselves


class CachingLoader(SourceFileLoader):
    """Python's loader of source files, with its compiled code below `directory`."""

    def __init__(self, directory: str, name: str, path: str) -> None:
        """Note where the module's compiled code is kept."""
        super().__init__(name, path)
        self._compiled = directory + os.path.abspath(path) + "c"

    def get_code(self, fullname: str) -> CodeType:
        """Return the module's code, compiled now if it is not there for this Python and this source."""
        path = self.get_filename(fullname)
        source = self.get_data(path)
        head = MAGIC_NUMBER + _UNCHECKED + source_hash(source)
        try:
            data = self.get_data(self._compiled)
            if data.startswith(head):
                return marshal.loads(memoryview(data)[len(head) :])  # type: ignore[no-any-return]
        except (OSError, EOFError, ValueError, TypeError):
            pass  # not there, or cut short: it is written anew
        code: CodeType = self.source_to_code(source, path)
        self.set_data(self._compiled, head + marshal.dumps(code))  # atomic, and in silence where it cannot be
        return code


def use(spec: ModuleSpec | None) -> None:
    """Have the package of the module `spec` imported with the user's cache, unless its own is there and current."""
    if spec is None or not isinstance(spec.loader, SourceFileLoader) or _is_current(spec.loader, spec.cached):
        return
    directory = _find_directory()
    if not directory:
        return
    package = os.path.dirname(spec.loader.path)
    optimized = f"-{sys.flags.optimize}" if sys.flags.optimize else ""
    loader = partial(CachingLoader, os.path.join(directory, f"{sys.implementation.cache_tag}{optimized}"))

    def find(path: str) -> FileFinder:
        if not (path + os.sep).startswith(package + os.sep):
            raise ImportError(f"{path} is not in {package}", path=path)
        return FileFinder(path, (loader, [".py"]))  # type: ignore[arg-type]  # what makes one serves as well

    sys.path_hooks.insert(0, find)
    sys.path_importer_cache.pop(package, None)


def _is_current(loader: SourceFileLoader, compiled: str | None) -> bool:
    """Whether the compiled code beside the source is the source's: by its date, as Python has it, or by promise."""
    try:
        with open(compiled or "", "rb") as file:
            head = file.read(12)
        date = int(loader.path_stats(loader.path)["mtime"]) & 0xFFFFFFFF
    except OSError:
        return False
    return any(head[4:8]) or head[8:] == date.to_bytes(4, "little")


def _find_directory() -> str:
    """Return where the user's compiled code is kept, made if need be; "" where it would not be safe."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser(
        "~/Library/Caches" if sys.platform == "darwin" else "~/.cache"
    )
    own = os.path.join(base, "txlite")
    if not os.path.isabs(base):  # without a home directory; and so the XDG specification wants it
        return ""
    try:
        for directory in (base, own):
            if not _cannot_be_exchanged(os.path.dirname(directory)):
                return ""
            if not os.path.lexists(directory):
                os.mkdir(directory, 0o700)
        status = os.lstat(own)
    except OSError:
        return ""
    private = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077
    return own if private else ""


def _cannot_be_exchanged(directory: str) -> bool:
    """Whether what is in `directory` can be renamed by its owner alone, who is this user or root."""
    status = os.stat(directory)
    shared = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX
    return status.st_uid in (0, os.geteuid()) and not shared
