"""The store: tasks, dependencies, claims with leases and tokens, and every way of letting go of them."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any
from unittest import mock

import txlite
from txlite.model import Lane
from txlite.store import assignments, claim_rows, inserting, ready_index
from txlite.system import clock

from ..case import ROOT, Case, wait_until
from .case import StoppedClocks

if TYPE_CHECKING:
    from txlite.model import Outcome

COMMANDS = [Lane("command")]


class Tasks(Case):
    def test_a_task_comes_back_as_it_was_added(self) -> None:
        store = self.store()
        parent = store.add("the whole")
        text = "quotes ' \" $HOME `x` {{START_TIME}} \\1\nnew line 🦊 \u202e"
        task = store.add(text, description=text * 2, score=2.5, parent=parent.id, needs="gpu")
        self.assertEqual(store.get(task.id), task)
        self.assertEqual((task.title, task.description, task.score, task.parent), (text, text * 2, 2.5, parent.id))
        self.assertRegex(task.id, r"^tx-[a-z0-9]{8,}$")
        self.assertEqual(store.relations([parent])[parent.id].children, [task.id])

    def test_what_no_task_can_be_is_refused(self) -> None:
        store = self.store()
        wrong: list[dict[str, Any]]
        wrong = [{"title": ""}, {"title": " \n"}, {"title": "a\0b"}, {"title": "\ud800"}, {"command": ""},
                 {"title": "a", "score": float("nan")}, {"title": "a", "score": "high"}, {"title": "a", "score": 1e300},
                 {"title": "a", "description": "\0"}, {"title": "a", "needs": "a\nb"},
                 {"command": "x" * 200_000}]  # fmt: skip
        for values in wrong:
            with self.assertRaises(txlite.InvalidValue, msg=repr(values)[:80]):
                store.add(**values)
        with self.assertRaises(txlite.TaskNotFound):
            store.add("child", parent="tx-nosuchid0")
        with self.assertRaises(txlite.TaskNotFound):
            store.add("later", after=["tx-nosuchid0"])
        self.assertEqual(store.list(), [])

    def test_many_are_added_together_or_not_at_all(self) -> None:
        store = self.store()
        lines: list[Any] = ["one", {"command": "true"}, {"title": "three", "score": 3}]
        ids = store.add_many(iter(lines))
        self.assertEqual([task.id for task in store.list()], ids)
        with self.assertRaisesRegex(txlite.InvalidValue, "task 2: the title is empty"):
            store.add_many(["fine", "", "fine too"])
        with self.assertRaises(txlite.TaskNotFound):
            store.add_many(["fine", {"title": "child", "parent": "tx-nosuchid0"}])
        self.assertEqual(len(store.list()), 3)
        self.assertEqual(store.add_many([]), [])

    def test_a_number_of_tasks_costs_the_memory_of_their_ids(self) -> None:
        code = """import resource, sys, txlite
