"""{{NAME}} templates, terminal-safe text, durations and sizes, and which word a misspelt one may be.

Used by reports, prompts and everything that is shown. Nothing here reads or writes files.
"""

from __future__ import annotations

import re

from .errors import InvalidValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# DEL, C1, surrogates, and the characters that turn or hide text (Unicode TR36, "bidi spoofing"): soft hyphen, marks of
# direction, separators and joiners without width, annotations, tags.
_HIDDEN = (
    "\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f"
)
_UNSAFE = f"[\x00-\x1f{_HIDDEN}]"
_UNSAFE_LINES = f"[\x00-\x08\x0b-\x1f{_HIDDEN}]"


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 256:
        return {9: "\\t", 10: "\\n", 13: "\\r"}.get(code) or f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def printable(text: str) -> str:
    """`text` on one line, with everything escaped that a terminal could act on."""
    return text if text.isprintable() else re.sub(_UNSAFE, _escape, text)


def printable_lines(text: str) -> str:
    """The same, keeping line ends and tabs."""
    return re.sub(_UNSAFE_LINES, _escape, text)


def columns(text: str) -> int:
    """Return how many columns of a terminal a printable text takes: wide characters two (Unicode UAX 11), those that
    are put onto others none."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    return sum(0 if category(one) in ("Mn", "Me") else 2 if east_asian_width(one) in "WF" else 1 for one in text)


def pad(text: str, width: int) -> str:
    """Return a printable text with spaces behind it, up to `width` columns."""
    return text + " " * (width - columns(text))


def printable_json(text: str) -> str:
    """JSON with the same characters escaped, as it allows (RFC 8259, 7): it says what it said."""
    return text if text.isascii() and "\x7f" not in text else re.sub(f"[{_HIDDEN}]", _escape_json, text)


def _escape_json(match: re.Match[str]) -> str:
    units = match.group().encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))


def shorten(text: str, width: int) -> str:
    """`text` on one safe line of at most `width` columns, cut with an ellipsis."""
    text = printable(text)
    if columns(text) <= width:
        return text
    end = max(width - 1, 0)
    while columns(text[:end]) > max(width - 1, 0):
        end -= 1
    return text[:end] + "…"


def wrap(text: str, width: int) -> list[str]:
    """Return `text` as safe lines of at most `width` columns, broken between words; a longer word stays whole."""
    lines: list[str] = []
    for word in printable(text).split(" "):
        if lines and columns(f"{lines[-1]} {word}") <= width:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return [line.rstrip() for line in lines]


def last_lines(text: str, count: int) -> list[str]:
    """Return the last lines of a text that say something, `count` at most."""
    return [line.rstrip() for line in text.splitlines() if line.strip()][-count:] if count else []


def count(number: int, noun: str) -> str:
    """Return "1 task", "2 tasks"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """Three figures at most: 0.04s, 12s, 3m05s, 2h07m, 4d02h."""
    if seconds < 9.995:
        return f"{max(seconds, 0):.2f}s"
    whole = round(seconds)
    for limit, big, small, one, two in ((3600, 60, 1, "m", "s"), (86400, 3600, 60, "h", "m")):
        if whole < 60:
            return f"{whole}s"
        if whole < limit:
            return f"{whole // big}{one}{whole % big // small:02d}{two}"
    return f"{whole // 86400}d{whole % 86400 // 3600:02d}h"


def age(seconds: float) -> str:
    """The same for what goes on, without fractions: 5s, 3m05s."""
    return f"{max(seconds, 0):.0f}s" if seconds < 60 else duration(seconds)


def ago(seconds: float) -> str:
    """How long ago something was, by its largest unit: 5s ago, 3m ago, 2h ago, 4d ago."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f}{unit} ago"
    return f"{max(seconds, 0):.0f}s ago"


def size(count: float) -> str:
    """Bytes as a person reads them: 0 B, 12 KB, 1.5 MB (powers of 1024)."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TB"


def money(millionths: float, is_whole: bool = True) -> str:
    """Millionths of a US dollar to the cent: $0.53, $1,234.00; above nothing, but below half a cent, as such; at least
    so much where that is not all."""
    dollars = f"${millionths / 1_000_000:,.2f}"
    if not is_whole:
        return f"at least {dollars}"
    return "under $0.01" if 0 < millionths < 5000 else dollars


def parse_money(text: str) -> int:
    """Millionths of a US dollar from "5", "0.50", "$12.5". Raises InvalidValue for anything else, and for 0."""
    match = re.fullmatch(r"\$?(\d{1,9}(?:\.\d{1,6})?)", text.strip(), re.ASCII)
    found = round(float(match[1]) * 1_000_000) if match else 0
    if not found:
        raise InvalidValue(f"{shorten(text, 40)!r} is not an amount: give US dollars above 0, as 5 or 0.50")
    return found


