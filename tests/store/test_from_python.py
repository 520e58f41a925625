"""The store from Python: the documents' programs, claims that are renewed in the background, threads."""

from __future__ import annotations

import contextlib
import io
import os
import textwrap
import threading
import time
import unittest
from collections.abc import Callable
from typing import Any, cast
from unittest import mock

import txlite
from txlite.store import claim_keeper
from txlite.system import clock

from ..case import PATIENCE, ROOT, Case, wait_until
from .case import StoppedClocks


class Programs(Case):
    def programs(self, **names: Any) -> dict[str, Any]:
        """What the programs of docs/python.md define, after running them."""
        with open(os.path.join(ROOT, "txlite", "docs", "python.md"), encoding="utf-8") as file:
            section = file.read()
        source = textwrap.dedent("\n".join(line if line.startswith("    ") else "" for line in section.split("\n")))
        here = {"open": lambda: txlite.open(self.home)}
        names["txlite"] = mock.Mock(**{**{name: getattr(txlite, name) for name in txlite.__all__}, **here})
        exec(source.replace("import txlite\n", ""), names)
        return names

    def test_the_programs_of_the_documentation(self) -> None:
        os.environ.pop("TXLITE_HOME", None)
        out = io.StringIO()
        with contextlib.redirect_stdout(out), self.store() as store:
            program = self.programs(names=["a", "b"], threading=threading)
            ids = [task.id for task in store.list()]
            self.assertEqual([task.status for task in store.list()], ["done", "backlog", "backlog"])
            for worker in program["workers"]:
                worker.start()
            for worker in program["workers"]:
                worker.join()
            self.assertEqual({task.status for task in store.list()}, {"done"})
            self.assertRegex(out.getvalue(), r"(alpha|beta|gamma): Look at the results\n")
            self.assertEqual(len(store.attempts(ids[1])), 1)
            task = store.add("contended").id
            self.assertEqual(program["claim_or_none"](store, task, "me").worker, "me")
            self.assertIsNone(program["claim_or_none"](store, task, "you"))
            self.assertIn("is already claimed by me until", out.getvalue())
            store.done(task)
            task, parts = store.add("long").id, []
            program["work_long"](store, task, [lambda: parts.append(1)] * 3)
            self.assertEqual((parts, store.get(task).status), ([1, 1, 1], "done"))
            task = store.add("crashed").id
            store.claim(task, "gone", lease=1)
            wait_until(store.expired, "the lease to run out")
            program["recover"](store)
            self.assertEqual(store.get(task).status, "backlog")
            self.assertIn(f"gone did not finish {task}", out.getvalue())
            self.assertRegex(program["back_up_each_night"](store), r"^....-..-..T..:(00|15|30|45):00.000Z$")


