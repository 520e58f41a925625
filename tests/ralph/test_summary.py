"""The morning after: what the loop reports, as text, as an object and as a page."""

from __future__ import annotations

import json
import unittest

from .case import RepositoryCase


class Morning(RepositoryCase):
    def test_the_report_as_text_object_and_page(self) -> None:
        good = self.add("echo x > file", "<b>good</b>")
        bad = self.add("exit 4", "bad")
        later = self.add("true", "waits", after=[bad])
        told = self.ralph(code=1)
        again = self.txlite("ralph", "--report")
        lines = ("1 done, 1 failed", f"{bad}  bad: put aside: exit 4", f"{later} waits for {bad}", "page: " + self.home)
        for line in lines:
            self.assertIn(line, told)
            self.assertIn(line, again)
        found = self.json("ralph", "--report")
        self.assertEqual([task["id"] for task in found["tasks"]], [good, bad])
        self.assertEqual(found["counts"], {"done": 1, "failed": 1})
        self.assertEqual(found["tasks"][0]["commit"], self.run_git("rev-parse", "main").strip())
        page = self.read(found["page"])
        self.assertIn("&lt;b&gt;good", page)
        self.assertNotIn("<b>good", page)
        self.assertEqual(self.status_of(later), "backlog")

    def test_json_is_one_object(self) -> None:
        self.add("echo x > file")
        found = json.loads(self.ralph("--json"))
        self.assertEqual((found["counts"], found["reason"]), ({"done": 1}, "nothing was left to do"))


if __name__ == "__main__":
    unittest.main()
