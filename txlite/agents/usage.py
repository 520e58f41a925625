"""What an agent says that it used: tokens, money, turns, from its structured results.

Known are the events of claude (`--output-format stream-json`, 2.1) and codex (`--json`, 0.171). What was not said stays
None, which is never 0. Claude says money; where an agent says tokens only, its price (`price` in its configuration)
makes money of them. Told of each event by `results.ResultParser`; made by `execution.agent_output`.
"""

from __future__ import annotations

import re

from ..model import Usage
from ..system.named_tuple import NamedTuple
from .results import CLAUDE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

MILLION = 1_000_000
MOST = (
    1 << 40
)  # tokens, turns, or millionths of a dollar: more than that was not used, and no sum passes the database's
BUDGET = "error_max_budget_usd"  # how claude's result says that it had no more to spend


class Price(NamedTuple):
    """What an agent's tokens cost: US dollars for a million of each kind."""

    input: float
    cached: float
    output: float

    def of(self, tokens: Tokens) -> int | None:
        """Return what tokens cost, in millionths of a dollar; None where some were not said."""
        if tokens.input is None or tokens.output is None:
            return None
        cached = tokens.cached or 0
        cost = max(tokens.input - cached, 0) * self.input + cached * self.cached + tokens.output * self.output
        return round(cost) if cost <= MOST else None


class Tokens(NamedTuple):
    """How many tokens were used, of each kind."""

    input: int | None = None  # those that were cached among them
    cached: int | None = None
    output: int | None = None


class CostMeter:
    """What one agent has used, as its events say it. is_exhausted: it ended because it had no more to spend."""

    def __init__(self, results: str, price: Price | None = None) -> None:
        """results: the form of the events; price: of its tokens, where that is known."""
        self.is_exhausted = False
        self._price = price
        self._read = self._read_claude if results == CLAUDE else self._read_codex
        self._model: str | None = None
        self._session: str | None = None
        self._said = Tokens()
        self._cost: int | None = None
        self._turns: int | None = None
        self._messages: dict[str, Tokens] = {}  # claude's, by their ids: each may come in several events

    def read(self, event: Mapping[str, Any]) -> None:
        """Take one event."""
        self._read(event)

    @property
    def cost(self) -> int:
        """Return what it has cost so far, in millionths of a dollar, as far as that is known: not more than it has."""
        if self._cost is not None or not self._price:
            return self._cost or 0
        return self._price.of(_add(self._messages.values())) or 0

    def tell(self, attempt: int, part: str, agent: str) -> Usage:
        """Return what it has used, once it has ended."""
        cost = self._cost
        if cost is None and self._price:
            cost = self._price.of(self._said)
        return Usage(attempt, part, agent, self._model, self._session, *self._said, cost, self._turns)

    def tell_so_far(self, attempt: int, part: str, agent: str) -> Usage:
        """Return what it has used, though it may go on: then no less than this, and what it wrote is not known."""
        if self._said.input is not None or not self._messages:
            return self.tell(attempt, part, agent)
        seen, cost = _add(self._messages.values()), self.cost if self._price else None
        return Usage(
            attempt, part, agent, self._model, self._session, seen.input, seen.cached, None, cost, len(self._messages)
        )

    def _read_claude(self, event: Mapping[str, Any]) -> None:
        kind = event.get("type")
        if kind == "system" and event.get("subtype") == "init":
            self._model = _text(event.get("model")) or self._model
            self._session = _session(event.get("session_id")) or self._session
        elif kind == "assistant":
            message = event.get("message")
            if isinstance(message, dict) and isinstance(message.get("id"), str):
                self._messages[message["id"]] = _of_message(message.get("usage"))
        elif kind == "result":
            self._session = _session(event.get("session_id")) or self._session
            self._turns = _add_up([self._turns or 0, _count(event.get("num_turns"))])
            self._cost = _millionths(event.get("total_cost_usd"))
            self._said = _of_models(event.get("modelUsage")) or _of_message(event.get("usage"))
            self.is_exhausted = event.get("subtype") == BUDGET

    def _read_codex(self, event: Mapping[str, Any]) -> None:
        if event.get("type") == "thread.started":
            self._session = _session(event.get("thread_id")) or self._session
        elif event.get("type") == "turn.completed":
            usage = event.get("usage")
            counts = usage if isinstance(usage, dict) else {}
            self._said = Tokens(*(_count(counts.get(name)) for name in _OF_CODEX))


_OF_CODEX = ("input_tokens", "cached_input_tokens", "output_tokens")  # the first holds the second
# Of claude's: what was not cached, what was read from the cache, and what was written to it.
_OF_MESSAGE = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")
_OF_MODEL = ("inputTokens", "cacheReadInputTokens", "cacheCreationInputTokens", "outputTokens")


def _of_message(usage: object, names: tuple[str, ...] = _OF_MESSAGE) -> Tokens:
    """The tokens that claude tells of."""
    if not isinstance(usage, dict):
        return Tokens()
    fresh, read, written, output = (_count(usage.get(name)) for name in names)
    return Tokens(_add_up([fresh, read or 0, written or 0]), read, output)


def _of_models(usages: object) -> Tokens | None:
    """The tokens of all models of a session together; None where that is not told."""
    if not isinstance(usages, dict):
        return None
    return _add(_of_message(one, _OF_MODEL) for one in usages.values())


def _add(many: Iterable[Tokens]) -> Tokens:
    columns = list(zip(*many)) or [(0,)] * len(Tokens._fields)
    return Tokens._make(_add_up(column) for column in columns)


def _add_up(counts: Iterable[int | None]) -> int | None:
    """The sum, None where one of them is unknown."""
    known = list(counts)
    return None if None in known else _count(sum(filter(None, known)))


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST else None


def _millionths(dollars: object) -> int | None:
    if isinstance(dollars, bool) or not isinstance(dollars, (int, float)) or not 0 <= dollars <= MOST / MILLION:
        return None
    return round(dollars * MILLION)


def _text(value: object) -> str | None:
    """What can be kept of a word: JSON may hold half of a character."""
    return value[:200].encode(errors="replace").decode() if isinstance(value, str) and value else None


def _session(value: object) -> str | None:
    """A session, which `attach` passes to its agent: what could be an option there, or no word at all, is none."""
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,199}", value) else None
