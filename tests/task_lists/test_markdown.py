"""Markdown's task lists become tasks, and come back with their boxes ticked."""

from __future__ import annotations

import os
import random
import unittest

from txlite.errors import UsageError
from txlite.task_lists.reading import MARKDOWN, read
from txlite.task_lists.ticking import tick

from .case import ListCase

PLAN = """# Plan

Prose, and `- [ ] no task`, as is what stands in blocks of code and comments:

```sh
- [ ] in code
```
- ```sh
  - [ ] in code
  ```
<!--
- [ ] in a comment
-->

    - [ ] in code
      after: nothing

## Phase 1

- [x] T001 Project structure
- [ ] T002 **Parser** for tabs
  See `docs/tabs.md`.

      indented: as it is

  - returns a list
  after: T001
  verify: `make test && true`
- Things of the API
  - [ ] Build the API (after: T002)
    * [ ] Users
          ~~~
          - [ ] in code
          ~~~
    * [ ] Orders (after: Users) (verify: test -n "$(ls)")
```No text``` of a task.
1. [X] Think <!-- id: 7 -->
2) [ ] Write, and mend, the docs
after: build the API., T001
"""
DONE, OPEN = "done", "backlog"


class Markdown(ListCase):
    def test_what_a_list_says(self) -> None:
        self.assertEqual(
            self.take("PLAN.md", PLAN), "PLAN.md, a Markdown list: 7 tasks added, 2 of them done already\n"
        )
        self.assertEqual(
            self.told(),
            {
                "T001 Project structure": (DONE, None, []),
                "T002 Parser for tabs": (OPEN, None, ["T001 Project structure"]),
                "Build the API": (OPEN, None, ["Orders", "T002 Parser for tabs", "Users"]),
                "Users": (OPEN, "Build the API", []),
                "Orders": (OPEN, "Build the API", ["Users"]),
                "Think": (DONE, None, []),
                "Write, and mend, the docs": (OPEN, None, ["Build the API", "T001 Project structure"]),
            },
        )
        tasks = {one.title: one for one in self.store().list()}
        parser = tasks["T002 Parser for tabs"]
        self.assertEqual(
            (parser.verify, parser.description),
            ("make test && true", "See `docs/tabs.md`.\n\n    indented: as it is\n\n- returns a list"),
        )
        self.assertEqual(tasks["Users"].description, "~~~\n- [ ] in code\n~~~")
        self.assertEqual(tasks["Orders"].verify, 'test -n "$(ls)"')
        self.assertEqual((parser.command, parser.directory), (None, self.directory))
        self.assertEqual([one.title for one in self.store().ready()], ["T002 Parser for tabs", "Users"])

    def test_again_adds_what_is_new(self) -> None:
        self.take("PLAN.md", PLAN)
        ids = {one.title: one.id for one in self.store().list()}
        self.finish("Users")
        more = PLAN.replace("    * [ ] Orders", "    * [ ] Pages\n    * [ ] Orders")
        self.assertEqual(self.take("PLAN.md", more), "PLAN.md, a Markdown list: 1 task added; 7 were here\n")
        counts = self.json("import", "PLAN.md")
        self.assertEqual(counts, {"added": 0, "updated": 0, "unchanged": 8, "kept": 0, "attempts": 0})
        told = self.told()
        self.assertEqual((told["Users"][0], told["Pages"][1]), (DONE, "Build the API"))
        self.assertIn("Pages", told["Build the API"][2], "the whole waits for its new part, too")
        said = self.take("PLAN.md", more.replace("[ ] Orders", "[x] Orders"))
        self.assertIn(f"1 task ticked there, and not done here: `txlite done {ids['Orders']}` says so", said)
        moved = os.path.join(self.directory, "elsewhere")
        os.mkdir(moved)
        self.write("elsewhere/PLAN.md", PLAN)
        self.txlite("--home", os.path.join(moved, ".txlite"), "import", "PLAN.md", cwd=moved)
        self.assertEqual(self.take("elsewhere/PLAN.md").count("7 tasks added"), 1, "another file has other tasks")
        self.home = os.path.join(moved, ".txlite")
        self.assertEqual({one.title: one.id for one in self.store().list()}, ids, "the same file in another clone")

    def test_boxes_are_ticked_and_nothing_else_changes(self) -> None:
        text = "\ufeff" + PLAN.replace("\n", "\r\n") + "\x0c- [x] last, without an end"
        self.take("PLAN.md", text)
        os.chmod(self.path("PLAN.md"), 0o640)
        self.finish("T002 Parser for tabs", "Orders")
        said = self.txlite("export", "--list", "PLAN.md", preexec_fn=lambda: os.umask(0o077))
        self.assertEqual(said, "PLAN.md: 2 more ticked, 5 of 8 tasks done\n")
        wanted = text.replace("[ ] T002", "[x] T002").replace("[ ] Orders", "[x] Orders")
        with open(self.path("PLAN.md"), "rb") as file:
            self.assertEqual(file.read(), wanted.encode())
        self.assertEqual(os.stat(self.path("PLAN.md")).st_mode & 0o777, 0o640)
        self.finish("Users")
        self.assertIn("[x] Users", self.txlite("export", "--list", "PLAN.md", "-"))
        self.txlite("export", "--list", "PLAN.md", "NEW.md", preexec_fn=lambda: os.umask(0o022))
        self.assertIn("[x] Users", self.read("NEW.md"))
        self.assertEqual(os.stat(self.path("NEW.md")).st_mode & 0o777, 0o640)
        self.assertNotIn("[x] Users", self.read("PLAN.md"))
        self.finish("Build the API")
        self.txlite("export", "--list", "PLAN.md", "NEW.md")
        self.assertIn("[x] Build", self.read("NEW.md"))
        for name, theirs in (("notes", "words\n"), ("another.md", "- [ ] Something else\n")):
            self.txlite("export", "--list", "PLAN.md", self.write(name, theirs), code=1)
            self.assertIn(f"{name} exists already, and is no copy of PLAN.md: give another", self.errors)
            self.assertEqual(self.read(name), theirs)
        self.write("PLAN.md", PLAN.replace("Orders", "All orders"))
        self.assertIn("of 7 tasks done; 1 not here: `txlite import`", self.txlite("export", "--list", "PLAN.md"))
        self.write("other.md", PLAN)
        self.txlite("export", "--list", "other.md", code=1)
        self.assertIn("other.md: none of its tasks is here: `txlite import other.md` adds them", self.errors)
        for name, text in (("tasks.jsonl", '{"format": "txlite", "version": 1}\n'), ("empty", "")):
            self.txlite("export", "--list", self.write(name, text), code=64)
            self.assertIn(f"{name} is no task list", self.errors)
        for name, what in (("-", "--list is -: give"), ("no.md", "no.md: No such file or directory: give the task")):
            self.txlite("export", "--list", name, code=64)
            self.assertIn(what, self.errors)
        self.txlite("export", "--list", self.write("prose.md", "words\n"), code=64)
        self.assertRegex(self.errors, r"prose.md has no task: .*: nothing was ticked\n\Z")

    def test_what_is_wrong_is_named_with_its_line(self) -> None:
        for text, line, word in (
            ("- [ ] a\n  ~~~ sh\n  make\n- [ ] b\n", 2, "has no end, and hides tasks: end it with ~~~"),
            ("- [ ] a\n\n<!-- not now\n- [ ] b\n", 3, "the comment that begins here has no end"),
            ("- [ ] A\n  after: B\n- [ ] B\n  after: C\n- [ ] C\n  - [ ] D\n    after: A\n", 2,
             "'A' waits for itself, by way of 'B', 'C', 'D' (a task waits for its parts)"),
            ("\n- [ ] A\n  after: a", 3, "'A' waits for itself:"),
            ("- [ ] A\n  after: B, X", 2, "no task of this file is called 'B'"),
            ("- [ ] A\n\n- [x] B\n- [ ] **a**:\n", 4, "'a:' stands on line 1 already"),
            ("- [ ] A\n  - [ ] T\n- [ ] B\n  - [ ] T\n- [ ] C\n  after: T\n", 6, "'T' is called on lines 2 and 4"),
            ("- [ ] A\n  after: tx-nosuchid\n", 2, "tx-nosuchid"),
            ("- [ ] A\n- [-] B\n", 2, "its box is [-] and neither [ ] nor [x]"),
            ("- [ ] A\n- [ ]\n", 2, "its box has no title"),
            ("- [ ] A\n  verify:\n", 2, "nothing stands behind verify:"),
            ("- [ ] A (verify: true)\n  verify: false\n", 2, "one gate"),
            (f"- [ ] A\n- [ ] B{' ' * 100_000}C\n", 2, "its title has more than 10,000 characters"),
            ("".join(f"{'  ' * deep}- [ ] A{deep}\n" for deep in range(1500)), 101, "100 deep"),
        ):  # fmt: skip
            with self.subTest(text=text):
                self.refuse("PLAN.md", text, line, word)
        self.take("PLAN.md", "- [ ] A\n- [ ] B (after: C)\n", code=64)
        self.assertEqual((self.errors.count("PLAN.md, line 2: "), self.store().list()), (1, []))
        with open(self.path("PLAN.md"), "wb") as file:
            file.write(b"- [ ] A\n- [ ] \xff\n")
        self.txlite("import", "PLAN.md", code=64)
        self.assertIn("PLAN.md, line 2: it is not valid UTF-8", self.errors)
        self.txlite("import", "-", code=64, stdin=b"What is to be done?\n")
        self.assertIn("stdin has no task: a line of a Markdown list is - [ ] its title", self.errors)

    def test_what_may_wait_for_what_is_here(self) -> None:
        here = self.store().add("before")
        self.take("-", stdin=f"- [ ] A\n  after: {here.id}\n- [x] B (after: C)\n- [ ] C (after: B)\n".encode())
        self.assertEqual(self.told()["A"], (OPEN, None, ["before"]))
        self.assertEqual(self.told()["C"][2], ["B"], "what is done is on no way back")

    def test_any_text_is_read_or_refused_and_ticked_in_its_boxes_only(self) -> None:
        source = random.Random(13)
        words = ["- [ ] ", "- [x] ", "* [ ] T1 ", "  ", "\t", "\n", "\n\n", "\r\n", "```", "~~~\n", "<!--", "-->", "# ",
                 "> ", "after: ", "verify: ", "T1", "T2", "(after: ", ")", "`", "**", "1. [ ] ", "- [X]", "é",
                 "---\n"]  # fmt: skip
        count = 0
        for _ in range(2000):
            text = source.choice(("", "\ufeff")) + "".join(source.choice(words) for _ in range(source.randrange(30)))
            try:
                found = read(text, MARKDOWN, "it", "it", str)
            except UsageError:
                continue
            count += 1
            ticked, number = tick(text, found, {one.id: "now" for one in found})
            changed = [(old, new) for old, new in zip(text, ticked) if old != new]
            self.assertEqual((len(ticked), changed), (len(text), [(" ", "x")] * number), text)
            again = read(ticked, MARKDOWN, "it", "it", str)
            self.assertEqual([one._replace(status="", ticks=()) for one in again],
                             [one._replace(status="", ticks=()) for one in found], text)  # fmt: skip
            self.assertEqual({one.status for one in again}, {DONE})
        self.assertGreater(count, 200)


if __name__ == "__main__":
    unittest.main()
