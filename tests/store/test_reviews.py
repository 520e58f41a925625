"""Reviews, usages and messages: what is noted of attempts besides their ends, and the status `review`."""

from __future__ import annotations

import unittest
from typing import TYPE_CHECKING
from unittest import mock

import txlite
from txlite.model import APPROVED, REJECTED, Lane, Usage
from txlite.store import assignments
from txlite.store.loop_attempts import Choice

from ..case import Case

if TYPE_CHECKING:
    from txlite.model import Outcome


class Reviews(Case):
    """A task whose attempt has passed its gate, and waits."""

    def setUp(self) -> None:
        super().setUp()
        self.queue = self.store()
        self.task = self.queue.add("one", command="true")
        self.next = self.queue.add("two", command="true", after=self.task)

    def work(self, outcome: Outcome = "done", work: str = "abc") -> int:
        """An attempt that ends so after its review was noted; its number."""
        claimed = self.queue.assignments.claim_next("worker-1", [Lane("command")], "codex")
        self.assertEqual(claimed.task.id, self.task.id)
        self.queue.reviews.put(claimed.claim.token, "/repository", "main", f"txlite/{self.task.id}", work)
        self.queue.assignments.finish(claimed.claim.token, txlite.Result(outcome), 3)
        return claimed.claim.token

    def state(self) -> tuple[str, str]:
        return self.queue.get(self.task).state, self.queue.get(self.next).state

    def test_what_passed_waits_for_a_word_and_so_do_others_for_it(self) -> None:
        attempt = self.work()
        self.assertEqual(self.state(), ("review", "waiting"))
        (review,) = self.queue.reviews.open()
        self.assertEqual(review[:6], (attempt, self.task.id, "/repository", "main", f"txlite/{self.task.id}", "abc"))
        self.assertIsNone(self.queue.assignments.claim_next("worker-1", [Lane("command")], "codex"))
        self.assertTrue(self.queue.assignments.is_idle([Lane("command")]))
        with self.assertRaisesRegex(txlite.errors.NotReady, "is to be reviewed: `txlite review"):
            self.queue.claim(self.task, "me")
        self.assertEqual([one.id for one in self.queue.batches.stuck()], [self.next.id])
        self.assertEqual(self.queue.list(["review"])[0].id, self.task.id)

    def test_a_word_of_a_person_ends_the_wait(self) -> None:
        self.work()
        self.assertEqual(self.queue.done(self.task), [self.next.id])
        self.assertEqual((self.state(), self.queue.reviews.open()), (("done", "ready"), []))

    def test_what_is_given_back_is_tried_again_and_waits_again(self) -> None:
        first = self.work()
        self.queue.reviews.judge(first, REJECTED, "no tests", "claude")
        self.queue.update(self.task, status="backlog")
        self.assertEqual(self.state(), ("ready", "waiting"))
        second = self.work(work="def")
        self.assertEqual([one.work for one in self.queue.reviews.open()], ["def"])
        self.queue.reviews.judge(second, APPROVED)
        self.assertEqual(self.queue.reviews.last(self.task.id).attempt, second)
        self.assertEqual(self.queue.reviews.verdicts(first)[0][:4], (first, "claude", REJECTED, "no tests"))
        self.assertEqual(self.queue.reviews.verdicts(second)[0][:4], (second, "", APPROVED, ""))

    def test_a_rejection_is_told_until_work_has_landed(self) -> None:
        self.queue.loops.begin("loop-1", "codex", None, None)
        first = self.work_in_loop()
        self.queue.approvals.reject(self.task.id, "no tests")
        task = self.queue.get(self.task)
        self.assertEqual((task.status, task.failures), ("backlog", 1))
        self.assertEqual(self.queue.approvals.last_rejection(task)[::3], (first, "no tests"))
        self.work_in_loop()
        approval = self.queue.approvals.claim(self.task.id, "worker-2").claim.token
        with self.assertRaisesRegex(txlite.errors.AlreadyClaimed, "was approved, and worker-2 lands it now"):
            self.queue.approvals.reject(self.task.id, "why")
        self.queue.assignments.finish(approval, txlite.Result("lost"), 3)
        self.assertEqual(self.state()[0], "review")
        self.assertIsNotNone(self.queue.approvals.last_rejection(task))
        approval = self.queue.approvals.claim(self.task.id, "worker-2").claim.token
        self.queue.loop_attempts.settle(approval, landed="abc")
        self.queue.assignments.finish(approval, txlite.Result("done"), 3)
        self.assertEqual(self.state(), ("done", "ready"))
        self.assertIsNone(self.queue.approvals.last_rejection(task))

    def work_in_loop(self) -> int:
        """The same as `work`, in a loop."""
        found = self.queue.loop_attempts.claim_next(
            "worker-1", [Lane("command")], lambda task: Choice("codex", ""), "loop-1"
        )
        assert found
        self.queue.reviews.put(found.claim.token, "/repository", "main", "b", "abc")
        self.queue.assignments.finish(found.claim.token, txlite.Result("done"), 3)
        self.assertEqual(self.state()[0], "review")
        return found.claim.token

    def test_what_failed_or_was_cancelled_does_not_wait(self) -> None:
        with mock.patch.object(assignments, "backoff", return_value=60):
            self.work("failed")
        self.assertEqual(self.state()[0], "later")
        self.queue.retry(self.task)
        claimed = self.queue.assignments.claim_next("worker-1", [Lane("command")], "codex")
        self.queue.reviews.put(claimed.claim.token, "/repository", "main", "b", "abc")
        self.queue.cancel(self.task)
        self.queue.assignments.finish(claimed.claim.token, txlite.Result("done"), 3)
        self.assertEqual(self.state()[0], "cancelled")

    def test_what_comes_again_does_so_when_it_is_done(self) -> None:
        self.queue.remove_dependency(self.next, self.task)
        self.queue.update(self.task, every="1d")
        self.work()
        self.assertEqual(self.state()[0], "review")
        self.queue.done(self.task)
        self.assertTrue(self.queue.get(self.task).is_resting)

    def test_nobody_gives_a_task_this_status_by_a_word(self) -> None:
        with self.assertRaises(txlite.errors.InvalidValue):
            self.queue.update(self.task, status="review")
        self.work()
        self.txlite("update", self.task.id, "--status", "blocked", code=1)
        self.txlite("retry", self.task.id)
        self.assertEqual(self.state()[0], "ready")

    def test_it_is_shown(self) -> None:
        self.work()
        self.assertIn(" review ", self.txlite("list"))
        self.assertIn("1 waits for a person's review: `txlite review`", self.txlite("status"))
        self.assertIn("review", self.txlite("wait", self.task.id, code=1))
        self.assertEqual(self.json("list", "--status", "review")[0]["status"], "review")
        self.queue.export.write(self.path("export"))
        with open(self.path("export")) as file:
            self.assertIn('"status": "review"', file.read())


