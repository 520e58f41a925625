"""`export`: the same tasks are the same bytes."""

from __future__ import annotations

import json
import os
import random
import stat
import subprocess
import sys
import unittest

import txlite
from txlite.store import jsonl

from ..case import ROOT, without_privileges
from .case import HEADER, SEEDS, TransferCase, fill


class Exports(TransferCase):
    def test_what_is_imported_into_an_empty_home_is_exported_again_byte_for_byte(self) -> None:
        for seed in range(SEEDS):
            with self.subTest(seed=seed):
                store = self.other()
                fill(store, random.Random(seed), 40)
                lines, other = "".join(store.export.lines()), self.other()
                counts = self.pour(store, other)
                self.assertEqual((counts.added, counts.attempts), (len(store.list()), lines.count('{"attempt"')))
                self.assertEqual("".join(other.export.lines()), lines)
                self.assert_sound(other)
                self.assertEqual(self.pour(store, other), (0, 0, 40, 0, 0))
                counts = self.pour(other, store)
                self.assertEqual((counts.added, counts.updated, counts.attempts), (0, 0, 0), "it is all there")
                self.assert_sound(store)
                self.assertTrue(lines.isascii() or not set(lines) & set("\x7f\x9b\u202e\u2028\u200b\ufeff"))
                self.assertNotIn("active", {one.status for one in other.list()})
                launched = [one for one in other.list() if other.launches.of(one.id)]
                self.assertFalse({one.id for one in other.ready()} & {one.id for one in launched})
                for one in launched:
                    self.assertEqual(other.launches.of(one.id), store.launches.of(one.id))

    def test_limits_of_groups_come_along_and_one_that_was_given_here_stays(self) -> None:
        store, other = self.other(), self.other()
        for name, limit in (("lock", 1), ("some", 3), ("all", None), ("known", 4), ("paused", 2)):
            store.add("x", group=name)
            store.groups.set_limit(name, limit)
        store.groups.pause("paused")
        other.groups.set_limit("known", 2)
        self.assertEqual(
            [line for line in store.export.lines() if line.startswith('{"group"')],
            ['{"group": "all"}\n', '{"group": "known", "limit": 4}\n', '{"group": "paused", "limit": 2}\n',
             '{"group": "some", "limit": 3}\n'],
        )  # fmt: skip
        self.pour(store, other)
        self.assertEqual(
            [(one.name, one.limit, one.paused, one.waiting) for one in other.groups.all()],
            [("all", None, None, 1), ("known", 2, None, 1), ("lock", 1, None, 1), ("paused", 2, None, 1),
             ("some", 3, None, 1)],
        )  # fmt: skip
        for wrong in ({"group": "x", "limit": 0}, {"group": "", "limit": 1}, {"group": "x", "more": 1}, {"group": 7}):
            with self.assertRaises(txlite.errors.UsageError):
                self.take(other, wrong)

    def test_a_line_changes_when_its_task_does(self) -> None:
        store = self.store()
        ids = store.add_many(f"task {number}" for number in range(10))
        before = list(store.export.lines())
        store.claim(ids[4], "me")
        store.done(ids[4], "me")
        after = list(store.export.lines())
        self.assertEqual([place for place, line in enumerate(before) if after[place] != line], [5])
        self.assertEqual(len(after), len(before) + 1, "and its attempt has a line")
        self.assertEqual(json.loads(before[1]), {**json.loads(before[1]), "title": "task 0", "status": "backlog"})
        self.assertEqual(list(json.loads(before[1])), [key for key in jsonl.TASK_KEYS if key in before[1]])

    def test_a_file_is_written_whole_or_not_at_all(self) -> None:
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
        with open(self.path("notes"), "w") as file:
            file.write("a person's\n")
        self.txlite("export", "notes", code=1)
        self.assertIn("notes exists already, and is no export: give another name (--list FILE", self.errors)
        self.assertEqual(self.read("notes"), "a person's\n")
        os.chmod(self.path("notes"), 0)
        self.txlite("export", "notes", code=64, preexec_fn=without_privileges)
        self.assertIn("notes: Permission denied: give another name\n", self.errors)
        os.chmod(self.path("notes"), 0o600)
        os.truncate(self.path("notes"), 0)
        self.txlite("export", "notes")
        os.unlink(self.path("notes"))
        self.assertEqual(len(self.json("list")), 2)
        script = f"""import sys; sys.path.insert(0, {ROOT!r})
import txlite
store = txlite.open({self.home!r})
type(store.export).lines = lambda self: iter(["x", 1 / 0])
store.export.write({self.path("out.jsonl")!r})"""
        self.assertTrue(subprocess.run([sys.executable, "-c", script], stderr=subprocess.DEVNULL).returncode)
        self.assertEqual(sorted(os.listdir(self.directory)), [".txlite", "link", "out.jsonl"])

    def test_a_home_without_a_database_is_empty(self) -> None:
        self.assertEqual(json.loads(self.txlite("export")), HEADER)
        self.assertFalse(os.path.exists(self.home))
        self.txlite("backup", "copy.db", code=2)


if __name__ == "__main__":
    unittest.main()
