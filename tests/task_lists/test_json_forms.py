"""The PRDs of ralph loops and beads' issues, in the shapes that their programs write."""

from __future__ import annotations

import json
import re
import unittest

from .case import ListCase

PRD = """{
  "project": "Shop",
  "branchName": "ralph/priority",
  "description": "Tasks have a priority",
  "verificationCommands": {"test": "npm test"},
  "userStories": [
    {
      "id": "US-001",
      "title": "Priority in the database",
      "description": "As a developer, I need it stored.",
      "acceptanceCriteria": ["A column 'priority'", "Typecheck passes"],
      "priority": 1,
      "passes": true,
      "notes": ""
    },
    {"id": "US-002", "title": "Show it: \\"high\\"", "description": "As a user, I see {now}.",
     "priority": 3, "passes":false, "dependsOn": ["US-001", "US-003"], "notes": "a badge"},
    {"id": "US-003", "title": "Select it", "priority": 2, "passes" : false, "dependencies": {"dependsOn": ["US-001"]}}
  ]
}
"""
ARRAY = """[
  {"category": "functional", "description": "A message can be sent", "steps": ["Open", "Type"], "passes": false},
  {"category": "ui", "description": "It is shown\\nat once", "passes": false}]"""
TIMES = '"created_at":"2025-12-16T13:26:47.117226-08:00","updated_at":"2025-12-17T16:11:17.070763-08:00"'


def issue(id: str, title: str, status: str = "open", *waits: str, **facts: object) -> str:
    """A line as bd writes it. `waits`: ids, behind a ^ for what it is a part of."""
    dependencies = [
        {"issue_id": id, "depends_on_id": one.lstrip("^"), "type": "parent-child" if one[0] == "^" else "blocks",
         "created_at": "2025-12-16T13:26:47.117226-08:00", "created_by": "daemon"}
        for one in waits
    ]  # fmt: skip
    head = {"id": id, "title": title, "description": f"about {title}", "status": status, "issue_type": "task", **facts}
    tail = {"dependencies": dependencies} if dependencies else {}
    return f"{json.dumps(head)[:-1]},{TIMES}{json.dumps(tail)[1:-1] and ',' + json.dumps(tail)[1:-1]}}}\n"


class Prds(ListCase):
    def test_what_stories_say(self) -> None:
        self.assertIn("prd.json, a PRD: 3 tasks added, 1 of them done already", self.take("prd.json", PRD))
        self.assertEqual(
            self.told(),
            {
                "Priority in the database": ("done", None, []),
                'Show it: "high"': ("backlog", None, ["Priority in the database", "Select it"]),
                "Select it": ("backlog", None, ["Priority in the database"]),
            },
        )
        first, second, third = self.store().list()
        self.assertEqual(
            first.description,
            "As a developer, I need it stored.\n\nAcceptance criteria:\n- A column 'priority'\n- Typecheck passes",
        )
        self.assertEqual(second.description, "As a user, I see {now}.\n\nNotes:\na badge")
        self.assertGreater(third.score, second.score, "the lower its priority, the sooner")
        self.assertIn("0 tasks added; 3 were here", self.take("prd.json"))
        self.assertIn(
            "3 tasks added", self.take("prd.json", PRD.replace("ralph/priority", "ralph/next")), "another PRD"
        )

    def test_passes_is_set_and_nothing_else(self) -> None:
        self.take("prd.json", PRD)
        self.finish("Select it", 'Show it: "high"')
        self.assertEqual(self.txlite("export", "--list", "prd.json"), "prd.json: 2 more ticked, 3 of 3 tasks done\n")
        self.assertEqual(self.read("prd.json"), PRD.replace('":false', '":true').replace('" : false', '" : true'))

    def test_a_bare_array(self) -> None:
        self.take("features.json", ARRAY)
        one, other = self.store().list()
        self.assertEqual((one.title, one.description), ("A message can be sent", "Steps:\n- Open\n- Type"))
        self.assertEqual((other.title, other.description), ("It is shown", "at once"))
        self.finish("It is shown")
        self.txlite("export", "--list", "features.json")
        self.assertEqual(self.read("features.json"), ARRAY.replace("false}]", "true}]"))

    def test_other_words_for_the_same(self) -> None:
        text = """{"name": "Login", "features": [
          {"id": "F1", "name": "Tests", "priority": "P0", "status": "Done", "tasks": ["set up"]},
          {"id": "F2", "name": "Flow", "priority": "P1", "status": "pending"}]}"""
        self.take("prd.json", text)
        one, other = self.store().list()
        self.assertEqual((one.title, one.status, one.description), ("Tests", "done", "Tasks:\n- set up"))
        self.assertGreater(one.score, other.score)
        self.finish("Flow")
        self.txlite("export", "--list", "prd.json")
        self.assertEqual(self.read("prd.json"), text.replace("pending", "Done"))
        more = (
            '[{"description": "It works", "steps": ["A"], "tested": %s},\n {"description": "It works", "steps": ["B"]}]'
        )
        self.assertIn("2 tasks added, 1 of them", self.take("two.json", more % "true"))
        self.refuse("two.json", (more % "true").replace('"B"', '"A"'), 2, "'It works' stands on line 1 already")

    def test_what_is_wrong_is_named_with_its_line(self) -> None:
        for text, line, word in (
            (PRD.replace('"US-003", "t', '"US-002", "t'), 18, "US-002"),
            (PRD.replace('["US-001", "US-003"]', '["US-9"]'), 16, "no task of this file is called 'US-9'"),
            (PRD.replace('"dependsOn": ["US-001"]', '"dependsOn": ["US-002"]'), 16, "waits for itself, by way of"),
            (PRD[:-4], 19, "it is not JSON"),
            ('{"userStories": []}', 1, "it has no stories"),
            ('\n{"stories"\n: 3}', 2, "it has no userStories"),
            ('[\n{"title": "A"},\n3]', 3, "a story is an object"),
            ('[\n{"id": 1},\n{}]', 2, "neither title nor description"),
            ('[{"title": 5}]', 1, "its title is not text"),
            ('[{"title": "A"},\n{"title": "B\\u0000"}]', 2, "the title contains a NUL byte"),
            ('[{"title": "A", "description": "\\ud800", "id": "\\ud800"}]', 1, "not valid UTF-8"),
            ('[{"title": "A", "id": {}}]', 1, "an id is neither text nor a number"),
            ("[" * 200_000, 1, "it holds what cannot be read"),
        ):
            with self.subTest(word=word):
                self.refuse("prd.json", text, line, word)