class Notes(Case):
    """Usages and messages."""

    def setUp(self) -> None:
        super().setUp()
        self.queue = self.store()
        self.task = self.queue.add("one")
        self.attempt = self.queue.claim(self.task, "me").token

    def test_what_was_not_said_is_unknown(self) -> None:
        self.assertEqual(self.queue.usages.of(self.attempt), [])
        self.queue.usages.put([Usage(self.attempt, "agent", "codex", output_tokens=0)])
        found = Usage(self.attempt, "agent", "codex", "gpt", "id", 10, 5, 2, 1_500_000, 3)
        self.assertEqual(self.queue.usages.of(self.attempt)[0][5:], (None, None, 0, None, None))
        judged = Usage(self.attempt, "reviewer", "claude")
        self.queue.usages.put([found, judged])
        self.assertEqual(self.queue.usages.of(self.attempt), [found, judged])
        self.queue.release(self.task, "me")
        second = self.queue.claim(self.task, "me").token
        self.queue.usages.put([Usage(second, "agent", "claude", cost=7)])
        self.assertEqual([one.cost for one in self.queue.usages.of_task(self.task.id)], [1_500_000, None, 7])
        self.assertEqual(self.queue.usages.spent_on(self.task.id)[:3], (1_500_007, 2, 1))
        self.assertEqual(self.queue.usages.spent(), (1_500_007, 2, 1, 10, 2))

    def test_a_message_is_told_once(self) -> None:
        first, second = (self.queue.messages.add(self.task.id, words) for words in ("look at\nthis", "and that"))
        self.assertEqual(
            [one.words for one in self.queue.messages.waiting(self.task.id)], ["look at\nthis", "and that"]
        )
        self.queue.messages.tell([first], self.attempt)
        self.queue.messages.tell([first, second], self.attempt + 1)
        told = [(one.id, one.attempt) for one in self.queue.messages.of(self.task.id)]
        self.assertEqual(told, [(first, self.attempt), (second, self.attempt + 1)])
        self.assertEqual(self.queue.messages.waiting(self.task.id), [])
        with self.assertRaises(txlite.errors.InvalidValue):
            self.queue.messages.add(self.task.id, "")
        with self.assertRaises(txlite.TaskNotFound):
            self.queue.messages.add("tx-00000000", "words")


if __name__ == "__main__":
    unittest.main()
