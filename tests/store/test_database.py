"""The database file: how it comes into being, who shares it, what is refused, what is durable."""

from __future__ import annotations

import glob
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import unittest
from unittest import mock

import txlite
from txlite.doctor.database import check_integrity
from txlite.doctor.probe import OK
from txlite.model import Lane
from txlite.store import database, log_record, migrations, opening, schema, set_aside
from txlite.store.create import create
from txlite.store.opening import open_database, write_lock
from txlite.system import mounts
from txlite.system.locks import HostLock

from ..case import ROOT, WITHOUT_SITE, Case, wait_until
from ..home.case import DatabaseCase


class Beginning(Case):
    def test_sixteen_first_commands_at_once(self) -> None:
        verbs = [("add", "x"), ("init",), ("list",), ("ready", "--json")] * 4
        commands = [self.start(*verb) for verb in verbs]
        for command in commands:
            out, errors = command.communicate(timeout=60)
            self.assertEqual((command.returncode, errors), (0, b""), out)
        self.assertEqual(len(self.json("list")), 4)
        self.assertEqual(sorted(name for name in os.listdir(self.home) if "new" in name), [])

    def test_only_we_may_read_it(self) -> None:
        self.txlite("run", "--from", self.batch("true"))
        self.store().add("x")
        for directory, _, files in os.walk(self.home):
            self.assertEqual(stat.S_IMODE(os.stat(directory).st_mode), 0o700, directory)
            for name in files:
                self.assertEqual(stat.S_IMODE(os.stat(os.path.join(directory, name)).st_mode), 0o600, name)

    def test_reading_makes_nothing(self) -> None:
        for verb in ("list", "ready"):
            self.assertEqual(self.json(verb), [])
        self.json("status")
        self.txlite("show", "tx-nosuchid0", code=2)
        self.assertFalse(os.path.exists(self.home))


class Refusals(DatabaseCase):
    def test_empty(self) -> None:
        self.write(b"")
        self.assert_refused("is an empty file")

    def test_not_a_database(self) -> None:
        self.write(b"hello world " * 1000)
        self.assert_refused("not a database")

    def test_corrupt(self) -> None:
        size = os.path.getsize(self.database)
        with open(self.database, "r+b") as file:
            file.seek(4096)
            file.write(os.urandom(size - 4096))
        self.assert_refused("keep tasks.db, tasks.db-wal and tasks.db-shm together: `txlite doctor --set-aside`")

    def test_another_programs_database(self) -> None:
        os.unlink(self.database)
        sqlite3.connect(self.database).execute("CREATE TABLE t (x)").connection.close()
        self.assert_refused("not a database of txlite")

    def test_newer_than_the_code(self) -> None:
        connection = sqlite3.connect(self.database)
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
        connection.close()
        self.assert_refused("use a newer txlite")

    def test_newer_in_the_write_ahead_log_of_a_crashed_program(self) -> None:
        code = f"""import os, sqlite3
connection = sqlite3.connect({self.database!r})
connection.execute("PRAGMA user_version = {schema.VERSION + 1}")
os._exit(0)"""
        subprocess.run([sys.executable, "-c", code], check=True)
        self.assertTrue(os.path.getsize(self.database + "-wal"))
        self.assert_refused("use a newer txlite")


class LogCase(Case):
    """Homes whose last process was killed, so that their log is still there."""

    def leave_log(self, title: str = "task", count: int = 200) -> None:
        """Add so many tasks, which stay in the log."""
        code = f"""import os, txlite
store = txlite.open()
store.add_many(f"{title} {{number}}" for number in range({count}))
os._exit(0)"""
        subprocess.run([sys.executable, "-c", code], cwd=self.directory, env=self.environment, check=True)
        self.assertTrue(os.path.getsize(self.home + "/tasks.db-wal"))

    def titles(self) -> set[str]:
        return {task["title"].split()[0] for task in self.json("list")}


