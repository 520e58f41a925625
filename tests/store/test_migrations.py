"""Migrations: what an older database holds is all there afterwards, and its rules hold again."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import unittest
from unittest import mock

import txlite
from txlite.model import NODE_FAILED, Lane
from txlite.store import schema
from txlite.store.create import create
from txlite.store.integrity import Inspection
from txlite.system import process

from ..case import Case

MOMENT = "2026-01-01T00:00:00.000Z"
# Schema 6, with something in each table that refers to attempts.
FURNISH = (
    """INSERT INTO tasks (seq, id, title, kind, status, token, created, updated) VALUES
        (1, 'tx-00000001', 'done', 'prompt', 'done', 2, :now, :now),
        (2, 'tx-00000002', 'held', 'command', 'active', 3, :now, :now)""",
    "INSERT INTO task_texts (task, description, command) VALUES (1, 'words', NULL), (2, '', 'true')",
    """INSERT INTO attempts (id, task, previous, worker, agent, started, ended, outcome, exit_code, duration, pid,
            report, note) VALUES
        (1, 1, 0, 'worker-1', 'codex', :now, :now, 'failed', 3, 1.5, 17, 'workers/x.md', 'why'),
        (2, 1, 1, 'worker-1', 'codex', :now, :now, 'done', 0, 2.5, 18, 'workers/y.md', NULL),
        (3, 2, 0, 'worker-1', 'shell', :now, NULL, NULL, NULL, NULL, NULL, NULL, NULL)""",
    "INSERT INTO attempt_texts VALUES (1, 'the end of one'), (2, 'the end of two')",
    """INSERT INTO claims (task, token, worker, held, lease, host, boot, deadline, expires)
        VALUES (2, 3, 'worker-1', 1, 120, 'host', 'boot', 1, :now)""",
    """INSERT INTO workers (id, name, accepts, host, identity, kill_after, started, heartbeat)
        VALUES ('worker-1', 'one', 'command ', 'host', '', 10, :now, :now)""",
    "INSERT INTO loops (id, agent, started) VALUES ('run-1', 'codex', :now)",
    "INSERT INTO trials (attempt, task, loop, stage, landed) VALUES (2, 1, 'run-1', 'settled', 'abc')",
)
TABLES = ("tasks", "task_texts", "attempts", "attempt_texts", "claims", "workers", "loops", "trials")


class MigrationCase(Case):
    """A home with a database of an older schema that holds something."""

    def furnish(self, version: int, *statements: str) -> None:
        os.mkdir(self.home, 0o700)
        self.database = os.path.join(self.home, "tasks.db")
        with mock.patch.object(schema, "VERSION", version):
            create(self.database, "0" * 36)
        connection = sqlite3.connect(self.database)
        with connection:
            for statement in statements:
                connection.execute(statement, {"now": MOMENT})
        self.before = {table: self.rows(connection, table) for table in TABLES}
        connection.close()

    def rows(self, connection: sqlite3.Connection, table: str) -> list[dict[str, object]]:
        cursor = connection.execute(f"SELECT * FROM {table} ORDER BY 1")
        return [dict(zip((column[0] for column in cursor.description), row)) for row in cursor]

    def assert_all_is_there(self, store: txlite.Store) -> None:
        for table, rows in self.before.items():
            found = self.rows(store.database.connection, table)
            self.assertEqual([{**row, **old} for row, old in zip(found, rows)], found, table)
            self.assertEqual(len(found), len(rows), table)
        with store.database.reading() as connection:
            self.assertEqual(connection.execute("PRAGMA foreign_key_check").fetchall(), [])
        inspection = Inspection(store.database)
        self.assertEqual((inspection.damage(), inspection.violations(), inspection.inconsistencies()), ([], [], []))


class Jobs(MigrationCase):
    """From schema 6, by which the table of attempts is made anew."""

    def setUp(self) -> None:
        super().setUp()
        self.furnish(6, *FURNISH)

    def test_all_that_refers_to_attempts_is_there_afterwards(self) -> None:
        store = self.store()
        self.assert_all_is_there(store)
        self.assertEqual(len(self.before["attempt_texts"]) + len(self.before["claims"]), 3)
        self.assertEqual([one.tail for one in store.attempts("tx-00000001")], ["the end of one", "the end of two"])
        self.assertEqual(store.loop_attempts.get(2).landed, "abc")

    def test_foreign_keys_hold_again(self) -> None:
        store = self.store()
        for wrong in ("UPDATE claims SET token = 99", "DELETE FROM attempts WHERE id = 3"):
            with self.assertRaises(txlite.Error), store.database.writing() as connection:
                connection.execute(wrong)
        with store.database.writing() as connection:
            connection.execute("DELETE FROM attempts WHERE id = 2")
        self.assertEqual(self.rows(store.database.connection, "trials"), [])
        self.assertEqual(len(self.rows(store.database.connection, "attempt_texts")), 1)

    def test_the_new_outcomes_are_known_and_no_others(self) -> None:
        store = self.store()
        store.assignments.finish(3, txlite.Result(NODE_FAILED, place="job 7 on n1"), max_attempts=3)
        ended = store.attempts("tx-00000002")[-1]
        self.assertEqual((ended.outcome, ended.place), (NODE_FAILED, "job 7 on n1"))
        self.assertEqual(store.get("tx-00000002").status, "failed")
        with self.assertRaises(txlite.Error), store.database.writing() as connection:
            connection.execute("UPDATE attempts SET outcome = 'eaten' WHERE id = 1")

    def test_the_next_attempt_has_a_number_of_its_own(self) -> None:
        store = self.store()
        store.add("more", command="true")
        claimed = store.assignments.claim_next("worker-1", [Lane("command")], "shell")
        self.assertEqual(claimed.claim.token, 4)


class Groups(MigrationCase):
    """From schema 7, by which tasks get groups and the ready index is made anew."""

    def setUp(self) -> None:
        super().setUp()
        ready = """INSERT INTO tasks (seq, id, title, kind, score, created, updated) VALUES
            (3, 'tx-00000003', 'third', 'command', 0, :now, :now),
            (4, 'tx-00000004', 'first', 'command', 9, :now, :now),
            (5, 'tx-00000005', 'second', 'command', 0.5, :now, :now)"""
        run = "INSERT INTO supervisors (id, identity, wanted, started) VALUES ('run-1', '', 2, :now)"
        self.furnish(7, *FURNISH, ready, run)

    def test_all_is_there_afterwards_and_in_no_group(self) -> None:
        store = self.store()
        self.assert_all_is_there(store)
        told = {(one.group, one.every, one.planned, one.arguments, one.max_memory) for one in store.list()}
        self.assertEqual(told, {("", None, None, None, None)})
        self.assertEqual([(one.wanted, one.hold) for one in store.supervisors.present()], [(2, None)])

    def test_beside_a_run_of_the_older_version_it_stays_as_it_is(self) -> None:
        """It would let what comes again end for good, and heed no group."""
        alive = subprocess.Popen(["sleep", "600"])
        self.addCleanup(alive.wait)
        self.addCleanup(alive.kill)
        identity = str(process.identify(alive.pid))
        for table, id in (("supervisors", "run-1"), ("workers", "worker-1")):
            with sqlite3.connect(self.database) as connection:
                connection.execute(f"UPDATE {table} SET identity = ? WHERE id = ?", (identity, id))
            before = self.content()
            self.txlite("add", "--", "true", code=69)
            self.assertIn(f"({id}, PID {alive.pid})", self.errors)
            self.assertEqual(self.content(), before)
            self.assertIn(f"PID {alive.pid}", self.txlite("doctor", code=1))
            with sqlite3.connect(self.database) as connection:
                connection.execute(f"UPDATE {table} SET identity = '' WHERE id = ?", (id,))
        self.txlite("add", "--", "true")

    def content(self) -> tuple[int, list[str]]:
        """The schema's version, and all of it as SQL."""
        with contextlib.closing(sqlite3.connect(self.database)) as connection:
            return connection.execute("PRAGMA user_version").fetchone()[0], list(connection.iterdump())

    def test_the_new_ready_index_has_what_is_ready_in_its_order(self) -> None:
        store = self.store()
        self.assertEqual([one.title for one in store.ready()], ["first", "second", "third"])
        claimed = [store.assignments.claim_next("worker-1", [Lane("command")], "shell") for _ in range(4)]
        self.assertEqual([one and one.task.title for one in claimed], ["first", "second", "third", None])
        with store.database.reading() as connection:
            names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
        self.assertTrue({"tasks_ready", "tasks_grouped"} <= names)

    def test_what_is_new_can_be_said_and_is_told(self) -> None:
        store = self.store()
        words = ["", "a b", "\n'\""]
        task = store.add("new", group="a lock", every="1d", arguments=words, max_memory=1 << 30)
        told = store.get(task.id)
        self.assertEqual((told.group, told.every, told.max_memory), ("a lock", "1d", 1 << 30))
        self.assertEqual(told.arguments, tuple(words))
        changed = store.update(task, group="", every="", max_memory=5)
        self.assertEqual((changed.group, changed.every, changed.max_memory), ("", None, 5))
        self.assertEqual(
            self.rows(store.database.connection, "groups"), [{"name": "a lock", "wanted": 1, "paused": None}]
        )
        for wrong in (
            {"group": "a\nb"},
            {"max_memory": 0},
            {"max_memory": 1.5},
            {"arguments": "text"},
            {"every": "a\0b"},
        ):
            with self.assertRaises(txlite.errors.InvalidValue):
                store.add("wrong", **wrong)
        store.supervisors.hold("run-1", "no memory")
        self.assertEqual(store.supervisors.present()[0].hold, "no memory")


