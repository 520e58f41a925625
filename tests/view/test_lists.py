"""Lists as they stand in a terminal of 80 columns."""

from __future__ import annotations

import unittest

from txlite import text

from ..case import Case
from .screen import Terminal


class Lists(Case):
    def test_list_fits_a_terminal_and_names_its_columns(self) -> None:
        with self.store() as store:
            long, wide = store.add("on and on " * 30, score=500).id, store.add("日本語の題名" * 20).id
        shown = Terminal(self, "list").end().splitlines()
        self.assertEqual(shown[0], "ID           STATE  SCORE  TASK")
        self.assertRegex(shown[1], rf"^{long}  ready  500    on and on .*…$")
        self.assertRegex(shown[2], rf"^{wide}  ready  0      日本語の.*…$")
        self.assertLessEqual({text.columns(line) for line in shown[1:]}, {79, 80})
        self.assertIn(("on and on " * 30).strip(), self.txlite("list"), "a pipe gets all of it")
        self.assertEqual(self.txlite("list", "--status", "done"), "")

    def test_text_is_as_wide_as_a_terminal_shows_it(self) -> None:
        for words, columns in (("abc", 3), ("日本", 4), ("e\u0301", 1), ("…", 1)):
            self.assertEqual(text.columns(words), columns)
        self.assertEqual(text.shorten("日本語", 5), "日本…")
        self.assertEqual(text.shorten("日本語", 4), "日…")
        self.assertEqual(text.pad("日本", 5), "日本 ")


if __name__ == "__main__":
    unittest.main()
