"""What an agent's provider says through the agent: come back later, or not at all like this; that a result is there.

Only structured results count, where the agent has them (`results` in its configuration): claude's `--output-format
stream-json`, codex's `--json`, as their versions 2.1 and 0.171 print them. A rule of config.ini is applied to the last
lines only. What stands in the middle of an output, or in a file that an agent edits, decides nothing. Called by
`execution.agent_output`, which writes an agent's output through a ResultParser.
"""

from __future__ import annotations

import json
import re
import time

from .. import text
from ..system import clock
from ..system.named_tuple import NamedTuple
from .last_words import LINE, cut_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    class Sink(Protocol):
        """Where output goes: a report, or what stands before one, or memory."""

        def write(self, data: bytes) -> None:
            """Take output."""


CLAUDE, CODEX = "claude", "codex"
FORMATS = ("", CLAUDE, CODEX)

LAST_LINES = 5  # to which a rule is applied
PAUSE = 300.0  # seconds, where a provider does not say until when
SLACK = 60.0  # seconds for which a time may be over already: providers say the minute
AGAIN = 10.0  # seconds to wait where it is
MISSED = 600.0  # seconds for which a time of the day is today's, though it is over: its agent may end late
LONGEST = 35 * 86400.0  # seconds: a time that is farther away was misread

LIMITED = "limited"  # the provider refuses until a time
UNUSABLE = "unusable"  # not logged in, no such model, no money: no attempt can work


class ProviderRefusal(NamedTuple):
    """Why an agent's provider does not serve it, and until when."""

    kind: str  # LIMITED or UNUSABLE
    reason: str
    until: str = ""  # UTC text, for LIMITED


# What claude's errors mean, by the kind of its last message, or by the HTTP status of its result.
_CLAUDE_UNUSABLE = ("authentication_failed", "model_not_found", "billing_error", 401, 403, 404)
_CLAUDE_LIMITED = ("rate_limit", "overloaded", "server_error", 429, 500, 502, 503, 529)

# What the words of claude's result mean, where it says no more than that it is an error, as older versions do.
_CLAUDE_ERRORS = (
    (
        LIMITED,
        r"(?i)\blimit reached\b|hit your .*limit|\boverloaded\b",
        r"(?i)\|(\d{9,11})\b|resets? (?:at )?(.+?)\.?$",
    ),
    (UNUSABLE, r"(?i)invalid api key|please run /login|credit balance|token has expired", ""),
)
_EPOCH = re.compile(r"\|\d{9,11}\b")  # which no person reads

# What codex's error messages mean: the first that is found, with where it says until when.
_CODEX_ERRORS = (
    (LIMITED, r"hit your usage limit", r"(?i)try again at (.+?)\.?$"),
    (
        UNUSABLE,
        r"\b40[13] |Missing environment variable|does not exist|could not be refreshed|Quota exceeded"
        r"|out of credits|spend cap|upgrade to|model is not supported",
        "",
    ),
    (LIMITED, r"last status: (429|5\d\d)\b|experiencing high demand", ""),
    (LIMITED, r"rate limit exceeded", r"try again in ([\d.hms]+?)\.?$"),
)
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_CODEX_UNUSABLE = ("Error loading config", "Error: Model provider", "Not inside a trusted")


