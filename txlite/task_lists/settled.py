"""Entries of a task list become tasks: each with its id, and with the ids of those that it is a part of and waits for.

An id is made of the file's place and the entry's key, so the same list brings the same tasks, whenever and however
often it is read. A task waits for its parts. Used by `reading`.
"""

from __future__ import annotations

from collections import defaultdict

from ..errors import Error, InvalidValue
from ..model import DONE
from ..system.named_tuple import NamedTuple
from ..text import check_line, check_text, shorten
from .entry import wrong
from .markdown import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .entry import Change, ListEntry, TaskList

_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LENGTH = 12  # of an id, behind tx-: no two are the same among millions


class ListedTask(NamedTuple):
    """A task of a list."""

    id: str
    line: int
    title: str
    description: str
    parent: str | None  # id
    after: Sequence[str]  # ids, its parts among them
    verify: str | None
    status: str  # backlog, done or blocked
    score: float
    ticks: Sequence[Change]


def settle(found: TaskList, name: str, place: str, resolve: Callable[[str], str]) -> list[ListedTask]:
    """Return the tasks of a list. `name`: for messages; `place`: what tells the file from others; `resolve`: what
    makes the id of a task that is here already from its name, or raises. Raises UsageError, naming a line."""
    return _Settling(found, name, place, resolve).tasks()


class _Settling:
    """The entries of one list, and who is called how."""

    def __init__(self, found: TaskList, name: str, place: str, resolve: Callable[[str], str]) -> None:
        self._entries = found.entries
        self._is_strict = found.is_strict
        self._name = name
        self._place = place
        self._resolve = resolve
        self._by_key: dict[str, int] = {}
        self._by_name: defaultdict[str, list[int]] = defaultdict(list)

    def tasks(self) -> list[ListedTask]:
        self._name_all()
        ids = [_make_id(self._place, entry.key) for entry in self._entries]
        parents = [self._by_key.get(entry.above) if entry.above is not None else None for entry in self._entries]
        waits, here = zip(*map(self._waits, self._entries)) if self._entries else ((), ())
        parts: list[list[int]] = [[] for _ in ids]
        for number, parent in enumerate(parents):
            if parent is not None:
                parts[parent].append(number)
        self._refuse_cycles(waits, parts, parents)
        found = []
        for number, entry in enumerate(self._entries):
            self._check(entry)
            after = dict.fromkeys([*(ids[one] for one in [*waits[number], *parts[number]]), *here[number]])
            parent = parents[number]
            found.append(
                ListedTask(
                    ids[number], entry.line, entry.title, entry.description, None if parent is None else ids[parent],
                    tuple(after), entry.verify, entry.status, entry.score, entry.ticks,
                )
            )  # fmt: skip
        return found

    def _check(self, entry: ListEntry) -> None:
        """Its words can be kept."""
        try:
            check_line(entry.title, "the title")
            check_text(entry.description, "the description")
            check_line(entry.verify or "true", "the gate")
        except InvalidValue as error:
            raise wrong(self._name, entry.line, str(error)) from None

    def _name_all(self) -> None:
        seen: dict[object, ListEntry] = {}
        for number, entry in enumerate(self._entries):
            for mark in (entry.key, (entry.label,)):
                line, title = seen.setdefault(mark, entry).line, shorten(entry.names[0], 60)
                if seen[mark] is not entry and mark != (None,):
                    raise wrong(
                        self._name, entry.line, f"{title!r} stands on line {line} already: give it another name"
                    )
            self._by_key[entry.key] = number
            for called in {plain(each) for each in entry.names}:
                self._by_name[called].append(number)

    def _waits(self, entry: ListEntry) -> tuple[list[int], list[str]]:
        """What an entry waits for: other entries, and the ids of tasks that are here."""
        entries: list[int] = []
        here: list[str] = []
        for line, names in entry.after:
            is_one = self._find(line, names) or not self._is_strict
            for each in [names] if is_one else filter(None, map(str.strip, names.split(","))):
                found = self._find(line, each)
                entries += found
                if not found and self._is_strict:
                    here.append(self._find_here(line, each))
        return entries, here

    def _find(self, line: int, name: str) -> list[int]:
        many = self._by_name.get(plain(name), [])
        exact = [one for one in many if plain(self._entries[one].title) == plain(name)]
        many = exact if len(many) > 1 and len(exact) == 1 else many
        if len(many) > 1:
            lines = " and ".join(str(self._entries[one].line) for one in many[:2])
            raise wrong(self._name, line, f"{shorten(name, 60)!r} is called on lines {lines}: say its whole title")
        return many

    def _find_here(self, line: int, name: str) -> str:
        if not name.startswith("tx-"):
            raise wrong(self._name, line, f"no task of this file is called {shorten(name, 60)!r}")
        try:
            return self._resolve(name)
        except Error as error:
            raise wrong(self._name, line, str(error)) from None

    def _refuse_cycles(self, waits: Sequence[list[int]], parts: list[list[int]], parents: list[int | None]) -> None:
        """Take the parts out of a loose list that wait, at some remove, for the whole; raise for all other cycles."""
        is_open = [entry.status != DONE for entry in self._entries]
        while True:
            edges = [[*some, *inner] if opened else [] for some, inner, opened in zip(waits, parts, is_open)]
            way = _find_cycle(edges, is_open)
            if not way:
                return
            loose = [(one, other) for one, other in zip(way, [*way[1:], way[0]]) if other not in waits[one]]
            if self._is_strict or not loose:
                self._raise_cycle(way, parents)
            parts[loose[0][0]].remove(loose[0][1])

    def _raise_cycle(self, way: list[int], parents: list[int | None]) -> None:
        names = [repr(shorten(self._entries[one].title, 40)) for one in way[:4]]
        line = min((line for one in way for line, _ in self._entries[one].after), default=self._entries[way[0]].line)
        by = f", by way of {', '.join(names[1:])}{', …' if len(way) > 4 else ''}" if names[1:] else ""
        also = " (a task waits for its parts)" if any(parents[one] in way for one in way) else ""
        raise wrong(self._name, line, f"{names[0]} waits for itself{by}{also}")


def _make_id(place: str, key: str) -> str:
    import hashlib

    number = int.from_bytes(hashlib.sha256(f"{place}\n{key}".encode(errors="surrogatepass")).digest(), "big")
    letters = ""
    for _ in range(_LENGTH):
        number, letter = divmod(number, len(_LETTERS))
        letters += _LETTERS[letter]
    return f"tx-{letters}"


def _find_cycle(edges: list[list[int]], is_open: list[bool]) -> list[int]:
    """Return a way that leads back to its beginning, or nothing; what is done is on none."""
    state = bytearray(len(edges))  # 1: on the way, 2: no way from there leads back
    for root in range(len(edges)):
        way, left = ([root], [iter(edges[root])]) if not state[root] else ([], [])
        while way:
            state[way[-1]] = 1
            following = next((one for one in left[-1] if is_open[one] and state[one] != 2), None)
            if following is None:
                state[way.pop()] = 2
                left.pop()
            elif state[following] == 1:
                return way[way.index(following) :]
            else:
                way.append(following)
                left.append(iter(edges[following]))
    return []
