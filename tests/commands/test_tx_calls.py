"""What scripts for tx call: bin/tx, --db, sync; exit codes and usage are tx's."""

from __future__ import annotations

import json
import os
import subprocess
import unittest

from ..case import ROOT, Case


class TxCalls(Case):
    def tx(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run([os.path.join(ROOT, "bin", "tx"), *arguments], cwd=self.directory, text=True,
                              env=self.environment, capture_output=True, timeout=60)  # fmt: skip
        self.errors = done.stderr
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout

    def test_wrong_usage_is_1_and_what_is_not_there_2(self) -> None:
        self.tx("bogus", code=1)
        self.tx("tree", code=1)
        self.assertIn("`tx tree --help`", self.errors)
        self.assertEqual(json.loads(self.tx("add", " ", "--json", code=1))["code"], 1)
        self.tx("show", "tx-nosuch00", code=2)
        self.assertIn("Task not found: tx-nosuch00", self.errors)
        self.assertRegex(self.tx("help", "tree"), r"usage: tx tree [\S\s]*subtree")
        os.symlink(os.path.join(ROOT, "bin", "txlite"), self.path("tx"))
        linked = subprocess.run([self.path("tx"), "bogus"], env=self.environment, capture_output=True)
        self.assertEqual((linked.returncode, linked.stdout), (1, b""))
        self.txlite("--as", code=64)
        self.assertRegex(self.tx("-v"), r"^tx \d+\.\d+\.\d+\n$")

    def test_a_database_names_its_home(self) -> None:
        elsewhere = self.path("elsewhere")
        database = os.path.join(elsewhere, "tasks.db")
        self.txlite("init", "--db", database)
        self.assertTrue(os.path.isfile(database))
        task = self.txlite("--db", database, "add", "-q", "task").strip()
        self.assertEqual(self.json("list", "--home", elsewhere)[0]["id"], task)
        self.assertEqual(self.json(f"--db={database}", "list", "--limit", "1")[0]["id"], task)
        for name in ("test.db", "other.db"):  # called otherwise: each a home of its own
            self.assertEqual(self.json("list", "--db", os.path.join(elsewhere, name)), [])
            self.txlite("add", "x", "--db", os.path.join(elsewhere, name))
        self.assertEqual(len(self.json("list", "--db", os.path.join(elsewhere, "test.db"))), 1)
        self.assertFalse(os.path.exists(self.home))
        self.txlite("--db", code=64)
        self.assertIn("--db: a path is missing", self.errors)

    def test_sync_exports_and_imports(self) -> None:
        task = self.txlite("add", "-q", "task").strip()
        shared, other = os.path.join(self.home, "tasks.jsonl"), self.path("other.jsonl")
        self.assertIn(f"Exported to {shared}", self.txlite("sync", "export"))
        self.assertEqual(self.read(shared), self.txlite("export"))
        self.assertEqual(self.read(shared), self.txlite("sync", "export", "-"))
        self.assertEqual(self.json("sync", "export", "--path", other)["file"], other)
        self.assertEqual(self.read(shared), self.read(other))
        self.txlite("delete", task)
        self.assertEqual(self.json("sync", "import")["added"], 1)
        self.assertEqual(self.json("sync", "import", "--path", other)["unchanged"], 1)
        self.assertEqual(self.json("sync", "import", other)["unchanged"], 1)
        self.assertEqual(self.json("list")[0]["id"], task)
        self.txlite("sync", code=64)
        self.assertIn("give export or import", self.errors)


if __name__ == "__main__":
    unittest.main()