class Orphans(LogCase):
    """A log without its database: no other database may take it for its own."""

    def move_database(self) -> str:
        """Where a database was moved whose log stayed."""
        self.leave_log()
        os.rename(self.home + "/tasks.db", self.path("away"))
        return self.path("away")

    def test_a_new_database_does_not_adopt_it(self) -> None:
        away = self.move_database()
        self.assertEqual(self.json("list"), [])
        self.assertIn("put it back", self.errors)
        new = self.json("add", "new")["id"]
        (aside,) = glob.glob(self.home + "/tasks.db.orphaned-log-*")
        self.assertIn(f"tasks.db-wal, tasks.db-shm, is now in {aside}", self.errors)
        self.assertEqual([task["id"] for task in self.json("list")], [new])
        self.assertEqual(self.errors, "")
        os.rename(away, aside + "/tasks.db")  # as the message says
        self.assertEqual(len(self.txlite("--home", aside, "export").splitlines()), 201)

    def test_a_database_that_is_put_back_finds_it(self) -> None:
        away = self.move_database()
        self.assertIn("put it back", self.txlite("doctor", code=1))
        os.rename(away, self.home + "/tasks.db")
        self.assertEqual(len(self.json("list")), 200)

    def test_what_is_moved_aside_is_synced_and_ours_alone(self) -> None:
        os.mkdir(self.home, 0o700)
        log = self.home + "/tasks.db-wal"
        with open(log, "wb") as file:
            file.write(b"x" * 1000)
        synced: list[str] = []
        with mock.patch.object(set_aside, "sync", synced.append):
            aside = set_aside.set_aside(self.home + "/tasks.db", [log], "orphaned-log")
        self.assertEqual(synced, [aside, self.home])
        self.assertEqual((os.listdir(aside), stat.S_IMODE(os.stat(aside).st_mode)), (["tasks.db-wal"], 0o700))

    def test_a_launch_says_so_too(self) -> None:
        self.move_database()
        self.txlite("launch", "--agent", "shell", "--wait", "true")
        self.assertIn("tasks.db-wal, tasks.db-shm, is now in", self.errors)

    def test_a_journal_is_one_too(self) -> None:
        os.mkdir(self.home, 0o700)
        with open(self.home + "/tasks.db-journal", "wb") as file:
            file.write(b"x" * 1000)
        self.txlite("add", "new")
        self.assertIn("tasks.db-journal", self.errors)
        self.assertFalse(os.path.exists(self.home + "/tasks.db-journal"))