class Claimed(Case):
    def test_renewal_in_the_background(self) -> None:
        with self.store() as store:
            task = store.add("long work").id
            often = mock.patch.object(claim_keeper, "SHARE", 600)
            passed, monotonic = [0.0], clock.monotonic
            quickly = mock.patch.object(clock, "monotonic", lambda: monotonic() + passed[0])
            with often, quickly, store.claimed(task, "me", lease=60) as claim:
                first = store.claims()[0]
                for _ in range(3):  # longer than its lease
                    self.wait_for_renewal(store)
                    passed[0] += 40
                self.wait_for_renewal(store)
                claim.check()
                self.assertEqual(store.claims()[0].token, first.token)
                claim.done()
            self.assertEqual(store.get(task).status, "done")
            task = store.add("given back").id
            with store.claimed(task, "me"):
                with self.assertRaises(txlite.AlreadyClaimed):
                    store.claim(task, "another")
            self.assertEqual((store.get(task).status, store.claims()), ("backlog", []))

    def wait_for_renewal(self, store: txlite.Store) -> None:
        """Until one came that began after this."""
        known = store.claims()[0].renewals
        wait_until(lambda: store.claims()[0].renewals >= known + 2, "the claim to be renewed")

    def test_the_work_learns_that_its_claim_was_lost(self) -> None:
        with self.store() as store, txlite.open(self.home) as other:
            task = store.add("long work").id
            with self.assertRaises(txlite.LeaseLost):
                with store.claimed(task, "me", lease=1) as claim:
                    other.reset(task)
                    other.claim(task, "another")
                    self.assertTrue(claim.lost.wait(60))
                    with self.assertRaises(txlite.LeaseLost):
                        claim.check()
                    with self.assertRaises(txlite.LeaseLost):
                        claim.done()
            self.assertEqual(other.claims()[0].worker, "another")

    def test_a_late_holder_changes_nothing_even_if_nobody_noticed(self) -> None:
        with self.store() as store:
            task = store.add("x").id
            claim = store.claim(task, "me", lease=1)
            wait_until(store.expired, "the lease to run out")
            for act in (store.done, store.fail, store.renew, store.release):
                with self.assertRaisesRegex(txlite.LeaseLost, "ran out at"):
                    act(task, token=claim.token)
            self.assertEqual(store.get(task).status, "active")

    def test_the_work_learns_that_somebody_decided(self) -> None:
        with self.store() as store, txlite.open(self.home) as other:
            for decide in (other.cancel, lambda task: other.update(task, status="blocked"), other.done,
                           lambda task: (other.reset(task), other.delete(task))):  # fmt: skip
                task = store.add("long work").id
                with contextlib.suppress(txlite.LeaseLost), store.claimed(task, "me", lease=1) as claim:
                    decide(task)
                    self.assertTrue(claim.lost.wait(60))
            task = store.add("long work").id
            with self.assertRaises(ZeroDivisionError), store.claimed(task, "me"):
                other.reset(task)
                other.delete(task)
                1 / 0  # noqa: B018  # the work's own exception says more


