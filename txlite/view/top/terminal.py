"""The terminal, through curses: what stands on it, which keys are pressed, and that it is right again afterwards."""

from __future__ import annotations

import os
import sys

from ... import text
from ...errors import UsageError
from .spans import BAD, BUSY, CARE, CHOSEN, FAINT, GOOD, STRONG

TYPE_CHECKING = False
if TYPE_CHECKING:
    import curses

    from .layout import Screenful

INSTEAD = "`txlite status` shows the same once"
KEYS = {
    "KEY_UP": "up", "KEY_DOWN": "down", "KEY_LEFT": "left", "KEY_RIGHT": "right", "KEY_PPAGE": "page up",
    "KEY_NPAGE": "page down", "KEY_HOME": "home", "KEY_END": "end", "KEY_ENTER": "enter",
    "KEY_BACKSPACE": "backspace", "KEY_BTAB": "backtab",
}  # fmt: skip
CHARACTERS = {"\n": "enter", "\r": "enter", "\t": "tab", "\x1b": "escape", "\x7f": "backspace", "\b": "backspace"}
PLAINER = str.maketrans({"─": "-", "█": "#", "▓": "x", "▒": ">", "░": ".", "…": "~", "▸": ">"})


class FullScreen:
    """The whole terminal, from `open` to `close`."""

    def __init__(self) -> None:
        self._screen: curses.window | None = None
        self._attributes: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._is_unicode = True

    def open(self) -> None:
        """Take the terminal. Raises UsageError where there is none, or none that can be drawn on."""
        import locale

        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise UsageError(f"this needs a terminal to draw on: {INSTEAD}")
        try:
            import curses
        except ImportError:
            raise UsageError(f"this Python was built without curses: {INSTEAD}") from None
        try:
            locale.setlocale(locale.LC_ALL, "")
        except locale.Error:
            pass  # one that is not installed: as without any
        self._is_unicode = locale.nl_langinfo(locale.CODESET).upper().replace("-", "") == "UTF8"
        _check_terminal()
        os.environ.setdefault("ESCDELAY", "50")  # milliseconds for the rest of a key's sequence, once ESC came
        self._screen = curses.initscr()
        curses.noecho()
        curses.cbreak()
        self._screen.keypad(True)
        self._screen.nodelay(True)
        self._names = {getattr(curses, name): key for name, key in KEYS.items()}
        self._attributes = _choose_attributes()
        self._hide_cursor()

    def _hide_cursor(self) -> None:
        import curses

        try:
            curses.curs_set(0)
        except curses.error:
            pass  # this terminal always shows one

    def close(self) -> None:
        """Give the terminal back as it was."""
        if self._screen:
            import curses

            self._screen = None
            try:
                curses.endwin()
                if not curses.tigetstr("rmcup"):  # no screen of its own to leave: the last line stays
                    os.write(sys.stdout.fileno(), b"\r\n")
            except (curses.error, OSError):
                pass  # it has gone

    def suspend(self) -> None:
        """Give it back for a while."""
        import curses

        curses.endwin()

    def restore(self) -> None:
        """Take it again, whatever stands on it now, with the size that it has now."""
        if self._screen:
            import curses

            curses.reset_prog_mode()
            size = self.size()
            curses.resizeterm(size.lines, size.columns)
            self._screen.clear()
            self._screen.refresh()
            self._hide_cursor()

    def size(self) -> os.terminal_size:
        """Return the columns and lines that it has at this moment."""
        try:
            columns, lines = os.get_terminal_size(sys.stdout.fileno())
        except OSError:
            columns = lines = 0
        return os.terminal_size((columns or 80, lines or 24))

    def keys(self) -> list[str]:
        """Return what was pressed, without waiting; "" for a key without a name here."""
        import curses

        found: list[str] = []
        while self._screen and len(found) < 1000:
            try:
                key = self._screen.get_wch()
            except curses.error:
                break
            found.append(self._names.get(key, "") if isinstance(key, int) else CHARACTERS.get(key, key))
        return found

    def has_gone(self) -> bool:
        """Whether nobody is at the other end any more."""
        import select

        poll = select.poll()
        poll.register(sys.stdin.fileno(), select.POLLIN)
        return any(event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))

    def draw(self, shown: Screenful) -> None:
        """Have it show these lines, from the first one on."""
        import curses

        if not self._screen:
            return
        self._screen.erase()
        height, width = self._screen.getmaxyx()
        for row, line in enumerate(shown.lines[:height]):
            column = 0
            for span in line:
                words = span.words if self._is_unicode else simplify(span.words)
                try:
                    self._screen.addstr(row, column, words, self._attributes.get(span.style, 0))
                except curses.error:
                    pass  # the last column of the last line: it stands there all the same
                column += text.columns(span.words)
                if column >= width:
                    break
        self._screen.noutrefresh()
        curses.doupdate()


def simplify(words: str) -> str:
    """Return words for a terminal that has ASCII alone, as wide as they were."""
    if words.isascii():
        return words
    return "".join(one if one.isascii() else "?" * text.columns(one) for one in words.translate(PLAINER))


def _check_terminal() -> None:
    """Raise UsageError for a terminal that nobody knows, or that cannot be drawn on: curses would end the process."""
    import curses

    name = os.environ.get("TERM", "")
    try:
        curses.setupterm(name or "unknown", sys.stdout.fileno())
        is_able = curses.tigetstr("cup") is not None
    except curses.error:
        is_able = False
    if not is_able:
        raise UsageError(f"TERM={text.printable(name)}: no terminal that can be drawn on: {INSTEAD}")


def _choose_attributes() -> dict[str, int]:
    """A terminal's attribute for each style: colours where it has them and NO_COLOR (no-color.org) is not set."""
    import curses

    attributes = {STRONG: curses.A_BOLD, FAINT: curses.A_DIM, CHOSEN: curses.A_REVERSE, BAD: curses.A_BOLD}
    if os.environ.get("NO_COLOR") or not curses.has_colors():
        return attributes
    curses.start_color()
    curses.use_default_colors()
    colours = {GOOD: curses.COLOR_GREEN, BAD: curses.COLOR_RED, CARE: curses.COLOR_YELLOW, BUSY: curses.COLOR_CYAN}
    for number, (style, colour) in enumerate(colours.items(), 1):
        curses.init_pair(number, colour, -1)
        attributes[style] = curses.color_pair(number)
    return attributes