class ResultParser:
    """A sink that passes on what an agent writes, and reads its results on the way.

    has_events: it writes events; has_result: its result is there, though it may not have ended.
    """

    def __init__(
        self,
        sink: Sink,
        results: str,
        limit: str = "",
        unusable: str = "",
        observe: Callable[[dict[str, Any]], None] = lambda event: None,
    ) -> None:
        """Read nothing yet. results: one of FORMATS; limit, unusable: rules of config.ini (regular expressions);
        observe: is called with each event."""
        self._observe = observe
        self._sink = sink
        self._results = results
        self._rules = ((LIMITED, limit), (UNUSABLE, unusable))
        self._line = b""
        self._last: list[str] = []
        self._rejected: float | None = None  # the epoch until which claude is refused
        self._error: str | None = None  # the kind of claude's last error; the message of codex's
        self._result: dict | None = None
        self.has_events = False
        self.has_result = False

    def write(self, data: bytes) -> None:
        """Pass `data` on, and read the lines that are complete."""
        self._sink.write(data)
        lines, self._line = cut_lines(self._line, data)
        for line in lines:
            self._read_line(line)

    def _read_line(self, line: bytes) -> None:
        self._last = [*self._last[1 - LAST_LINES :], line[:2000].decode(errors="replace")]
        if not self._results or len(line) > LINE or not line.startswith(b"{"):
            return
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            return
        self._observe(event)
        self.has_events = True
        if self._results == CLAUDE:
            self._read_claude(event)
        else:
            self._read_codex(event)

    def _read_claude(self, event: dict) -> None:
        kind = event.get("type")
        if kind == "rate_limit_event":
            facts = event.get("rate_limit_info")
            if isinstance(facts, dict) and facts.get("status") == "rejected":
                self._rejected = facts.get("resetsAt")
        elif kind == "assistant":
            self._error = event.get("error")
        elif kind == "result":
            self._result, self.has_result = event, True
        elif kind == "system" and event.get("subtype") == "init":
            self.has_result = False  # a background task of its own ended, and it goes on

    def _read_codex(self, event: dict) -> None:
        if event.get("type") in ("turn.completed", "turn.failed"):
            self._result, self.has_result = event, True
        elif event.get("type") == "error":
            self._error = event.get("message")

    def find_refusal(self) -> ProviderRefusal | None:
        """Return why the provider refuses, once the agent has ended; None where it does not say so."""
        if self._line:
            self._read_line(self._line)
            self._line = b""
        known = {CLAUDE: self._find_claude_refusal, CODEX: self._find_codex_refusal}.get(self._results)
        return (known() if known else None) or self._find_by_rule()

    def _find_claude_refusal(self) -> ProviderRefusal | None:
        result = self._result
        if not result or result.get("is_error") is not True:
            return None
        words = str(result.get("result"))
        status, reason = result.get("api_error_status"), _say(words)
        if isinstance(self._rejected, (int, float)) and (self._error == "rate_limit" or status == 429):
            return _limited(reason, self._rejected)
        if self._error in _CLAUDE_UNUSABLE or status in _CLAUDE_UNUSABLE:
            return ProviderRefusal(UNUSABLE, reason)
        if self._error in _CLAUDE_LIMITED or status in _CLAUDE_LIMITED:
            return _limited(reason, None)
        return _find_in(words, _CLAUDE_ERRORS)

    def _find_codex_refusal(self) -> ProviderRefusal | None:
        if self._result is None:
            last = self._last[-1] if self._last else ""
            if last.startswith(_CODEX_UNUSABLE):
                return ProviderRefusal(UNUSABLE, _say(last))
            return _find_in(str(self._error), _CODEX_ERRORS) if self._error else None
        if self._result.get("type") != "turn.failed":
            return None
        error = self._result.get("error")
        return _find_in(str(error.get("message") if isinstance(error, dict) else error), _CODEX_ERRORS)

    def _find_by_rule(self) -> ProviderRefusal | None:
        for kind, rule in self._rules:
            for line in self._last if rule else ():
                found = re.search(rule, line)
                if found:
                    return _refusal(kind, line, found.groupdict().get("until"))
        return None


def _find_in(message: str, rules: tuple[tuple[str, str, str], ...]) -> ProviderRefusal | None:
    """What the first rule says that applies to a message; each with where it says until when."""
    for kind, rule, until in rules:
        if re.search(rule, message):
            found = re.search(until, message) if until else None
            return _refusal(kind, message, next(filter(None, found.groups()), None) if found else None)
    return None


def _say(words: str) -> str:
    """The reason as a person reads it: of a result in JSON its words."""
    if words.startswith("{"):
        try:
            fields = json.loads(words)
        except (ValueError, RecursionError):
            fields = {}
        error = fields.get("error")
        told = [fields.get("result"), error.get("message") if isinstance(error, dict) else error, fields.get("message")]
        words = next((one for one in told if isinstance(one, str) and one), words)
    return text.shorten(_EPOCH.sub("", words), 200)


def _refusal(kind: str, words: str, until: str | None) -> ProviderRefusal:
    reason = _say(words)
    return ProviderRefusal(kind, reason) if kind == UNUSABLE else _limited(reason, parse_time(until) if until else None)


def _limited(reason: str, until: float | None) -> ProviderRefusal:
    now = time.time()
    if until is None or not now - SLACK <= until <= now + LONGEST:  # it may be no number at all
        until = now + PAUSE
    return ProviderRefusal(LIMITED, reason, clock.to_text(until if until > now else now + AGAIN))


def parse_time(words: str) -> float | None:
    """Return the seconds since the epoch for a time as providers write it, None for anything else.

    Known are 1795329072, 15:00, 3pm, 3:15 PM, Nov 24th, 2026 3:04 PM, and from now 11.054s or 1h2m3s. A time of
    the day is the next one, or one just missed. It is this machine's clock that they mean.
    """
    words = re.sub(r"(?<=\d)(st|nd|rd|th)\b", "", words.strip()).rstrip(".")
    if re.fullmatch(r"\d{9,11}", words):
        return float(words)
    if re.fullmatch(r"(\d+(\.\d+)?(h|ms?|s))+", words):
        parts = re.findall(r"([\d.]+)(h|ms?|s)", words)
        return time.time() + sum(float(count) * _SECONDS[unit] for count, unit in parts)
    for form in ("%b %d, %Y %I:%M %p", "%b %d, %Y %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"):
        try:
            return time.mktime(time.strptime(words, form))
        except ValueError:
            continue
    for form in ("%I:%M %p", "%I:%M%p", "%I%p", "%I %p", "%H:%M"):
        try:
            parsed = time.strptime(words, form)
        except ValueError:
            continue
        year, month, day = time.localtime()[:3]
        clock_time = (parsed.tm_hour, parsed.tm_min, 0, 0, 0, -1)
        days = [time.mktime((year, month, one, *clock_time)) for one in (day - 1, day, day + 1)]
        return next((one for one in days if one > time.time() - MISSED), days[-1])
    return None
