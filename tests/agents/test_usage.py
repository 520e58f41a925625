"""What agents say that they used: the forms of claude 2.1 and codex 0.171."""

from __future__ import annotations

import unittest
from typing import Any

from txlite.agents.results import CLAUDE, CODEX
from txlite.agents.usage import CostMeter, Price
from txlite.errors import InvalidValue
from txlite.text import amount, money, parse_money

PRICE = Price(1.25, 0.125, 10)


def read(results: str, *events: dict[str, Any], price: Price | None = None) -> CostMeter:
    meter = CostMeter(results, price)
    for event in events:
        meter.read(event)
    return meter


def told(meter: CostMeter) -> tuple[object, ...]:
    """Model, session, tokens in, cached and out, cost, turns."""
    return meter.tell(7, "agent", "one")[3:]


def message(id: str, fresh: int, read: int, out: int) -> dict[str, Any]:
    usage = {"input_tokens": fresh, "output_tokens": out, "cache_creation_input_tokens": 0,
             "cache_read_input_tokens": read}  # fmt: skip
    return {"type": "assistant", "message": {"id": id, "content": [], "usage": usage}}


def result(cost: object, fresh: int, cached: int, out: int, **more: Any) -> dict[str, Any]:
    models = {"m": {"inputTokens": fresh, "outputTokens": out, "cacheReadInputTokens": cached}}
    return {"type": "result", "num_turns": 2, "total_cost_usd": cost, "modelUsage": models, "session_id": "s", **more}


BEGIN = {"type": "system", "subtype": "init", "session_id": "s", "model": "opus"}


class Claude(unittest.TestCase):
    def test_its_result_tells_all_and_the_cached_tokens_apart(self) -> None:
        meter = read(CLAUDE, BEGIN, message("a", 1, 1, 1), result(0.0275, 3000, 5000, 400))
        self.assertEqual(told(meter), ("opus", "s", 8000, 5000, 400, 27_500, 2))
        self.assertFalse(meter.is_exhausted)

    def test_the_last_of_several_results_counts_with_the_turns_of_all(self) -> None:
        meter = read(CLAUDE, BEGIN, result(0.1, 1, 0, 1), result(0.000249, 9, 0, 3))
        self.assertEqual(told(meter)[2:], (9, 0, 3, 249, 4))

    def test_what_was_not_said_is_unknown(self) -> None:
        self.assertEqual(told(read(CLAUDE)), (None,) * 7)
        killed = read(CLAUDE, BEGIN, message("a", 1, 1, 1))
        self.assertEqual(told(killed), ("opus", "s", None, None, None, None, None))
        for cost in (None, "1", -1, True, float("nan"), float("inf"), 1e7, 10**400):
            self.assertIsNone(told(read(CLAUDE, result(cost, 1, 1, 1)))[5])
        self.assertEqual(told(read(CLAUDE, {"type": "result", "modelUsage": [], "usage": 3}))[2:], (None,) * 5)

    def test_what_no_database_can_keep_is_unknown(self) -> None:
        many = {f"m{number}": {"inputTokens": 1 << 40, "outputTokens": 1} for number in range(2)}
        told_so = result(1, 1, 1, 1, modelUsage=many, num_turns=1 << 41, session_id="s", model=3)
        self.assertEqual(told(read(CLAUDE, told_so)), (None, "s", None, None, 2, 1_000_000, None))
        dear = read(CODEX, {"type": "turn.completed", "usage": Codex.USED}, price=Price(1e9, 1e9, 1e9))
        self.assertIsNone(told(dear)[5])

    def test_a_session_is_a_word_that_can_be_passed_on(self) -> None:
        for said in ("--dangerously-skip-permissions", "a\0", "a b", "../a", "a\ud800", "a\n", 3, ""):
            self.assertIsNone(told(read(CLAUDE, {**BEGIN, "session_id": said}))[1])
            self.assertIsNone(told(read(CODEX, {"type": "thread.started", "thread_id": said}))[1])
        self.assertEqual(told(read(CLAUDE, {**BEGIN, "model": "m\ud800"}))[:2], ("m?", "s"))

    def test_a_refusal_costs_nothing_and_says_so(self) -> None:
        meter = read(CLAUDE, {"type": "result", "is_error": True, "total_cost_usd": 0, "modelUsage": {}})
        self.assertEqual(told(meter)[2:6], (0, 0, 0, 0))

    def test_its_own_bound_is_seen(self) -> None:
        self.assertTrue(read(CLAUDE, result(0.525, 1, 0, 1, subtype="error_max_budget_usd")).is_exhausted)

    def test_a_message_of_several_events_is_counted_once_while_it_runs(self) -> None:
        events = [message("a", 1000, 500, 1), message("a", 1000, 500, 1), message("b", 0, 4000, 0)]
        self.assertEqual(read(CLAUDE, *events).cost, 0)
        self.assertEqual(read(CLAUDE, *events, price=PRICE).cost, 1250 + 62 + 10 + 500)
        self.assertEqual(read(CLAUDE, *events, result(0.5, 1, 1, 1), price=PRICE).cost, 500_000)


class Codex(unittest.TestCase):
    USED = {"input_tokens": 3000, "cached_input_tokens": 1000, "output_tokens": 400, "reasoning_output_tokens": 14}

    def test_it_says_tokens_and_no_money(self) -> None:
        events = ({"type": "thread.started", "thread_id": "t"}, {"type": "turn.completed", "usage": self.USED})
        self.assertEqual(told(read(CODEX, *events)), (None, "t", 3000, 1000, 400, None, None))
        priced = read(CODEX, *events, price=PRICE)
        self.assertEqual(told(priced)[5], 2500 + 125 + 4000)

    def test_a_turn_that_failed_says_nothing(self) -> None:
        meter = read(CODEX, {"type": "turn.failed", "error": {"message": "no"}}, price=PRICE)
        self.assertEqual((told(meter)[2:], meter.cost), ((None,) * 5, 0))


class Words(unittest.TestCase):
    def test_money_to_the_cent_and_tokens_short(self) -> None:
        self.assertEqual([money(one) for one in (0, 4_999, 5_001, 1_234_560_000)],
                         ["$0.00", "under $0.01", "$0.01", "$1,234.56"])  # fmt: skip
        self.assertEqual([amount(one) for one in (0, 999, 1_000, 12_345, 999_600, 1_234_567, 99 * 10**9)],
                         ["0", "999", "1.0k", "12k", "1.0M", "1.2M", "99G"])  # fmt: skip
        self.assertEqual([parse_money(one) for one in ("5", "$0.50", " 0.000001 ")], [5_000_000, 500_000, 1])
        for wrong in ("0", "-1", "1e3", "five", "", "1.0000001", "0.0"):
            with self.assertRaisesRegex(InvalidValue, "is not an amount: give US dollars above 0"):
                parse_money(wrong)


if __name__ == "__main__":
    unittest.main()
