"""`history`: each change, in order."""

from __future__ import annotations

import unittest

from .case import TransferCase


class History(TransferCase):
    def test_the_changes_of_one_task_and_of_all(self) -> None:
        store = self.store()
        one, two = store.add_many(["one", "two"])
        store.claim(one, "me")
        store.done(one, "me")
        self.assertEqual(
            [(event["from"], event["to"], event["worker"], event["outcome"]) for event in self.json("history", one)],
            [(None, "backlog", None, None), ("backlog", "active", "me", None), ("active", "done", "me", "done")],
        )
        self.assertEqual([event["to"] for event in self.json("history", one, "--limit", "1")], ["done"])
        self.assertEqual([event["task"] for event in self.json("history", "--limit", "3")], [one, one, two])
        with store.database.writing() as connection:
            connection.execute("DELETE FROM tasks WHERE id = ?", (one,))
        self.assertEqual([event["to"] for event in self.json("history", one)][-2:], ["done", None])
        self.assertRegex(self.txlite("history", one), r"done -> \(deleted\)\n$")
        self.txlite("history", "tx-nosuchid0", code=2)
        store.add_many("x" for _ in range(30))
        self.assertEqual(len(self.json("history")), 20)


if __name__ == "__main__":
    unittest.main()
