"""Exports, imports, backups and the history: what is carried elsewhere, all of it or nothing."""

import contextlib
import json
import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import unittest

import txlite
from txlite.model import OUTCOMES, Lane, Launch
from txlite.store import jsonl
from txlite.store.graph import find_cycle
from txlite.store.importing import LINE_BYTES
from txlite.store.tasks import check
from txlite.system import clock

from ..case import ROOT, Case, wait_until

HEADER = {"format": "txlite", "version": 1}
MOMENT = "2026-01-01T00:00:00.000Z"
LATER = "2026-01-01T00:00:00.001Z"


def task(number, **changes):
    """The line of a task, as an object."""
    return {"id": f"tx-{number:08d}", "title": f"task {number}", "status": "backlog", "score": 0, "createdAt": MOMENT,
            "updatedAt": MOMENT, "kind": "prompt", **changes}  # fmt: skip


def attempt(number, of, **changes):
    return {"attempt": number, "task": of, "worker": "w", "startedAt": MOMENT, "endedAt": MOMENT, "outcome": "done",
            **changes}  # fmt: skip


class TransferCase(Case):
    def other(self):
        """A store of another home, which is new."""
        self.others = getattr(self, "others", 0) + 1
        home = self.path(f"other-{self.others}")
        os.mkdir(home, 0o700)
        with open(os.path.join(home, "config.ini"), "w") as file:
            file.write("[txlite]\nsynchronous = NORMAL\n")  # hundreds of transactions
        store = txlite.open(home)
        self.addCleanup(store.close)
        return store

    def file(self, *lines, header=True):
        """A file with these lines: objects, or bytes as they are."""
        path = self.path("file.jsonl")
        with open(path, "wb") as file:
            for line in (HEADER, *lines) if header else lines:
                file.write((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n")
        return path

    def take(self, store, *lines, header=True):
        """Import these lines; the counts of tasks: added, updated, unchanged, kept."""
        with open(self.file(*lines, header=header), "rb") as file:
            return tuple(store.transfer.import_from(file, "file"))[:4]

    def pour(self, store, other):
        """Import all of one home into another."""
        store.transfer.export_to(self.path("poured.jsonl"))
        with open(self.path("poured.jsonl"), "rb") as file:
            return other.transfer.import_from(file, "poured")

    def assert_sound(self, store):
        rows = store.db.execute(
            "SELECT * FROM pragma_integrity_check UNION ALL SELECT 'foreign' FROM pragma_foreign_key_check"
        )
        self.assertEqual(rows, [("ok",)])
        wrong = """SELECT id FROM tasks t WHERE open_blockers <> (SELECT count(*) FROM dependencies d
            JOIN tasks b ON b.seq = d.blocker WHERE d.task = t.seq AND b.status <> 'done')"""
        self.assertEqual(store.db.execute(wrong), [])
        chains = "SELECT id FROM attempts a WHERE previous >= id OR id > (SELECT token FROM tasks WHERE seq = a.task)"
        self.assertEqual(store.db.execute(chains), [])


SEEDS = int(os.environ.get("TRANSFER_SEEDS", "2"))  # more of them by hand

NASTY = ["plain", "line\nend\r\n\t", "\x1b[31m\x7f\x9b", "\u202e\u2028\u200b\ufeff", "\U0001f98a é", '"\\{}', "\x01"]


def fill(store, source, count):
    """A home with something of everything, by chance."""
    ids = []
    for _ in range(count):
        prompt = source.random() < 0.5
        known = source.sample(ids, min(len(ids), source.randrange(3)))
        if source.random() < 0.1:
            ids.append(_launch(store, source))
            continue
        ids.append(store.add(
            source.choice(NASTY), description=source.choice(["", *NASTY]) * source.randrange(3),
            command=None if prompt else source.choice(NASTY), score=source.choice([0, -1, 2.5, 1e14, 3]),
            parent=source.choice([None, *ids]), needs=source.choice(["", "gpu"]), after=known,
            not_before=source.choice([None, None, None, clock.now(3600), clock.now(-5)]),
            directory=source.choice([None, "/", "/x y"]),
        ).id)  # fmt: skip
    for _ in range(count):
        one = source.choice(ids)
        with contextlib.suppress(txlite.Refused):
            source.choice([store.done, store.cancel, store.retry, store.fail, lambda t: store.claim(t, "me")])(one)
        with contextlib.suppress(txlite.Refused):
            store.add_dependency(one, source.choice(ids))
    for _ in range(count // 2):
        assignment = store.claim_next("worker", [Lane("command"), Lane("prompt", "gpu")], "shell")
        if assignment and source.random() < 0.9:
            note, tail = source.choice([None, *NASTY]), source.choice(["", "\0\n", *NASTY])
            code = source.choice([None, 0, 137])
            result = txlite.Result(source.choice(OUTCOMES), code, source.random(), 17, "workers/x.md", note, tail)
            store.finish(assignment.claim.token, result, 2)
    return ids


def _launch(store, source):
    worker = txlite.Worker(f"worker-{source.random()}", "w", None, "", "host", "", 1.0, MOMENT, MOMENT, None)
    launch = Launch(
        "codex", "research", source.choice(["", "low"]), "{{TOPIC}}\n", source.choice([None, 5.0]), 10.0, None
    )
    assignment = store.add_launch(check("launched", description="all of it"), launch, worker)
    if source.random() < 0.7:
        store.finish(assignment.claim.token, txlite.Result(source.choice(["done", "failed"]), 1, 1.0), 1)
    return assignment.task.id


def end_claims(store):
    for claim in store.claims():
        store.finish(claim.token, txlite.Result("released"), 3)


def _without_numbers(line):
    """A line as it is in any home: the number of an attempt, and the order of blockers, are each home's own."""
    found = json.loads(line)
    if "attempt" in found:
        found["attempt"] = 0
    return json.dumps({**found, "after": sorted(found.get("after", []))})


class Exports(TransferCase):
    def test_what_is_imported_into_an_empty_home_is_exported_again_byte_for_byte(self):
        for seed in range(SEEDS):
            with self.subTest(seed=seed):
                store = self.other()
                fill(store, random.Random(seed), 40)
                lines, other = "".join(store.transfer.export()), self.other()
                counts = self.pour(store, other)
                self.assertEqual((counts.added, counts.attempts), (len(store.list()), lines.count('{"attempt"')))
                self.assertEqual("".join(other.transfer.export()), lines)
                self.assert_sound(other)
                self.assertEqual(self.pour(store, other), (0, 0, 40, 0, 0))
                counts = self.pour(other, store)
                self.assertEqual((counts.added, counts.updated, counts.attempts), (0, 0, 0), "it is all there")
                self.assert_sound(store)
                self.assertTrue(lines.isascii() or not set(lines) & set("\x7f\x9b\u202e\u2028\u200b\ufeff"))
                self.assertNotIn("active", {one.status for one in other.list()})
                launched = [one for one in other.list() if other.launch_of(one.id)]
                self.assertFalse({one.id for one in other.ready()} & {one.id for one in launched})
                for one in launched:
                    self.assertEqual(other.launch_of(one.id), store.launch_of(one.id))

    def test_a_line_changes_when_its_task_does(self):
        store = self.store()
        ids = store.add_many(f"task {number}" for number in range(10))
        before = list(store.transfer.export())
        store.claim(ids[4], "me")
        store.done(ids[4], "me")
        after = list(store.transfer.export())
        self.assertEqual([place for place, line in enumerate(before) if after[place] != line], [5])
        self.assertEqual(len(after), len(before) + 1, "and its attempt has a line")
        self.assertEqual(json.loads(before[1]), {**json.loads(before[1]), "title": "task 0", "status": "backlog"})
        self.assertEqual(list(json.loads(before[1])), [key for key in jsonl.TASK_KEYS if key in before[1]])

    def test_a_file_is_written_whole_or_not_at_all(self):
        self.txlite("add", "one")
        self.assertEqual(self.txlite("export", "out.jsonl"), "")
        whole = self.read("out.jsonl")
        self.assertEqual(self.txlite("export"), whole)
        self.assertEqual(self.txlite("export", "-"), whole)
        self.assertEqual(stat.S_IMODE(os.stat(self.path("out.jsonl")).st_mode), 0o600)
        os.symlink("out.jsonl", self.path("link"))
        self.txlite("add", "two")
        self.txlite("export", "link")
        self.assertEqual((self.read("out.jsonl").count("\n"), os.path.islink(self.path("link"))), (3, True))
        for name, code in (("nowhere/x", 69), (".", 64), ("/dev/null", 64), (".txlite/tasks.db", 64)):
            self.txlite("export", name, code=code)
        self.assertEqual(sorted(os.listdir(self.directory)), [".txlite", "link", "out.jsonl"])
        self.assertEqual(len(self.json("list")), 2)
        code = f"""import sys; sys.path.insert(0, {ROOT!r})
import txlite
store = txlite.open({self.home!r})
type(store.transfer).export = lambda self: iter(["x", 1 / 0])
store.transfer.export_to({self.path("out.jsonl")!r})"""
        self.assertTrue(subprocess.run([sys.executable, "-c", code], stderr=subprocess.DEVNULL).returncode)
        self.assertEqual(sorted(os.listdir(self.directory)), [".txlite", "link", "out.jsonl"])

    def test_a_home_without_a_database_is_empty(self):
        self.assertEqual(json.loads(self.txlite("export")), HEADER)
        self.assertFalse(os.path.exists(self.home))
        self.txlite("backup", "copy.db", code=2)


class Imports(TransferCase):
    def test_the_newer_record_wins(self):
        store = self.store()
        one, two = task(1, title="here", updatedAt=LATER), task(2)
        self.assertEqual(self.take(store, one, two), (2, 0, 0, 0))
        self.assertEqual(self.take(store, task(1, title="older"), two), (0, 0, 1, 1))
        self.assertEqual(store.get(one["id"]).title, "here")
        newer = task(2, title="newer", description="more", status="done", completedAt=LATER, updatedAt=LATER, score=7,
                     kind="command", command="true", directory="/", needs="gpu", parentId=one["id"],
                     failures=1)  # fmt: skip
        self.assertEqual(self.take(store, newer), (0, 1, 0, 0))
        self.assertEqual(json.loads(list(store.transfer.export())[2]), newer)
        edited = {**newer, "title": "edited in the file", "parentId": None}
        self.assertEqual(self.take(store, edited), (0, 1, 0, 0))
        self.assertEqual(self.take(store, edited), (0, 0, 1, 0))
        self.assertEqual((store.get(two["id"]).title, store.get(two["id"]).parent), ("edited in the file", None))
        self.assertEqual([event.to_status for event in store.transfer.history(two["id"])], ["backlog", "done"])

    def test_what_a_task_waits_for(self):
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

    def test_a_time_that_has_come_is_no_edit(self):
        store = self.store()
        late = task(1, notBefore=MOMENT)
        self.take(store, late, task(2, notBefore="2099-01-01T00:00:00.000Z"))
        self.assertEqual([one.id for one in store.ready()], [late["id"]])
        self.assertEqual(store.claim_next("w", [Lane("prompt")], "shell").task.id, late["id"])
        with store.db.writing() as connection:
            connection.execute("DELETE FROM claims")
            connection.execute("UPDATE tasks SET status = 'backlog', updated = ? WHERE id = ?", (MOMENT, late["id"]))
        self.assertEqual(self.take(store, late), (0, 0, 1, 0))

    def test_a_disk_without_room_for_temporary_files(self):
        self.txlite("init")
        code = f"""import io, sys; sys.path.insert(0, {ROOT!r})
import txlite
from txlite.store import importing
importing.ATTACH += ("PRAGMA arriving.max_page_count = 100",)
store = txlite.open({self.home!r})
try:
    store.transfer.import_from(open({self.file(*map(task, range(9000)))!r}, "rb"), "file")
except txlite.StoreUnavailable as error:
    print(error, len(store.list()), len(store.add("and on").id) > 3)"""
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        self.assertIn("set TMPDIR to a directory with room 0 True", found.stdout, found.stderr)

    def test_two_homes_that_exchange_all_become_one(self):
        for seed in range(SEEDS):
            with self.subTest(seed=seed):
                source, one, other = random.Random(seed), self.other(), self.other()
                fill(one, source, 15)
                self.pour(one, other)
                for store in (one, other):
                    end_claims(store)
                    ids = [each.id for each in store.list()]
                    for _ in range(20):
                        move = source.choice([store.done, store.cancel, store.retry, store.fail])
                        with contextlib.suppress(txlite.Refused):
                            move(source.choice(ids))
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
                told = [sorted(map(_without_numbers, store.transfer.export())) for store in (one, other)]
                self.assertEqual(*told)

    def test_a_task_that_somebody_holds_is_left_alone(self):
        store = self.store()
        self.take(store, task(1), task(2))
        claim = store.claim("tx-00000001", "me")
        line = task(1, title="newer", updatedAt="2099-01-01T00:00:00.000Z", after=["tx-00000002"])
        self.assertEqual(self.take(store, line, attempt(7, "tx-00000001")), (0, 0, 0, 1))
        self.assertEqual(store.get("tx-00000001").title, "task 1")
        self.assertEqual(store.get("tx-00000001").open_blockers, 0)
        store.done("tx-00000001", token=claim.token)
        self.assertEqual([one.id for one in store.attempts("tx-00000001")], [claim.token])

    def test_no_token_is_given_twice(self):
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

    def test_broken_files_are_named_with_their_line_and_change_nothing(self):
        store = self.store()
        self.take(store, task(1), task(2, after=["tx-00000001"], parentId="tx-00000001"))
        before, good = (
            list(store.transfer.export()),
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
        self.assertEqual(list(store.transfer.export()), before)
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

    def test_the_command(self):
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

    def test_what_tx_exports(self):
        store = self.store()

        def upsert(number, **data):
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

    def test_idle_workers_are_woken(self):
        run = self.start("run", "--forever", "--workers", "1")
        store = self.store()
        wait_until(lambda: store.workers(), "the worker")
        self.take(store, task(1, kind="command", command="touch began", directory=self.directory))
        wait_until(lambda: os.path.exists(self.path("began")), "the imported task to run")
        run.send_signal(signal.SIGTERM)
        self.assertEqual(run.wait(60), 130)

    def test_an_import_that_is_killed_leaves_all_or_nothing(self):
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


WRITER = f"""import sys; sys.path.insert(0, {ROOT!r})
import txlite
store = txlite.open(sys.argv[1])
print(flush=True)
while True:
    first = store.add("x" * 500).id
    second = store.add("y", after=[first]).id
    store.claim(first, "w")
    store.done(first, "w")
"""


class Meanwhile(TransferCase):
    """While four processes write."""

    def setUp(self):
        super().setUp()
        self.queue = self.store()
        self.queue.add_many("z" * 200 for _ in range(3000))
        self.writers = [
            subprocess.Popen([sys.executable, "-c", WRITER, self.home], stdout=subprocess.PIPE) for _ in range(4)
        ]
        for writer in self.writers:
            self.addCleanup(writer.wait)
            self.addCleanup(writer.stdout.close)
            self.addCleanup(writer.kill)
            writer.stdout.readline()

    def changes(self):
        return self.queue.last_event()

    def test_an_export_is_of_one_moment(self):
        for number in range(2):
            before = self.changes()
            self.txlite("export", f"{number}.jsonl")
            self.assertGreater(self.changes(), before, "they went on")
            other = self.other()
            with open(self.path(f"{number}.jsonl"), "rb") as file:
                added = other.transfer.import_from(file, "export").added
            self.assertGreaterEqual(added, 3000)
            self.assert_sound(other)
            self.assertEqual("".join(other.transfer.export()), self.read(f"{number}.jsonl"))

    def test_a_backup_is_sound_and_can_take_the_place_of_its_database(self):
        self.queue.claim(self.queue.add("held").id, "somebody")
        for number in range(2):
            before = self.changes()
            self.txlite("backup", f"{number}.db")
            self.assertGreater(self.changes(), before, "they went on")
            self.assertEqual(
                [name for name in os.listdir(self.directory) if name.startswith(f"{number}.")], [f"{number}.db"]
            )
            self.assertEqual(stat.S_IMODE(os.stat(self.path(f"{number}.db")).st_mode), 0o600)
            home = self.path(f"restored-{number}")
            os.mkdir(home, 0o700)
            os.rename(self.path(f"{number}.db"), os.path.join(home, "tasks.db"))
            with txlite.open(home) as store:
                self.assert_sound(store)
                self.assertIn("somebody", [claim.worker for claim in store.claims()])
                self.assertGreaterEqual(store.count()["backlog"], 3000)
        with txlite.open(home) as store:
            for claim in store.claims():
                store.cancel(claim.task)
        self.txlite("--home", home, "add", "--", "true")
        with txlite.open(home) as store:
            for one in store.stuck():
                store.cancel(one.id)
        self.assertIn("1 done", self.txlite("--home", home, "run", "--workers", "1"))


class Backups(TransferCase):
    def test_nothing_is_replaced(self):
        self.txlite("add", "one")
        with open(self.path("there"), "w") as file:
            file.write("mine")
        self.txlite("backup", "there", code=1)
        self.txlite("backup", ".txlite/tasks.db", code=1)
        self.assertEqual(self.read("there"), "mine")
        self.txlite("backup", "nowhere/copy.db", code=69)
        found = self.json("backup", "copy.db")
        self.assertEqual(found, {"file": self.path("copy.db"), "bytes": os.path.getsize(self.path("copy.db"))})
        self.assertEqual(sorted(os.listdir(self.directory)), [".txlite", "copy.db", "there"])

    def test_a_copy_that_is_not_sound_is_not_kept(self):
        store = self.store()
        store.add_many("x" * 300 for _ in range(500))
        store.close()
        size = os.path.getsize(os.path.join(self.home, "tasks.db"))
        with open(os.path.join(self.home, "tasks.db"), "r+b") as file:
            file.seek(size // 2)
            file.write(os.urandom(size // 4))
        self.txlite("backup", "copy.db", code=69)
        self.assertEqual(os.listdir(self.directory), [".txlite"])

    def test_without_a_write_ahead_log(self):
        self.txlite("add", "one")
        with contextlib.closing(sqlite3.connect(os.path.join(self.home, "tasks.db"))) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
        self.txlite("backup", "copy.db")
        with contextlib.closing(sqlite3.connect(self.path("copy.db"))) as connection:
            self.assertEqual(connection.execute("SELECT title FROM tasks").fetchall(), [("one",)])


class History(TransferCase):
    def test_the_changes_of_one_task_and_of_all(self):
        store = self.store()
        one, two = store.add_many(["one", "two"])
        store.claim(one, "me")
        store.done(one, "me")
        self.assertEqual(
            [(event["from"], event["to"], event["worker"], event["outcome"]) for event in self.json("history", one)],
            [(None, "backlog", None, None), ("backlog", "active", "me", None), ("active", "done", "me", "done")],
        )
        self.assertEqual([event["to"] for event in self.json("history", one, "--limit", "1")], ["done"])
        self.assertEqual([event["task"] for event in self.json("history", "--limit", "3")], [one, one, two])
        with store.db.writing() as connection:
            connection.execute("DELETE FROM tasks WHERE id = ?", (one,))
        self.assertEqual([event["to"] for event in self.json("history", one)][-2:], ["done", None])
        self.assertRegex(self.txlite("history", one), r"done -> \(deleted\)\n$")
        self.txlite("history", "tx-nosuchid0", code=2)
        store.add_many("x" for _ in range(30))
        self.assertEqual(len(self.json("history")), 20)


class Cycles(unittest.TestCase):
    def test_by_chance(self):
        source = random.Random(3)
        for _ in range(300):
            size = source.randrange(2, 9)
            edges = sorted({tuple(source.sample(range(size), 2)) for _ in range(source.randrange(2 * size))})
            found = find_cycle(iter(edges))
            if found:
                self.assertTrue(set(zip(found, [*found[1:], found[0]])) <= set(edges))
            else:
                rest = set(edges)
                while any(rest):
                    ends = {target for _, target in rest} - {node for node, _ in rest}
                    self.assertTrue(ends, f"there is a cycle in {edges}")
                    rest = {edge for edge in rest if edge[1] not in ends}


if __name__ == "__main__":
    unittest.main()