def dollars(millionths: int) -> str:
    """Millionths of a US dollar as they are typed: 5, 0.5, 0.000001."""
    return f"{millionths / 1_000_000:.6f}".rstrip("0").rstrip(".")


def amount(count: int) -> str:
    """A number as it is told in passing: 345, 12k, 1.2M (powers of 1000)."""
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if count >= size - size // 2000:  # no 1000k
            return f"{count / size:.0f}{unit}" if count >= 10 * size else f"{count / size:.1f}{unit}"
    return str(count)


def parse_duration(text: str) -> float:
    """Seconds from "90", "1.5", "10s", "5m", "2h", "1d".

    Raises InvalidValue for anything else, and for what is not above zero.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text.strip(), re.ASCII)
    seconds = float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]] if match else 0.0
    if not 0 < seconds < 1e9:
        raise InvalidValue(f"{shorten(text, 40)!r} is not a duration: give seconds above 0, or 10s, 5m, 2h")
    return seconds


def parse_size(text: str) -> int:
    """Bytes from "4096", "64K", "1.5G", "2 TB" (powers of 1024; "GiB" is the same).

    Raises InvalidValue for anything else.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT]?)I?B?", text.strip().upper(), re.ASCII)
    if not match or len(match[1]) > 18:
        raise InvalidValue(f"{shorten(text, 40)!r} is not a size: give bytes, or 64K, 512M, 1.5G")
    return int(float(match[1]) * (1 << 10 * " KMGT".index(match[2] or " ")))


def check_line(value: str, what: str) -> str:
    """`value` if it can stand as one line of text in the database.

    Raises InvalidValue, naming `what`, for empty text, NUL bytes and lone surrogates.
    """
    if not check_text(value, what).strip():
        raise InvalidValue(f"{what} is empty: say what is to be done")
    return value


def check_name(value: str, what: str) -> str:
    """`value` if it can stand as a name: one line that is not empty and shows as it is; else InvalidValue."""
    if printable(check_line(value, what)) != value:
        raise InvalidValue(f"{what} contains control characters: remove them")
    return value


def check_plain_name(value: str, what: str) -> str:
    """`value` if it can stand as the name of a file or directory anywhere; else InvalidValue."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", value, re.ASCII):
        raise InvalidValue(f"{what} {shorten(value, 60)!r} is not a plain name: letters, digits, - _ and . make one")
    return value


def check_text(value: str, what: str) -> str:
    """`value` if it is text that the database can hold and give back unchanged; else InvalidValue."""
    if not isinstance(value, str):
        raise InvalidValue(f"{what}, {shorten(repr(value), 40)}, is not text")
    if "\0" in value:
        raise InvalidValue(f"{what} contains a NUL byte: remove it")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidValue(f"{what} is not valid UTF-8 at character {error.start + 1}: re-encode it") from None
    return value


def expand(template: str, values: dict[str, object]) -> str:
    """`template` with each {{NAME}} that `values` holds replaced, in one pass: values are never expanded.

    Names that `values` lacks stay as they are.
    """
    from string import Template

    class Braces(Template):
        delimiter = "{{"
        pattern = r"""
            (?P<escaped>(?!)) | (?P<named>(?!)) | \{\{(?P<braced>[A-Z_]+)\}\} | (?P<invalid>(?!))
        """  # type: ignore[assignment]  # string.Template compiles it

    return Braces(template).safe_substitute(values)


def find_nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word of which `word` is a slip of the keyboard, or the one that it begins; None where there is
    none: what is merely similar (top, stop) would do something else than was meant."""
    plain = word.strip("-")
    words = {one.strip("-"): one for one in known}
    begun = [one for one in words if len(plain) > 2 and one.startswith(plain)]
    if len(begun) == 1:
        return words[begun[0]]
    slips = 1 if len(plain) < 5 else 2
    counted = [(_count_slips(plain, one), one) for one in words if _begins_alike(plain, one)]
    count, best = min(counted, default=(slips + 1, ""))
    return words[best] if count <= slips else None


def _begins_alike(word: str, known: str) -> bool:
    return abs(len(word) - len(known)) < 2 and (word[:1] == known[:1] or word[:2] == known[:2][::-1])


def _count_slips(word: str, known: str) -> int:
    """How many letters are missing, too many, wrong, or in each other's place (optimal string alignment)."""
    above, row = [0] * (len(known) + 1), list(range(len(known) + 1))
    for i, letter in enumerate(word, 1):
        two_above, above, row = above, row, [i]
        for j, other in enumerate(known, 1):
            steps = [row[j - 1] + 1, above[j] + 1, above[j - 1] + (letter != other)]
            if i > 1 and j > 1 and letter == known[j - 2] and word[i - 2] == other:
                steps.append(two_above[j - 2] + 1)
            row.append(min(steps))
    return row[-1]
