"""What the store keeps for attempts that run elsewhere: options, places, and many claims of one worker."""

from __future__ import annotations

import time
import unittest
from typing import TYPE_CHECKING
from unittest import mock

import txlite
from txlite.model import SLURM, Lane, WorkerRecord
from txlite.store import claim_rows
from txlite.system import clock

from .case import MOMENT, TransferCase, task

if TYPE_CHECKING:
    from txlite.model import Outcome

COMMANDS = [Lane("command"), Lane("command", SLURM)]


class Options(TransferCase):
    def test_a_task_with_options_needs_a_worker_for_jobs_unless_it_names_another(self) -> None:
        store = self.store()
        for given, needs, kept in (("--mem=4G", "", SLURM), ("", "", SLURM), ("-p gpu", "gpu", "gpu"), (None, "", "")):
            found = store.get(store.add(command="true", slurm=given, needs=needs))
            self.assertEqual((found.slurm, found.needs), (given, kept))
        ids = store.add_many([{"command": "true", "slurm": "--mem=1G"}, {"command": "true"}])
        self.assertEqual([(one.slurm, one.needs) for one in map(store.get, ids)], [("--mem=1G", SLURM), (None, "")])

    def test_options_are_changed_and_given_later(self) -> None:
        store = self.store()
        one, other = store.add(command="true"), store.add(command="true", needs="gpu")
        changed = store.update(one, slurm="--mem=8G")
        self.assertEqual((changed.slurm, changed.needs), ("--mem=8G", SLURM))
        self.assertEqual(store.update(one, slurm="").slurm, "")
        self.assertEqual(store.update(other, slurm="-c 2").needs, "gpu")
        self.assertIsNone(store.assignments.claim_next("w", COMMANDS[:1], "shell"))
        self.assertEqual(store.assignments.claim_next("w", COMMANDS, "shell").task.id, one.id)

    def test_what_is_not_a_line_is_refused(self) -> None:
        store = self.store()
        for wrong in ("--mem=1\n-a 5", "a\0b", "\x1b", "  ", 7):
            with self.assertRaisesRegex(txlite.InvalidValue, "options for Slurm"):
                store.add(command="true", slurm=wrong)  # type: ignore[arg-type]
        self.assertEqual(store.list(), [])

    def test_an_export_tells_options_and_places(self) -> None:
        store, other = self.store(), self.other()
        for options in ("--mem=1G", "", None):
            store.add(command="true", slurm=options)
        claim = store.assignments.claim_next("w", COMMANDS, "shell").claim
        store.assignments.finish(claim.token, txlite.Result("preempted", place="job 3 on n1"), 1)
        self.pour(store, other)
        self.assertEqual(list(other.export.lines()), list(store.export.lines()))
        self.assertEqual([one.slurm for one in other.list()], ["--mem=1G", "", None])
        self.assertEqual([one.place for one in other.attempts(claim.task)], ["job 3 on n1"])
        self.assertEqual(self.take(other, task(1, slurm="-x n1")), (1, 0, 0, 0))
        self.assertEqual(self.take(other, task(1, slurm="-x n2")), (0, 1, 0, 0))
        with self.assertRaisesRegex(txlite.UsageError, "line 2: the options for Slurm"):
            self.take(other, task(2, slurm=["-x"]))


