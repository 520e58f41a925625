"""What a night costs: said in all places, and bounded, for a task and for the loop."""

from __future__ import annotations

import json
import os
import unittest
from typing import Any

import txlite
from txlite.execution.spending import recall

from .case import RepositoryCase

PRICED = "results = claude\nprice = input=1000 output=10000\n"


def said(cost: float, **more: Any) -> str:
    """A command that prints claude's result."""
    models = {"m": {"inputTokens": 1_000_000, "outputTokens": 2000, "cacheReadInputTokens": 200_000}}
    event = {"type": "result", "num_turns": 3, "total_cost_usd": cost, "modelUsage": models, **more}
    return f"echo '{json.dumps(event)}'"


EXHAUSTED = {"subtype": "error_max_budget_usd", "is_error": True}


class Costs(RepositoryCase):
    git = False

    def setUp(self) -> None:
        super().setUp()
        self.configure("results = claude\nbudget = --budget {amount}\n")

    def with_budget(self) -> None:
        """The agent is told what it may cost as its first argument but one."""
        self.write(".txlite/config.ini", "[agent scripted]\ncommand = sh {prompt} {budget}\nprompt = file\n"
                   "results = claude\nbudget = --budget {amount}\n")  # fmt: skip

    def test_what_it_said_is_told_everywhere(self) -> None:
        task = self.add(said(0.525))
        told = self.ralph("--json")
        self.assertIn("cost: $0.53\n", self.txlite("ralph", "--report"))
        found = self.json("ralph", "--report")
        self.assertEqual((found["cost"], found["isCostWhole"], found["loops"][0]["maxCost"]), (0.525, True, None))
        self.assertRegex(self.txlite("ralph", "--report"), r"done  tx-\w+  1 attempt  \S+  \$0.53 ")
        self.assertIn("cost:      $0.53, 1.2M tokens in, 2.0k out\n", self.txlite("status", "--stats"))
        stats = {"cost": 0.525, "unknown": 0, "inputTokens": 1_200_000, "outputTokens": 2000}
        self.assertEqual(self.json("status", "--stats")["cost"], stats)
        self.assertRegex(self.txlite("history", task), r"done +\$0.53, 1.2M tokens in, 2.0k out, 3 turns\n")
        self.assertEqual([len(one["usages"]) for one in self.json("history", task)], [0, 0, 1])
        self.assertIn("  cost:        $0.53\n", self.txlite("show", task))
        self.assertIn("$0.53, 1.2M tokens in, 2.0k out, 3 turns", self.txlite("show", task))
        (attempt,) = self.json("show", task)["attempts"]
        (usage,) = attempt["usages"]
        self.assertEqual([usage[name] for name in ("part", "agent", "cost", "inputTokens", "cachedTokens", "turns")],
                         ["agent", "scripted", 0.525, 1_200_000, 200_000, 3])  # fmt: skip
        with open(os.path.join(self.home, attempt["report"])) as file:
            self.assertTrue(file.read().endswith("\n**Cost:** $0.53, 1.2M tokens in, 2.0k out, 3 turns\n"))
        self.assertIn('"status": "done"', told)

    def test_what_it_does_not_say_is_unknown(self) -> None:
        task = self.add("true")
        self.ralph()
        self.assertIn("  cost:        unknown\n", self.txlite("show", task))
        self.assertIsNone(self.json("show", task)["attempts"][0]["usages"][0]["cost"])
        self.add(said(3.1))
        self.ralph()
        self.assertIn("cost:      at least $3.10, ", self.txlite("status", "--stats"))

    def test_a_task_is_put_aside_at_its_bound_and_the_figures_named(self) -> None:
        """Its second attempt may cost what the first one left."""
        self.with_budget()
        script = f'if test -e first; then echo "$@" >second; {said(0.15, **EXHAUSTED)}; else >first; {said(0.3)}; fi'
        task = self.add(f"{script}; exit 1", max_cost=400_000)
        self.ralph("--max-attempts", "5", code=1)
        with open(self.path("second")) as file:
            self.assertEqual(file.read(), "--budget 0.1\n")
        self.assertEqual([one.outcome for one in self.attempts(task)], ["failed", "failed"])
        self.assertEqual(self.last(task).note, "its task's attempts have cost $0.45, of $0.40 at most")
        self.assertEqual(self.status_of(task), "failed")
        self.assertIn("  cost:        $0.45, $0.40 at most\n", self.txlite("show", task))
        self.txlite("retry", task)
        self.assertIn(f"    txlite update {task} --max-cost 0.85\n    txlite retry {task}\n", self.ralph(code=1))
        self.assertEqual(self.last(task).note, "its task's attempts have cost $0.45, of $0.40 at most")
        self.assertIn(f"  txlite update {task} --max-cost 0.85\n", self.txlite("show", task))

    def test_work_that_is_done_counts_though_it_passed_the_bound(self) -> None:
        task = self.add(f": >$TXLITE_DONE_FILE; {said(0.5, **EXHAUSTED)}; exit 1", max_cost=400_000)
        self.ralph()
        self.assertEqual(self.status_of(task), "done")

    def test_one_that_runs_is_stopped_when_its_tokens_have_cost_too_much(self) -> None:
        self.configure(PRICED)
        usage = {"input_tokens": 2000, "output_tokens": 1}
        event = {"type": "assistant", "message": {"id": "a", "content": [], "usage": usage}}
        task = self.add(f"echo '{json.dumps(event)}'; exec sleep 600", max_cost=1_000_000)
        self.ralph("--max-attempts", "3", code=1)
        self.assertEqual(self.attempts(task)[0].note, "its task's attempts have cost $2.01, of $1.00 "
                         "at most")  # fmt: skip

    def test_a_loop_ends_at_its_bound(self) -> None:
        tasks = [self.add(said(1)) for _ in range(3)]
        self.ralph("--max-cost", "1.50")
        self.assertEqual([self.status_of(task) for task in tasks], ["done", "done", "backlog"])
        with txlite.open(self.home, read_only=True) as store:
            (loop,) = store.loops.newest()
            self.assertEqual((loop.reason, loop.max_cost), ("it had cost $2.00, of $1.50 at most", 1_500_000))

    def test_a_bound_and_an_agent_that_says_nothing(self) -> None:
        self.add("true")
        self.assertIn("cost: unknown\n", self.ralph("--max-cost", "1.50") + self.errors)

    def test_what_the_bound_of_a_loop_ends_costs_its_task_nothing(self) -> None:
        self.with_budget()
        task = self.add(f"{said(2, **EXHAUSTED)}; exit 1")
        self.ralph("--max-cost", "1.50", code=1)
        self.assertEqual((self.last(task).outcome, self.status_of(task)), ("interrupted", "backlog"))
        self.assertEqual(self.last(task).note, "its loop has cost $2.00, of $1.50 at most")

    def test_a_bound_that_no_agent_can_report_is_refused(self) -> None:
        self.configure("")
        task = self.add("touch began", max_cost=1_000_000)
        self.ralph("--max-cost", "5", code=64)
        self.assertIn("--max-cost: agent scripted does not say what it costs: set a price", self.errors)
        self.ralph(code=1)
        self.assertEqual((self.last(task).outcome, self.status_of(task)), ("refused", "failed"))
        self.assertIn("it may cost $1.00, and agent scripted does not say", self.last(task).note or "")
        self.assertFalse(os.path.exists(self.path("began")))
        for wrong in ("price = input=1", "price = all=2", "budget = --max"):
            self.configure(wrong + "\n")
            self.ralph(code=64)

    def test_run_keeps_the_bound_too(self) -> None:
        self.with_budget()
        task = self.add(f"{said(2, **EXHAUSTED)}; exit 1", max_cost=1_000_000)
        self.txlite("run", "--agent", "scripted", code=1)
        self.assertEqual(self.last(task).note, "its task's attempts have cost $2.00, of $1.00 at most")
        self.assertIn('"cost": 2.0', self.txlite("show", task, "--json"))

    def test_what_a_killed_worker_did_not_write_down_stands_in_the_events(self) -> None:
        task = self.add(said(0.25) + "; exit 1")
        self.ralph(code=1)
        found = recall(self.home, self.last(task).id, "scripted")
        self.assertEqual((found.cost, found.turns), (250_000, 3))
        self.assertIsNone(recall(self.home, 99, "scripted").cost)

    def test_what_an_attempt_said_counts_though_its_worker_is_killed(self) -> None:
        kept = self.path(".txlite/events/1.jsonl")
        wait = f"until grep -q total_cost {kept}; do sleep 0.02; done"
        task = self.add(f"test ! -e killed || exit 0; touch killed; {said(0.25)}; {wait}; kill -9 $PPID; sleep 600")
        self.ralph()
        self.assertEqual([one.outcome for one in self.attempts(task)], ["lost", "done"])
        costs = [[usage["cost"] for usage in one["usages"]] for one in self.json("show", task)["attempts"]]
        self.assertEqual(costs, [[0.25], [None]])

    def test_it_can_be_said_and_taken_back(self) -> None:
        task = self.txlite("add", "-q", "a prompt", "--max-cost", "0.5").strip()
        self.assertEqual(self.json("show", task)["maxCost"], 0.5)
        self.txlite("update", task, "--max-cost", "$2")
        self.assertIn("  cost:        $2.00 at most\n", self.txlite("show", task))
        self.txlite("update", task, "--max-cost", "none")
        self.assertIsNone(self.json("show", task)["maxCost"])
        self.txlite("add", "wrong", "--max-cost", "much", code=64)
        self.assertIn("'much' is not an amount", self.errors)


if __name__ == "__main__":
    unittest.main()