class ForeignLogs(LogCase):
    """A log beside a database that it was not written for: it is never applied, and never lost."""

    def assert_set_aside(self, word: str, titles: set[str]) -> None:
        """The log is refused by who reads, moved away by who writes, and the database is what it was by itself."""
        self.txlite("list", code=69)
        self.assertIn(f"tasks.db-wal is the log of {word}", self.errors)
        self.txlite("add", "new")
        (aside,) = glob.glob(self.home + "/tasks.db.foreign-log-*")
        self.assertIn(f"the log of {word}, and is not applied: tasks.db-wal", self.errors)
        self.assertIn("tasks.db-wal", os.listdir(aside))
        self.assertEqual(self.titles(), titles | {"new"})
        self.assertEqual(self.errors, "")
        self.assertEqual({one.level for one in check_integrity(self.home)}, {OK})  # not all that doctor looks at

    def test_a_backup_in_the_databases_place(self) -> None:
        self.txlite("add", "first")
        self.txlite("backup", self.path("backup"))
        self.leave_log("second")
        self.txlite("reconcile")  # all of it comes into the file
        self.leave_log("third")
        shutil.copyfile(self.path("backup"), self.home + "/tasks.db")  # the same inode
        self.assert_set_aside("another state of it", {"first"})

    def test_a_log_that_goes_while_somebody_looks_is_none(self) -> None:
        """The last who writes closes the database, and takes its log away."""
        path = self.home + "/tasks.db"
        self.txlite("add", "first")
        self.leave_log("second")
        record, state = log_record._load(path), log_record._own_state(path)
        assert record
        log_record._save(path, record._replace(salt="0" * 16))

        def look_late(path: str) -> tuple[str, str] | None:
            os.unlink(path + "-wal")
            return state

        with mock.patch.object(log_record, "_own_state", look_late):
            self.assertEqual(log_record.find_foreign(path), "")
        with mock.patch("os.path.exists", return_value=True):
            self.assertEqual(opening.size_of(path + "-wal"), 0)

    def test_a_backup_of_another_branch(self) -> None:
        self.txlite("add", "first")
        self.txlite("backup", self.path("backup"))
        self.txlite("add", "second")
        shutil.copyfile(self.home + "/tasks.db", self.path("branch"))
        shutil.copyfile(self.path("backup"), self.home + "/tasks.db")  # back to the first, and on from there
        self.leave_log("third", 1)
        shutil.copyfile(self.path("branch"), self.home + "/tasks.db")
        self.assert_set_aside("another state of it", {"first", "second"})

    def test_another_database(self) -> None:
        self.leave_log("first")
        os.rename(self.home, self.path("other"))
        self.leave_log("second")
        os.replace(self.path("other/tasks.db"), self.home + "/tasks.db")
        self.assert_set_aside("another database", set())

    def test_a_log_that_comes_back(self) -> None:
        self.leave_log("first", 1)
        os.rename(self.home + "/tasks.db-wal", self.path("log"))
        self.txlite("add", "second")
        self.assertRegex(self.errors, "tasks.db-wal is gone, and with it what was written last")
        self.assertEqual(self.titles(), {"second"})
        shutil.copyfile(self.path("log"), self.home + "/tasks.db-wal")
        self.txlite("list", code=69)
        self.assertIn("tasks.db-wal is an earlier log of its", self.errors)
        self.assertRegex(self.txlite("doctor", "--set-aside"), "^tasks.db-wal.*: now in .*/tasks.db.foreign-log-")
        self.assertEqual(self.titles(), {"second"})

    def test_a_log_that_is_its_own_is_kept(self) -> None:
        self.leave_log("first")
        os.rename(self.home + "/tasks.db-wal", self.path("log"))
        shutil.copyfile(self.path("log"), self.home + "/tasks.db-wal")
        self.assertEqual(self.titles(), {"first"})
        shutil.copytree(self.home, self.path("copy"))
        self.leave_log("second")
        shutil.rmtree(self.home)
        os.rename(self.path("copy"), self.home)
        self.txlite("add", "third")
        self.assertEqual((self.titles(), self.errors), ({"first", "third"}, ""))
        code = """import os, sqlite3
connection = sqlite3.connect(".txlite/tasks.db")
connection.execute("UPDATE tasks SET title = 'fourth'")
connection.commit()
os._exit(0)"""
        subprocess.run([sys.executable, "-c", code], cwd=self.directory, check=True)  # it keeps no record
        self.txlite("add", "fifth")
        self.assertEqual((self.titles(), self.errors), ({"fourth", "fifth"}, ""))

    def test_one_whose_record_did_not_come_to_the_disk_is_kept(self) -> None:
        code = """import os, shutil, txlite
store = txlite.open()
store.add("first")
shutil.copyfile(".txlite/tasks.db.log", "record")
store.database.connection.execute("PRAGMA wal_checkpoint(RESTART)")
store.add("second")
os._exit(0)"""
        subprocess.run([sys.executable, "-c", code], cwd=self.directory, env=self.environment, check=True)
        shutil.copyfile(self.path("record"), self.home + "/tasks.db.log")
        os.utime(self.home + "/tasks.db-wal", (1, 1))  # a sync of data leaves the time of change as it was
        self.assertEqual((self.titles(), self.errors), ({"first", "second"}, ""))
        self.txlite("add", "third")
        self.assertEqual(self.errors, "")
        self.assertEqual(self.titles(), {"first", "second", "third"})

    def test_one_that_came_into_the_file_is_not_missed(self) -> None:
        self.leave_log("first")
        shutil.copyfile(self.home + "/tasks.db.log", self.path("record"))
        self.txlite("reconcile")
        shutil.copyfile(self.path("record"), self.home + "/tasks.db.log")  # that it was over did not come to the disk
        os.utime(self.home + "/tasks.db", (1, 1))
        self.txlite("add", "second")
        self.assertEqual(self.errors, "")
        self.assertEqual(self.titles(), {"first", "second"})

    def test_a_log_that_is_written_down_is_looked_at_once(self) -> None:
        with self.store() as first:
            first.add("begins a log")
            record = self.read(os.path.join(self.home, "tasks.db.log"))
            with (
                mock.patch.object(log_record, "_own_state", wraps=log_record._own_state) as asked,
                self.store() as other,
            ):
                other.add("goes on in it")
                self.assertEqual(asked.call_count, 1)
            self.assertEqual(self.read(os.path.join(self.home, "tasks.db.log")), record)
        with self.store() as third:  # all have left, and the log with them
            third.add("begins another")
        self.assertNotEqual(self.read(os.path.join(self.home, "tasks.db.log")), record)


