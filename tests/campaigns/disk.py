"""A disk that loses what was not synced: what processes wrote, as strace saw it, and what a power cut may leave of it.

The model is what POSIX and the usual file systems give, and no more (open(2), fsync(2), sqlite.org/atomiccommit.html):

  content   a sync of a file covers the writes to it that had returned before the sync was called; of later ones any
            part may be on the disk: none, all, the first ones, some of them, single sectors, and a length without data
  names     are on the disk in the order in which they were made, up to any of them, and at least up to the last sync of
            the directory; a new name may come without the content of its file
  times     a file's time of change is as old as the last sync that had to write its inode (a longer file, or a name
            that came after), or any of the time since

Used by `power`; no script itself.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator
from typing import NamedTuple

SECTOR = 512
CALLS = "pwrite64,write,ftruncate,fdatasync,fsync,rename,renameat,link,linkat,unlink,unlinkat,openat,exit_group"
NEVER = 1 << 60  # the place of what did not happen
WAYS = ("nothing", "everything", "first", "some", "sectors", "lengths")  # what is left of what was not synced

LINE = re.compile(r"(\d+) +([\d.]+) (?:<\.\.\. (\w+) resumed>)?(.*)")
RESULT = re.compile(r"\)\s+= (-?\d+)")
ON_FILE = re.compile(r"(\w+)\((\d+)<([^>]*)>(?:, \"([^\"]*)\", \d+|, (\d+))?(?:, (\d+))?")
ON_NAMES = re.compile(
    r"(\w+)\((?:AT_FDCWD[^,]*, )?\"([^\"]*)\"(?:, (?:AT_FDCWD[^,]*, )?\"([^\"]*)\")?(?:, ([A-Z_|]+))?"
)


class Call(NamedTuple):
    """A system call: it began at one line of what strace wrote, and ended at another."""

    begin: int
    end: int
    time: float
    pid: int
    text: str
    result: int


class Write(NamedTuple):
    """A write of `data` at `offset`, or a file cut to that length where data is None."""

    begin: int
    end: int
    time: float
    offset: int
    data: bytes | None


class Naming(NamedTuple):
    """A change of names: `new` is the name of the file from then on, and `old` is none any more; "" for neither."""

    begin: int
    end: int
    old: str
    new: str
    file: int


class Sync(NamedTuple):
    """A sync of a file, or of the names where it is None."""

    begin: int
    end: int
    file: int | None


class Words(NamedTuple):
    """What a process wrote for others to read."""

    begin: int
    name: str
    data: bytes


class Recording:
    """What was written in one directory, to its files whose names begin alike, and what was told meanwhile."""

    def __init__(self, trace: str, directory: str, prefix: str, told: str, ignored: tuple[str, ...]) -> None:
        """trace: the file that strace wrote. told: the directory of the files that were told. ignored: endings of
        names that mean nothing after a cut."""
        self.writes: dict[int, list[Write]] = {}
        self.namings: list[Naming] = []
        self.syncs: list[Sync] = []
        self.words: list[Words] = []
        self.length = 0  # lines of the trace
        self._directory = directory
        self._prefix = prefix
        self._told = told + os.sep
        self._ignored = ignored
        self._names: dict[str, int] = {}
        self._sizes: dict[int, int] = {}
        for call in sorted(self._calls(trace), key=lambda one: one.begin):
            self._take(call)
        self.syncs.sort(key=lambda sync: sync.end)

    def _calls(self, trace: str) -> Iterator[Call]:
        begun: dict[int, tuple[int, float, str]] = {}
        with open(trace, encoding="ascii") as file:
            for place, line in enumerate(file):
                self.length = place + 1
                found = LINE.match(line)
                if not found:
                    continue
                pid, moment, rest = int(found[1]), float(found[2]), found[4]
                if found[3]:
                    begin, moment, text = begun.pop(pid)
                    rest = text + rest
                elif "<unfinished ...>" in rest:
                    begun[pid] = place, moment, rest.partition("<unfinished")[0]
                    continue
                else:
                    begin = place
                result = RESULT.search(rest)
                if result:
                    yield Call(begin, place, moment, pid, rest, int(result[1]))
        for pid, (begin, moment, text) in begun.items():
            yield Call(begin, NEVER, moment, pid, text, 1)

    def _take(self, call: Call) -> None:
        if call.result < 0:
            return
        on_file, on_names = ON_FILE.match(call.text), ON_NAMES.match(call.text)
        if on_file:
            path = unhex(on_file[3]).decode()
            if path == self._directory and on_file[1] in ("fsync", "fdatasync"):
                self.syncs.append(Sync(call.begin, call.end, None))
            elif path.startswith(self._told) and on_file[1] == "write":
                self.words.append(Words(call.begin, os.path.basename(path), unhex(on_file[4] or "")))
            elif self._is_ours(path):
                self._take_on_file(call, on_file, self._names[os.path.basename(path)])
        elif on_names:
            self._take_on_names(call, on_names)

    def _is_ours(self, path: str) -> bool:
        directory, name = os.path.split(path)
        return directory == self._directory and name.startswith(self._prefix) and not name.endswith(self._ignored)

    def _take_on_file(self, call: Call, found: re.Match[str], file: int) -> None:
        if found[1] in ("fsync", "fdatasync"):
            self.syncs.append(Sync(call.begin, call.end, file))
        elif found[1] == "ftruncate":
            self._write(call, file, int(found[5]), None)
        else:
            data = unhex(found[4] or "")
            self._write(call, file, int(found[6]) if found[1] == "pwrite64" else self._sizes[file], data)

    def _write(self, call: Call, file: int, offset: int, data: bytes | None) -> None:
        self.writes[file].append(Write(call.begin, call.end, call.time, offset, data))
        self._sizes[file] = offset if data is None else max(self._sizes[file], offset + len(data))

    def _take_on_names(self, call: Call, found: re.Match[str]) -> None:
        verb, first, second = found[1], unhex(found[2]).decode(), unhex(found[3] or "").decode()
        name, other = os.path.basename(first), os.path.basename(second)
        if not self._is_ours(first):
            return
        if verb == "openat":
            if "O_CREAT" in (found[4] or "") and name not in self._names:
                file = len(self.writes)
                self.writes[file], self._sizes[file] = [], 0
                self._name(call, "", name, file)
            if "O_TRUNC" in (found[4] or ""):
                self._write(call, self._names[name], 0, None)
        elif verb in ("link", "linkat") and self._is_ours(second):
            self._name(call, "", other, self._names[name])
        elif verb in ("rename", "renameat"):
            self._name(call, name, other if self._is_ours(second) else "", self._names[name])
        elif verb in ("unlink", "unlinkat"):
            self._name(call, name, "", self._names[name])

    def _name(self, call: Call, old: str, new: str, file: int) -> None:
        self.namings.append(Naming(call.begin, call.end, old, new, file))
        rename(self._names, self.namings[-1])


def rename(names: dict[str, int], naming: Naming) -> None:
    names.pop(naming.old, None)
    if naming.new:
        names[naming.new] = naming.file


class Disk:
    """What is on the disk, at places of the recording that only grow."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._content = {file: bytearray() for file in recording.writes}  # what was synced
        self._pending = {file: list(writes) for file, writes in recording.writes.items()}
        self._changed = dict.fromkeys(recording.writes, 0.0)  # the time of change that must be on the disk
        self._named = 0  # changes of names that must be on the disk
        self._synced = 0  # syncs that were looked at

    def advance(self, place: int) -> None:
        """Go on to a place: all syncs that ended until there have their effect."""
        syncs = self._recording.syncs
        while self._synced < len(syncs) and syncs[self._synced].end <= place:
            sync = syncs[self._synced]
            self._synced += 1
            if sync.file is None:
                while self._named < len(self._recording.namings) and self._is_before(self._named, sync.begin):
                    self._named += 1
            else:
                self._bring(sync.file, sync.begin)

    def _is_before(self, naming: int, place: int) -> bool:
        return self._recording.namings[naming].end < place

    def _bring(self, file: int, place: int) -> None:
        content, later = self._content[file], []
        size = len(content)
        for write in self._pending[file]:
            if write.end < place:
                apply(content, write.offset, write.data)
                if len(content) != size:
                    size, self._changed[file] = len(content), write.time
            else:
                later.append(write)
        self._pending[file] = later

    def cut(self, place: int, way: str, dice: random.Random, directory: str) -> None:
        """Write into a directory what may be there after a power cut at this place."""
        names: dict[str, int] = {}
        namings = [one for one in self._recording.namings if one.begin < place]
        kept = {"nothing": self._named, "everything": len(namings)}.get(way)
        if kept is None:
            kept = dice.randint(min(self._named, len(namings)), len(namings))
        for naming in namings[:kept]:
            rename(names, naming)
        last = namings[kept - 1].begin if kept else 0
        for name, file in names.items():
            self._leave(file, place, last, way, dice, os.path.join(directory, name))

    def _leave(self, file: int, place: int, last_naming: int, way: str, dice: random.Random, path: str) -> None:
        content = bytearray(self._content[file])
        pending = [write for write in self._pending[file] if write.begin < place]
        apply_some(content, pending, way, dice)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as stream:
            stream.write(content)
        times = [write.time for write in self._recording.writes[file] if write.begin < place]
        known = [write.time for write in self._recording.writes[file] if write.begin < min(last_naming, place)]
        oldest = max([self._changed[file], *known[-1:]])
        times = [moment for moment in times if moment >= oldest] or [oldest]
        moment = dice.choice((times[0], times[-1], dice.choice(times)))
        os.utime(path, (moment, moment))


def apply_some(content: bytearray, pending: list[Write], way: str, dice: random.Random) -> None:
    """Apply a part of what was not synced."""
    if way == "first":
        pending = pending[: dice.randint(0, len(pending))]
    share = dice.random()
    for write in pending:
        if way == "nothing":
            continue
        if write.data is None or way in ("everything", "first"):
            apply(content, write.offset, write.data)
        elif way == "sectors":
            for start in range(0, len(write.data), SECTOR):
                if dice.random() < share:
                    apply(content, write.offset + start, write.data[start : start + SECTOR])
        elif dice.random() < share:
            apply(content, write.offset, write.data)
        elif way == "lengths":
            content.extend(bytes(max(write.offset + len(write.data) - len(content), 0)))


def apply(content: bytearray, offset: int, data: bytes | None) -> None:
    """Write into a content, or cut it to `offset` where there is no data."""
    content.extend(bytes(max(offset - len(content), 0)))
    if data is None:
        del content[offset:]
    else:
        content[offset : offset + len(data)] = data


def unhex(text: str) -> bytes:
    """What strace wrote as hexadecimal."""
    return bytes.fromhex(text.replace("\\x", ""))
