"""claude as `claude --print` is: its options, its events, its limits, its bound on money, its talk over stdin."""

from __future__ import annotations

import json
import os
import select
import sys
import time
import uuid
from typing import Any, NamedTuple

MODEL = "claude-opus-4-8"
PRICES = (5.0, 0.5, 25.0)  # dollars a million tokens: input, cached, output
FLAGS = {"--print", "-p", "--verbose", "--replay-user-messages", "--include-partial-messages", "--fork-session",
         "--no-session-persistence", "--strict-mcp-config", "--dangerously-skip-permissions"}  # fmt: skip
VALUES = {"--output-format", "--input-format", "--permission-mode", "--effort", "--model", "--max-budget-usd",
          "--json-schema", "--resume", "-r", "--session-id", "--append-system-prompt", "--settings"}  # fmt: skip
LISTS = {"--allowedTools", "--allowed-tools", "--disallowedTools", "--disallowed-tools", "--add-dir", "--tools",
         "--mcp-config"}  # fmt: skip
CHOICES = {
    "--effort": ("low", "medium", "high", "xhigh", "max"),
    "--output-format": ("text", "json", "stream-json"),
    "--input-format": ("text", "stream-json"),
    "--permission-mode": ("acceptEdits", "auto", "bypassPermissions", "default", "dontAsk", "plan"),
}


class Spent(NamedTuple):
    """What was said of an attempt's cost."""

    input: int = 0  # without what was cached
    cached: int = 0
    output: int = 0
    turns: int = 0
    cost: int | None = None  # millionths of a dollar; None: it does not say


