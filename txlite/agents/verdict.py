"""The verdict of an agent that reviews work: what form it has, how an agent is asked for it, and where it says it.

It is a JSON object. Where an agent takes a schema (claude's --json-schema, codex's --output-schema), its provider holds
it to that, and its structured result has it; any other agent writes it as the last line of its output, or into a file.
What stands anywhere else in an output decides nothing. Called by `ralph`, which writes a reviewer's output through a
VerdictReader, too.
"""

from __future__ import annotations

import json

from ..model import APPROVED, REJECTED
from ..system.named_tuple import NamedTuple
from .last_words import LINE, cut_lines
from .options import REVIEW_PLACES
from .results import CLAUDE, CODEX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .agent import Agent

SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {
            "verdict": {"type": "string", "enum": [APPROVED, REJECTED]},
            "reason": {"type": "string"},
        },
        "required": ["verdict", "reason"],
        "additionalProperties": False,
    }
)
REASON = 10_000  # characters that are kept of one


class GivenVerdict(NamedTuple):
    """What a reviewer says."""

    verdict: str  # APPROVED or REJECTED
    reason: str


def as_reviewer(agent: Agent, schema_file: str) -> Agent:
    """Return the same agent, as it is started to review: held to the schema, which the caller writes into that file."""
    words = dict(zip(REVIEW_PLACES, (SCHEMA, schema_file)))
    asked = tuple(words.get(word, word) for word in agent.review)
    return agent._replace(loop=asked or agent.loop)


def parse_verdict(words: str) -> GivenVerdict | None:
    """Return the verdict that a text is, None where it is none."""
    try:
        value = json.loads(words)
    except (ValueError, RecursionError):
        return None
    return _check(value)


def _check(value: object) -> GivenVerdict | None:
    if not isinstance(value, dict) or value.get("verdict") not in (APPROVED, REJECTED):
        return None
    reason = value.get("reason", "")
    if not isinstance(reason, str):
        return None
    kept = reason[:REASON].strip().encode(errors="replace").decode()  # JSON may hold half of a character
    return GivenVerdict(value["verdict"], kept)


class VerdictReader:
    """A sink that reads the verdict in what a reviewer writes. results: the form of that, one of results.FORMATS."""

    def __init__(self, results: str) -> None:
        self._results = results
        self._line = b""
        self._last = ""  # line that says something
        self._said: GivenVerdict | None = None  # in a structured result

    def write(self, data: bytes) -> None:
        """Take output."""
        lines, self._line = cut_lines(self._line, data)
        for line in lines:
            self._read_line(line)

    def find(self) -> GivenVerdict | None:
        """Return the verdict once the reviewer has ended, None where there is none."""
        if self._line:
            self._read_line(self._line)
            self._line = b""
        return self._said if self._results else parse_verdict(self._last)

    def _read_line(self, line: bytes) -> None:
        if not line.strip() or len(line) > LINE:
            return
        self._last = line.decode("utf-8", "replace").strip()
        if self._results and line.startswith(b"{"):
            try:
                event = json.loads(line)
            except (ValueError, RecursionError):
                return
            self._read_event(event)

    def _read_event(self, event: dict) -> None:
        if self._results == CLAUDE and event.get("type") == "result":
            is_error = event.get("is_error") is True
            self._said = None if is_error else _check(event.get("structured_output")) or _read(event.get("result"))
        elif self._results == CODEX and event.get("type") == "item.completed":
            item = event.get("item")
            if isinstance(item, dict) and item.get("type") == "agent_message":
                self._said = _read(item.get("text"))
        elif self._results == CODEX and event.get("type") == "turn.failed":
            self._said = None


def _read(words: object) -> GivenVerdict | None:
    """The verdict in an agent's last words: all of them, or their last line."""
    if not isinstance(words, str) or not words.strip():
        return None
    return parse_verdict(words) or parse_verdict(words.strip().splitlines()[-1])
