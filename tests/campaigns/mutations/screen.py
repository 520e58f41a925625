"""Mutants of the screen that follows a home, `txlite top`."""

from __future__ import annotations

from .mutant import Mutant

LAYOUT = "view.test_top.Layout"
TOP = "view.test_top.Top"

MUTANTS = (
    Mutant(
        "top-restored",
        "view/top/terminal.py",
        "                curses.endwin()\n                if",
        "                if",
        "whatever ends the screen, the terminal is as it was",
        (f"{TOP}.test_whatever_ends_it_leaves_the_terminal_as_it_was",),
    ),
    Mutant(
        "top-asks",
        "view/top/controls.py",
        'if key in ("y", "Y") and errand:',
        "if errand:",
        "what ends something is done after a yes only",
        (f"{TOP}.test_what_goes_on_and_what_keys_do",),
    ),
    Mutant(
        "top-escapes",
        "view/top/spans.py",
        'return text.shorten(words, width) if width > 0 else ""',
        "return words[:max(width, 0)]",
        "what an agent wrote cannot act on the terminal, and no line is too wide",
        (f"{LAYOUT}.test_no_size_breaks_it",),
    ),
    Mutant(
        "top-choice",
        "view/top/sight.py",
        "self._places[pane] = tasks.index(self._chosen[pane])",
        "self._choose(pane, self._places[pane])",
        "a choice stays with its task while others come and go",
        (f"{LAYOUT}.test_a_choice_stays_with_its_task_and_its_place",),
    ),
    Mutant(
        "top-window",
        "view/top/window.py",
        "while top < place and",
        "while False and",
        "the chosen line is on the screen wherever it is",
        (f"{LAYOUT}.test_the_chosen_line_is_seen_wherever_it_is",),
    ),
)
