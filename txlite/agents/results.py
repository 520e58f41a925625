"""What an agent's provider says through the agent: come back later, or not at all like this; that a result is there.

Only structured results count, where the agent has them (`results` in its configuration): claude's `--output-format
stream-json`, codex's `--json`, as their versions 2.1 and 0.169 print them. A rule of config.ini is applied to the last
lines only. What stands in the middle of an output, or in a file that an agent edits, decides nothing. Used by `ralph`.
"""

from __future__ import annotations

import json
import re
import time

from .. import text
from ..system import clock
from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Sink(Protocol):
        """Where output goes: a report, or what stands before one, or memory."""

        def write(self, data: bytes) -> None: ...


CLAUDE, CODEX = "claude", "codex"
FORMATS = ("", CLAUDE, CODEX)

LINE = 1 << 20  # bytes: a longer line is no result
LAST_LINES = 5  # to which a rule is applied
PAUSE = 300.0  # seconds, where a provider does not say until when
SLACK = 60.0  # seconds for which a time may be over already
LONGEST = 35 * 86400.0  # seconds: a time that is farther away was misread

LIMITED = "limited"  # the provider refuses until a time
UNUSABLE = "unusable"  # not logged in, no such model, no money: no attempt can work


class ProviderRefusal(NamedTuple):
    """What a provider says."""

    kind: str  # LIMITED or UNUSABLE
    reason: str
    until: str = ""  # UTC text, for LIMITED


class ResultParser:
    """Hears what an agent writes, and passes it on. `has_result`: its result is there, though it may not have ended."""

    def __init__(self, sink: Sink, results: str, limit: str = "", unusable: str = "") -> None:
        self._sink = sink
        self._results = results
        self._rules = ((LIMITED, limit), (UNUSABLE, unusable))
        self._line = b""
        self._last: list[str] = []
        self._rejected: float | None = None  # the epoch until which claude is refused
        self._error: str | None = None  # the kind of claude's last error
        self._result: dict | None = None
        self.has_result = False

    def write(self, data: bytes) -> None:
        self._sink.write(data)
        *lines, rest = (self._line + data).split(b"\n")
        self._line = rest[: LINE + 1]
        for line in lines:
            self._hear(line)

    def _hear(self, line: bytes) -> None:
        self._last = [*self._last[1 - LAST_LINES :], line[:2000].decode(errors="replace")]
        if not self._results or len(line) > LINE or not line.startswith(b"{"):
            return
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            return
        if self._results == CLAUDE:
            self._hear_claude(event)
        else:
            self._hear_codex(event)

    def _hear_claude(self, event: dict) -> None:
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

    def _hear_codex(self, event: dict) -> None:
        if event.get("type") in ("turn.completed", "turn.failed"):
            self._result, self.has_result = event, True

    def listen(self) -> ProviderRefusal | None:
        """What the provider has said, once the agent has ended; None where it is silent."""
        if self._line:
            self._hear(self._line)
            self._line = b""
        found = self._of_claude() if self._results == CLAUDE else self._of_codex() if self._results == CODEX else None
        return found or self._by_rule()

    def _of_claude(self) -> ProviderRefusal | None:
        result = self._result
        if not result or result.get("is_error") is not True:
            return None
        status, reason = result.get("api_error_status"), text.shorten(str(result.get("result")), 200)
        if isinstance(self._rejected, (int, float)) and (self._error == "rate_limit" or status == 429):
            return _limited(reason, float(self._rejected))
        if self._error in ("authentication_failed", "model_not_found", "billing_error") or status in (401, 403, 404):
            return ProviderRefusal(UNUSABLE, reason)
        if self._error in ("rate_limit", "overloaded", "server_error") or status in (429, 500, 502, 503, 529):
            return _limited(reason, None)
        return None

    def _of_codex(self) -> ProviderRefusal | None:
        if self._result is None:
            last = self._last[-1] if self._last else ""
            is_settled = last.startswith(("Error loading config", "Error: Model provider", "Not inside a trusted"))
            return ProviderRefusal(UNUSABLE, text.shorten(last, 200)) if is_settled else None
        error = self._result.get("error")
        if self._result.get("type") != "turn.failed" or not isinstance(error, dict):
            return None
        message = str(error.get("message"))
        reason = text.shorten(message, 200)
        if "hit your usage limit" in message:
            found = re.search(r"try again at (.+?)\.?$", message, re.I)
            return _limited(reason, parse_time(found[1]) if found else None)
        if re.search(
            r"\b40[13] |Missing environment variable|does not exist|could not be refreshed|Quota exceeded"
            r"|out of credits|spend cap|upgrade to", message
        ):  # fmt: skip
            return ProviderRefusal(UNUSABLE, reason)
        return _limited(reason, None) if re.search(r"last status: (429|5\d\d)\b", message) else None

    def _by_rule(self) -> ProviderRefusal | None:
        for kind, rule in self._rules:
            for line in self._last if rule else ():
                found = re.search(rule, line)
                if found and kind == UNUSABLE:
                    return ProviderRefusal(UNUSABLE, text.shorten(line, 200))
                if found:
                    until = found.groupdict().get("until")
                    return _limited(text.shorten(line, 200), parse_time(until) if until else None)
        return None


def _limited(reason: str, until: float | None) -> ProviderRefusal:
    now = time.time()
    if until is None or not now - SLACK <= until <= now + LONGEST:  # it may be no number at all
        until = now + PAUSE
    return ProviderRefusal(LIMITED, reason, clock.to_text(max(until, now + 1)))


def parse_time(words: str) -> float | None:
    """Seconds since the epoch for a time as providers write it: 1795329072, 15:00, 3pm, 3:15 PM, or Nov 24th, 2026
    3:04 PM, by this machine's clock; None for anything else. A time of the day is the next one."""
    words = re.sub(r"(?<=\d)(st|nd|rd|th)\b", "", words.strip()).rstrip(".")
    if re.fullmatch(r"\d{9,11}", words):
        return float(words)
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
        today = time.localtime()
        seconds = time.mktime((*today[:3], parsed.tm_hour, parsed.tm_min, 0, 0, 0, -1))
        return seconds if seconds > time.time() else seconds + 86400
    return None
