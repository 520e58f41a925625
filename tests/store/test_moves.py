"""The tables of moves: every status and outcome has its row, as the schema knows them."""

from __future__ import annotations

import re
import unittest
from typing import TYPE_CHECKING

from txlite.model import BACKLOG, COSTLY, CUT_OFF, FAILED, NODE_FAILED, OUTCOMES, REFUSED, STATES, UNKILLABLE
from txlite.store import migrations, moves

if TYPE_CHECKING:
    from txlite.model import Outcome


class Tables(unittest.TestCase):
    def test_status_and_outcome_are_those_of_the_schema(self) -> None:
        rules = re.findall(r"CONSTRAINT (\w+_is_known)\s+CHECK \(\w+ IN \(([^)]*)\)", "".join(migrations.MIGRATIONS))
        known = {name: re.findall(r"'([\w-]+)'", values) for name, values in rules}  # the last word counts
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

    def test_what_others_cut_off_goes_on_at_no_cost(self) -> None:
        for outcome in CUT_OFF:
            self.assertNotIn(outcome, COSTLY)
            self.assertEqual(moves.after_attempt(outcome, is_spent=True, is_launched=False), BACKLOG)

    def test_what_may_still_run_or_would_be_refused_again_is_put_aside(self) -> None:
        final: list[Outcome] = [UNKILLABLE, REFUSED, NODE_FAILED]
        for outcome in final:
            self.assertNotIn(outcome, COSTLY)
            self.assertEqual(moves.after_attempt(outcome, is_spent=False, is_launched=False), FAILED)


if __name__ == "__main__":
    unittest.main()
