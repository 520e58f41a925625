"""What the tests of export, import and backup share: homes with something of everything, files made by hand."""

from __future__ import annotations

import contextlib
import json
import os
import random
import time
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import txlite
from txlite.model import OUTCOMES, Lane, Launch, Usage, WorkerRecord
from txlite.store.merging import Counts
from txlite.store.new_tasks import check
from txlite.system import clock

from ..case import Case

HEADER = {"format": "txlite", "version": 1}


MOMENT = "2026-01-01T00:00:00.000Z"


LATER = "2026-01-01T00:00:00.001Z"


def task(number: int, **changes: Any) -> dict[str, Any]:
    """The line of a task, as an object."""
    return {"id": f"tx-{number:08d}", "title": f"task {number}", "status": "backlog", "score": 0, "createdAt": MOMENT,
            "updatedAt": MOMENT, "kind": "prompt", **changes}  # fmt: skip


def attempt(number: int, of: str, **changes: Any) -> dict[str, Any]:
    return {"attempt": number, "task": of, "worker": "w", "startedAt": MOMENT, "endedAt": MOMENT, "outcome": "done",
            **changes}  # fmt: skip


class StoppedClocks:
    """Both clocks, stopped: what a test does within a moment takes none of the time that it is about."""

    def __init__(self) -> None:
        self._wall, self._monotonic = time.time(), time.monotonic()

    @contextlib.contextmanager
    def at(self, seconds: float) -> Iterator[None]:
        """So many seconds after they were stopped."""
        wall = mock.patch("time.time", return_value=self._wall + seconds)
        with wall, mock.patch.object(clock, "monotonic", return_value=self._monotonic + seconds):
            yield


