"""doctor: what this machine and this home can and cannot promise."""

from __future__ import annotations

from ..doctor.diagnose import diagnose
from ..doctor.probe import BROKEN, LIMITED, OK
from ..doctor.rescue import move_database
from ..view.findings import print_finding
from ..view.json_output import print_json
from ..view.objects.homes import findings_object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.epilog = (
        "Without --set-aside it changes nothing. Exits with 1 if something is broken; what is limited still works."
    )
    parser.add_argument(
        "--set-aside", action="store_true", help="move a database that cannot be used away, with all that belongs to it"
    )
    parser.add_argument("--json", action="store_true", help="print an object")


def run(args: Namespace) -> int:
    """Print what was found; return 1 where something is broken."""
    if args.set_aside:
        done = move_database(args.home)
        print_json({"moved": done}) if args.json else print(done)
        return 0
    findings = []
    for finding in diagnose(args.home):
        findings.append(finding)
        if not args.json:
            print_finding(finding.level, finding.name, finding.found, finding.advice)
    count = {level: sum(finding.level == level for finding in findings) for level in (OK, LIMITED, BROKEN)}
    if args.json:
        print_json(findings_object([finding._asdict() for finding in findings], not count[BROKEN]))
    else:
        print(f"\n{count[OK]} ok, {count[LIMITED]} limited, {count[BROKEN]} broken")
    return 1 if count[BROKEN] else 0
