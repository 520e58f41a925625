"""The verbs for groups, and for the order of what waits, as a person types them."""

from __future__ import annotations

import unittest
from typing import Any

from ..case import Case
from ..view.screen import Terminal


class Groups(Case):
    def test_a_new_group_is_told_once_and_listed(self) -> None:
        self.assertEqual(self.txlite("group"), "there are no groups: `txlite add --group GROUP ...` makes one\n")
        self.txlite("add", "--group", "a b", "--", "true")
        self.assertEqual(
            self.errors,
            "txlite: group a b is new, and runs one task at a time: `txlite group 'a b' --workers N` changes that\n",
        )
        self.txlite("add", "--group", "a b", "--", "true")
        self.assertEqual(self.errors, "")
        self.txlite("add", "-q", "--group", "other", "--", "true")
        self.assertEqual(self.errors, "")
        self.txlite("pause", "other")
        self.assertRegex(
            self.txlite("group"),
            r"\AGROUP +LIMIT +RUNNING +WAITING\na b +1 +0 +2\nother +1 +0 +1 +paused since .*\n\Z",
        )
        self.assertEqual(
            self.json("group", "a b"), {"name": "a b", "limit": 1, "pausedSince": None, "running": 0, "waiting": 2}
        )
        self.assertEqual([one["name"] for one in self.json("group")], ["a b", "other"])
        first, second = (one["id"] for one in self.json("list")[:2])
        self.txlite("claim", second, "me")
        shown = self.txlite("group", "a b").splitlines()
        self.assertEqual([line.split()[:2] for line in shown[3:]], [[second, "active"], [first, "waiting"]])
        self.assertEqual(self.json("list")[0]["group"], "a b")

    def test_limits_are_changed_and_groups_removed(self) -> None:
        for given, limit in (("3", 3), ("none", None), ("1", 1)):
            self.assertEqual(self.json("group", "g", "-j", given)["limit"], limit)
        self.assertRegex(self.txlite("group", "g", "-j", "none"), r"\ng      none   0        0\n")
        self.assertEqual(self.txlite("group", "g", "--remove"), "removed: g\n")
        self.assertEqual(self.json("group"), [])

    def test_what_is_wrong_is_said(self) -> None:
        task = self.txlite("add", "-q", "--group", "card", "--", "true").strip()
        for words, code, said in (
            (
                ("group", "cart"),
                2,
                r"group not found: cart \(did you mean card\?\): `txlite group` lists those that exist",
            ),
            (("pause", "x"), 2, "group not found: x: "),
            (("resume", "x"), 2, "group not found: x: "),
            (("group", "card", "-j", "0"), 64, "a group that lets 0 tasks begin is a paused one: `txlite pause GROUP`"),
            (("group", "card", "-j", "many"), 64, "'many' at a time: give a whole number"),
            (("group", "-j", "2"), 64, "which group\\?"),
            (("group", "card", "--remove"), 1, "group card has tasks that have not ended"),
            (("group", "card", "--remove", "-j", "1"), 64, "--workers, or --remove: give one of the two"),
            (
                ("run", "--group", "card"),
                64,
                "--group card: this run adds nothing to it: `--group card=N` sets its limit",
            ),
            (("run", "--group", "card=x"), 64, "'x' at a time: give a whole number"),
            (("run", "--group", "=2"), 64, "the group has no name: give one"),
            (("add", "--group", "a\nb", "x"), 64, "the group contains control characters"),
        ):
            with self.subTest(words=words):
                self.txlite(*words, code=code)
                self.assertRegex(self.errors, said)
        self.assertEqual(self.json("group", "card")["waiting"], 1)
        self.assertEqual(self.json("show", task)["group"], "card")

    def test_run_puts_what_it_adds_into_a_group_and_sets_its_limit(self) -> None:
        self.txlite("run", "--from", self.batch("true", "true"), "--group", "a=b=2")
        self.assertEqual(self.errors, "")
        self.assertEqual([one["group"] for one in self.json("list")], ["a=b", "a=b"])
        self.assertEqual(self.json("group", "a=b")["limit"], 2)
        self.txlite("run", "--group", "a=b=none")
        self.assertIsNone(self.json("group", "a=b")["limit"])
        self.txlite("run", "--group", "new", "--", "true")
        self.assertIn("group new is new, and runs one task at a time", self.errors)
        self.txlite("run", "--group", "new", "--", "true")
        self.assertEqual(self.errors, "")
        batch = self.batch("test -e go", "true")
        self.txlite("run", "--max-attempts", "1", "--from", batch, code=1)
        self.txlite("run", "--max-attempts", "1", "--from", batch, "--group", "new", code=1)
        self.assertRegex(self.errors, "1 task was added before, and not to group new: `txlite update ID --group")

    def test_a_task_tells_its_group_and_changes_it(self) -> None:
        task = self.txlite("add", "-q", "--group", "card", "--", "true").strip()
        self.assertRegex(self.txlite("show", task), r"\n  group: +card\n")
        self.txlite("pause", "card")
        self.assertRegex(self.txlite("show", task), r"\n  status: +waiting\n(.*\n)*  group: +card, which is paused\n")
        self.assertIn("group card stays paused", self.txlite("resume"))
        self.txlite("update", task, "--group", "other")
        self.assertIn("group other is new", self.errors)
        self.txlite("update", task, "--group", "card")
        self.assertEqual(self.errors, "")
        self.assertEqual(self.json("update", task, "--group", "")["group"], None)
        self.assertEqual(self.txlite("resume", "card"), "workers claim tasks of group card again\n")

    def test_of_many_groups_that_hold_tasks_the_first_are_named(self) -> None:
        with self.store() as store:
            store.add_many({"title": "x", "command": "true", "group": f"group {number}"} for number in range(9))
            for name in store.groups.names():
                store.groups.pause(name)
            store.add_many({"title": "x", "command": "true", "group": f"more {number}"} for number in range(200))
        shown = Terminal(self, "group", lines=150).end()
        self.assertIn("and 109 more: `txlite group | less`", shown)
        self.assertEqual(len(self.json("group")), 209)
        with self.store() as store:
            for task in store.list(["ready"]):
                store.cancel(task)
        said = self.txlite("status").splitlines()
        self.assertEqual(len([line for line in said if "waits for group" in line]), 5)
        self.assertEqual(said[-1], "waiting: 4 wait for 4 more groups: `txlite group`")


