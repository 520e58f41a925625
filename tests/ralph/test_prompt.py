"""What the loop tells an agent."""

from __future__ import annotations

import json
import os
import unittest

from .case import RepositoryCase


class Prompt(RepositoryCase):
    def test_what_an_agent_may_know(self) -> None:
        self.write(
            ".txlite/templates/ralph-task.md", "env | grep TXLITE > seen; txlite show $TXLITE_TASK --json > shown"
        )
        task = self.add("-")
        self.ralph()
        seen = dict(line.split("=", 1) for line in self.read("seen").splitlines())
        self.assertEqual((seen["TXLITE_TASK"], seen["TXLITE_HOME"]), (task, self.home))
        self.assertEqual(seen["TXLITE_DONE_FILE"], self.path(".txlite-done-" + seen["TXLITE_TOKEN"]))
        self.assertEqual(json.loads(self.read("shown"))["id"], task)

    def test_the_prompt(self) -> None:
        os.unlink(os.path.join(self.home, "templates", "ralph-task.md"))
        self.configure("[agent reader]\ncommand = sh -c 'cat > prompt'\n")
        before = self.add("true", "what comes first")
        self.txlite("done", before)
        description = 'Do {{TASK_ID}} with "$HOME" and `ls`'
        task = self.add(description, "the title", after=[before], verify="test -e prompt")
        self.ralph(agent="reader")
        prompt = self.read("prompt")
        for part in (f"# Task {task}: the title", description, f"- {before}: what comes first", "`test -e prompt`",
                     f"txlite done {task}", ".txlite-done-"):  # fmt: skip
            self.assertIn(part, prompt)

    def test_a_reviewer_is_heard_though_its_attempt_was_cut_off(self) -> None:
        os.unlink(os.path.join(self.home, "templates", "ralph-task.md"))
        task = self.add("this", "one")
        with self.store() as store:
            claim = store.claim(task, "somebody")
            store.reviews.judge(claim.token, "rejected", "no tests", "critic")
            store.release(task, token=claim.token)
        prompt = self.json("ralph", "--agent", "scripted", "--dry-run")["prompt"]
        self.assertIn("The reviewer critic did not accept the work", prompt)
        self.assertIn("\n    no tests\n", prompt)

    def test_the_prompts_size_does_not_grow_with_the_queue(self) -> None:
        os.unlink(os.path.join(self.home, "templates", "ralph-task.md"))
        task = self.add("this", "one")
        small = len(self.json("ralph", "--agent", "scripted", "--dry-run")["prompt"])
        with self.store() as store:
            many = store.add_many({"title": f"task {number}"} for number in range(2000))
            for blocker in many[:30]:
                store.done(blocker)
                store.add_dependency(task, blocker)
        large = len(self.json("ralph", "--agent", "scripted", "--dry-run")["prompt"])
        self.assertLess(large, small + 20 * 40 + 200)


if __name__ == "__main__":
    unittest.main()
