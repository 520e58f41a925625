"""How new tasks enter the queue: many rows a statement, and each with a random id.

One statement of many rows takes half the time of as many statements. The ids of tasks that come together ascend, so
that each page of their index is written once, whatever there is already and however little memory SQLite has for it.
Called inside the transactions of `new_tasks`, `batches` and `launches`.
"""

from __future__ import annotations

import functools
import itertools
import os

from ..errors import Refused
from ..system import clock
from ..system.named_tuple import NamedTuple
from . import tasks
from .dependencies import link

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Sequence

LAST_SEQ = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'tasks'"  # also of those that were deleted
INSERT = """INSERT INTO tasks (seq, created, updated, id, title, kind, needs, score, not_before, max_attempts,
    in_group, every, parent)
    VALUES """
ROW = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
INSERT_TEXTS = """INSERT INTO task_texts (task, description, command, directory, verify, time_limit, environment, slurm,
    planned, arguments, max_memory, agent, level, max_cost) VALUES """
TEXTS = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
ROWS = 70  # in one statement; SQLite before 3.32 takes 999 values
TRIES = 10
SEED = os.environ.get("TXLITE_SEED")  # of ids that are to be the same again, as tests want them
_DRAWS = itertools.count()  # how often was drawn from it in this process
LETTERS = b"0123456789abcdefghijklmnopqrstuvwxyz"
_TABLE, _UNEVEN = LETTERS * 7 + bytes(4), bytes(range(252, 256))  # each letter stands for as many bytes
_PAIRS = ["".join(pair) for pair in itertools.product(LETTERS.decode(), repeat=2)]
_FRONT = len(_PAIRS) ** 2  # what the first four letters can say


class NewTask(NamedTuple):
    """What `add` was given, checked."""

    # eight columns of tasks, thirteen of task_texts, and what is looked up first
    title: str
    kind: str
    needs: str
    score: float
    not_before: str | None
    max_attempts: int | None
    group: str
    every: str | None
    description: str
    command: str | None
    directory: str
    verify: str | None
    timeout: float | None
    environment: bytes | None
    slurm: str | None
    planned: str | None
    arguments: str | None  # as JSON
    max_memory: int | None
    agent: str | None
    level: str | None
    max_cost: int | None
    parent: str | None
    after: tuple[str, ...]


def insert_one(connection: sqlite3.Connection, new: NewTask) -> str:
    """Insert one task, inside a transaction that writes; its id. Raises TaskNotFound."""
    ids: list[str] = []
    insert(connection, [new], 1, ids.extend)
    return ids[0]


def insert(
    connection: sqlite3.Connection,
    many: Iterable[NewTask],
    count: int,
    note: Callable[[Sequence[str]], object] = lambda ids: None,
    ids: Sequence[str] | None = None,
) -> range:
    """Insert `count` tasks, inside a transaction that writes; their seqs, in order.

    note: is given their ids, some at a time. ids: those that they have; else they are made up. Raises TaskNotFound.
    """
    first = connection.execute(LAST_SEQ).fetchone()[0] + 1
    length, moment, left = _id_length(first + count), clock.now(), iter(many)
    for place in range(0, count, ROWS):
        block, seq = list(itertools.islice(left, ROWS)), first + place
        draw = functools.partial(_draw_ids, place, len(block), count, length)
        if ids is not None:
            draw = functools.partial(_given, ids[place : place + len(block)])
        note(_insert_tasks(connection, block, seq, moment, draw))
        texts = itertools.chain.from_iterable((one, *new[8:21]) for one, new in enumerate(block, seq))
        connection.execute(_statement(INSERT_TEXTS, TEXTS, len(block)), tuple(texts))
        for position, new in enumerate(block):
            for blocker in new.after:
                link(connection, seq + position, tasks.seq_of(connection, blocker))
    return range(first, first + count)


def _insert_tasks(
    connection: sqlite3.Connection, block: list[NewTask], seq: int, moment: str, draw: Callable[[bool], list[str]]
) -> list[str]:
    """Insert the rows of some tasks, the first of which gets this seq; their ids, as `draw` makes them up."""
    import sqlite3

    parents = [tasks.seq_of(connection, new.parent) if new.parent else None for new in block]
    sql = _statement(INSERT, ROW, len(block))
    for go in range(TRIES):
        ids = draw(not go)
        names = zip(itertools.count(seq), ids, block, parents)
        rows = ((one, moment, moment, id, *new[:8], parent) for one, id, new, parent in names)
        try:
            connection.execute(sql, tuple(itertools.chain.from_iterable(rows)))
            return ids
        except sqlite3.IntegrityError as error:  # and none of them is inserted
            if "tasks.id" not in str(error):
                raise
    raise Refused(f"no free id was found for a task in {TRIES} tries: try again")


@functools.cache
def _statement(insert: str, row: str, count: int) -> str:
    return insert + ", ".join([row] * count)


def _id_length(count: int) -> int:
    """Letters enough that among `count` ids two equal ones are one in a million; short ones while there are few."""
    length = 8
    while 36**length < count * count * 500_000 and length < 16:
        length += 1
    return length


def _given(ids: Sequence[str], is_first: bool) -> list[str]:
    return list(ids)


def _draw_ids(place: int, size: int, count: int, length: int, is_first: bool) -> list[str]:
    """Ids of as many letters: random, but ascending from the first of `count` to the last, of which these have the
    places from `place`; from TXLITE_SEED, where that is given and it is the first time that they are drawn."""
    letters, ids = _draw(size * length, is_first), []
    for start, one in zip(range(0, size * length, length), range(place, place + size)):
        front, pair = divmod((one * _FRONT + int(letters[start : start + 4], 36)) // count, len(_PAIRS))
        ids.append("tx-" + _PAIRS[front] + _PAIRS[pair] + letters[start + 4 : start + length])
    return ids


def _draw(count: int, is_first: bool) -> str:
    """So many random letters."""
    letters = b""
    while len(letters) < count:
        size = 2 * (count - len(letters))
        letters += (_follow(SEED, size) if SEED and is_first else os.urandom(size)).translate(_TABLE, _UNEVEN)
    return letters[:count].decode()


def _follow(seed: str, count: int) -> bytes:
    """As many bytes as of urandom, and other ones each time."""
    import hashlib

    return hashlib.shake_128(f"{seed} {next(_DRAWS)}".encode()).digest(count)