class Beads(ListCase):
    ISSUES = (
        issue("bd-1", "Epic", issue_type="epic", priority=1)
        + issue("bd-1.1", "Design", "in_progress", "^bd-1", "bd-deleted", design="so", acceptance_criteria="good")
        + issue("bd-1.2", "Work", "blocked", "^bd-1", "bd-1.1", "bd-1", priority=4)
        + "\n"
        + issue("bd-2", "Gone", "tombstone")
        + issue("bd-3", "Told", "open", issue_type="message")
        + issue("bd-4", "Before", "closed", closed_at="2025-12-17T16:11:17.070763-08:00", priority=2)
        + issue("bd-5", "On ice", "deferred")
        + issue("bd-6", "Stuck", "blocked")
        + issue("bd-7", "Next", "hooked", "bd-4", "bd-2", priority=2)
    )

    def test_what_issues_say(self) -> None:
        self.take("issues.jsonl", self.ISSUES)
        self.assertEqual(
            self.told(),
            {
                "Epic": ("backlog", None, ["Design"]),  # its other part waits for it, which beads allows
                "Design": ("backlog", "Epic", []),
                "Work": ("backlog", "Epic", ["Design", "Epic"]),
                "Before": ("done", None, []),
                "On ice": ("blocked", None, []),
                "Stuck": ("blocked", None, []),
                "Next": ("backlog", None, ["Before"]),
            },
        )
        tasks = {one.title: one for one in self.store().list()}
        self.assertEqual(tasks["Design"].description, "about Design\n\nDesign:\nso\n\nAcceptance criteria:\ngood")
        scores = [tasks[title].score for title in ("Design", "Epic", "Next", "Work")]
        self.assertEqual(scores, sorted(scores, reverse=True), "no priority is the highest, as it is there")
        self.assertIn("0 tasks added; 7 were here", self.take("issues.jsonl"))

    def test_they_are_closed_and_nothing_else_changes(self) -> None:
        self.take("issues.jsonl", self.ISSUES)
        self.finish("Design")
        self.txlite("export", "--list", "issues.jsonl")
        pairs = [
            pair for pair in zip(self.ISSUES.split("\n"), self.read("issues.jsonl").split("\n")) if len(set(pair)) > 1
        ]
        self.assertEqual(len(pairs), 1)
        old, new = map(json.loads, pairs[0])
        self.assertEqual(old["status"], "in_progress")
        self.assertEqual(
            {**old, "status": "closed", "updated_at": new["closed_at"], "closed_at": new["closed_at"]}, new
        )
        self.assertRegex(new["closed_at"], re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z$"))

    def test_what_is_wrong_is_named_with_its_line(self) -> None:
        one = issue("bd-1", "One")
        for text, line, word in (
            (
                one + issue("bd-2", "Two", "open", "bd-3") + issue("bd-3", "Three", "open", "bd-2"),
                2,
                "waits for itself",
            ),
            (one + one, 2, "'bd-1' stands on line 1 already"),
            (one + "{", 2, "it is not JSON"),
            (one + "3\n", 2, "it is not an issue"),
            (one + issue("bd-2", "Two", priority="high"), 2, "its priority is no whole number"),
            (one + issue("bd-2", " "), 2, "its id or its title is empty"),
        ):
            with self.subTest(word=word):
                self.refuse("issues.jsonl", text, line, word)


if __name__ == "__main__":
    unittest.main()