class Durability(Case):
    def test_each_commit_is_synced_once_unless_told_otherwise(self) -> None:
        for synchronous, wanted in (("FULL", 4), ("NORMAL", 0)):
            home = self.path(synchronous)
            os.mkdir(home, 0o700)
            with open(os.path.join(home, "config.ini"), "w") as file:
                file.write(f"[txlite]\nsynchronous = {synchronous}\n")
            synced: list[int] = []
            with txlite.open(home) as store, mock.patch.object(database, "_sync_data", synced.append):
                store.add("x")
                store.ready()  # what it tells may be another's, and is synced the first time
                store.ready()
                store.add_many(f"task {number}" for number in range(100))
                store.done(store.claim_best("me").task.id) if synchronous == "NORMAL" else store.claim_best("me")
                self.assertEqual(len(synced), wanted)
                self.assertEqual(store.database.execute("PRAGMA synchronous"), [(1,)])
                if synced:
                    log = os.stat(os.path.join(home, "tasks.db-wal"))
                    self.assertTrue(os.path.samestat(log, os.fstat(synced[0])))

    def test_a_log_that_cannot_be_synced_is_told(self) -> None:
        with (
            self.store() as store,
            mock.patch.object(database, "_sync_data", side_effect=OSError(5, "Input/output error")),
        ):
            with self.assertRaisesRegex(txlite.StoreUnavailable, "could not be brought to the disk"):
                store.add("x")


