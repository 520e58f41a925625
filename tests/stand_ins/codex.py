"""codex as `codex exec` is: its options, its events, its limits. It says tokens and no money, and hears nothing."""

from __future__ import annotations

import json
import sys
import time
import uuid
from typing import Any

from .claude import Spent, add

FLAGS = {"--json", "--skip-git-repo-check", "--ephemeral", "--dangerously-bypass-approvals-and-sandbox"}
VALUES = {"--sandbox", "-s", "-c", "--config", "-m", "--model", "--output-schema", "-o", "--output-last-message", "-C",
          "--cd", "--add-dir", "--color", "-p", "--profile"}  # fmt: skip


class Codex:
    """One call of codex exec."""

    name = "codex"
    is_talking = False

    def __init__(self, argv: list[str]) -> None:
        """Read the options; one that the real codex does not have ends the process, as there."""
        if argv[:1] != ["exec"]:
            fail(f"error: unrecognized subcommand '{argv[0] if argv else ''}'")
        self._options: dict[str, str] = {}
        words: list[str] = []
        rest = iter(argv[1:])
        for word in rest:
            if word in FLAGS:
                self._options[word] = ""
            elif word in ("-c", "--config"):
                name, _, value = next(rest).partition("=")
                self._options[f"-c {name}"] = value
            elif word in VALUES:
                self._options[word] = next(rest)
            elif word.startswith("-") and word != "-":
                fail(f"error: unexpected argument '{word}' found")
            else:
                words.append(word)
        self.level = self._options.get("-c model_reasoning_effort", "").strip('"')
        self.session = words[1] if words[:1] == ["resume"] else str(uuid.uuid4())
        self.schema = self._read_schema()
        self.spent = Spent()
        self._items = 0

    def _read_schema(self) -> Any:
        path = self._options.get("--output-schema")
        if path is None:
            return None
        try:
            with open(path, encoding="utf-8") as file:
                return json.load(file)
        except OSError as error:
            fail(f"Failed to read output schema file {path}: {error.strerror} (os error {error.errno})")
        except ValueError as error:
            fail(f"Output schema file {path} is not valid JSON: {error}")

    def read_prompt(self) -> str:
        return sys.stdin.read()

    def hear(self, patience: float | None = 0.0) -> str | None:
        """Nothing, ever."""
        return None

    def begin(self) -> None:
        self._say({"type": "thread.started", "thread_id": self.session})
        self._say({"type": "turn.started"})

    def answer(self, words: str, used: tuple[int, int, int], tool: str = "") -> None:
        """One answer of the model: words, or a command that it runs; what it cost: input, cached, output tokens."""
        self.spent = add(self.spent, used)
        item: dict[str, Any] = {"id": f"item_{self._items}", "type": "agent_message", "text": words}
        self._items += 1
        if tool:
            item = {"id": item["id"], "type": "command_execution", "command": f"/bin/bash -c '{tool}'"}
            begun = {"aggregated_output": "", "exit_code": None, "status": "in_progress"}
            self._say({"type": "item.started", "item": {**item, **begun}})
            item.update(aggregated_output=words, exit_code=0, status="completed")
        self._say({"type": "item.completed", "item": item}, words)

    def finish(self, words: str, verdict: dict[str, Any] | None = None) -> None:
        """Its last words and its usage."""
        words = words if verdict is None else json.dumps(verdict)
        self._say({"type": "item.completed", "item": {"id": f"item_{self._items}", "type": "agent_message",
                                                      "text": words}}, words)  # fmt: skip
        spent = self.spent
        self._say({"type": "turn.completed", "usage": {
            "input_tokens": spent.input + spent.cached, "cached_input_tokens": spent.cached,
            "cache_write_input_tokens": 0, "output_tokens": spent.output, "reasoning_output_tokens": 0}})  # fmt: skip
        for name in ("-o", "--output-last-message"):
            if name in self._options:
                with open(self._options[name], "w", encoding="utf-8") as file:
                    file.write(words)

    def refuse(self, until: float) -> None:
        """Its provider serves it again at that time, of which it says the minute; does not return."""
        day = time.localtime(until)
        at = time.strftime("%-I:%M %p", day)
        if day[:3] != time.localtime()[:3]:
            at = time.strftime("%b %-dth, %Y %-I:%M %p", day)
        self._fail(f"You\u2019ve hit your usage limit. Upgrade to Pro (https://chatgpt.com/explore/pro), visit "
                   f"https://chatgpt.com/settings/usage to purchase more credits or try again at {at}.")  # fmt: skip

    def refuse_rate(self, seconds: float) -> None:
        """It may ask again in so many seconds; does not return."""
        self._fail(f"rate limit exceeded: Rate limit reached. Please try again in {seconds:g}s.")

    def refuse_login(self) -> None:
        """It has no key; does not return."""
        self._fail("unexpected status 401 Unauthorized: Missing bearer, url: https://api.openai.com/v1/responses")

    def _fail(self, words: str) -> None:
        self._say({"type": "error", "message": words})
        self._say({"type": "turn.failed", "error": {"message": words}})
        sys.exit(1)

    def _say(self, event: dict[str, Any], words: str = "") -> None:
        if "--json" in self._options:
            print(json.dumps(event), flush=True)
        elif words:
            print(words, flush=True)


def fail(words: str) -> None:
    print(words, file=sys.stderr)
    sys.exit(2)