class Claude:
    """One call of claude."""

    name = "claude"

    def __init__(self, argv: list[str]) -> None:
        """Read the options; one that the real claude does not have ends the process, as there."""
        self._options = read_options(argv)
        if self._is_streaming and "--verbose" not in self._options:
            fail("Error: When using --print, --output-format=stream-json requires --verbose")
        self.level = self._options.get("--effort", "")
        schema = self._options.get("--json-schema")
        self.schema = json.loads(schema) if schema else None
        self.session = self._options.get("--resume") or self._options.get("--session-id") or str(uuid.uuid4())
        budget = self._options.get("--max-budget-usd")
        self._budget = None if budget is None else float(budget)
        if self._budget is not None and self._budget <= 0:
            fail("error: --max-budget-usd must be a positive number greater than 0")
        self.spent = Spent(cost=0)  # of the process
        self._turn = Spent()  # of what came since the last result
        self._buffer = b""

    @property
    def _is_streaming(self) -> bool:
        return self._options.get("--output-format") == "stream-json"

    @property
    def is_talking(self) -> bool:
        """Whether its messages come over stdin, as objects."""
        return self._options.get("--input-format") == "stream-json"

    def read_prompt(self) -> str:
        """The first message, which may be all of stdin."""
        if not self.is_talking:
            return sys.stdin.read()
        words = self.hear(None)
        return words if words is not None else sys.exit(0)

    def hear(self, patience: float | None = 0.0) -> str | None:
        """The next message; None where none comes within so many seconds, or ever."""
        if not self.is_talking:
            return None
        while b"\n" not in self._buffer:
            if not select.select([0], [], [], patience)[0]:
                return None
            data = os.read(0, 1 << 16)
            if not data:
                return None
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        message = json.loads(line)
        if message.get("type") != "user":
            return self.hear(patience)
        if "--replay-user-messages" in self._options:
            self._say(message, isReplay=True)
        content = message["message"]["content"]
        return content if isinstance(content, str) else "".join(block.get("text", "") for block in content)

    def begin(self) -> None:
        self._say({"type": "system", "subtype": "init", "cwd": os.getcwd(), "tools": ["Bash", "Edit", "Write"],
                   "mcp_servers": [], "model": MODEL, "permissionMode": "acceptEdits", "slash_commands": [],
                   "apiKeySource": "none", "claude_code_version": "2.1.197", "output_style": "default"})  # fmt: skip

    def answer(self, words: str, used: tuple[int, int, int], tool: str = "") -> None:
        """One answer of the model: words, or a command that it runs; what it cost: input, cached, output tokens."""
        block: dict[str, Any] = {"type": "text", "text": words}
        if tool:
            name = f"toolu_{uuid.uuid4().hex[:20]}"
            block = {"type": "tool_use", "id": name, "name": "Bash", "input": {"command": tool}}
        usage = {"input_tokens": used[0], "output_tokens": 1, "cache_creation_input_tokens": 0,
                 "cache_read_input_tokens": used[1]}  # fmt: skip
        self._say_message([block], MODEL, usage)
        self.spent, self._turn = add(self.spent, used), add(self._turn, used)
        if self._budget is not None and (self.spent.cost or 0) / 1e6 >= self._budget:
            self._turn = Spent(turns=self._turn.turns)  # it says so
            self._finish({"subtype": "error_max_budget_usd", "is_error": True, "stop_reason": "tool_use"},
                         errors=[f"Reached maximum budget (${self._budget:g})"])  # fmt: skip
            sys.exit(1)
        if tool:
            result = {"tool_use_id": block["id"], "type": "tool_result", "content": words, "is_error": False}
            self._say({"type": "user", "message": {"role": "user", "content": [result]}, "parent_tool_use_id": None})

    def finish(self, words: str, verdict: dict[str, Any] | None = None) -> None:
        """Its result; the process ends when nobody has more to say."""
        more = {} if verdict is None else {"structured_output": verdict}
        words = words if verdict is None else json.dumps(verdict, separators=(",", ":"))
        self._finish({"subtype": "success", "is_error": False, "api_error_status": None, "result": words,
                      "stop_reason": "end_turn", "terminal_reason": "completed"}, **more)  # fmt: skip

    def refuse(self, until: float) -> None:
        """Its provider serves it again at that time; does not return."""
        at = time.strftime("%-I:%M%p", time.gmtime(until)).lower()
        words = f"You've hit your session limit \u00b7 resets {at} (UTC)"
        facts = {"status": "rejected", "resetsAt": int(until), "rateLimitType": "five_hour", "isUsingOverage": False}
        self._say({"type": "rate_limit_event", "rate_limit_info": facts})
        self._say_error(words, "rate_limit", 429)

    def refuse_login(self) -> None:
        """It is not logged in; does not return."""
        self._say_error("Not logged in \u00b7 Please run /login", "authentication_failed", None)

    def _say_error(self, words: str, error: str, status: int | None) -> None:
        usage = {"input_tokens": 0, "output_tokens": 0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
        self._say_message([{"type": "text", "text": words}], "<synthetic>", usage, stop="stop_sequence", error=error)
        self._turn = self._turn._replace(turns=1)
        self._finish({"subtype": "success", "is_error": True, "api_error_status": status, "result": words,
                      "stop_reason": "stop_sequence", "terminal_reason": "completed"})  # fmt: skip
        sys.exit(1)

    def _say_message(self, content: list[dict[str, Any]], model: str, usage: dict[str, int], stop: str = "",
                     **more: str) -> None:  # fmt: skip
        message = {"id": f"msg_{uuid.uuid4().hex[:20]}", "type": "message", "role": "assistant", "model": model,
                   "content": content, "stop_reason": stop or None, "stop_sequence": "" if stop else None,
                   "usage": usage, "context_management": None}  # fmt: skip
        self._say({"type": "assistant", "message": message, "parent_tool_use_id": None}, **more)

    def _finish(self, fields: dict[str, Any], **more: Any) -> None:
        turn, spent = self._turn, self.spent
        dollars = (spent.cost or 0) / 1e6
        usage = {"input_tokens": turn.input, "cache_creation_input_tokens": 0, "cache_read_input_tokens": turn.cached,
                 "output_tokens": turn.output, "service_tier": "standard"}  # fmt: skip
        models = {MODEL: {"inputTokens": spent.input, "outputTokens": spent.output,
                          "cacheReadInputTokens": spent.cached, "cacheCreationInputTokens": 0, "webSearchRequests": 0,
                          "costUSD": dollars, "contextWindow": 200000, "maxOutputTokens": 64000}}  # fmt: skip
        result = {"type": "result", **fields, "duration_ms": 140, "duration_api_ms": 45, "num_turns": turn.turns,
                  "total_cost_usd": dollars, "usage": usage, "modelUsage": models if spent.turns else {},
                  "permission_denials": [], **more}  # fmt: skip
        self._turn = Spent()
        if self._is_streaming:
            self._say(result)
        elif self._options.get("--output-format") == "json":
            print(json.dumps({**result, "session_id": self.session}), flush=True)
        else:
            print(fields.get("result", ""), flush=True)

    def _say(self, event: dict[str, Any], **more: object) -> None:
        if self._is_streaming:
            print(json.dumps({**event, "session_id": self.session, "uuid": str(uuid.uuid4()), **more}), flush=True)


def add(spent: Spent, used: tuple[int, int, int]) -> Spent:
    """One answer more."""
    cost = None if spent.cost is None else spent.cost + price(used)
    return Spent(spent.input + used[0], spent.cached + used[1], spent.output + used[2], spent.turns + 1, cost)


def price(used: tuple[int, int, int]) -> int:
    """Millionths of a dollar for tokens: input, cached, output."""
    return round(sum(count * each for count, each in zip(used, PRICES)))


def read_options(argv: list[str]) -> dict[str, str]:
    """The options by name; ends the process for what the real claude does not know."""
    found: dict[str, str] = {}
    place = 0
    while place < len(argv):
        word, _, value = argv[place].partition("=")
        place += 1
        if word in FLAGS:
            found[word] = ""
        elif word in VALUES:
            if "=" not in argv[place - 1]:
                value, place = argv[place], place + 1
            if value not in CHOICES.get(word, (value,)):
                fail(f"error: option '{word} <value>' argument '{value}' is invalid.")
            found[word] = value
        elif word in LISTS:
            while place < len(argv) and not argv[place].startswith("-"):
                place += 1
        else:
            fail(f"error: unknown option '{argv[place - 1]}'")
    return found


def fail(words: str) -> None:
    print(words, file=sys.stderr)
    sys.exit(1)
