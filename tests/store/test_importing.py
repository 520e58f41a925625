"""`import`: the newer record wins, nothing comes in half, homes that exchange all become one."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import unittest
from collections.abc import Callable
from typing import Any

import txlite
from txlite.errors import UsageError
from txlite.model import Lane
from txlite.store.staging import LINE_BYTES

from ..case import ROOT, wait_until
from .case import LATER, MOMENT, SEEDS, TransferCase, attempt, end_claims, fill, task


def _without_numbers(line: str) -> str:
    """A line as it is in any home: the number of an attempt, and the order of blockers, are each home's own."""
    found = json.loads(line)
    if "attempt" in found:
        found["attempt"] = 0
    return json.dumps({**found, "after": sorted(found.get("after", []))})


class Imports(TransferCase):
    def test_the_newer_record_wins(self) -> None:
        store = self.store()
        one, two = task(1, title="here", updatedAt=LATER), task(2)
        self.assertEqual(self.take(store, one, two), (2, 0, 0, 0))
        self.assertEqual(self.take(store, task(1, title="older"), two), (0, 0, 1, 1))
        self.assertEqual(store.get(one["id"]).title, "here")
        newer = task(2, title="newer", description="more", status="done", completedAt=LATER, updatedAt=LATER, score=7,
                     kind="command", command="true", directory="/", needs="gpu", parentId=one["id"],
                     failures=1)  # fmt: skip
        self.assertEqual(self.take(store, newer), (0, 1, 0, 0))
        self.assertEqual(json.loads(list(store.export.lines())[2]), newer)
        edited = {**newer, "title": "edited in the file", "parentId": None}
        self.assertEqual(self.take(store, edited), (0, 1, 0, 0))
        self.assertEqual(self.take(store, edited), (0, 0, 1, 0))
        self.assertEqual((store.get(two["id"]).title, store.get(two["id"]).parent), ("edited in the file", None))
        self.assertEqual([event.to_status for event in store.history.events(two["id"])], ["backlog", "done"])

    def test_what_a_task_waits_for(self) -> None:
        store = self.store()
        one, two, three = task(1), task(2), task(3, after=["tx-00000001"])
        self.take(store, three, one, two)
        self.assertEqual(store.relations([store.get(three["id"])])[three["id"]].blocked_by, [one["id"]])
        more = {**three, "after": [two["id"]]}
        self.assertEqual(self.take(store, more), (0, 1, 0, 0), "no time says which is newer: it waits for both")
        self.assertEqual(store.get(three["id"]).open_blockers, 2)
        self.assertEqual(self.take(store, {**three, "updatedAt": LATER}), (0, 1, 0, 0))
        self.assertEqual(store.get(three["id"]).open_blockers, 1)
        self.take(store, {**one, "status": "done", "updatedAt": LATER})
        self.assertEqual(store.get(three["id"]).open_blockers, 0)
        self.assertEqual(self.take(store, {**three, "after": [two["id"]]}), (0, 0, 0, 1))
        self.assert_sound(store)

    def test_what_names_its_agent_waits_for_it_here_too(self) -> None:
        store = self.store()
        self.take(store, task(1, agent="codex", level="high"), task(2, needs="agent:codex"))
        self.assertEqual([(one.needs, one.agent) for one in store.list()], [("agent:codex", "codex"), ("", None)])
        self.txlite("export", self.path("out.jsonl"))
        self.assertNotIn("agent:codex", self.read("out.jsonl"))
        for wrong in (task(3, agent="codex", needs="gpu"), task(3, agent="codex", kind="command", command="true")):
            with self.assertRaisesRegex(UsageError, "agent .codex.: a command has none"):
                self.take(store, wrong)

    def test_a_time_that_has_come_is_no_edit(self) -> None:
        store = self.store()
        late = task(1, notBefore=MOMENT)
        self.take(store, late, task(2, notBefore="2099-01-01T00:00:00.000Z"))
        self.assertEqual([one.id for one in store.ready()], [late["id"]])
        self.assertEqual(store.assignments.claim_next("w", [Lane("prompt")], "shell").task.id, late["id"])
        with store.database.writing() as connection:
            connection.execute("DELETE FROM claims")
            connection.execute("UPDATE tasks SET status = 'backlog', updated = ? WHERE id = ?", (MOMENT, late["id"]))
        self.assertEqual(self.take(store, late), (0, 0, 1, 0))

    def test_a_disk_without_room_for_temporary_files(self) -> None:
        self.txlite("init")
        code = f"""import io, sys; sys.path.insert(0, {ROOT!r})
import txlite
from txlite.store import staging
staging.ATTACH += ("PRAGMA arriving.max_page_count = 100",)
store = txlite.open({self.home!r})
try:
    store.importing.merge(open({self.file(*map(task, range(9000)))!r}, "rb"), "file")
except txlite.StoreUnavailable as error:
    print(error, len(store.list()), len(store.add("and on").id) > 3)"""
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        self.assertIn("set TMPDIR to a directory with room 0 True", found.stdout, found.stderr)

    def test_two_homes_that_exchange_all_become_one(self) -> None:
        for seed in range(SEEDS):
            with self.subTest(seed=seed):
                source, one, other = random.Random(seed), self.other(), self.other()
                fill(one, source, 15)
                self.pour(one, other)
                for store in (one, other):
                    end_claims(store)
                    ids = [each.id for each in store.list()]
                    for _ in range(20):
                        moves: list[Callable[[str], object]] = [store.done, store.cancel, store.retry, store.fail]
                        with contextlib.suppress(txlite.Refused):
                            source.choice(moves)(source.choice(ids))
                        with contextlib.suppress(txlite.Refused):
                            store.add_dependency(*sorted(source.sample(ids, 2), key=ids.index, reverse=True))
                    fill(store, source, 5)
                    end_claims(store)
                try:
                    for _ in range(2):
                        self.pour(one, other)
                        self.pour(other, one)
                except txlite.UsageError as error:  # each was told half of a cycle
                    self.assertRegex(str(error), "line .*: .* waits for itself")
                    continue
                self.assert_sound(one)
                self.assert_sound(other)
                told = [sorted(map(_without_numbers, store.export.lines())) for store in (one, other)]
                self.assertEqual(*told)

    def test_a_task_that_somebody_holds_is_left_alone(self) -> None:
        store = self.store()
        self.take(store, task(1), task(2))
        claim = store.claim("tx-00000001", "me")
        line = task(1, title="newer", updatedAt="2099-01-01T00:00:00.000Z", after=["tx-00000002"])
        self.assertEqual(self.take(store, line, attempt(7, "tx-00000001")), (0, 0, 0, 1))
        self.assertEqual(store.get("tx-00000001").title, "task 1")
        self.assertEqual(store.get("tx-00000001").open_blockers, 0)
        store.done("tx-00000001", token=claim.token)
        self.assertEqual([one.id for one in store.attempts("tx-00000001")], [claim.token])

    def test_no_token_is_given_twice(self) -> None:
        store, other = self.store(), self.other()
        first = store.add("mine").id
        for _ in range(3):
            store.claim(first, "me")
            store.fail(first, worker="me")
            store.retry(first)
        yours = other.add("yours").id
        other.claim(yours, "you")
        other.done(yours, "you")
        self.assertEqual(self.pour(other, store).attempts, 1)
        self.assertEqual([one.id for one in store.attempts(yours)], [4], "1 was given here")
        self.assertEqual(store.claim(first, "me").token, 5)
        self.assertEqual(self.pour(store, other).attempts, 3)
        self.assertEqual([one.id for one in other.attempts(first)], [2, 3, 4])
        self.assertEqual((self.pour(store, other).attempts, self.pour(other, store).attempts), (0, 0))
        fresh = self.other()
        self.take(fresh, task(1), attempt(40, "tx-00000001"), attempt(70, "tx-00000001"))
        self.assertEqual([one.id for one in fresh.attempts("tx-00000001")], [40, 70])
        self.assertEqual(fresh.claim("tx-00000001", "me").token, 71)
        self.assert_sound(fresh)

    def test_broken_files_are_named_with_their_line_and_change_nothing(self) -> None:
        store = self.store()
        self.take(store, task(1), task(2, after=["tx-00000001"], parentId="tx-00000001"))
        before, good = (
            list(store.export.lines()),
            b"\n".join(json.dumps(task(number)).encode() for number in range(10, 525)),
        )
        for line, word in (
            (b'{"id": ', "not JSON"),
            (b"<<<<<<< HEAD", "not JSON"),
            (b"[1]", "not an object"),
            (b"\xff\xfe", "UTF-8"),
            (b"[" * 100_000, "cannot be read"),
            (b'{"id": "' + b"x" * LINE_BYTES, "more than 64 MB"),
            ({}, "id (missing)"),
            (task(5, id="tx-1"), "is not an id"),
            (task(5, id=5), "is not an id"),
            (task(5, title=""), "the title is empty"),
            (task(5, title=None), "the title"),
            (task(5, title="a\0b"), "NUL"),
            (task(5, title="\ud800"), "UTF-8"),
            (task(5, status="bogus"), "unknown status 'bogus'"),
            (task(5, status=["done"]), "unknown status"),
            (task(5, score="high"), "score 'high' is not a number"),
            (task(5, score=True), "score True"),
            (task(5, score=10**30), "score"),
            (json.dumps(task(5)).replace('"score": 0', '"score": NaN').encode(), "NaN"),
            (task(5, kind="command"), "kind"),
            (task(5, command="true"), "kind"),
            (task(5, kind="command", command=""), "the command is empty"),
            (task(5, kind="command", command=7), "the command is 7"),
            (task(5, needs="a\nb"), "control characters"),
            (task(5, createdAt="yesterday"), "is not a time"),
            (task(5, updatedAt="2026-02-30T00:00:00.000Z"), "is not a time"),
            (task(5, parentId="tx-nosuchid0"), "tx-nosuchid0 is neither"),
            (task(5, parentId="tx-00000005"), "its own parent"),
            (task(5, after=["tx-nosuchid0"]), "tx-nosuchid0"),
            (task(5, after=["tx-00000005"]), "cannot wait for itself"),
            (task(5, after="tx-00000001"), "not a list"),
            (task(5, failures=-1), "failures"),
            (task(5, descripton="x"), "unknown key 'descripton'"),
            (task(5, launch={"agent": "codex"}), "launched task is never backlog"),
            (task(5, status="done", launch={"agent": "codex", "type": "../x", "killAfter": 1}), "plain name"),
            (task(10), "tx-00000010 stands in the file twice"),
            (task(1, after=["tx-00000002"], updatedAt=LATER), "waits for itself"),
            (task(1, parentId="tx-00000002", updatedAt=LATER), "is a part of itself"),
            (attempt(1, "tx-00000001", usages={}), "is not a list"),
            (attempt(1, "tx-00000001", usages=[{"part": "all", "agent": "x"}]), "unknown part 'all'"),
            (attempt(1, "tx-00000001", usages=[{"part": "agent", "agent": "x", "cost": -1}]), "cost"),
            (attempt(1, "tx-00000001", usages=[{"part": "agent", "agent": "x", "more": 1}]), "more"),
            (attempt(1, "tx-00000001", usages=[{"part": "agent", "agent": "x"}] * 2), "the same part twice"),
            (attempt(1, "tx-nosuchid0"), "tx-nosuchid0"),
            (attempt(0, "tx-00000001"), "attempt 0"),
            (attempt(1, "tx-00000001", outcome="fine"), "unknown outcome"),
            (attempt(1, "tx-00000001", report="/etc/passwd"), "report"),
            (attempt(1, "tx-00000001", report="../x.md"), "report"),
            (attempt(1, "tx-00000001", endedAt=None), "endedAt"),
            ({"op": "learning_upsert"}, "is not taken"),
            ({"format": "txlite", "version": 1}, "id (missing)"),
        ):  # fmt: skip
            with self.subTest(word=word, line=str(line)[:80]):
                with self.assertRaises(txlite.UsageError) as caught:
                    self.take(store, good, line, task(9))
                self.assertIn(word, str(caught.exception))
                self.assertIn("file, line 517: ", str(caught.exception))
        self.assertEqual(list(store.export.lines()), before)
        for lines, header, word in (
            ((), False, "is empty"),
            ((task(3),), False, "line 1"),
            (({"format": "other", "version": 1},), False, "line 1"),
            (({"format": "txlite", "version": 2},), False, "use a newer txlite"),
        ):
            with self.assertRaisesRegex(txlite.UsageError, word):
                self.take(store, *lines, header=header)
        chain = [task(number, after=[f"tx-{number + 1:08d}"]) for number in range(100, 1500)]
        with self.assertRaisesRegex(txlite.UsageError, "line 2: tx-00000100 waits for itself, by way of"):
            self.take(store, *chain, task(1500, after=["tx-00000100"]))
        self.assertEqual(self.take(store, *chain, task(1500)), (1401, 0, 0, 0), "its blockers come later")
        self.assert_sound(store)

    def test_the_command(self) -> None:
        path = self.file(task(1), b"", task(2))
        self.assertIn("2 added, 0 updated", self.txlite("import", path))
        with open(path, "rb") as file:
            counts = self.json("import", "-", stdin=file.read())
        self.assertEqual(counts, {"added": 0, "updated": 0, "unchanged": 2, "kept": 0, "attempts": 0})
        self.txlite("import", self.file(task(3), b"{"), code=64)
        self.assertRegex(self.errors, r"file\.jsonl, line 3: it is not JSON .*: nothing was imported\n")
        self.txlite("import", "-", code=64, stdin=b"\n\n[]\n")
        self.assertIn("stdin, line 3: ", self.errors)
        for name in ("nowhere", "."):
            self.txlite("import", name, code=64)
        self.assertEqual(len(self.json("list")), 2)

    def test_what_tx_exports(self) -> None:
        store = self.store()

        def upsert(number: int, **data: Any) -> dict[str, Any]:
            return {"v": 1, "op": "upsert", "ts": MOMENT, "id": f"tx-{number:08d}", "data": {
                "title": f"task {number}", "description": "more", "status": "ready", "score": 500, "parentId": None,
                "metadata": {"any": 1}, **data}}  # fmt: skip

        lines = [
            upsert(1, status="done", completedAt=MOMENT),
            upsert(2, status="blocked"),
            upsert(3, status="blocked", parentId="tx-00000001"),
            upsert(4, status="human_needs_to_review"),
            {"v": 1, "op": "dep_add", "ts": MOMENT, "blockerId": "tx-00000001", "blockedId": "tx-00000003"},
        ]
        self.assertEqual(self.take(store, *lines, header=False), (4, 0, 0, 0))
        self.assertEqual([one.status for one in store.list()], ["done", "blocked", "backlog", "blocked"])
        self.assertEqual([one.id for one in store.ready()], ["tx-00000003"])
        self.assertEqual(self.take(store, *lines, header=False), (0, 0, 4, 0))
        self.take(store, task(3, kind="command", command="true", updatedAt=LATER))
        self.assertEqual(
            self.take(store, {**upsert(3, title="of tx"), "ts": "2026-01-02T00:00:00Z"}, header=False), (0, 1, 0, 0)
        )
        found = store.get("tx-00000003")
        self.assertEqual((found.title, found.command, found.updated), ("of tx", "true", "2026-01-02T00:00:00.000Z"))

    def test_idle_workers_are_woken(self) -> None:
        run = self.start("run", "--forever", "--workers", "1")
        store = self.store()
        wait_until(lambda: store.workers.present(), "the worker")
        self.take(store, task(1, kind="command", command="touch began", directory=self.directory))
        wait_until(lambda: os.path.exists(self.path("began")), "the imported task to run")
        run.send_signal(signal.SIGTERM)
        self.assertEqual(run.wait(60), 130)

    def test_an_import_that_is_killed_leaves_all_or_nothing(self) -> None:
        count = 4000
        path = self.file(*(task(number, after=[f"tx-{number - 1:08d}"] if number else []) for number in range(count)))
        source = random.Random()
        for number in range(4):
            home = self.path(f"home-{number}")
            self.txlite("--home", home, "init")
            command = self.start("--home", home, "import", path)
            with contextlib.suppress(subprocess.TimeoutExpired):
                command.wait(source.uniform(0.1, 0.6))
            command.kill()
            killed = command.wait() == -signal.SIGKILL
            with txlite.open(home) as store:
                self.assertIn(sum(store.count().values()), (0, count) if killed else (count,))
                self.assert_sound(store)
        self.txlite("--home", home, "import", path)
        self.assertEqual(self.json("--home", home, "status", "--stats")["tasks"]["backlog"], count)


if __name__ == "__main__":
    unittest.main()