store = txlite.open(sys.argv[1])
store.add_many({"command": f"true {number}", "description": "x" * 4000} for number in range(1100))  # all is imported
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
store.add_many({"command": f"true {number}", "description": "x" * 4000 + str(number)} for number in range(15_000))
grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / (1024 if sys.platform == "darwin" else 1)
assert grown < 15_000, f"{grown} KB"
"""
        subprocess.run([sys.executable, "-c", code, self.home], cwd=ROOT, env=self.environment, check=True)
        ids = [task.id for task in self.store().list()]
        self.assertEqual(len(set(ids)), 16_100)
        fronts = [id[3:7] for id in ids[1100:]]  # what follows is random
        self.assertEqual(fronts, sorted(fronts), "they do not ascend: their index is written in any order")

    def test_an_id_that_is_taken_is_drawn_again(self) -> None:
        store = self.store()
        taken = store.add("first").id
        drawn = [taken[3:] * 2, "0" * 16, taken[3:] * 2]
        with mock.patch.object(inserting, "_draw", lambda *_: drawn.pop(0)):
            self.assertEqual([id[3:] for id in store.add_many(["second"])], ["00000000"])
            self.assertEqual(len(drawn), 1)
        with mock.patch.object(inserting, "_draw", lambda *_: taken[3:]):
            with self.assertRaisesRegex(txlite.Refused, "no free id"):
                store.add("third")
        self.assertEqual(len(store.list()), 2)

    def test_others_write_while_what_is_to_be_added_is_still_coming(self) -> None:
        store = self.store()
        with self.store() as other:
            store.add_many(other.add(f"other {number}").id for number in range(3))
        self.assertEqual(len(store.list()), 6)

    def test_ready_is_best_first_across_kinds_and_needs(self) -> None:
        store = self.store()
        store.add_many(
            [{"title": f"p{score}", "score": score, "needs": needs} for score in (1, 3, 2) for needs in ("", "gpu")]
        )
        store.add(command="c", score=2.5)
        self.assertEqual([task.title for task in store.ready()], ["p3", "p3", "c", "p2", "p2", "p1", "p1"])
        self.assertEqual([task.title for task in store.ready(2)], ["p3", "p3"])

    def test_a_task_for_later_is_ready_when_its_time_has_come(self) -> None:
        store = self.store()
        late = store.add(command="true", not_before=clock.now(600))
        store.add(command="true", not_before=clock.now(3600))
        self.assertEqual(store.ready(), [])
        self.assertIsNone(store.assignments.claim_next("w", COMMANDS, "shell"))
        now = clock.now
        with mock.patch.object(clock, "now", lambda seconds=0.0: now(seconds + 900)):  # its time has come
            self.assertEqual([task.id for task in store.ready()], [late.id])
            self.assertEqual(store.assignments.claim_next("w", COMMANDS, "shell").task.id, late.id)
            self.assertIsNone(store.assignments.claim_next("w", COMMANDS, "shell"))

    def test_list_by_state(self) -> None:
        store = self.store()
        first, second = store.add_many(["one", "two"])
        store.cancel(first)
        self.assertEqual([task.id for task in store.list(["cancelled"])], [first])
        self.assertEqual([task.id for task in store.list(["backlog", "done"], 1)], [second])
        with self.assertRaisesRegex(txlite.InvalidValue, "unknown status 'bogus'"):
            store.list(["bogus"])

    def test_a_row_edited_to_nonsense_breaks_nothing_else(self) -> None:
        store = self.store()
        broken, fine = store.add_many(["broken", "fine"])
        connection = sqlite3.connect(os.path.join(self.home, "tasks.db"))
        with connection:
            connection.execute("PRAGMA ignore_check_constraints = 1")
            connection.execute("UPDATE tasks SET status = 'nonsense', score = 'x' WHERE id = ?", (broken,))
        connection.close()
        self.assertEqual([task.status for task in store.list()], ["nonsense", "backlog"])
        self.assertEqual([task.id for task in store.ready()], [fine])
        self.txlite("list")
        self.assertIn("nonsense", self.txlite("show", broken))
        self.assertEqual(self.json("status", "--stats")["tasks"]["backlog"], 1)


class Dependencies(Case):
    def setUp(self) -> None:
        super().setUp()
        self.queue = self.store()
        self.one, self.two, self.three = self.queue.add_many(["one", "two", "three"])

    def ready(self) -> list[str]:
        return [task.title for task in self.queue.ready()]

    def test_a_task_waits_until_its_blockers_are_done(self) -> None:
        self.queue.add_dependency(self.three, self.one)
        self.queue.add_dependency(self.three, self.two)
        self.queue.add_dependency(self.three, self.two)
        self.assertEqual(self.ready(), ["one", "two"])
        self.assertEqual(self.queue.done(self.one), [])
        self.assertEqual(self.queue.done(self.two), [self.three])
        self.assertEqual(self.ready(), ["three"])
        self.queue.retry(self.two)
        self.assertEqual(self.ready(), ["two"])
        self.queue.remove_dependency(self.three, self.two)
        self.assertEqual(self.ready(), ["two", "three"])
        with self.assertRaises(txlite.Refused):
            self.queue.remove_dependency(self.three, self.two)

    def test_nobody_is_given_what_waits_for_another(self) -> None:
        blocker = self.queue.add("prompts are for others").id
        only = self.queue.add(command="true", score=9, after=[blocker]).id
        self.assertIsNone(self.queue.assignments.claim_next("worker", COMMANDS, "shell"))
        taken = [self.queue.claim_best("me").task.title for _ in range(4)]
        self.assertEqual(taken, ["one", "two", "three", "prompts are for others"])
        self.assertIsNone(self.queue.claim_best("me"))
        self.queue.done(blocker)
        self.assertEqual(self.queue.assignments.claim_next("worker", COMMANDS, "shell").task.id, only)

    def test_workers_get_the_best_first(self) -> None:
        for score in (1, 3, 2, 3):
            self.queue.add(f"of {score}", command="true", score=score)
        claimed = [self.queue.assignments.claim_next("w", COMMANDS, "shell").task.title for _ in range(4)]
        self.assertEqual(claimed, ["of 3", "of 3", "of 2", "of 1"])

    def test_a_failed_or_cancelled_blocker_blocks_on(self) -> None:
        self.queue.add_dependency(self.two, self.one)
        for move in (self.queue.fail, self.queue.retry, self.queue.cancel):
            move(self.one)
            self.assertNotIn("two", self.ready())

    def test_cycles_are_refused(self) -> None:
        self.queue.add_dependency(self.two, self.one)
        self.queue.add_dependency(self.three, self.two)
        for task, blocker in ((self.one, self.one), (self.one, self.two), (self.one, self.three)):
            with self.assertRaisesRegex(txlite.DependencyCycle, self.one):
                self.queue.add_dependency(task, blocker)
        self.assertEqual(self.ready(), ["one"])

    def test_deleting_a_blocker_frees_what_waited(self) -> None:
        self.queue.add_dependency(self.two, self.one)
        with self.queue.database.writing() as connection:
            connection.execute("DELETE FROM tasks WHERE id = ?", (self.one,))
        self.assertEqual(self.ready(), ["two", "three"])
        self.assertEqual(self.queue.get(self.two).open_blockers, 0)


class Claims(Case):
    def setUp(self) -> None:
        super().setUp()
        self.queue = self.store()
        self.task = self.queue.add("task").id

    def test_one_holder_and_rising_tokens(self) -> None:
        first = self.queue.claim(self.task, "alpha")
        with self.assertRaisesRegex(txlite.AlreadyClaimed, "alpha"):
            self.queue.claim(self.task, "beta")
        self.queue.release(self.task, "alpha")
        second = self.queue.claim(self.task, "alpha")
        self.assertGreater(second.token, first.token)
        for late in (self.queue.renew, self.queue.release, self.queue.done, self.queue.fail):
            with self.assertRaises(txlite.LeaseLost):
                late(self.task, token=first.token)
            with self.assertRaises(txlite.LeaseLost):
                late(self.task, worker="beta")
        self.assertEqual(self.queue.get(self.task).status, "active")
        self.queue.done(self.task, token=second.token)
        self.assertEqual((self.queue.get(self.task).status, self.queue.claims()), ("done", []))
        with self.assertRaises(txlite.LeaseLost):
            self.queue.renew(self.task, "alpha")

    def test_what_cannot_be_claimed_says_why(self) -> None:
        blocker = self.queue.add("blocker").id
        self.queue.add_dependency(self.task, blocker)
        with self.assertRaisesRegex(txlite.NotReady, f"waits for {blocker}"):
            self.queue.claim(self.task, "me")
        self.queue.done(blocker)
        with self.assertRaisesRegex(txlite.NotReady, "is done"):
            self.queue.claim(blocker, "me")
        later = self.queue.add("later", not_before=clock.now(60)).id
        with self.assertRaisesRegex(txlite.NotReady, "for later"):
            self.queue.claim(later, "me")
        for lease in (0, -5, 0.5, float("nan")):
            with self.assertRaises(txlite.InvalidValue):
                self.queue.claim(self.task, "me", lease)
        for worker in ("", "a\nb", "\0"):
            with self.assertRaises(txlite.InvalidValue):
                self.queue.claim(self.task, worker)
        self.assertEqual(self.queue.claims(), [])

    def test_a_task_released_by_hand_is_its_holders_for_two_seconds(self) -> None:
        clocks, other = StoppedClocks(), self.queue.add("other", score=-5).id
        with clocks.at(0):
            self.queue.claim(self.task, "alpha")
            self.queue.release(self.task, "alpha")
        for seconds in (0, 1.9):
            with clocks.at(seconds):
                self.assertEqual([task.id for task in self.queue.ready()], [other, self.task])
                self.assertEqual([task.id for task in self.queue.list(["reserved"])], [self.task])
                self.assertEqual([task.id for task in self.queue.list(["ready"])], [other])
                with self.assertRaisesRegex(txlite.NotReady, "released by alpha"):
                    self.queue.claim(self.task, "beta")
        with clocks.at(2.1):
            self.assertEqual(self.queue.list(["reserved"]), [])
            self.queue.claim(self.task, "beta")

    def test_a_new_blocker_counts_for_the_last_holder_too(self) -> None:
        self.queue.claim(self.task, "alpha")
        self.queue.release(self.task, "alpha")
        self.queue.add_dependency(self.task, self.queue.add("first").id)
        with self.assertRaisesRegex(txlite.NotReady, "waits for"):
            self.queue.claim(self.task, "alpha")

    def test_a_lease_that_ran_out_can_be_expired_and_taken(self) -> None:
        claim = self.queue.claim(self.task, "alpha", 60)
        with self.assertRaisesRegex(txlite.Refused, "lasts until"):
            self.queue.expire(claim.token)
        self.assertEqual(self.queue.expired(), [])
        self.queue.release(self.task, "alpha")
        claim = self.queue.claim(self.task, "alpha", 1)
        wait_until(self.queue.expired, "the lease to run out")
        self.queue.expire(claim.token)
        self.assertEqual([task.id for task in self.queue.ready()], [self.task])
        with self.assertRaises(txlite.LeaseLost):
            self.queue.expire(claim.token)
        self.queue.claim(self.task, "beta", 1)
        wait_until(self.queue.expired, "the lease to run out")
        self.assertEqual(self.queue.claim(self.task, "gamma").worker, "gamma")

    def test_renewal_keeps_the_length_and_has_no_limit(self) -> None:
        claim = self.queue.claim(self.task, "alpha", 60)
        for _ in range(30):
            self.assertEqual(self.queue.renew(self.task, "alpha").lease, 60)
        wait_until(lambda: clock.now(60) > claim.expires, "a time that shows in the end of the lease")
        self.queue.renew(self.task, token=claim.token)
        self.assertGreater(self.queue.claims()[0].expires, claim.expires)

    def test_a_lease_is_over_after_a_reboot_and_by_the_clock_elsewhere(self) -> None:
        self.queue.claim(self.task, "alpha", 3600)
        hold = claim_rows.ClaimRow._make(self.queue.database.execute(claim_rows.SELECT_ALL)[0])
        self.assertFalse(hold.is_over())
        self.assertFalse(hold._replace(expires=clock.now(-1)).is_over(), "the wall clock was set")
        self.assertTrue(hold._replace(deadline=clock.monotonic() - 1).is_over())
        self.assertTrue(hold._replace(boot="another").is_over())
        self.assertFalse(hold._replace(boot="another", host="another").is_over())
        self.assertTrue(hold._replace(boot="another", host="another", expires=clock.now(-1)).is_over())

    def test_moves_that_are_not_allowed(self) -> None:
        self.queue.done(self.task)
        for move in (self.queue.cancel, self.queue.fail):
            with self.assertRaises(txlite.InvalidMove):
                move(self.task)
        self.queue.done(self.task)
        self.queue.retry(self.task)
        claim = self.queue.claim(self.task, "me")
        with self.assertRaises(txlite.AlreadyClaimed):
            self.queue.retry(self.task)
        self.queue.cancel(self.task)
        self.assertEqual((self.queue.get(self.task).status, self.queue.claims()), ("cancelled", []))
        with self.assertRaises(txlite.LeaseLost):
            self.queue.done(self.task, token=claim.token)

    def test_history_tells_each_change(self) -> None:
        self.queue.claim(self.task, "me")
        self.queue.release(self.task, "me")
        self.queue.done(self.task)
        rows = self.queue.database.execute(
            "SELECT from_status, to_status FROM history WHERE task = ? ORDER BY id", (self.task,)
        )
        self.assertEqual(rows, [(None, "backlog"), ("backlog", "active"), ("active", "backlog"), ("backlog", "done")])


class Attempts(Case):
    def test_costly_failures_count_and_come_back_later(self) -> None:
        store = self.store()
        task = store.add(command="false").id
        for number in (1, 2, 3):
            assignment = wait_until(lambda: store.assignments.claim_next("w", COMMANDS, "shell"), "the next attempt")
            store.assignments.finish(assignment.claim.token, txlite.Result("failed", 1), max_attempts=3)
            self.assertEqual(store.get(task).failures, number)
        self.assertEqual(store.get(task).status, "failed")
        self.assertEqual([attempt.outcome for attempt in store.attempts(task)], ["failed"] * 3)
        store.retry(task)
        self.assertEqual((store.get(task).status, store.get(task).failures), ("backlog", 0))

    def test_interrupted_and_lost_attempts_cost_nothing_but_ten_losses_in_a_row_end_it(self) -> None:
        store = self.store()
        task = store.add(command="kill -9 $PPID").id
        lost: list[Outcome] = ["lost"] * assignments.LOSSES
        ends: list[Outcome] = ["interrupted", "lost", "interrupted", *lost]
        for outcome in ends:
            with store.database.writing() as connection:
                connection.execute("UPDATE tasks SET not_before = NULL")
            assignment = store.assignments.claim_next("w", COMMANDS, "shell")
            store.assignments.finish(assignment.claim.token, txlite.Result(outcome), max_attempts=1)
        self.assertEqual((store.get(task).status, store.get(task).failures), ("failed", 0))
        self.assertEqual(len(store.attempts(task)), len(ends))

    def test_a_clock_that_is_set_makes_no_delay_longer(self) -> None:
        store = self.store()
        task, clocks = store.add(command="false").id, StoppedClocks()
        with mock.patch.object(assignments, "backoff", return_value=30):
            for moment in (0, 31):
                with clocks.at(moment):
                    claim = store.assignments.claim_next("w", COMMANDS, "shell").claim
                    store.assignments.finish(claim.token, txlite.Result("failed", 1), max_attempts=3)
        with clocks.at(60):
            self.assertEqual(store.ready(), [])
        set_back = mock.patch.object(clock, "now", lambda later=0.0: clock.to_text(time.time() - 3600 + later))
        with clocks.at(62), set_back:  # its time has come all the same
            self.assertEqual([one.id for one in store.ready()], [task])
            self.assertEqual([one.id for one in store.list(["ready"])], [task], "what is listed is what can be claimed")
            self.assertEqual(store.assignments.claim_next("w", COMMANDS, "shell").task.id, task)

    def test_an_interrupted_attempt_is_no_last_one(self) -> None:
        store = self.store()
        task = store.add(command="false").id
        store.assignments.finish(store.assignments.claim_next("w", COMMANDS, "shell").claim.token,
                                 txlite.Result("failed", 1), max_attempts=3)  # fmt: skip
        assignment = wait_until(lambda: store.assignments.claim_next("w", COMMANDS, "shell"), "the next attempt")
        store.assignments.finish(assignment.claim.token, txlite.Result("interrupted"), max_attempts=1)
        self.assertEqual((store.get(task).status, store.get(task).failures), ("backlog", 1))

    def test_an_end_that_comes_too_late_changes_nothing(self) -> None:
        store = self.store()
        task = store.add(command="true").id
        old = store.assignments.claim_next("w1", COMMANDS, "shell").claim
        store.assignments.finish(old.token, txlite.Result("lost"), 3)
        self.assertIn("its claim was ended", str(store.assignments.must_stop(old.token)))
        new = store.assignments.claim_next("w2", COMMANDS, "shell").claim
        self.assertIsNone(store.assignments.must_stop(new.token))
        store.assignments.finish(old.token, txlite.Result("done", 0), 3)
        self.assertEqual(store.get(task).status, "active")
        self.assertEqual([attempt.outcome for attempt in store.attempts(task)], ["lost", None])
        store.assignments.finish(new.token, txlite.Result("done", 0), 3)
        self.assertEqual(store.get(task).status, "done")

    def test_a_pause_that_comes_between_the_look_and_the_claim_counts(self) -> None:
        store = self.store()
        store.add(command="true")
        store.pause()
        with mock.patch.object(assignments, "is_anything_there", lambda *_: True):
            self.assertIsNone(store.assignments.claim_next("w", COMMANDS, "shell"))

    def test_a_worker_that_is_late_keeps_its_claim(self) -> None:
        store = self.store()
        task = store.add(command="true").id
        claim = store.assignments.claim_next("w", COMMANDS, "shell").claim
        with mock.patch.object(clock, "monotonic", return_value=time.monotonic() + 2 * claim_rows.HELD_LEASE):
            self.assertEqual(store.expired(), [])
            with self.assertRaises(txlite.Refused):
                store.expire(claim.token)
            with self.assertRaisesRegex(txlite.AlreadyClaimed, "already claimed by w"):
                store.claim(task, "me")
            for word in (store.release, store.done, store.fail, store.reset):
                with self.assertRaises(txlite.AlreadyClaimed):
                    word(task)
        self.assertEqual((store.get(task).status, store.claims()[0].token), ("active", claim.token))

    def test_the_end_of_one_and_the_claim_of_the_next_are_one_transaction(self) -> None:
        store = self.store()
        store.add_many({"command": "true"} for _ in range(3))
        assignment = store.assignments.claim_next("w", COMMANDS, "shell")
        seen = set()
        while assignment:
            seen.add(assignment.task.id)
            assignment = store.assignments.finish(
                assignment.claim.token, txlite.Result("done", 0), 3, "w", COMMANDS, "shell"
            )
        self.assertEqual((len(seen), store.count()), (3, {"done": 3}))

    def test_what_an_end_makes_ready_comes_next_if_it_is_the_best(self) -> None:
        store = self.store()
        store.add("first", command="true", score=5)
        blocker = store.add("blocker", command="true", score=1).id
        store.add("last", command="true")
        store.add("freed", command="true", score=9, after=[blocker])
        assignment, order = store.assignments.claim_next("w", COMMANDS, "shell"), []
        while assignment:
            order.append(assignment.task.title)
            assignment = store.assignments.finish(
                assignment.claim.token, txlite.Result("done", 0), 3, "w", COMMANDS, "shell"
            )
        self.assertEqual(order, ["first", "blocker", "freed", "last"])

    def test_one_claim_enters_a_part_of_what_has_become_due(self) -> None:
        store = self.store()
        store.add_many({"command": "true", "not_before": "2000-01-01T00:00:00.000Z"} for _ in range(1500))
        with mock.patch.object(ready_index, "PROMOTED_AT_ONCE", 1):
            for _ in range(2):
                self.assertIsNotNone(store.assignments.claim_next("w", COMMANDS, "shell"))
        later = "SELECT count(*) FROM tasks WHERE not_before IS NOT NULL"
        self.assertEqual(store.database.execute(later), [(1498,)])

    def test_a_claim_is_given_though_nobody_can_be_woken(self) -> None:
        store = self.store()
        store.add_many({"command": "true"} for _ in range(3))
        first = store.assignments.claim_next("w", COMMANDS, "shell")
        lost = mock.patch.object(store.waking, "wake_for", side_effect=txlite.StoreUnavailable("no more files"))
        with mock.patch.object(store.waking, "is_anybody_idle", return_value=True), lost:
            following = store.assignments.finish(first.claim.token, txlite.Result("done", 0), 3, "w", COMMANDS, "shell")
        self.assertEqual([claim.token for claim in store.claims()], [following.claim.token])

    def test_what_was_said_while_an_attempt_ran_counts_more_than_its_end_and_for_it_alone(self) -> None:
        store = self.store()
        first, second = store.add_many({"command": "true"} for _ in range(2))
        claim = store.assignments.claim_next("w", COMMANDS, "shell").claim
        store.fail(first, "it only looks done", token=claim.token)
        following = store.assignments.finish(claim.token, txlite.Result("done", 0), 3, "w", COMMANDS, "shell").claim
        self.assertEqual([one.token for one in store.claims()], [following.token])
        store.assignments.finish(following.token, txlite.Result("done", 0), 3)
        self.assertEqual([store.get(task).status for task in (first, second)], ["failed", "done"])
        self.assertEqual(store.claims(), [])


class Threads(Case):
    def test_threads_may_share_a_store(self) -> None:
        store = self.store()
        store.add_many({"command": "true"} for _ in range(60))
        got, trouble = [], []

        def work(name: str) -> None:
            try:
                while True:
                    assignment = store.assignments.claim_next(name, COMMANDS, "shell")
                    if not assignment:
                        return
                    got.append(assignment.task.id)
                    store.assignments.finish(assignment.claim.token, txlite.Result("done", 0), 3)
            except Exception as error:
                trouble.append(error)

        threads = [threading.Thread(target=work, args=(f"t{number}",)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((trouble, len(got), len(set(got))), ([], 60, 60))