class Sharing(Case):
    def test_a_replaced_file_is_noticed(self) -> None:
        store = self.store()
        store.add("x")
        os.rename(self.home + "/tasks.db", self.home + "/away.db")
        with self.assertRaisesRegex(txlite.StoreUnavailable, "deleted or replaced"):
            store.add("into the void")
        os.rename(self.home + "/away.db", self.home + "/tasks.db")
        store.add("y")
        self.assertEqual(len(store.list()), 2)

    def test_nothing_is_written_or_closed_but_under_the_lock_beside_it(self) -> None:
        self.store().add("x")
        path = os.path.join(self.home, "tasks.db")
        opened = open_database(path, lock_timeout=0.2)
        lock = write_lock(path, 10.0)
        self.addCleanup(lock.close)
        lock.acquire()
        with self.assertRaisesRegex(txlite.StoreUnavailable, "has been locked for"):
            opened.writing().__enter__()
        with opened.reading() as connection:
            self.assertEqual(connection.execute("SELECT count(*) FROM tasks").fetchone(), (1,))
        lock.release()
        other = open_database(path)
        lock.acquire()
        closing = threading.Thread(target=other.close)
        closing.start()
        wait_until(lambda: is_at(closing, "_poll"), "the close to come to the lock")
        lock.release()
        closing.join()
        opened.close()

    def test_what_raises_is_rolled_back(self) -> None:
        store = self.store()
        with self.assertRaises(ValueError), store.database.writing() as connection:
            connection.execute("UPDATE home SET paused = 'never'")
            raise ValueError
        self.assertFalse(store.database.connection.in_transaction)
        self.assertIsNone(store.paused())
        self.assertEqual(store.database.execute("PRAGMA foreign_keys"), [(1,)])

    def test_who_writes_holds_sqlites_own_lock_from_the_start(self) -> None:
        store = self.store()
        other = sqlite3.connect(self.home + "/tasks.db", timeout=0)
        self.addCleanup(other.close)
        with store.database.writing(), self.assertRaisesRegex(sqlite3.OperationalError, "locked"):
            other.execute("BEGIN IMMEDIATE")  # a program that knows nothing of the lock beside the file
        other.execute("BEGIN IMMEDIATE")

    def test_a_connection_is_not_carried_across_a_fork(self) -> None:
        store = self.store()
        pid = os.fork()
        if not pid:
            try:
                store.add("x")
            except txlite.StoreUnavailable:
                os._exit(7)
            os._exit(1)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 7)

    def test_thirty_two_processes_claim_each_task_once(self) -> None:
        store = self.store()
        store.add_many({"command": "true"} for _ in range(400))
        code = f"""import sys, time; sys.path.insert(0, {ROOT!r})
import txlite; from txlite.model import Lane
store = txlite.open({self.home!r}); worst = 0
sys.stdin.readline()
while True:
    started = time.monotonic()
    assignment = store.assignments.claim_next("w%s" % sys.argv[1], [Lane("command")], "shell")
    worst = max(worst, time.monotonic() - started)
    if not assignment: break
    print(assignment.task.id)
    store.assignments.finish(assignment.claim.token, txlite.Result("done", 0), 3)
print(worst)"""
        claimers = [
            subprocess.Popen(
                [sys.executable, *WITHOUT_SITE, "-c", code, str(number)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(32)
        ]
        for claimer in claimers:
            claimer.stdin.write("\n")
            claimer.stdin.flush()
        outs = [claimer.communicate()[0].split() for claimer in claimers]
        claimed = [task for out in outs for task in out[:-1]]
        self.assertEqual((len(claimed), len(set(claimed)), store.count()), (400, 400, {"done": 400}))
        print(
            f"\n32 processes, 400 tasks: longest wait for a claim {max(float(out[-1]) for out in outs) * 1000:.0f} ms"
        )
        self.assertEqual(store.database.execute("PRAGMA integrity_check"), [("ok",)])

    def test_a_network_file_system_is_for_one_host_at_a_time(self) -> None:
        known = mounts.NETWORK_FILE_SYSTEMS
        mounts.NETWORK_FILE_SYSTEMS = frozenset({mounts.file_system(self.directory)})
        try:
            store, other = self.store(), self.store()
            store.add("x")
            self.assertEqual(len(other.list()), 1)
            self.assertEqual(store.database.execute("PRAGMA journal_mode"), [("delete",)])
            path = os.path.join(self.home, "tasks.db.host")
            with self.assertRaisesRegex(txlite.StoreUnavailable, "host .* works here"):
                HostLock(path, "another", patience=0.2)
            store.close()
            other.close()
            HostLock(path, "another").close()
        finally:
            mounts.NETWORK_FILE_SYSTEMS = known

    def test_wake_up_without_fifos(self) -> None:
        store = self.store()
        os.rmdir(store.wake_directory) if os.path.isdir(store.wake_directory) else None
        with open(store.wake_directory, "w"):
            pass
        run = self.start("run", "--forever", "--workers", "1")
        wait_until(lambda: store.workers.present(), "the worker")
        store.add(command="touch began", directory=self.directory)
        wait_until(lambda: os.path.exists(self.path("began")), "the change counter to be seen")
        run.send_signal(signal.SIGTERM)
        self.assertEqual(run.wait(60), 130)


class Rules(Case):
    def test_no_program_can_break_them_quietly(self) -> None:
        store = self.store()
        one, two = store.add("one"), store.add("two")
        store.add_dependency(two.id, one.id)
        store.claim(one.id, "me", 60)
        broken = {
            "task_id_form": "UPDATE tasks SET id = 'tx-UPPERCASE'",
            "title_is_not_empty": "UPDATE tasks SET title = ''",
            "kind_is_known": "UPDATE tasks SET kind = 'poem'",
            "score_is_a_number": "UPDATE tasks SET score = 'high'",
            "status_is_known": "UPDATE tasks SET status = 'lost'",
            "open_blockers_are_counted": "UPDATE tasks SET open_blockers = -1",
            "not_its_own_parent": "UPDATE tasks SET parent = seq",
            "not_blocked_by_itself": "UPDATE dependencies SET task = blocker",
            "outcome_is_known": "UPDATE attempts SET outcome = 'great', ended = 'now'",
            "ended_with_an_outcome": "UPDATE attempts SET ended = 'now'",
            "lease_is_long_enough": "UPDATE claims SET lease = 0",
            "verdict_is_known": "UPDATE claims SET verdict = 'perhaps'",
            "one_home": "INSERT INTO home (id, uuid, created) VALUES (2, 'x', 'now')",
            "UNIQUE constraint failed: tasks.id": "UPDATE tasks SET id = 'tx-00000000'",
            "UNIQUE constraint failed: claims.task": "INSERT INTO claims SELECT * FROM claims",
            "FOREIGN KEY constraint failed": "UPDATE claims SET token = token + 100",
        }
        for rule, statement in broken.items():
            with self.subTest(rule), self.assertRaisesRegex(txlite.Refused, rule):
                with store.database.writing() as connection:
                    connection.execute(statement)

    def test_blockers_are_counted_whatever_is_written(self) -> None:
        store = self.store()
        one, two = store.add("one").id, store.add("two").id

        def count(statement: str) -> int:
            with store.database.writing() as connection:
                connection.execute(statement)
            return int(store.database.execute("SELECT open_blockers FROM tasks WHERE id = ?", (two,))[0][0])

        status = "UPDATE tasks SET status = '{}' WHERE id = '" + one + "'"
        self.assertEqual(count("INSERT INTO dependencies SELECT max(seq), min(seq) FROM tasks"), 1)
        self.assertEqual([count(status.format(word)) for word in ("failed", "done", "done", "backlog")], [1, 0, 0, 1])
        self.assertEqual(count("DELETE FROM dependencies"), 0)
        self.assertEqual(count("INSERT INTO dependencies SELECT max(seq), min(seq) FROM tasks"), 1)
        self.assertEqual(count(f"DELETE FROM tasks WHERE id = '{one}'"), 0)
        moves = store.database.execute("SELECT from_status, to_status FROM history WHERE task = ? ORDER BY id", (one,))
        way = [None, "backlog", "failed", "done", "backlog", None]
        self.assertEqual(moves, list(zip(way, way[1:])))


class Migrations(unittest.TestCase):
    def test_each_version_of_the_schema_has_its_migration(self) -> None:
        self.assertEqual(len(migrations.MIGRATIONS), schema.VERSION)

    def test_the_script_is_split_into_its_statements(self) -> None:
        first = migrations.MIGRATIONS[0]
        statements = migrations.split_statements(first)
        self.assertEqual(sum("CREATE TRIGGER" in one for one in statements), first.count("CREATE TRIGGER"))
        self.assertTrue(all(sqlite3.complete_statement(one) for one in statements))

    def test_what_another_process_migrates_meanwhile_is_not_migrated_again(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="txlite-test-")
        self.addCleanup(directory.cleanup)
        path = os.path.join(directory.name, "tasks.db")
        with mock.patch.object(schema, "VERSION", 1):
            create(path, "0" * 36)
        opened: list[database.Database] = []
        late = threading.Thread(target=lambda: opened.append(open_database(path)))
        lock = write_lock(path, 10.0)
        lock.acquire()
        late.start()
        wait_until(
            lambda: is_at(late, "_bring_up_to_date") and is_at(late, "_poll"),
            "the late one to come to the lock, having seen the old version",
        )
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        migrations.migrate(connection)
        connection.execute("COMMIT")
        connection.close()
        lock.release()
        late.join()
        self.assertEqual(len(opened), 1, "it failed")
        self.assertEqual(opened[0].pragma("user_version"), schema.VERSION)
        opened[0].close()
        lock.close()

    def test_claiming_is_one_step_down_an_index(self) -> None:
        from txlite.store import ready_index, tasks

        connection = sqlite3.connect(":memory:")
        migrations.migrate(connection)
        moment = {**ready_index.this_moment(), **Lane("command")._asdict()}
        plan = str(connection.execute("EXPLAIN QUERY PLAN " + tasks.BEST_IN_LANE, moment).fetchall())
        columns = r"\(kind=\? AND needs=\? AND in_group=\?\)"
        self.assertRegex(plan, rf"SEARCH (TABLE tasks AS )?t USING (COVERING )?INDEX tasks_ready {columns}")
        self.assertNotIn("TEMP B-TREE", plan)
        self.assertNotRegex(plan, r"SCAN (TABLE )?(tasks|t|x|p)\b")


def is_at(thread: threading.Thread, function: str) -> bool:
    """Whether a thread is in a function of this name."""
    frame = sys._current_frames().get(thread.ident)
    while frame and frame.f_code.co_name != function:
        frame = frame.f_back
    return frame is not None


if __name__ == "__main__":
    unittest.main()
