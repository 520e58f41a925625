"""doctor: what this machine and this home can and cannot promise."""

from __future__ import annotations

from .. import text
from ..doctor import diagnose
from ..doctor.probe import BROKEN, LIMITED, OK, Finding
from ..view import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

COLOURS = {OK: "32", LIMITED: "33", BROKEN: "31"}
LEVEL_WIDTH, NAME_WIDTH = 9, 13


def configure(parser: ArgumentParser, verb: str) -> None:
    parser.epilog = "Changes nothing. Exits with 1 if something is broken; what is limited still works."
    parser.add_argument("--json", action="store_true", help="print an object")


def run(args: Namespace) -> int:
    findings = []
    for finding in diagnose.diagnose(args.home):
        findings.append(finding)
        if not args.json:
            _print(finding)
    count = {level: sum(finding.level == level for finding in findings) for level in COLOURS}
    if args.json:
        output.print_json({"ok": not count[BROKEN], "findings": [finding._asdict() for finding in findings]})
    else:
        print(f"\n{count[OK]} ok, {count[LIMITED]} limited, {count[BROKEN]} broken")
    return 1 if count[BROKEN] else 0


def _print(finding: Finding) -> None:
    """Aligned columns, wrapped to the terminal's width; what to do on lines of its own."""
    margin = " " * (LEVEL_WIDTH + NAME_WIDTH)
    first, *others = _wrap(finding.found, len(margin))
    level = output.colour(finding.level, COLOURS[finding.level]) + " " * (LEVEL_WIDTH - len(finding.level))
    print(f"{level}{finding.name:<{NAME_WIDTH}}{first}", flush=True)
    lines = [
        *others,
        *(("  " if place else "> ") + line for place, line in enumerate(_wrap(finding.advice, len(margin) + 2))),
    ]
    for line in lines:
        print(margin + line)


def _wrap(words: str, margin: int) -> list[str]:
    import textwrap

    room = max(output.width() - margin - 1, 30)
    return textwrap.wrap(text.printable(words), room, break_long_words=False, break_on_hyphens=False)
