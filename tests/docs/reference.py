"""Writes the commands into txlite/docs/reference.md, from their parsers: `python3 -m tests.docs.reference`.

What stands between the two marks is generated, the rest is written by hand. Nothing of argparse's own formatting is
used, because it differs from one Python to the next. `test_docs` compares.
"""

from __future__ import annotations

import argparse
import os
import textwrap

from txlite.commands import VERBS
from txlite.commands.examples import write_examples
from txlite.commands.parser import make_parser

from ..case import ROOT

PATH = os.path.join(ROOT, "txlite", "docs", "reference.md")
BEGIN, END = "<!-- from here on generated: python3 -m tests.docs.reference -->\n", "<!-- to here -->\n"
WIDTH = 118


def generate() -> str:
    """Return the section of every command, in the order of `txlite help`."""
    return "\n".join(describe_verb(verb) for verb in VERBS)


def describe_verb(verb: str) -> str:
    """Return the section of one command: what it does, how it is called, its arguments, and what else is to know."""
    _, parser = make_parser(verb)
    actions = [one for one in parser._actions if not {"--help", "--home", "--db", "--trust"} & set(one.option_strings)]
    lines = [describe_argument(parser, one) for one in actions if one.help and one.help not in (parser.usage or "")]
    parts = [f"### {verb}", parser.description or "", "    " + usage(parser, actions), "\n".join(lines)]
    parts.append(textwrap.fill(parser.epilog or "", WIDTH, break_long_words=False, break_on_hyphens=False))
    parts.append("\n".join("    " + line for line in write_examples(verb, parser.prog)))
    return "\n\n".join(part for part in parts if part) + "\n"


def usage(parser: argparse.ArgumentParser, actions: list[argparse.Action]) -> str:
    """Return the line that shows how it is called."""
    if parser.usage:
        return parser.usage
    positional = [name_positional(one) for one in actions if not one.option_strings]
    options = ["[options]"] if any(one.option_strings for one in actions) else []
    return " ".join([parser.prog, *options, *positional])


def describe_argument(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    """Return the list's item for an option or a positional argument."""
    name = name_option(action) if action.option_strings else name_positional(action)
    said = (action.help or "") % {**vars(action), "prog": parser.prog}
    return textwrap.fill(f"- `{name}`: {said}", WIDTH, subsequent_indent="  ", break_long_words=False,
                         break_on_hyphens=False)  # fmt: skip


def name_option(action: argparse.Action) -> str:
    """Return `--name VALUE, -n`."""
    first, *others = sorted(action.option_strings, key=len, reverse=True)
    value = "" if action.nargs == 0 else " " + name_value(action)
    return ", ".join([first + value, *others])


def name_positional(action: argparse.Action) -> str:
    """Return `NAME`, `[NAME]`, or `NAME ...`."""
    name = name_value(action)
    return {"?": f"[{name}]", "*": f"[{name} ...]", "+": f"{name} ..."}.get(str(action.nargs), name)


def name_value(action: argparse.Action) -> str:
    """Return what stands for the value of an argument."""
    if isinstance(action.metavar, str):
        return action.metavar
    return "|".join(map(str, action.choices)) if action.choices else action.dest.upper()


def compose(page: str) -> str:
    """Return the page with its generated part made anew."""
    before, _, rest = page.partition(BEGIN)
    return before + BEGIN + "\n" + generate() + "\n" + END + rest.partition(END)[2]


if __name__ == "__main__":
    with open(PATH, encoding="utf-8") as file:
        page = compose(file.read())
    with open(PATH, "w", encoding="utf-8") as file:
        file.write(page)
