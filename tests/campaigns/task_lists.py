#!/usr/bin/env python3
"""Task lists with something put in and taken out: each is refused in a line, or is the same list when it is ticked.

    python3 tests/campaigns/task_lists.py [--rounds N] [--seed N]

A Markdown list, PRDs and beads' issues are changed in a few places, and read. What is refused is refused with a message
of one line. What is taken has ids of its own for all tasks; with everything ticked it has the same ones, all done, and
differs from what it was in boxes alone: read as Markdown or JSON, all other words are as they were. Every so often one
is imported into a home, twice. Exit code 1 where one of that is not so.
"""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterator
from random import Random

from harness import Scene, make_parser

import txlite
from tests.task_lists.test_json_forms import ARRAY, PRD, Beads
from tests.task_lists.test_markdown import PLAN
from txlite.errors import Error, NotFound, UsageError
from txlite.task_lists.reading import BEADS, EXPORT, MARKDOWN, Arriving, read
from txlite.task_lists.settled import ListedTask
from txlite.task_lists.ticking import tick

LISTS = (("prd.json", PRD), ("array.json", ARRAY), ("issues.jsonl", Beads.ISSUES), ("PLAN.md", PLAN))
PIECES = ("null", "true", "false", "[]", "{}", '"US-001"', '"bd-1"', "-1", "1e400", "NaN", '"\\ud800"', '"\\u0000"',
          '{"a":1}', '"P1"', "\n", "\r\n", " ", '"', "{", "}", "[", "]", ",", ":", "é", "\ufeff", '"passes"',
          '"status"', '"id"', '"title"', '"dependsOn"', '"closed"', "\\", "\0", "- [ ] a", "- [x] ", "  ", "\t",
          "after: ", "verify: ", "```\n", "<!--", "-->", "# ")  # fmt: skip
MOMENT = "2026-01-01T00:00:00.000Z"
OFTEN = 400  # lists, of which one is imported


def change(words: str, dice: Random) -> str:
    """Put something in, and take something out."""
    for _ in range(dice.randrange(1, 5)):
        start = dice.randrange(len(words) + 1)
        end = min(len(words), start + dice.choice((0, 0, 1, 3, 12)))
        moved = dice.randrange(len(words) + 1)
        more = dice.choice((dice.choice(PIECES), "", words[moved : moved + dice.randrange(60)]))
        words = words[:start] + more + words[end:]
    return words


def look(name: str, words: str) -> tuple[str, list[ListedTask]] | None:
    """The form of a list and its tasks; None where it is refused."""

    def resolve(task: str) -> str:
        raise NotFound(f"no task {task}")

    arriving = Arriving(io.BytesIO(words.encode()), name)
    if arriving.form == EXPORT:
        return None
    try:
        return arriving.form, read(arriving.text(), arriving.form, name, name, resolve)
    except UsageError as error:
        if "\n" in str(error) or not str(error).endswith("nothing was imported"):
            raise AssertionError(f"refused with {error}") from None
        return None


def without_boxes(form: str, words: str) -> object:
    """What a list says but for its boxes."""
    if form == MARKDOWN:
        return re.sub(r"\[[ \txX]\]", "[ ]", words)
    lines = words.split("\n") if form == BEADS else [words]
    return [strip(json.loads(line.lstrip("\ufeff"))) for line in lines if line.strip("\ufeff \t\r")]


def strip(value: object) -> object:
    """The same without what tells that something is done."""
    boxes = ("passes", "status", "completed", "done", "tested", "closed_at", "updated_at")
    if isinstance(value, dict):
        return {key: strip(one) for key, one in value.items() if key not in boxes}
    return [strip(one) for one in value] if isinstance(value, list) else repr(value)


def judge(name: str, words: str) -> Iterator[str]:
    """What is wrong with how a list is read and ticked."""
    found = look(name, words)
    if found is None:
        return
    form, tasks = found
    if len({one.id for one in tasks}) < len(tasks):
        yield "two tasks have one id"
    ticked, _ = tick(words, tasks, {one.id: MOMENT for one in tasks})
    again = look(name, ticked)
    if again is None or [one.id for one in again[1]] != [one.id for one in tasks]:
        yield "ticked, it is another list"
    elif any(one.status != "done" and one.ticks for one in again[1]):
        yield "a box stayed open"
    elif without_boxes(form, ticked) != without_boxes(form, words):
        yield "more than its boxes has changed"


def try_import(home: str, name: str, words: str) -> Iterator[str]:
    """What is wrong with how a list comes in."""
    found = look(name, words)
    if found is None:
        return
    listed = [one._asdict() for one in found[1]]
    with txlite.open(home) as store:
        try:
            store.listed.add(listed)
        except Error as error:
            yield f"it was taken, and could not be added: {error}"
            return
        if store.listed.add(listed) or set(store.listed.states(one["id"] for one in listed)) != {
            one["id"] for one in listed
        }:
            yield "its tasks are not there once"


def main() -> int:
    """Change, read, tick and import."""
    parser = make_parser("a task list is refused in a line, or stays what it is")
    parser.add_argument("--rounds", type=int, default=60_000)
    options = parser.parse_args()
    scene = Scene("task-lists", options)
    wrong, taken = [], 0
    for number in range(options.rounds):
        name, base = scene.random.choice(LISTS)
        words = change(base, scene.random)
        try:
            troubles = list(judge(name, words))
            if not number % OFTEN:
                troubles += try_import(scene.path(f"home-{number}"), name, words)
            taken += look(name, words) is not None
        except Exception as error:  # whatever it is, it is told with the list
            troubles = [f"{type(error).__name__}: {error}"]
        wrong += [f"{trouble}: {words!r}" for trouble in troubles]
    return scene.conclude(wrong[:10], f"{options.rounds} lists, of which {taken} were taken")


if __name__ == "__main__":
    sys.exit(main())
