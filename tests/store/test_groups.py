"""Groups in the store: who may claim what, what is told of it, and who is woken."""

from __future__ import annotations

import os
import random
import select
import unittest
from typing import TYPE_CHECKING
from unittest import mock

import txlite
from txlite.model import COMMAND, DONE, PROMPT, Lane, Task, WorkerRecord, format_lanes
from txlite.store import group_room
from txlite.store.assignments import Assignment
from txlite.store.groups import READY
from txlite.store.integrity import Inspection
from txlite.system.wakeup import Listener

from ..case import Case

if TYPE_CHECKING:
    from txlite.model import Outcome

LANES = [Lane(COMMAND)]
MOMENT = "2026-01-01T00:00:00.000Z"


class GroupCase(Case):
    def setUp(self) -> None:
        super().setUp()
        os.mkdir(self.home, 0o700)
        self.write_config("[txlite]\nsynchronous = NORMAL\n")
        self.queue = self.store()

    def add(self, group: str, count: int = 1, score: float = 0) -> list[str]:
        return [self.queue.add(command=f"echo {group}", group=group, score=score).id for _ in range(count)]

    def claim(self, worker: str = "worker-1") -> str | None:
        found = self.queue.assignments.claim_next(worker, LANES, "shell")
        self.last = found
        return found.task.id if found else None

    def finish(self, assignment: Assignment, goes_on: bool = False, outcome: Outcome = DONE) -> Assignment | None:
        lanes = LANES if goes_on else ()
        result = txlite.Result(outcome)
        return self.queue.assignments.finish(assignment.claim.token, result, 3, "worker-1", lanes, "shell")

    def limit(self, group: str, limit: int | None) -> None:
        self.queue.groups.set_limit(group, limit)