class TransferCase(Case):
    def other(self) -> txlite.Store:
        """A store of another home, which is new."""
        self.others = getattr(self, "others", 0) + 1
        home = self.path(f"other-{self.others}")
        os.mkdir(home, 0o700)
        with open(os.path.join(home, "config.ini"), "w") as file:
            file.write("[txlite]\nsynchronous = NORMAL\n")  # hundreds of transactions
        store = txlite.open(home)
        self.addCleanup(store.close)
        return store

    def file(self, *lines: bytes | dict[str, Any], header: bool = True) -> str:
        """A file with these lines: objects, or bytes as they are."""
        path = self.path("file.jsonl")
        with open(path, "wb") as file:
            for line in (HEADER, *lines) if header else lines:
                file.write((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n")
        return path

    def take(self, store: txlite.Store, *lines: bytes | dict[str, Any], header: bool = True) -> tuple[int, ...]:
        """Import these lines; the counts of tasks: added, updated, unchanged, kept."""
        with open(self.file(*lines, header=header), "rb") as file:
            return tuple(store.importing.merge(file, "file"))[:4]

    def pour(self, store: txlite.Store, other: txlite.Store) -> Counts:
        """Import all of one home into another."""
        store.export.write(self.path("poured.jsonl"))
        with open(self.path("poured.jsonl"), "rb") as file:
            return other.importing.merge(file, "poured")

    def assert_sound(self, store: txlite.Store) -> None:
        rows = store.database.execute(
            "SELECT * FROM pragma_integrity_check UNION ALL SELECT 'foreign' FROM pragma_foreign_key_check"
        )
        self.assertEqual(rows, [("ok",)])
        wrong = """SELECT id FROM tasks t WHERE open_blockers <> (SELECT count(*) FROM dependencies d
            JOIN tasks b ON b.seq = d.blocker WHERE d.task = t.seq AND b.status <> 'done')"""
        self.assertEqual(store.database.execute(wrong), [])
        chains = "SELECT id FROM attempts a WHERE previous >= id OR id > (SELECT token FROM tasks WHERE seq = a.task)"
        self.assertEqual(store.database.execute(chains), [])


SEEDS = int(os.environ.get("TRANSFER_SEEDS", "2"))  # more of them by hand


NASTY = ["plain", "line\nend\r\n\t", "\x1b[31m\x7f\x9b", "\u202e\u2028\u200b\ufeff", "\U0001f98a é", '"\\{}', "\x01"]


def fill(store: txlite.Store, source: random.Random, count: int) -> list[str]:
    """A home with something of everything, by chance."""
    ids: list[str] = []
    for _ in range(count):
        prompt = source.random() < 0.5
        known = source.sample(ids, min(len(ids), source.randrange(3)))
        known = [id for id in known if store.get(id).every is None]  # for what comes again nothing can wait
        if source.random() < 0.1:
            ids.append(_launch(store, source))
            continue
        needs = source.choice(["", "gpu"])
        ids.append(store.add(
            source.choice(NASTY), description=source.choice(["", *NASTY]) * source.randrange(3),
            command=None if prompt else source.choice(NASTY), score=source.choice([0, -1, 2.5, 1e14, 3]),
            parent=source.choice([None, *ids]), needs=needs, after=known,
            not_before=source.choice([None, None, None, clock.now(3600), clock.now(-5)]),
            directory=source.choice([None, "/", "/x y"]), group=source.choice(["", "", "a lock"]),
            every=source.choice([None, None, "1d"]), max_memory=source.choice([None, 1 << 30]),
            arguments=source.choice([None, [], ["", *NASTY]]),
            agent=source.choice([None, "codex"]) if prompt and not needs else None,
            level=source.choice([None, "high"]), max_cost=source.choice([None, 1_500_000]),
        ).id)  # fmt: skip
    for _ in range(count):
        one = source.choice(ids)
        with contextlib.suppress(txlite.Refused):
            moves: list[Callable[[str], object]] = [store.done, store.cancel, store.retry, store.fail]
            moves.append(lambda task: store.claim(task, "me"))
            source.choice(moves)(one)
        with contextlib.suppress(txlite.Refused):
            store.add_dependency(one, source.choice(ids))
    for _ in range(count // 2):
        assignment = store.assignments.claim_next("worker", [Lane("command"), Lane("prompt", "gpu")], "shell")
        if assignment and source.random() < 0.9:
            note, tail = source.choice([None, *NASTY]), source.choice(["", "\0\n", *NASTY])
            code = source.choice([None, 0, 137])
            result = txlite.Result(source.choice(OUTCOMES), code, source.random(), 17, "workers/x.md", note, tail)
            result = result._replace(usages=_use(source, assignment.claim.token), level=source.choice([None, "high"]))
            store.assignments.finish(assignment.claim.token, result, 2)
    return ids


def _use(source: random.Random, attempt: int) -> tuple[Usage, ...]:
    found = []
    for part in source.sample(["agent", "reviewer"], source.randrange(3)):
        model, session = source.sample([None, *NASTY], 2)
        tokens, cached, out, cost, turns = source.sample([None, 0, 1, 2, 3, 4], 5)
        found.append(Usage(attempt, part, "codex", model, session, tokens, cached, out, cost, turns))
    return tuple(found)


def _launch(store: txlite.Store, source: random.Random) -> str:
    worker = WorkerRecord(f"worker-{source.random()}", "w", None, "", "host", "", 1.0, MOMENT, MOMENT, None)
    launch = Launch(
        "codex", "research", source.choice(["", "low"]), "{{TOPIC}}\n", source.choice([None, 5.0]), 10.0, None
    )
    assignment = store.launches.add(check("launched", description="all of it"), launch, worker)
    if source.random() < 0.7:
        store.assignments.finish(assignment.claim.token, txlite.Result(source.choice(["done", "failed"]), 1, 1.0), 1)
    return assignment.task.id


def end_claims(store: txlite.Store) -> None:
    for claim in store.claims():
        store.assignments.finish(claim.token, txlite.Result("released"), 3)
