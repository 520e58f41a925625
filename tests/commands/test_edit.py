"""`edit`: what a person writes in an editor is what the task is, or it is kept in a file, and nothing is changed."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import shlex
import sys
import unittest
from typing import Any

from txlite.commands.task_form import read_form, write_form

from ..case import WITHOUT_SITE, Case

PYTHON = shlex.join([sys.executable, *WITHOUT_SITE, "-m"])
KEPT = re.compile(r"what was written is kept in (\S+)\n")


class Edit(Case):
    def setUp(self) -> None:
        super().setUp()
        self.queue = self.store()
        self.environment["TMPDIR"] = self.path("drafts")
        os.mkdir(self.path("drafts"))

    def edit(self, task: str, script: str, code: int = 0, **options: Any) -> str:
        """Edit a task by a script for sh, whose $1 is the file; what was said."""
        with open(self.path("editor"), "w") as file:
            file.write(script)
        environment = {**self.environment, "VISUAL": f"sh {self.path('editor')}", "EDITOR": "false"}
        return self.txlite("edit", task, code=code, env=environment, **options)

    def drafts(self) -> list[str]:
        return os.listdir(self.path("drafts"))

    def test_all_of_what_stands_there_can_be_changed_and_taken_away(self) -> None:
        parent = self.queue.add("above").id
        task = self.queue.add(command="echo one\necho two", timeout=90.5, max_attempts=2, max_memory=3 << 20).id
        self.edit(
            task,
            rf"""sed -i 's/^title:.*/title: both: of them/; s/^score:.*/score: 2.5/
            s/^parent:.*/parent: {parent[:-1]}/; s/^group:.*/group: disk/; s/^directory:.*/directory: \/tmp/
            s/^verify:.*/verify: make\n  make test/; s/^timeout: 90.5/timeout: 5m/; s/^max-attempts: 2$/max-attempts: 7/
            s/^max-memory: 3M/max-memory: 4G/; s/^every:.*/every: 1d/; s/^echo two/echo 2; echo '---'/' "$1" """,
        )
        found = self.queue.get(task)
        self.assertEqual(
            (found.title, found.score, found.parent, found.group, found.directory, found.verify, found.timeout,
             found.max_attempts, found.max_memory, found.every, found.command),
            ("both: of them", 2.5, parent, "disk", "/tmp", "make\nmake test", 300, 7, 4 << 30, "1d",
             "echo one\necho 2; echo ---"),
        )  # fmt: skip
        self.assertIn("group disk is new, and runs one task at a time", self.errors)
        self.edit(task, r"""sed -i -E '/^  make/d; s/^(parent|group|verify|timeout|max-.*|every):.*/\1:/' "$1" """)
        found = self.queue.get(task)
        self.assertEqual(
            (found.parent, found.group, found.verify, found.timeout, found.max_attempts, found.max_memory, found.every),
            (None, "", None, None, None, None, None),
        )
        prompt = self.queue.add("a prompt", description="Old\n\n  words\n").id
        self.edit(prompt, """sed -i 's/^Old/New/; s/^  words/& there/' "$1" """)
        self.assertEqual(self.queue.get(prompt).description, "New\n\n  words there\n")
        self.assertEqual(self.drafts(), [])

    def test_what_is_not_changed_is_what_it_was(self) -> None:
        for title, body in (("a\nb", "  x\n---\n# y\n\n"), (" :", "\t:"), ("# no remark", "---"), ("é: \x1b", "x\r\n")):
            task = self.queue.add(title, command=body, score=1e14, timeout=0.125, max_memory=(1 << 20) + 1)
            self.assertEqual(read_form(write_form(task).encode(), task), {})
            changed = read_form(write_form(task).replace("score: 100000000000000\n", "score: 3\n").encode(), task)
            self.assertEqual(changed, {"score": 3})
        self.assertIn("nothing was changed", (self.edit(task.id, "true"), self.errors)[1])
        self.assertEqual(self.queue.get(task.id), task)
        self.assertEqual(self.drafts(), [])

    def test_a_mistake_is_named_and_what_was_written_is_kept(self) -> None:
        task = self.queue.add(command="true").id
        for script, wrong in (
            ("s/^timeout:/timout:/", r"line 9: 'timout:' begins with no key \(did you mean 'timeout'\?\)"),
            ("s/^timeout:.*/timeout: soon/", "line 9, timeout: 'soon' is not a duration"),
            ("s/^score:.*/score: high/", "line 4, score: 'high' is not a number"),
            ("s/^directory:.*/directory: here/", "line 7, directory: 'here' is no absolute path"),
            ("s/^score: 0/score: 1\\ntitle: again/", "line 5, title: it stands in line 3, too"),
            ("s/^---//", "the line --- is missing"),
            ("s/^title:.*/title:/", "the title is empty"),
            ("s/^every:.*/every: 61 * * * */", "61"),
        ):
            self.edit(task, f"""sed -i '{script}' "$1" """, code=64)
            self.assertRegex(self.errors, wrong)
            with open(KEPT.search(self.errors)[1]) as file:
                self.assertIn("true", file.read())
        self.edit(task, """sed -i 's/^parent:.*/parent: tx-nosuchid/' "$1" """, code=2)
        self.assertEqual(self.queue.get(task).updated, self.queue.get(task).created)

    def test_what_runs_or_was_changed_meanwhile_is_refused_and_kept(self) -> None:
        task = self.queue.add("a title").id
        change = f"""{PYTHON} txlite update {task} --score 3 > /dev/null; sed -i 's/a title/mine/' "$1" """
        self.edit(task, change, code=1)
        self.assertIn(f"{task} was changed (score) meanwhile", self.errors)
        with open(KEPT.search(self.errors)[1]) as file:
            self.assertIn("title: mine", file.read())
        self.edit(task, f"{PYTHON} txlite claim {task} me > /dev/null; sed -i 's/a title/mine/' $1", code=1)
        self.assertIn("is in work now", self.errors)
        before = len(self.drafts())
        self.edit(task, "true", code=1)
        self.assertIn(f"{task} is in work now", self.errors)
        self.assertEqual((self.queue.get(task).title, len(self.drafts())), ("a title", before))

    def test_an_editor_that_fails_or_is_not_there_changes_nothing(self) -> None:
        task = self.queue.add("a title").id
        self.edit(task, """sed -i 's/a title/mine/' "$1"; exit 3""", code=1)
        self.assertRegex(self.errors, "ended with 3: nothing was changed; what was written is kept in")
        self.edit(task, "exit 1", code=1)
        self.assertIsNone(KEPT.search(self.errors))
        self.environment["EDITOR"] = "nosucheditor"
        self.txlite("edit", task, code=2)
        self.assertIn("'nosucheditor' cannot be run", self.errors)
        del self.environment["EDITOR"]
        self.txlite("edit", task, code=64)
        self.assertIn("vi needs a terminal", self.errors)
        self.assertEqual((self.queue.get(task).title, len(self.drafts())), ("a title", 1))

    def test_on_a_terminal_a_mistake_is_shown_in_the_editor_again(self) -> None:
        task = self.queue.add("a title").id
        script = """if grep -q '^# WRONG: line 5, score: ' "$1"; then sed -i 's/high/7/' "$1"; else
            sed -i 's/score: 0/score: high/' "$1"; fi"""
        leader, follower = pty.openpty()
        try:
            with open(self.path("editor"), "w") as file:
                file.write(script)
            environment = {**self.environment, "EDITOR": f"sh {self.path('editor')}"}
            edit = self.start("edit", task, stdin=follower, stdout=follower, stderr=follower, env=environment)
            os.close(follower)
            self.assertEqual(edit.wait(60), 0)
            shown = b""
            with contextlib.suppress(OSError):  # EIO: that was all
                while part := os.read(leader, 4096):
                    shown += part
            self.assertIn(task.encode(), shown)
        finally:
            os.close(leader)
        self.assertEqual((self.queue.get(task).score, self.drafts()), (7, []))


if __name__ == "__main__":
    unittest.main()