class Limits(GroupCase):
    def test_no_more_than_its_limit_are_claimed_and_the_best_of_others_instead(self) -> None:
        first, second, third = self.add("a", 3, score=9)
        other, low = self.add("b"), self.add("", score=-1)
        self.assertEqual([self.claim(), self.claim(), self.claim(), self.claim()], [first, *other, *low, None])
        self.limit("a", 2)
        self.assertEqual([self.claim(), self.claim()], [second, None])
        self.limit("a", None)
        self.assertEqual([self.claim(), self.claim()], [third, None])

    def test_who_ends_an_attempt_takes_the_next_of_its_group_in_the_same_step(self) -> None:
        first, second = self.add("a", 2)
        self.claim()
        following = self.finish(self.last, goes_on=True)
        self.assertEqual(following and following.task.id, second)
        self.assertIsNone(self.claim("worker-2"))
        self.assertIsNone(self.finish(following, goes_on=True))
        self.assertEqual({self.queue.get(id).status for id in (first, second)}, {DONE})

    def test_a_claim_that_nobody_ends_keeps_its_room(self) -> None:
        first, second = self.add("a", 2)
        self.claim()
        held = self.last
        self.queue.assignments.stop(held.claim.token)  # decided, but its agent may still run
        self.assertIsNone(self.claim("worker-2"))
        self.finish(held, outcome="cancelled")
        self.assertEqual(self.claim("worker-2"), second)

    def test_a_lower_limit_lets_what_runs_go_on_and_begins_nothing_until_there_is_room(self) -> None:
        self.limit("a", 3)
        self.add("a", 5)
        held = [self.queue.assignments.claim_next(f"worker-{number}", LANES, "shell") for number in range(3)]
        self.limit("a", 1)
        for assignment in held[:2]:
            self.assertIsNone(self.finish(assignment, goes_on=True))
        self.assertIsNotNone(self.finish(held[2], goes_on=True))

    def test_claims_by_hand_count_and_only_one_that_names_its_task_may_go_beyond(self) -> None:
        first, second, third = self.add("a", 3)
        self.queue.claim(second, "me")
        self.assertIsNone(self.claim())
        self.assertIsNone(self.queue.claim_best("me"))
        self.queue.claim(third, "me")
        self.assertEqual(self.queue.groups.get("a")[1:], (1, None, 2, 1))
        self.queue.release(second, "me")
        self.assertIsNone(self.queue.claim_best("you"))
        self.queue.done(third, "me")
        self.assertEqual(self.queue.claim_best("you").task.id, first)

    def test_a_pause_holds_a_group_and_no_other(self) -> None:
        first, second = self.add("a", 2)
        other = self.add("b", 2)
        since = self.queue.groups.pause("a").paused
        self.assertEqual(self.queue.groups.pause("a").paused, since)
        self.assertEqual([self.claim(), self.queue.claim_best("me")], [other[0], None])
        self.queue.claim(first, "me")  # a person's word goes
        self.queue.groups.resume("a")
        self.queue.done(first)
        self.assertEqual(self.claim(), second)

    def test_a_task_changes_its_group(self) -> None:
        first, second = self.add("a", 2)
        self.claim()
        self.queue.update(second, group="b")
        self.assertEqual(self.claim(), second)
        self.queue.update(first, group="b")  # while it runs: two of b run then
        third = self.add("b")[0]
        self.finish(self.last)
        self.assertIsNone(self.claim())
        self.queue.update(third, group="")
        self.assertEqual(self.claim(), third)

    def test_a_pause_of_all_holds_what_is_in_groups_too(self) -> None:
        task = self.add("a")[0]
        self.queue.pause()
        self.assertIsNone(self.claim())
        self.queue.resume()
        self.assertEqual(self.claim(), task)

    def test_what_is_for_later_waits_for_room_when_its_time_has_come(self) -> None:
        first = self.add("a")[0]
        later = self.queue.add(command="later", group="a", not_before="2020-01-01T00:00:00.000Z", score=-1).id
        self.assertEqual([self.claim(), self.claim()], [first, None])
        self.assertEqual(self.queue.get(later).state, "waiting")
        self.finish(self.last or self.queue.assignments.adopt([1], "worker-1")[0])
        self.assertEqual(self.claim(), later)

    def test_by_chance_the_best_that_has_room_is_claimed(self) -> None:
        source = random.Random(7)
        for near, few, far in ((256, 200, 20_000), (2, 2, 3), (1, 50, 1)):
            with mock.patch.multiple(group_room, NEAR=near, FEW=few, FAR=far), self.subTest(near=near):
                self.try_by_chance(source)

    def try_by_chance(self, source: random.Random) -> None:
        names = ["", *(f"group {number}" for number in range(8))]
        self.queue.add_many(
            {"title": "x", "command": "true", "group": source.choice(names), "score": source.randrange(4)}
            for _ in range(60)
        )
        for name in names[1:]:
            self.limit(name, source.choice([1, 1, 2, 3, None]))
        held: list[Assignment] = []
        for step in range(90):
            paused = source.choice(names[1:])
            source.choice([self.queue.groups.pause, self.queue.groups.resume, self.queue.groups.resume])(paused)
            expected = self.find_best()
            found = self.queue.assignments.claim_next(f"worker-{step}", LANES, "shell")
            self.assertEqual(found and found.task.id, expected and expected.id)
            held += [found] if found else []
            while held and source.random() < 0.5:
                self.finish(held.pop(source.randrange(len(held))))
        for assignment in held:
            self.finish(assignment)
        for task in self.queue.list(["backlog"]):
            self.queue.cancel(task)

    def find_best(self) -> Task | None:
        """The same, thought out anew from lists."""
        holds = {one.name: one.hold for one in self.queue.groups.all()}
        waiting = [one for one in self.queue.list(["backlog"]) if not holds.get(one.group)]
        self.assertEqual({one.id for one in self.queue.ready()}, {one.id for one in waiting})
        self.assertEqual({one.id for one in waiting}, {one.id for one in self.queue.list(["ready"])})
        return min(waiting, key=lambda one: (-one.score, one.seq), default=None)