class Order(Case):
    def titles(self) -> list[str]:
        return [one.title for one in self.queue.ready()]

    def setUp(self) -> None:
        super().setUp()
        self.queue = self.store()
        self.ids = {name: self.queue.add(name, score=score).id for name, score in zip("abcd", (5, 5, 5, 7))}

    def switch(self, *names: str, **options: Any) -> None:
        self.txlite("switch", *(self.ids.get(name, name) for name in names), **options)

    def test_one_is_put_first(self) -> None:
        self.switch("c")
        self.assertEqual(self.titles(), ["c", "d", "a", "b"])
        self.switch("c")
        self.assertEqual(self.queue.get(self.ids["c"]).score, 8, "it was first already")
        self.switch("a")
        self.assertEqual(self.titles(), ["a", "c", "d", "b"])
        self.switch(self.ids["b"][3:9])
        self.assertEqual(self.titles()[0], "b")

    def test_two_change_places(self) -> None:
        self.switch("a", "d")
        self.assertEqual(self.titles(), ["a", "b", "c", "d"])
        for pair in (("a", "d"), ("a", "c"), ("b", "c"), ("d", "b"), ("b", "d")):
            before = [name for name in self.titles() if name in pair]
            self.queue.ranking.exchange(*(self.ids[name] for name in pair))
            self.assertEqual([name for name in self.titles() if name in pair], before[::-1], pair)

    def test_of_two_with_equal_scores_the_later_goes_first_and_no_third_is_passed_that_was_higher(self) -> None:
        self.queue.add("e", score=5.5)
        self.switch("a", "b")
        self.assertEqual(self.titles(), ["d", "e", "b", "a", "c"])

    def test_only_what_waits_has_a_turn(self) -> None:
        self.queue.claim(self.ids["a"], "me")
        self.switch("a", code=1)
        self.assertRegex(self.errors, "is active: only what waits has a turn")
        self.switch("b", "b", code=64)
        self.switch("b", "tx-nothing0", code=2)

    def test_restart_is_retry(self) -> None:
        self.queue.fail(self.ids["d"])
        self.txlite("restart", "--failed")
        self.assertEqual(self.titles()[0], "d")


if __name__ == "__main__":
    unittest.main()
