"""What agents' providers say through them: the forms of claude's and codex's results, rules, times."""

from __future__ import annotations

import json
import time
import unittest
from typing import Any

from txlite.agents.results import (
    CLAUDE,
    CODEX,
    LIMITED,
    MISSED,
    PAUSE,
    UNUSABLE,
    ProviderRefusal,
    ResultParser,
    parse_time,
)
from txlite.system import clock


class Memory:
    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data


def parse(
    results: str, *lines: dict[str, Any] | str, limit: str = "", unusable: str = "", chunk: int = 7
) -> tuple[Any, ...]:
    """What the parser makes of these lines (objects become JSON), which come in small pieces."""
    sink = Memory()
    parser = ResultParser(sink, results, limit, unusable)
    data = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines).encode()
    for start in range(0, len(data), chunk):
        parser.write(data[start : start + chunk])
    refusal = parser.find_refusal()
    assert sink.data == data
    return refusal, parser


def later() -> time.struct_time:
    """A time of the day that is far from now, whenever this is run."""
    return time.localtime(time.time() + 12 * 3600)


def find_hour(refusal: ProviderRefusal) -> tuple[int, ...]:
    """The time of the day until which it lasts."""
    return time.localtime(clock.to_seconds(refusal.until))[3:5]


class TimedCase(unittest.TestCase):
    """A test that knows when it began."""

    def setUp(self) -> None:
        super().setUp()
        self.began = time.time()

    def assert_lasts(self, refusal: ProviderRefusal, seconds: float, unit: float = 1.0) -> None:
        """So long from a moment since the test began; unit: seconds that are not told."""
        until = clock.to_seconds(refusal.until) - seconds
        self.assertTrue(self.began - unit <= until <= time.time(), until - self.began)


LIMIT = {"type": "result", "is_error": True, "result": "why", "api_error_status": 429}
FAILED = {"type": "result", "is_error": True, "result": "why"}