class Told(GroupCase):
    def test_what_has_no_room_waits_and_is_not_ready(self) -> None:
        first, second = self.add("a", 2)
        self.assertEqual([one.id for one in self.queue.ready()], [first, second])
        self.claim()
        self.assertEqual(self.queue.ready(), [])
        task = self.queue.get(second)
        self.assertEqual((task.state, task.is_ready, task.is_free), ("waiting", False, True))
        self.assertEqual([one.id for one in self.queue.list(["waiting"])], [second])
        self.assertEqual([one.id for one in self.queue.list(["ready"])], [])
        self.assertEqual(self.queue.groups.get("a").hold, "full (1 of 1)")
        self.queue.groups.pause("a")
        self.assertEqual(self.queue.groups.get("a").hold, "paused")

    def test_piles_of_what_waits(self) -> None:
        self.add("a", 3)
        self.add("b", 2)
        self.add("")
        self.queue.add("a prompt", group="a")
        self.queue.add(command="x", group="b", not_before="2999-01-01T00:00:00.000Z")
        after = self.queue.add(command="x", group="b", after=self.queue.add("x")).id
        self.claim()
        self.queue.groups.pause("b")
        piles = {(one.state, one.lane.kind, one.held_by): one.size for one in self.queue.waiting.piles(limit=5)}
        self.assertEqual(piles, {
            ("ready", PROMPT, ""): 1, ("waiting", COMMAND, "a"): 2, ("waiting", PROMPT, "a"): 1,
            ("waiting", COMMAND, "b"): 2, ("ready", COMMAND, ""): 1, ("later", COMMAND, ""): 1,
            ("waiting", COMMAND, ""): 1,
        })  # fmt: skip
        for pile in self.queue.waiting.piles(limit=5):
            self.assertEqual(len(pile.first), pile.size)
            self.assertEqual({one.state for one in pile.first}, {pile.state})
        self.assertEqual([(one.name, one.running, one.waiting) for one in self.queue.groups.all()],
                         [("a", 1, 3), ("b", 0, 4)])  # fmt: skip
        self.assertEqual(self.queue.get(after).state, "waiting")
        lines = [{"command": "true", "group": name} for name in ("a", "b", "c", "")]
        batch = self.queue.batches.add(("x", "x"), "a file", lines)
        found = [(one.state, one.held_by, one.size) for one in self.queue.waiting.piles(batch, limit=5)]
        self.assertEqual(sorted(found), [("ready", "", 1), ("ready", "", 1), ("waiting", "a", 1), ("waiting", "b", 1)])
        self.assertEqual(self.queue.batches.count_outside(batch, "a"), 3)

    def test_a_run_stays_for_what_waits_for_its_group_and_needs_no_workers_for_it(self) -> None:
        def look() -> tuple[bool, int]:
            return self.queue.assignments.is_idle(LANES), self.queue.assignments.demand(LANES, "run-1", 8)

        self.assertEqual(look(), (True, 0))
        self.add("a", 5)
        self.assertEqual(look(), (False, 1))
        self.limit("a", 3)
        self.add("b", 2)
        self.assertEqual(look(), (False, 4))
        self.queue.groups.pause("a")
        self.assertEqual(look(), (False, 1))
        self.add("", 20)
        self.assertEqual(look(), (False, 8))
        while self.claim():
            self.finish(self.last)
        self.assertEqual(look(), (False, 0))
        self.queue.groups.resume("a")
        self.assertEqual(look(), (False, 3))

    def test_a_group_is_made_by_its_first_task_and_removed_when_it_is_not_used(self) -> None:
        self.assertEqual(self.queue.groups.all(), [])
        first = self.add("a")[0]
        self.queue.add_many([{"title": "x", "group": "b"}, {"title": "y", "group": "b"}])
        self.assertEqual([one[:3] for one in self.queue.groups.all()], [("a", 1, None), ("b", 1, None)])
        with self.assertRaises(txlite.Refused):
            self.queue.groups.remove("a")
        self.queue.cancel(first)
        self.queue.groups.remove("a")
        self.assertEqual(self.queue.groups.names(), ["b"])
        self.queue.retry(first)
        self.assertEqual(self.queue.groups.get("a").limit, 1)
        self.assertEqual(Inspection(self.queue.database).inconsistencies(), [])
        self.assertEqual(self.claim(), first)
        for change in (self.queue.groups.pause, self.queue.groups.resume, self.queue.groups.get):
            with self.assertRaisesRegex(txlite.errors.NotFound, "group not found: bb .did you mean b?"):
                change("bb")
        for name, limit in (("", 1), ("a\nb", 1), ("a", 0), ("a", -1), ("a", 1.5), ("a", True)):
            with self.assertRaises(txlite.errors.InvalidValue):
                self.queue.groups.set_limit(name, limit)  # type: ignore[arg-type]

    def test_doctor_names_a_task_in_a_group_that_is_gone(self) -> None:
        task = self.add("a")[0]
        self.assertEqual(Inspection(self.queue.database).inconsistencies(), [])
        with self.queue.database.writing() as connection:
            connection.execute("DELETE FROM groups")
        found = Inspection(self.queue.database).inconsistencies()
        self.assertEqual([(one.name, one.tasks) for one in found], [("in a group that is gone", [task])])
        with self.queue.database.writing() as connection:
            connection.execute(found[0].remedy)
        self.assertEqual(self.claim(), task)


