"""Agents: those that are built in, those of config.ini, and how each gets its prompt."""

from __future__ import annotations

import os
import unittest

from ..execution.case import LaunchCase


class Agents(LaunchCase):
    def configure(self, *lines: str) -> None:
        os.makedirs(self.home, exist_ok=True)
        self.write_config("\n".join(lines))

    def test_claude_is_built_in_and_config_changes_single_options(self) -> None:
        self.environment["CLAUDECODE"] = "1"
        self.wait_for(self.launch("task", "--agent", "claude", then='echo "nested: $CLAUDECODE."'))
        self.assertEqual(self.calls(".argv"), ["--print\n--permission-mode\nacceptEdits\n--effort\nlow\n"])
        self.assertIn("nested: .\n", *self.reports().values())
        self.configure("[txlite]", "agent = claude", "[agent claude]", "levels =", "  turbo = --model fast",
                       "search = --web", "command = claude {search} {level}")  # fmt: skip
        found = self.json("launch", "--dry-run", "turbo", "research", "task")
        self.assertEqual(found["argv"], ["claude", "--web", "--model", "fast"])
        self.txlite("launch", "low", "task", code=64)
        self.assertIn("claude knows turbo", self.errors)

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