class ManyClaims(TransferCase):
    def setUp(self) -> None:
        super().setUp()
        self.queue = self.store()
        self.queue.add_many({"command": f"echo {number}"} for number in range(7))
        for id in ("worker-a", "worker-b", "worker-c"):
            record = WorkerRecord(id, id, None, "", "host", "1 1 boot space", 1.0, MOMENT, MOMENT, None)
            self.queue.workers.register(record)
        self.tokens = {id: [self.take_one(id) for _ in range(3)] for id in ("worker-a", "worker-b")}

    def take_one(self, worker: str) -> int:
        return self.queue.assignments.claim_next(worker, COMMANDS, "shell").claim.token

    def tokens_of(self, worker: str) -> list[int]:
        return [claim.token for claim in self.queue.workers.claims_of(worker)]

    def test_one_heartbeat_renews_all_that_a_worker_holds(self) -> None:
        before = {claim.token: claim.expires for claim in self.queue.claims()}
        later = time.monotonic() + claim_rows.HELD_LEASE / 2
        with mock.patch.object(clock, "monotonic", return_value=later), mock.patch.object(clock, "now", return_value=9):
            self.queue.workers.heartbeat("worker-a")
        after = {claim.token: claim.expires for claim in self.queue.claims()}
        self.assertEqual([token for token in after if after[token] != before[token]], self.tokens["worker-a"])
        lapsed = mock.patch.object(clock, "monotonic", return_value=later + claim_rows.HELD_LEASE * 0.9)
        with lapsed:
            found = [token for token in after if self.queue.assignments.is_lapsed(token)]
        self.assertEqual(found, self.tokens["worker-b"])

    def test_a_heartbeat_renews_nothing_that_was_claimed_by_hand(self) -> None:
        self.queue.claim(self.queue.list()[6], "worker-a", lease=60)
        before = self.queue.claims()[-1]
        with mock.patch.object(clock, "now", return_value=MOMENT):
            self.queue.workers.heartbeat("worker-a")
        self.assertEqual(self.queue.claims()[-1], before)

    def test_all_that_a_worker_holds(self) -> None:
        self.assertEqual(self.tokens_of("worker-a"), self.tokens["worker-a"])
        self.assertEqual(self.queue.workers.claim_of("worker-a").token, self.tokens["worker-a"][0])
        self.assertEqual((self.tokens_of("worker-c"), self.queue.workers.claim_of("worker-c")), ([], None))

    def test_what_must_be_stopped_is_read_at_once(self) -> None:
        first, second, third = self.tokens["worker-a"]
        self.assertEqual(self.queue.assignments.to_stop("worker-a"), {})
        tasks = {claim.token: claim.task for claim in self.queue.claims()}
        self.queue.cancel(tasks[first])
        self.queue.done(tasks[second], token=second)  # its agent's word: it goes on
        self.queue.done(tasks[third], force=True)
        self.queue.assignments.stop(self.tokens["worker-b"][0])
        found = self.queue.assignments.to_stop("worker-a")
        self.assertEqual(found, {first: "its task was set to cancelled", third: "its task was set to done"})
        for token in self.tokens["worker-a"]:
            self.assertEqual(self.queue.assignments.must_stop(token), found.get(token))

    def test_what_an_attempt_came_to_decides_what_follows_for_its_task(self) -> None:
        outcomes: dict[Outcome, str] = {
            "cancelled": "cancelled", "out-of-memory": "backlog", "preempted": "backlog", "lost": "backlog",
            "refused": "failed", "node-failed": "failed",
        }  # fmt: skip
        tasks = {claim.token: claim.task for claim in self.queue.claims()}
        for token, outcome in zip(tasks, outcomes):
            self.queue.assignments.finish(token, txlite.Result(outcome), max_attempts=2)
            self.assertEqual(self.queue.get(tasks[token]).status, outcomes[outcome], outcome)

    def test_claims_of_the_dead_are_given_to_another_worker(self) -> None:
        first, second, third = self.tokens["worker-a"]
        self.queue.assignments.stop(second)
        self.queue.assignments.finish(third, txlite.Result("done", 0), 1)
        adopted = self.queue.assignments.adopt([second, first, third, 99], "worker-c")
        self.assertEqual([one.claim.token for one in adopted], [first, second])
        self.assertEqual({one.claim.worker for one in adopted}, {"worker-c"})
        self.assertEqual([one.task.command for one in adopted], ["echo 0", "echo 1"])
        self.assertTrue(all(one.claim.held for one in adopted))
        self.assertEqual((self.tokens_of("worker-a"), self.tokens_of("worker-c")), ([], [first, second]))
        self.assertEqual(self.tokens_of("worker-b"), self.tokens["worker-b"])
        self.assertEqual(list(self.queue.assignments.to_stop("worker-c")), [second])
        self.assertEqual([one.worker for one in self.queue.attempt_statuses.open() if one.attempt == first],
                         ["worker-c"])  # fmt: skip
        self.queue.assignments.finish(first, txlite.Result("done", 0), 1)
        self.assertEqual(self.queue.get(adopted[0].task.id).status, "done")
        self.assert_sound(self.queue)

    def test_what_was_claimed_by_hand_is_adopted_by_nobody(self) -> None:
        claim = self.queue.claim(self.queue.list()[6], "me")
        self.assertEqual(self.queue.assignments.adopt([claim.token], "worker-c"), [])
        self.assertEqual(self.queue.claims()[-1].worker, "me")


if __name__ == "__main__":
    unittest.main()