class Woken(GroupCase):
    """An idle worker is rung whenever a group got room for what it accepts."""

    def setUp(self) -> None:
        super().setUp()
        self.first, self.second = self.add("a", 2)
        record = WorkerRecord(
            "worker-9", "nine", "run-1", format_lanes(LANES), "host", "an identity", 10.0, MOMENT, MOMENT, None
        )
        self.queue.workers.register(record)
        self.listener = Listener(self.queue.wake_directory, "worker-9")
        self.addCleanup(self.listener.close)
        self.listener.show()

    def assert_rung(self, is_rung: bool = True) -> None:
        ready = select.select([self.listener.descriptor], [], [], 0)[0]
        self.assertEqual(bool(ready), is_rung)
        self.listener.drain()

    def test_by_the_end_of_an_attempt(self) -> None:
        self.claim()
        self.assert_rung(False)
        self.finish(self.last)
        self.assert_rung()

    def test_not_by_who_takes_the_next_itself(self) -> None:
        self.claim()
        self.finish(self.last, goes_on=True)
        self.assert_rung(False)

    def test_by_what_people_say(self) -> None:
        self.queue.claim(self.first, "me")
        self.assert_rung(False)
        self.queue.release(self.first, "me")
        self.assert_rung()
        self.queue.claim(self.first, "me")
        self.queue.done(self.first, "me")
        self.assert_rung()
        third, fourth = self.add("a", 2)
        for begin, end in (
            (lambda: self.queue.claim(third, "me"), lambda: self.limit("a", 2)),
            (lambda: self.queue.groups.pause("a"), lambda: self.queue.groups.resume("a")),
            (lambda: self.limit("a", 1), lambda: self.queue.update(third, group="b")),
            (lambda: self.queue.claim(self.second, "me"), lambda: self.queue.reset(self.second)),
            (lambda: self.queue.claim(self.second, "me"), lambda: self.queue.fail(self.second)),
            (lambda: self.queue.groups.pause("a"), lambda: self.queue.update(fourth, group="")),
        ):
            begin()
            self.listener.drain()
            self.assertEqual([one.id for one in self.queue.ready()], [])
            end()
            self.assert_rung()

    def test_by_a_lease_that_ran_out(self) -> None:
        claim = self.queue.claim(self.first, "me", 1)
        with self.queue.database.writing() as connection:
            connection.execute("UPDATE claims SET deadline = 0")
        self.listener.drain()
        self.queue.expire(claim.token)
        self.assert_rung()


class Plans(GroupCase):
    """Each look is a walk down an index."""

    def plan(self, sql: str, values: object = ()) -> str:
        rows = self.queue.database.execute("EXPLAIN QUERY PLAN " + sql, values)  # type: ignore[arg-type]
        return "\n".join(str(row[-1]) for row in rows)

    def test_without_a_scan_and_without_sorting(self) -> None:
        lane = {"kind": COMMAND, "needs": "", "group": "", "limit": 1}
        for sql, values, index in (
            (group_room.WALK, (COMMAND, "", 9, 0), r"INDEX tasks_grouped \(kind=\? AND needs=\?\)"),
            (group_room.NEXT_GROUP, lane, r"INDEX tasks_ready \(kind=\? AND needs=\? AND in_group>\?\)"),
            (group_room.COUNT_IN_GROUP, lane, r"INDEX tasks_ready \(kind=\? AND needs=\? AND in_group=\?\)"),
            (group_room.IS_UNGROUPED, (COMMAND, ""), r"INDEX tasks_ready \(kind=\? AND needs=\? AND in_group=\?\)"),
            (group_room.HEADS, lane, r"INDEX tasks_ready \(kind=\? AND needs=\? AND in_group=\?\)"),
            (READY, (COMMAND, ""), r"INDEX tasks_ready \(kind=\? AND needs=\? AND in_group>\?\)"),
            (group_room.RUNNING, (0,), r"SEARCH (TABLE tasks AS )?t USING INTEGER PRIMARY KEY"),
        ):
            plan = self.plan(sql, values)
            self.assertRegex(plan, index)
            self.assertNotRegex(plan, r"SCAN (TABLE )?(tasks|t|h)\b")
            if sql != group_room.RUNNING:
                self.assertNotIn("TEMP B-TREE", plan)


if __name__ == "__main__":
    unittest.main()
