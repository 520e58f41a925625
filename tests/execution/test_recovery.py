"""The dead are recovered, and nothing runs twice at once."""

from __future__ import annotations

import os
import signal
import unittest
from unittest import mock

import txlite
from txlite.execution import presence
from txlite.execution.dead_worker import DeadWorker
from txlite.execution.recovery import Recovery
from txlite.model import Lane, WorkerRecord
from txlite.system import clock, process
from txlite.system.liveness import Liveness, OrphanedLock

from ..case import Case, is_running, running, wait_until
from .case import kill


class Dead(Case):
    def test_a_killed_worker_is_replaced_and_its_task_run_again(self) -> None:
        batch = self.batch("echo $TXLITE_TOKEN >> log; until test -e go; do sleep 0.05; done")
        run = self.start("run", "--from", batch, "--workers", "1", "--max-attempts", "1")
        for number in range(1, 4):
            wait_until(lambda: self.read("log").count("\n") >= number, f"attempt {number}")
            os.kill(self.worker_pids()[-1], signal.SIGKILL)
        with open(self.path("go"), "w"):
            pass
        self.assertEqual(run.wait(60), 0)
        tokens = self.read("log").split()
        self.assertEqual(tokens, sorted(tokens, key=int))
        outcomes = [attempt["outcome"] for attempt in self.json("show", self.json("list")[0]["id"])["attempts"]]
        self.assertEqual((outcomes[:3], outcomes[-1]), (["lost"] * 3, "done"))
        self.assertFalse([name for name in self.reports() if "TEMP" in name])

    def test_a_worker_whose_supervisor_died_finishes_and_leaves(self) -> None:
        batch = self.batch(
            "touch started; while ! test -e go; do sleep 0.05; done; echo end >> log", "echo next >> log"
        )
        run = self.start("run", "--from", batch, "--workers", "1")
        wait_until(lambda: os.path.exists(self.path("started")), "the agent to start")
        (worker,) = self.worker_pids()
        run.kill()
        run.wait()
        with open(self.path("go"), "w"):
            pass
        wait_until(lambda: not is_running(worker), "the worker to leave")
        self.assertEqual(self.read("log"), "end\n")
        self.assertEqual(sorted(task["status"] for task in self.json("list")), ["backlog", "done"])
        self.txlite("run", "--from", batch)
        self.assertEqual(self.read("log"), "end\nnext\n")

    def test_a_worker_that_is_late_keeps_its_claim(self) -> None:
        run = self.start("run", "--from", self.batch("touch started; sleep 60"), "--workers", "1")
        wait_until(lambda: os.path.exists(self.path("started")), "the agent to start")
        (worker,) = self.worker_pids()
        os.kill(worker, signal.SIGSTOP)
        with txlite.open(self.home) as store:
            with store.database.writing() as connection:
                connection.execute("UPDATE claims SET deadline = 0, expires = '2000'")
            self.assertEqual(Recovery(store).run(), 0)
            self.assertEqual((len(store.claims()), store.expired()), (1, []))
        os.kill(worker, signal.SIGCONT)
        run.send_signal(signal.SIGQUIT)
        self.assertEqual(run.wait(60), 130)

    def test_a_bug_over_one_task_is_its_failure(self) -> None:
        store = self.store()
        store.add(command="true")
        with store.database.writing() as connection:
            connection.execute("UPDATE task_texts SET directory = '/tmp/a' || char(0) || 'b'")
        store.add(command="echo fine >> log", directory=self.directory)
        self.assertIn("1 done", self.txlite("run", "--max-attempts", "1", code=1).replace("1 failed", ""))
        self.assertEqual(self.read("log"), "fine\n")
        self.assertEqual(store.claims(), [])

    def test_a_claim_that_a_worker_left_behind(self) -> None:
        store = self.store()
        task = store.add(command="true")
        elsewhere = f"999999 1 {clock.boot()} pid:[1]"  # another container
        store.workers.register(WorkerRecord("worker-gone", "x", None, "", "h", elsewhere, 1.0, "", "", None))
        store.assignments.claim_next("worker-gone", [txlite.Lane("command")], "shell")
        store.workers.retire("worker-gone")
        self.assertEqual(Recovery(store).run(), 0)  # its processes could not be seen: its lease decides
        with store.database.writing() as connection:
            connection.execute("UPDATE claims SET deadline = 0")
        self.assertEqual(Recovery(store).run(), 1)
        self.assertEqual(store.get(task.id).status, "backlog")

    def test_what_processes_left_that_died_before_or_after_their_time(self) -> None:
        store = self.store()
        self.txlite("run", "--from", self.batch("true"))
        for name in ("locks/worker-early", "wake/.worker-early", "wake/worker-late"):
            with open(os.path.join(self.home, name), "w"):
                pass
        live = Liveness(store.lock_path("worker-starting"))
        Recovery(store).run()
        self.assertEqual(os.listdir(os.path.join(self.home, "locks")), ["worker-starting"])
        self.assertEqual(os.listdir(os.path.join(self.home, "wake")), [])
        live.release()

    def test_several_recover_at_once(self) -> None:
        run = self.start("run", "-j", "4", "--from", self.batch(*[f"exec sleep {self.nap}"] * 4), "--kill-after", "0.3")
        wait_until(lambda: len(running(self.nap)) == 4, "four agents")
        kill(run.pid, *self.worker_pids())
        run.wait()
        recoverers = [self.start("reconcile") for _ in range(4)]
        outs = [one.communicate(timeout=60) for one in recoverers]
        self.assertEqual([one.returncode for one in recoverers], [0] * 4, outs)
        self.assertEqual(sum(int(out.split()[0]) for out, _ in outs), 4)
        self.assertEqual(self.json("status", "--stats")["tasks"]["backlog"], 4)
        self.assertEqual(os.listdir(os.path.join(self.home, "locks")), [])

    def test_who_looks_often_asks_the_database_only_whether_it_has_changed(self) -> None:
        self.txlite("launch", "--agent", "shell", "sleep 60")
        store = self.store()
        recovery, mine = Recovery(store), Recovery(store)
        recovery.look()
        asked: list[str] = []
        store.database.connection.set_trace_callback(asked.append)

        def asks_little() -> bool:
            asked.clear()
            recovery.look_again(())
            return asked == ["PRAGMA data_version"]

        wait_until(asks_little, "a look while nothing changes: now and then the worker writes that it lives")
        store.database.connection.set_trace_callback(None)
        (worker,) = store.workers.present()
        identity = process.Identity.parse(worker.identity)
        assert identity
        os.kill(identity.pid, signal.SIGKILL)
        wait_until(lambda: not identity.is_alive(), "the worker to die")
        with self.subTest("the caller's own are not asked, since it hears of their deaths"):
            mine.look([worker.id])
            self.assertTrue(mine.is_over)
        with self.subTest("a worker that died has changed nothing in the database"):

            def is_found() -> bool:
                recovery.look_again(())
                return not recovery.is_over

            # A fork of it that has not become its agent yet holds its lock a moment longer.
            wait_until(is_found, "the dead worker to be found")
        with self.subTest("nothing is taken for granted now and then"):
            mine.look([worker.id], trusts_own=False)
            self.assertTrue(mine._is_contested, "the other has it")
        with self.subTest("a lease runs out by itself"), self.store() as other:
            claim = other.claim(other.add("by hand"), "somebody")
            recovery.look_again(())
            with mock.patch.object(clock, "monotonic", lambda now=clock.monotonic: now() + 10_000):
                recovery.look_again(())
            self.assertNotIn(claim.token, [one.token for one in other.claims()])

    def test_lock_files_tidied_away_do_not_make_a_worker_dead(self) -> None:
        run = self.start("run", "--from", self.batch("echo >> started; while ! test -e go; do sleep 0.05; done"))
        wait_until(lambda: os.path.exists(self.path("started")), "the agent to start")
        for name in os.listdir(os.path.join(self.home, "locks")):
            os.unlink(os.path.join(self.home, "locks", name))
        self.assertEqual(self.txlite("reconcile"), "0 given back\n")
        with open(self.path("go"), "w"):
            pass
        self.assertEqual((run.wait(60), self.read("started")), (0, "\n"))


