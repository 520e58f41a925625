"""man: all commands, their options, exit codes, files and variables as one manual page."""

from __future__ import annotations

import re
import time

from ..version import VERSION
from . import VERBS, help
from .examples import EXAMPLES
from .grammar import read_grammar, show_argument
from .overview import GROUPS
from .roff import escape, example, from_markdown, heading, item, paragraph, say
from .spelling import ALIASES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from .grammar import Grammar

ABOUT = "runs commands and AI coding agents in the background, several at a time, each with a report"
# What comes from the page of the reference, in the order that man-pages(7) wants.
SECTIONS = {"Exit codes": "EXIT STATUS", "Values": "VALUES", "Environment": "ENVIRONMENT", "Files": "FILES"}


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.epilog = "Prints roff, for `man -l`, or for a file man1/txlite.1 in a directory of MANPATH."


def run(args: Namespace) -> int:
    """Print the page."""
    for line in write_page():
        print(line)
    return 0


def write_page() -> Iterator[str]:
    """Yield the page's lines, as roff."""
    yield f'.TH TXLITE 1 "{time.strftime("%Y-%m-%d")}" "txlite {escape(VERSION)}" "User Commands"'
    yield from (".nh", ".ad l", heading("NAME"), say(f"txlite - {ABOUT}"), heading("SYNOPSIS"))
    yield "\\fBtxlite\\fR [\\fB\\-\\-home\\fR \\fIDIR\\fR] \\fICOMMAND\\fR ..."
    yield heading("DESCRIPTION")
    yield say(
        f"txlite {ABOUT}. Every command takes `--home DIR` (the directory with the database and the reports), "
        "`--trust` (use that home from now on, though it came with a clone) and `--help`."
    )
    aliases = ", ".join(f"`{alias}` is `{verb}`" for alias, verb in ALIASES.items())
    yield from paragraph(f"Other tools' words are understood: {aliases}.")
    for title, verbs in GROUPS.items():
        yield heading(title.upper())
        for verb in verbs:
            yield from _describe(read_grammar(verb))
    page = help.read("reference")
    for title, shown in SECTIONS.items():
        yield heading(shown)
        yield from from_markdown(_find_section(page, title))
    yield heading("SEE ALSO")
    topics = ", ".join(f"`txlite help {topic}`" for topic in help.TOPICS)
    yield say(f"The pages that come along: {topics}.")


def _describe(grammar: Grammar) -> Iterator[str]:
    yield heading(f"txlite {grammar.verb}", "SS")
    does = VERBS[grammar.verb][1]
    yield from (".nf", f"\\fB{escape(grammar.usage)}\\fR", ".fi")
    yield from paragraph(f"{does[0].upper()}{does[1:]}.")
    yield from paragraph(grammar.about)
    for argument in grammar.arguments:
        if argument.says:
            yield from item(show_argument(argument), argument.says)
    for option in grammar.options:
        if not {"--help", "--home", "--trust"} & set(option.names):
            yield from item(", ".join(option.names) + (f" {option.value}" if option.value else ""), option.says)
    yield from example(line for wish, typed in EXAMPLES[grammar.verb] for line in (f"# {wish}", typed))


def _find_section(page: str, title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", page, re.M | re.S)
    return found[1] if found else ""
