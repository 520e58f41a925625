"""Agents: those that are built in, those of config.ini, and how each gets its prompt."""

from __future__ import annotations

import json
import os
import unittest

from ..case import wait_until
from ..execution.case import LaunchCase


class Agents(LaunchCase):
    def configure(self, *lines: str) -> None:
        os.makedirs(self.home, exist_ok=True)
        self.write_config("\n".join(lines))

    def test_claude_is_built_in_and_config_changes_single_options(self) -> None:
        self.environment["CLAUDECODE"] = "1"
        self.wait_for(self.launch("task", "--agent", "claude", then='echo "nested: $CLAUDECODE."'))
        words = "--print --permission-mode acceptEdits --effort low --output-format stream-json --verbose"
        words += " --input-format stream-json"
        self.assertEqual(self.calls(".argv"), [words.replace(" ", "\n") + "\n"])
        self.assertIn("nested: .\n", *self.reports().values())
        self.configure("[txlite]", "agent = claude", "[agent claude]", "levels =", "  turbo = --model fast",
                       "search = --web", "command = claude {search} {level}")  # fmt: skip
        found = self.json("launch", "--dry-run", "turbo", "research", "task")
        self.assertEqual(found["argv"], ["claude", "--web", "--model", "fast"])
        self.txlite("launch", "low", "task", code=64)
        self.assertIn("claude knows turbo", self.errors)

    def test_what_claude_does_is_seen_in_words_while_it_does_it(self) -> None:
        said = {"type": "assistant", "message": {"content": [{"type": "text", "text": "I look\x1b at it."}]}}
        done = {"type": "result", "is_error": False, "result": "It is so.", "num_turns": 2}
        with open(self.path("first"), "w") as first, open(self.path("rest"), "w") as rest:
            first.write(json.dumps(said) + "\n")
            rest.write(json.dumps(done) + "\n")
        then = "cat first; until test -e go; do sleep 0.05; done; cat rest; exec sleep 600"
        launched = self.launch("task", "--agent", "claude", then=then)
        wait_until(lambda: "I look" in self.txlite("logs", launched["id"], code=None), "its first words")
        self.assertTrue(self.txlite("logs", launched["id"]).endswith("I look\\x1b at it.\n"))
        with open(self.path("go"), "w"):
            pass
        end = "It is so.\n[ended: 2 turns]\n"
        wait_until(lambda: self.txlite("logs", launched["id"]).endswith(end), "its result")
        self.txlite("stop", launched["id"])
        (report,) = self.reports().values()
        self.assertIn("\nI look\\x1b at it.\n" + end, report)
        self.assertNotIn('{"type"', report)

    def test_what_a_provider_refuses_is_said_outside_of_a_loop_too(self) -> None:
        error = {"type": "assistant", "error": "authentication_failed"}
        refused = {"type": "result", "is_error": True, "result": "Not logged in \u00b7 Please run /login"}
        with open(self.path("lines"), "w") as file:
            file.write(json.dumps(error) + "\n" + json.dumps(refused) + "\n")
        launched = self.launch("task", "--agent", "claude", then="cat lines")  # it exits with 0
        row = self.wait_for(launched, code=1)
        self.assertEqual((row["status"], row["note"]), ("failed", "Not logged in \u00b7 Please run /login"))
        self.environment["THEN"] = "cat lines; exit 1"
        task = self.txlite("add", "-q", "another").strip()
        self.txlite("run", "--agent", "claude", "--max-attempts", "1", code=1)
        self.assertIn("Not logged in", self.json("show", task)["attempts"][0]["note"])

    def test_prompts_as_argument_and_as_file(self) -> None:
        self.configure(
            "[agent one]", "command = codex --message {prompt} --end", "prompt = argument", "[agent two]",
            "command = codex", "prompt = file", "set = THEN=cat $1 > seen; ls -l $1; false",
        )  # fmt: skip
        self.wait_for(self.launch("first", "--agent", "one"))
        (argv,) = self.calls(".argv")
        self.assertRegex(argv, r"^--message\nfirst\n\n# Worker Task Report\n[^|]*--end\n$")
        launched = self.launch("second", "--agent", "two")
        self.txlite("wait", launched["id"], code=1)
        self.assertTrue(self.read("seen").startswith("second\n\n# Worker Task Report"))
        self.assertIn("-rw-------", self.txlite("logs", launched["id"]))
        self.assertEqual([name for name in os.listdir(os.path.join(self.home, "workers")) if "prompt" in name], [])
        self.txlite("launch", "--agent", "one", "-", stdin=b"x" * 200_000, code=64)
        self.assertIn("the system takes 131,071 as an argument: set `prompt = stdin`", self.errors)
        self.assertEqual(len(self.json("list")), 2)
        self.txlite("run", "--agent", "one", "--from", self.batch("x" * 140_000), code=64)
        self.assertEqual(len(self.json("list")), 2)

    def test_shell(self) -> None:
        found = self.txlite("launch", "--wait", "--agent", "shell", "echo $((40 + 2)) $TXLITE_TASK; exit 9", code=9)
        task = found.split("Task: ")[1].split()[0]
        self.assertEqual(self.txlite("logs", task), f"42 {task}\n")
        self.assertIn("_shell_task.md", found)

    def test_own_templates_go_first_and_are_rendered_once(self) -> None:
        os.makedirs(self.path(".txlite/templates"))
        with open(self.path(".txlite/templates/worker-task.md"), "w") as file:
            file.write("# Mine: {{TASK_DESCRIPTION}} at {{DATE}}\n{{END_TIME}} {{DURATION}} {{EXIT_CODE}}"
                       " {{WORKER_PID}}\n## For the agent\n{{TOPIC}} ${{ github.ref }}\n")  # fmt: skip
        launched = self.launch("{{EXIT_CODE}} stays")
        text = self.read(self.wait_for(launched)["report"])
        self.assertRegex(
            text,
            r"^# Mine: \{\{EXIT_CODE\}\} stays at \d{4}-\d\d-\d\d\n"
            rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d \S+ [\d.]+s 0 {launched['pid']}\n\n-+\n\n\*\*ID:",
        )
        self.assertNotIn("## For the agent", text)
        (prompt,) = self.calls(".stdin")
        self.assertTrue(prompt.endswith("## For the agent\n{{EXIT_CODE}} stays ${{ github.ref }}\n"), prompt)
        self.wait_for(self.launch("--template", "code-review", "other"))
        self.assertTrue(any("# Code Review" in prompt for prompt in self.calls(".stdin")))


if __name__ == "__main__":
    unittest.main()