class Given(Case):
    """A worker that died, and its attempt's tree, which an executor says it has ended, or not."""

    def setUp(self) -> None:
        super().setUp()
        self.queue = store = self.store()
        self.task = store.add(command="true", directory=self.directory).id
        alive = Liveness(store.lock_path("worker-1"))
        now = clock.now()
        worker = WorkerRecord("worker-1", "worker-1", None, "", clock.host(), "1 1 boot space", 1.0, now, now, None)
        store.workers.register(worker)
        claim = store.assignments.claim_next("worker-1", [Lane("command")], "shell").claim
        alive.write_note({"attempt": claim.token})
        os.close(alive._file)  # it died
        self.ending = mock.Mock(is_over=False, survivors=[], result=None, step=mock.Mock(return_value=60.0))
        executor = mock.Mock()
        executor.ending.return_value = self.ending
        executor.noted_pid.return_value = executor.read_output.return_value = None
        self.dead = DeadWorker(
            store, lambda attempt: executor, worker, OrphanedLock(store.lock_path("worker-1")), [claim]
        )

    def test_what_a_dead_worker_ran_is_lost_before_anybody_recovers(self) -> None:
        number = self.queue.attempts(self.task)[-1].id
        self.assertEqual(presence.attempt(self.queue, number).state, "running", "its lock is held by who recovers it")
        self.dead._lock.close()
        self.assertEqual(presence.attempt(self.queue, number).state, "lost")
        self.assertIsNone(self.queue.attempts(self.task)[-1].ended)

    def test_a_task_is_given_back_when_its_tree_is_gone_and_not_before(self) -> None:
        self.assertFalse(self.dead.advance())
        self.assertEqual(self.queue.get(self.task).status, "active", "it would run beside its old attempt")
        self.assertTrue(self.queue.workers.unrecovered(), "nobody else would go on with it")
        self.ending.is_over = True
        self.assertTrue(self.dead.advance())
        self.assertEqual(self.queue.get(self.task).status, "backlog")
        self.assertEqual([attempt.outcome for attempt in self.queue.attempts(self.task)], ["lost"])
        self.assertEqual(self.queue.workers.unrecovered(), [])

    def test_the_task_of_what_cannot_be_killed_is_put_aside(self) -> None:
        self.ending.is_over, self.ending.survivors = True, [process.look(os.getpid())]  # another user's
        self.assertTrue(self.dead.advance())
        self.assertEqual(self.queue.get(self.task).status, "failed", "what still runs would run twice")
        attempt = self.queue.attempts(self.task)[-1]
        self.assertEqual(attempt.outcome, "unkillable")
        self.assertIn(f"process {os.getpid()} could not be killed", attempt.note)


if __name__ == "__main__":
    unittest.main()
