"""The tables of moves: every status and outcome has its row, as the schema knows them."""

from __future__ import annotations

import re
import unittest

from txlite.model import BACKLOG, COSTLY, OUTCOMES, STATES
from txlite.store import moves, schema


class Tables(unittest.TestCase):
    def test_status_and_outcome_are_those_of_the_schema(self) -> None:
        rules = re.findall(r"CONSTRAINT (\w+_is_known)\s+CHECK \(\w+ IN \(([^)]*)\)", schema.MIGRATIONS[0])
        known = {name: re.findall(r"'(\w+)'", values) for name, values in rules}
        self.assertEqual(known["status_is_known"], list(STATES))
        self.assertEqual(known["outcome_is_known"], list(OUTCOMES))
        self.assertEqual(known["verdict_is_known"], list(moves.VERDICTS))

    def test_each_status_and_each_outcome_has_its_row(self) -> None:
        self.assertEqual(set(moves.MOVES), set(STATES))
        self.assertEqual(set(moves.AFTER_ATTEMPT), set(OUTCOMES))
        for before, after in moves.QUIET_MOVES:
            self.assertIn(after, moves.MOVES[before])

    def test_a_launched_task_never_enters_the_queue(self) -> None:
        for outcome in OUTCOMES:
            for is_spent in (False, True):
                self.assertNotEqual(moves.after_attempt(outcome, is_spent, is_launched=True), BACKLOG)

    def test_what_costs_an_attempt_is_tried_again_until_none_is_left(self) -> None:
        for outcome in COSTLY:
            self.assertEqual(moves.after_attempt(outcome, is_spent=False, is_launched=False), BACKLOG)
            self.assertEqual(moves.after_attempt(outcome, is_spent=True, is_launched=False), "failed")


if __name__ == "__main__":
    unittest.main()