class Reviewed(MigrationCase):
    """From schema 8, by which the table of tasks is made anew, and attempts get usages and reviews."""

    def setUp(self) -> None:
        super().setUp()
        more = """INSERT INTO tasks (seq, id, title, kind, score, parent, open_blockers, in_group, every, max_attempts,
                not_before, delay_host, delay_boot, delay_until, created, updated) VALUES
            (3, 'tx-00000003', 'third', 'command', 0, 2, 0, 'lock', '1d', 4, NULL, NULL, NULL, NULL, :now, :now),
            (4, 'tx-00000004', 'later', 'command', 9, NULL, 0, '', NULL, NULL, :now, 'h', 'b', 5, :now, :now),
            (5, 'tx-00000005', 'waits', 'command', 0.5, NULL, 0, '', NULL, NULL, NULL, NULL, NULL, NULL, :now, :now),
            (9, 'tx-00000009', 'gone', 'command', 0, NULL, 0, '', NULL, NULL, NULL, NULL, NULL, NULL, :now, :now)"""
        waits = "INSERT INTO dependencies (task, blocker) VALUES (5, 2), (5, 3)"
        self.furnish(8, *FURNISH, more, waits, "DELETE FROM tasks WHERE seq = 9")

    def test_all_is_there_afterwards(self) -> None:
        store = self.store()
        self.assert_all_is_there(store)
        self.assertEqual([len(store.relations([one])[one.id].blocked_by) for one in store.list()], [0, 0, 0, 0, 2])
        told = {(one.agent, one.level, one.max_cost) for one in store.list()}
        self.assertEqual(told, {(None, None, None)})
        self.assertEqual([(one.max_cost, one.review) for one in store.loops.newest()], [(None, False)])

    def test_the_schema_is_that_of_a_new_database(self) -> None:
        """Its tables, indexes and triggers: none was lost with the old table."""
        other = os.path.join(self.home, "new.db")
        create(other, "0" * 36)
        found = []
        for path in (self.store().database.path, other):
            with contextlib.closing(sqlite3.connect(path)) as connection:
                rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name")
                found.append(rows.fetchall())
        self.assertEqual(*found)
        self.assertEqual(len([1 for kind, *_ in found[0] if kind == "trigger"]), 9)

    def test_no_number_is_given_twice(self) -> None:
        """Not even that of a task which was deleted."""
        self.assertEqual(self.store().add("more").seq, 10)

    def test_its_triggers_work_again(self) -> None:
        store = self.store()
        freed = [store.done("tx-00000002", force=True), store.assignments.finish(3, txlite.Result("done"), 3)]
        self.assertEqual((freed, store.get("tx-00000005").open_blockers), ([[], None], 1))
        store.remove_dependency("tx-00000005", "tx-00000003")
        self.assertEqual(store.get("tx-00000005").state, "ready")
        store.delete("tx-00000003")
        store.add("in a new group", group="other")
        self.assertEqual(store.groups.names(), ["lock", "other"])
        self.assertEqual([event.to_status for event in store.history.events("tx-00000003")], ["backlog", None])
        with self.assertRaises(txlite.Error), store.database.writing() as connection:
            connection.execute("DELETE FROM attempts WHERE id IN (SELECT token FROM claims) OR 1")
            connection.execute("UPDATE tasks SET parent = 77 WHERE seq = 4")

    def test_only_what_is_known_can_be_a_status(self) -> None:
        store = self.store()
        with store.database.writing() as connection:
            connection.execute("UPDATE tasks SET status = 'review' WHERE seq = 4")
        self.assertEqual(store.get("tx-00000004").state, "review")
        with self.assertRaises(txlite.Error), store.database.writing() as connection:
            connection.execute("UPDATE tasks SET status = 'eaten' WHERE seq = 4")

    def test_what_is_new_can_be_said_and_is_told(self) -> None:
        store = self.store()
        task = store.add("new", agent="codex", level="high", max_cost=1_500_000)
        told = store.get(task.id)
        self.assertEqual((told.agent, told.level, told.max_cost), ("codex", "high", 1_500_000))
        changed = store.update(task, agent="", level="", max_cost=5)
        self.assertEqual((changed.agent, changed.level, changed.max_cost), (None, None, 5))
        self.assertIsNone(store.update(task, max_cost=0).max_cost)
        for wrong in ({"agent": "a b/c"}, {"level": "a\nb"}, {"max_cost": 0}, {"max_cost": 1.5}):
            with self.assertRaises(txlite.errors.InvalidValue):
                store.add("wrong", **wrong)


if __name__ == "__main__":
    unittest.main()
