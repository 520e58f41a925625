"""What users and agents wrote is shown as text, and does nothing to a terminal."""

from __future__ import annotations

import unittest

from txlite.text import check_name, printable, printable_lines, shorten


class Terminals(unittest.TestCase):
    def test_what_a_terminal_would_act_on_is_escaped(self) -> None:
        controls = [*range(0x20), *range(0x7F, 0xA0)]  # C0, DEL and C1: some terminals take \x9b for ESC [
        hidden = [0x200B, 0x200F, 0x2028, 0x202E, 0x2066, 0xFEFF, 0xD800]
        for code in controls + hidden:
            shown = printable(f"a{chr(code)}b")
            self.assertTrue(shown.isprintable() and "\\" in shown, f"{code:x}: {shown!r}")
            self.assertEqual(shorten(chr(code) * 20, 10), printable(chr(code) * 20)[:9] + "…")
            lines = printable_lines(f"a{chr(code)}b")
            self.assertEqual(lines, f"a{chr(code)}b" if chr(code) in "\t\n" else shown)

    def test_letters_of_any_language_stay(self) -> None:
        for text in ("plain", "é", "\U0001f98a", "日本語", "a\\b"):
            self.assertEqual((printable(text), check_name(text, "it")), (text, text))


if __name__ == "__main__":
    unittest.main()
