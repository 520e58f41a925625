"""`backup`, and what is taken while others write."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import subprocess
import sys
import unittest

import txlite

from ..case import ROOT, wait_until
from .case import TransferCase

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

    def setUp(self) -> None:
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

    def changes(self) -> int:
        return self.queue.history.last_event()

    def make(self, verb: str, name: str) -> None:
        """Have a verb make a file while the others go on: once more where none of them came to write meanwhile."""

        def is_made_meanwhile() -> bool:
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))
            before = self.changes()
            self.txlite(verb, name)
            return self.changes() > before

        wait_until(is_made_meanwhile, "the others to go on meanwhile")

    def test_an_export_is_of_one_moment(self) -> None:
        for number in range(2):
            self.make("export", f"{number}.jsonl")
            other = self.other()
            with open(self.path(f"{number}.jsonl"), "rb") as file:
                added = other.importing.merge(file, "export").added
            self.assertGreaterEqual(added, 3000)
            self.assert_sound(other)
            self.assertEqual("".join(other.export.lines()), self.read(f"{number}.jsonl"))

    def test_a_backup_is_sound_and_can_take_the_place_of_its_database(self) -> None:
        self.queue.claim(self.queue.add("held").id, "somebody")
        for number in range(2):
            self.make("backup", f"{number}.db")
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
            for one in store.batches.stuck():
                store.cancel(one.id)
        out = self.txlite("--home", home, "run", "--workers", "1", code=1)  # its prompts wait for an agent
        self.assertIn("1 done", out)


class Backups(TransferCase):
    def test_nothing_is_replaced(self) -> None:
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

    def test_a_copy_that_is_not_sound_is_not_kept(self) -> None:
        store = self.store()
        store.add_many("x" * 300 for _ in range(500))
        store.close()
        size = os.path.getsize(os.path.join(self.home, "tasks.db"))
        with open(os.path.join(self.home, "tasks.db"), "r+b") as file:
            file.seek(size // 2)
            file.write(os.urandom(size // 4))
        self.txlite("backup", "copy.db", code=69)
        self.assertEqual(os.listdir(self.directory), [".txlite"])

    def test_without_a_write_ahead_log(self) -> None:
        self.txlite("add", "one")
        with contextlib.closing(sqlite3.connect(os.path.join(self.home, "tasks.db"))) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
        self.txlite("backup", "copy.db")
        with contextlib.closing(sqlite3.connect(self.path("copy.db"))) as connection:
            self.assertEqual(connection.execute("SELECT title FROM tasks").fetchall(), [("one",)])


if __name__ == "__main__":
    unittest.main()
