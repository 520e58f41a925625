"""Mutants of the screen that follows a home, `txlite top`."""

from __future__ import annotations

from .mutant import Mutant

LAYOUT = "view.test_top.Layout"
TOP = "view.test_top.Top"
LISTS = "view.test_lists.Lists"

MUTANTS = (
    Mutant(
        "bar-total",
        "view/run_progress.py",
        "            self._hand_on([event for event in ended if event.event <= self._outlook.event])\n",
        "",
        "what ends while the tasks are counted is in the bar once, as ended or as to be run",
        ("view.test_progress.Run.test_what_ends_while_the_others_are_counted_is_counted_once",),
    ),
    Mutant(
        "bar-beyond",
        "view/run_progress.py",
        " if event.event <= self._outlook.event]",
        "]",
        "what ends while the tasks are counted is in the bar once, as ended or as to be run",
        ("view.test_progress.Run.test_what_ends_while_the_others_are_counted_is_counted_once",),
    ),
    Mutant(
        "top-lost-home",
        "view/top/screen.py",
        "        if not self._is_nowhere:\n",
        "        if False:\n",
        "who looks at a home that was deleted is told so",
        (f"{TOP}.test_it_stops_goes_on_and_takes_another_size",),
    ),
    Mutant(
        "top-warming",
        "view/top/gatherer.py",
        "        self._warming = WARMING\n",
        "        self._warming = 0.0\n",
        "what waits is looked at again a second after the first look, which loads modules",
        (f"{LAYOUT}.test_only_the_first_look_may_take_a_moment_and_be_followed_by_a_second_at_once",),
    ),
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
    Mutant(
        "top-silent-key",
        "view/top/controls.py",
        "        if not key:\n            return\n",
        "",
        "a terminal that takes another size answers no question",
        (f"{TOP}.test_what_goes_on_and_what_keys_do",),
    ),
    Mutant(
        "top-gone",
        "view/top/screen.py",
        "return bool(keys) or not self._terminal.has_gone()",
        "return True",
        "the screen is left when its terminal has gone",
        (f"{TOP}.test_it_is_left_when_its_terminal_has_gone",),
    ),
    Mutant(
        "list-room",
        "view/fitted_table.py",
        "while _width_of([column.narrowest for column in chosen]) > room and",
        "while False and",
        "no line of a list wraps, however narrow the terminal is",
        (f"{LISTS}.test_columns_that_have_no_room_are_left_out", f"{LISTS}.test_status_says_first_what_matters_first"),
    ),
    Mutant(
        "show-cuts-words",
        "view/one_task.py",
        "text.wrap(line, max(width() - len(head), 20))",
        "(text.shorten(line, max(width() - len(head), 20)),)",
        "what a person said stands whole",
        (f"{LISTS}.test_what_was_said_of_a_task_stands_whole_on_a_terminal",),
    ),
    Mutant(
        "history-room",
        "view/history.py",
        "ends, 1, least=LEAST,",
        "ends,",
        "no line of the history wraps, however long the reason is",
        (f"{LISTS}.test_history_fits_a_terminal_and_leaves_out_what_says_least",),
    ),
    Mutant(
        "list-first",
        "view/task_list.py",
        "for status in (ACTIVE, FAILED, REVIEW, BLOCKED) if",
        "for status in (ACTIVE, BLOCKED) if",
        "of very many tasks a terminal shows first what failed",
        (f"{LISTS}.test_of_very_many_a_terminal_shows_a_screenful",),
    ),
    Mutant(
        "list-pipe",
        "view/task_list.py",
        "return sys.stdout.isatty()",
        "return True",
        "a pipe gets all tasks, in the order of arrival",
        (f"{LISTS}.test_of_very_many_a_terminal_shows_a_screenful",),
    ),
)