class Sharing(Case):
    def test_a_store_that_is_closed_while_threads_wait(self) -> None:
        store, trouble = self.store(), []
        task = store.add("x").id

        def wait() -> None:
            deadline = time.monotonic() + PATIENCE
            try:
                while time.monotonic() < deadline:
                    store.get(task)
                    store.add("y")
            except Exception as error:
                trouble.append(type(error))

        with store.database.writing():
            threads = [threading.Thread(target=wait) for _ in range(4)]
            for thread in threads:
                thread.start()
        store.close()
        for thread in threads:
            thread.join()
        self.assertEqual(trouble, [txlite.StoreUnavailable] * 4)

    def test_several_threads_and_one_store(self) -> None:
        with self.store() as store:
            ids = store.add_many(f"task {number}" for number in range(40))
            ran, trouble = [], []

            def work(name: str) -> None:
                try:
                    while True:
                        found = store.claim_best(name)
                        if found is None:
                            return
                        ran.append(found.task.id)
                        store.done(found.task.id, token=found.claim.token)
                except Exception as error:
                    trouble.append(error)

            threads = [threading.Thread(target=work, args=(f"thread-{number}",)) for number in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual((trouble, sorted(ran)), ([], sorted(ids)))


class Names(Case):
    def test_a_task_stands_for_its_id(self) -> None:
        with self.store() as store:
            first = store.add("first")
            second = store.add("second", after=first, parent=first)
            third = store.add("third", after=[first, second.id])
            self.assertEqual(store.relations([third])[third.id].blocked_by, [first.id, second.id])
            store.remove_dependency(third, second)
            store.add_dependency(third, second)
            self.assertEqual(store.get(third).id, third.id)
            store.claim(first, "me")
            store.renew(first, "me")
            store.release(first, "me")
            with store.claimed(first, "me"):
                pass
            store.update(second, parent=third, score=3)
            self.assertEqual(store.attempts(first)[0].worker, "me")
            self.assertEqual(store.done(first), [second.id])
            store.fail(second)
            store.retry(second)
            store.cancel(second)
            store.reset(second)
            self.assertEqual(store.delete(third, cascade=True), [third.id, second.id])

    def test_anything_else_is_refused_by_the_arguments_name(self) -> None:
        with self.store() as store:
            task, wrong = store.add("task"), cast(Any, store)
            calls: list[tuple[Callable[[], object], str]] = [
                (lambda: wrong.claim(5, "me"), "task"),
                (lambda: wrong.get(None), "task"),
                (lambda: wrong.add_dependency(task, 5), "blocker"),
                (lambda: wrong.add("x", after=5), "after"),
                (lambda: wrong.add("x", after=[None]), "after"),
                (lambda: wrong.add("x", parent=b"tx-x"), "parent"),
                (lambda: wrong.claim(task, 5), "the worker's name"),
                (lambda: wrong.add(5), "the title"),
                (lambda: wrong.add("x", description=5), "the description"),
                (lambda: wrong.add("x", timeout="5"), "timeout"),
                (lambda: wrong.add("x", max_attempts=0), "max_attempts"),
                (lambda: wrong.add("x", environment={"A": 5}), "value of A"),
            ]
            for call, name in calls:
                with self.assertRaisesRegex(txlite.InvalidValue, name):
                    call()


class Due(Case):
    def test_what_became_due_behind_much_else(self) -> None:
        with self.store() as store:
            moment = "2025-01-01T00:00:00.000Z"
            store.add_many({"title": "a", "needs": "a", "not_before": moment} for _ in range(1001))
            task = store.add("b", needs="b", not_before=moment).id
            self.assertEqual(store.claim_best("me", lanes=[txlite.Lane("prompt", "b")]).task.id, task)

    def test_a_clock_that_is_set_makes_no_delay_longer(self) -> None:
        with self.store() as store:
            later, released, failed = (store.add(title, needs=title).id for title in ("later", "released", "failed"))
            store.update(later, status="done")
            store.claim(released, "me")
            lane, clocks = txlite.Lane("prompt", "failed"), StoppedClocks()
            token = store.assignments.claim_next("worker", [lane], "agent").claim.token
            with clocks.at(0), mock.patch("time.time", lambda: 4e9):
                store.release(released, "me")
                store.assignments.finish(token, txlite.Result("failed", 1), 3)
            with clocks.at(0):
                self.assertLess(store.assignments.due_in(), 2.1)
                self.assertEqual([task.id for task in store.list(["reserved"])], [released])
                self.assertEqual([task.id for task in store.list(["later"])], [failed])
            with clocks.at(2.1):
                self.assertEqual([task.id for task in store.list(["ready"])], [released, failed])
                self.assertEqual(store.claim(released, "you").task, released)
                self.assertEqual(store.assignments.claim_next("worker", [lane], "agent").task.id, failed)

    def test_a_delay_is_over_after_a_reboot_and_by_the_clock_elsewhere(self) -> None:
        with self.store() as store:
            ids, clocks = [store.add(f"task {number}").id for number in range(3)], StoppedClocks()
            with clocks.at(0):
                for task in ids:
                    store.claim(task, "me")
                    store.release(task, "me")
                with store.database.writing() as connection:
                    connection.execute("UPDATE tasks SET delay_boot = 'before' WHERE id <> ?", (ids[2],))
                    connection.execute("UPDATE tasks SET delay_host = 'elsewhere' WHERE id = ?", (ids[1],))
            with clocks.at(1.9):
                self.assertEqual([task.id for task in store.list(["ready"])], ids[:1])
                self.assertEqual(store.claim_best("you").task.id, ids[0])
                self.assertIsNone(store.claim_best("you"))
            with clocks.at(2.1):
                self.assertEqual([task.id for task in store.list(["ready"])], ids[1:])
                self.assertEqual({store.claim_best("you").task.id for _ in ids[1:]}, set(ids[1:]))

    def test_nothing_is_due_while_the_queue_is_paused(self) -> None:
        with self.store() as store:
            store.add("x", not_before="2025-01-01T00:00:00.000Z")
            self.assertIsNotNone(store.assignments.due_in())
            store.pause()
            self.assertIsNone(store.assignments.due_in())
            store.resume()
            self.assertIsNotNone(store.assignments.due_in())


if __name__ == "__main__":
    unittest.main()