class Claude(TimedCase):
    def test_a_limit_lasts_as_long_as_it_says(self) -> None:
        until = int(time.time()) + 3600
        event = {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": until}}
        refusal, parser = parse(CLAUDE, event, LIMIT)
        self.assertEqual((refusal.kind, refusal.reason, parser.has_result), (LIMITED, "why", True))
        self.assert_lasts(refusal, 3600)

    def test_without_a_time_it_is_five_minutes(self) -> None:
        for more in ({"api_error_status": 429}, {"api_error_status": 529}):
            self.assert_lasts(parse(CLAUDE, {**FAILED, **more})[0], PAUSE)

    def test_a_time_that_is_over_is_not_a_loop(self) -> None:
        event = {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": 1000}}
        self.assert_lasts(parse(CLAUDE, event, LIMIT)[0], PAUSE)

    def test_a_login_a_model_or_money_that_is_missing_stops_it(self) -> None:
        for error in ("authentication_failed", "model_not_found", "billing_error"):
            self.assertEqual(parse(CLAUDE, {"type": "assistant", "error": error}, FAILED)[0].kind, UNUSABLE)
        self.assertEqual(parse(CLAUDE, {**FAILED, "api_error_status": 401})[0].kind, UNUSABLE)

    def test_older_versions_say_error_and_no_more(self) -> None:
        until = int(time.time()) + 3600
        refusal = parse(CLAUDE, {**FAILED, "result": f"Claude AI usage limit reached|{until}"})[0]
        self.assertEqual((refusal.kind, refusal.reason), (LIMITED, "Claude AI usage limit reached"))
        self.assert_lasts(refusal, 3600)
        hour = later()
        words = time.strftime("%I%p", hour).lstrip("0").lower()  # as 3pm
        refusal = parse(CLAUDE, {**FAILED, "result": f"5-hour limit reached \u2219 resets {words}"})[0]
        self.assertEqual(find_hour(refusal), (hour.tm_hour, 0))
        login = "Invalid API key \u00b7 Please run /login"
        self.assertEqual(parse(CLAUDE, {**FAILED, "result": login})[0].kind, UNUSABLE)
        self.assertIsNone(parse(CLAUDE, {**FAILED, "is_error": False, "result": "usage limit reached|1"})[0])

    def test_a_warning_and_a_success_are_silence(self) -> None:
        warning = {"type": "rate_limit_event", "rate_limit_info": {"status": "allowed_warning", "resetsAt": 9e9}}
        for lines in (
            [warning, {"type": "result", "is_error": False, "api_error_status": 429}],
            [{"type": "assistant", "error": "rate_limit"}, {"type": "result"}],
            [FAILED],
            [{"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": 9e9}}, FAILED],
            ["You've hit your session limit", "not json {"],
            [{"type": "user", "text": json.dumps({**FAILED, "api_error_status": 401})}],
        ):
            self.assertIsNone(parse(CLAUDE, *lines)[0], lines)

    def test_what_is_not_as_it_should_be_is_no_bug(self) -> None:
        resets: list[Any] = ["soon", None, [], 1e300, float("nan"), -1e300]
        for reset in resets:
            event = {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": reset}}
            refusal, parser = parse(CLAUDE, event, {**FAILED, "result": {"a": []}, "api_error_status": [429]})
            self.assertEqual((refusal, parser.has_result), (None, True), reset)
        never = {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": 10**400}}
        found, _ = parse(CLAUDE, never, {**FAILED, "api_error_status": 429})
        self.assertEqual(found.kind if found else "", LIMITED)
        lines: list[Any] = [
            {"type": []},
            {"type": "rate_limit_event", "rate_limit_info": 3},
            "{",
            "[]",
            "{}",
            "x" * 3000000,
        ]
        refusal, parser = parse(CLAUDE, *lines, chunk=1 << 16)
        self.assertEqual((refusal, parser.has_result), (None, False))

    def test_it_goes_on_after_a_result(self) -> None:
        started = {"type": "system", "subtype": "init"}
        self.assertFalse(parse(CLAUDE, started, {"type": "result"}, started)[1].has_result)


class Codex(TimedCase):
    def failed(self, message: str) -> ProviderRefusal | None:
        failed = {"type": "turn.failed", "error": {"message": message}}
        found: ProviderRefusal | None = parse(CODEX, {"type": "error", "message": "x"}, failed)[0]
        return found

    def test_limits_with_and_without_a_time(self) -> None:
        soon = time.localtime(time.time() + 7200)
        words = time.strftime("%b %d, %Y %I:%M %p", soon).replace(" 0", " ")
        refusal = self.failed(f"You\u2019ve hit your usage limit. Upgrade to Pro (https://x) or try again at {words}.")
        self.assertEqual(refusal.kind, LIMITED)
        self.assert_lasts(refusal, 7200, 60)
        self.assert_lasts(self.failed("You've hit your usage limit. Try again later."), PAUSE)
        self.assertEqual(self.failed("exceeded retry limit, last status: 429 Too Many Requests").kind, LIMITED)
        self.assertEqual(self.failed("We\u2019re currently experiencing high demand, which may cause").kind, LIMITED)
        refusal = self.failed("rate limit exceeded: Rate limit reached. Please try again in 1m11.054s.")
        self.assert_lasts(refusal, 71.054)

    def test_what_a_person_must_mend(self) -> None:
        for message in (
            "unexpected status 401 Unauthorized: Missing bearer",
            "Missing environment variable: `OPENAI_API_KEY`.",
            "The requested model 'nope' does not exist.",
            "Quota exceeded. Check your plan and billing details.",
            '{"detail": "The gpt-x model is not supported when using Codex with a ChatGPT account."}',
        ):
            self.assertEqual(self.failed(message).kind, UNUSABLE, message)
        self.assertEqual(parse(CODEX, "Error loading config.toml: bad")[0].kind, UNUSABLE)

    def test_other_errors_are_the_tasks(self) -> None:
        self.assertIsNone(self.failed("stream disconnected before completion"))
        errors: list[Any] = ["Reconnecting... 1/5", None, {}, 5]
        for message in errors:
            self.assertIsNone(parse(CODEX, {"type": "error", "message": message})[0])
            self.assertIsNone(parse(CODEX, {"type": "turn.failed", "error": message})[0])
        limited = {"type": "error", "message": "You've hit your usage limit. Try again later."}
        self.assertIsNone(parse(CODEX, limited, {"type": "turn.completed"})[0])

    def test_an_error_without_more(self) -> None:
        words = "unexpected status 401 Unauthorized: Missing bearer"
        self.assertEqual(parse(CODEX, {"type": "error", "message": words})[0], (UNUSABLE, words, ""))
        self.assertEqual(parse(CODEX, {"type": "turn.failed", "error": words})[0].kind, UNUSABLE)
        limited = "You've hit your usage limit. Try again later."
        self.assertEqual(parse(CODEX, {"type": "error", "message": limited})[0].kind, LIMITED)


class Rules(unittest.TestCase):
    def test_only_the_last_lines_count(self) -> None:
        lines = [str(number) for number in range(5)]
        self.assertIsNone(parse("", "limit", *lines, limit="limit")[0])
        self.assertEqual(parse("", "limit", *lines[:4], limit="limit")[0].kind, LIMITED)
        self.assertEqual(parse("", *lines, "log in", unusable="log in$")[0], (UNUSABLE, "log in", ""))

    def test_the_reason_is_in_words(self) -> None:
        for fields in ({"result": "a limit"}, {"error": {"message": "a limit"}}, {"message": "a limit"}):
            self.assertEqual(parse("", {"type": "x", **fields}, limit="limit")[0].reason, "a limit")
        self.assertEqual(parse("", '{"limit', limit="limit")[0].reason, '{"limit')

    def test_until_when(self) -> None:
        hour = later().tm_hour
        refusal = parse("", f"come back at {hour}:00", limit=r"at (?P<until>\S+)")[0]
        self.assertEqual(find_hour(refusal), (hour, 0))

    def test_a_minute_just_missed_is_not_that_of_tomorrow(self) -> None:
        now = time.time()
        words = time.strftime("%I:%M %p", time.localtime(now))
        said = {"type": "turn.failed", "error": {"message": f"You've hit your usage limit. Try again at {words}."}}
        self.assertLessEqual(clock.to_seconds(parse(CODEX, said)[0].until), time.time() + PAUSE)
        tomorrow = parse_time(time.strftime("%H:%M", time.localtime(now - 2 * MISSED)))
        self.assertAlmostEqual(tomorrow, now + 86400, delta=2 * 3600)

    def test_times(self) -> None:
        for words, hour, minute in (("3pm", 15, 0), ("3:05 PM", 15, 5), ("7:32 am", 7, 32), ("15:04", 15, 4)):
            now, found = time.time(), parse_time(words)
            self.assertEqual(time.localtime(found)[3:5], (hour, minute), words)
            self.assertGreater(found, now - MISSED)
        self.assertEqual(time.localtime(parse_time("Nov 24th, 2026 3:04 PM."))[:5], (2026, 11, 24, 15, 4))
        self.assertEqual(parse_time("1795329072"), 1795329072.0)
        for words, seconds in (("11.054s", 11.054), ("1h2m3s", 3723), ("250ms", 0.25)):
            now, found = time.time(), parse_time(words)
            self.assertTrue(now <= found - seconds + 0.001 and found - seconds <= time.time() + 0.001, words)
        for words in ("", "later", "25:00", "in 3 hours"):
            self.assertIsNone(parse_time(words))


if __name__ == "__main__":
    unittest.main()
