"""The pages are true: the reference is what the parsers say, every link leads somewhere, README is short."""

from __future__ import annotations

import os
import re
import unittest

from txlite.commands import VERBS
from txlite.commands.help import TOPICS

from ..case import ROOT
from . import reference

DOCS = os.path.join(ROOT, "txlite", "docs")
PAGES = [os.path.join(ROOT, "README.md"), *(os.path.join(DOCS, name) for name in sorted(os.listdir(DOCS)))]
GALLERY = os.path.join(ROOT, ".github", "pictures.md")
CONTRIBUTING = os.path.join(ROOT, ".github", "CONTRIBUTING.md")


def read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


class Pages(unittest.TestCase):
    def test_the_reference_is_what_the_parsers_say(self) -> None:
        page = read(reference.PATH)
        self.assertEqual(page, reference.compose(page), "run `python3 -m tests.docs.reference`")
        self.assertEqual(re.findall(r"^### (\S+)$", page, re.M), list(VERBS))

    def test_every_link_leads_to_something(self) -> None:
        for path in [*PAGES, CONTRIBUTING, GALLERY]:
            for target in re.findall(r'(?:\]\(|src="|srcset="|href=")([^)"#]+)', read(path)):
                if "://" not in target:
                    place = os.path.join(os.path.dirname(path), target)
                    self.assertTrue(os.path.exists(place), f"{os.path.basename(path)} links to {target}")

    def test_every_topic_that_a_page_names_is_one(self) -> None:
        for path in PAGES:
            for topic in re.findall(r"txlite help ([a-z]+)", read(path)):
                self.assertIn(topic, {*TOPICS, *VERBS}, os.path.basename(path))
            self.assertTrue(read(path).startswith("# "), path)

    def test_lines_and_pages_of_a_length_that_is_read(self) -> None:
        for path in [*PAGES, CONTRIBUTING, GALLERY]:
            for number, line in enumerate(read(path).splitlines(), 1):
                if not line.startswith(("|", "[", "<", "    ", "!")):
                    self.assertLessEqual(len(line), 120, f"{os.path.basename(path)}, line {number}")
        self.assertLessEqual(len(read(PAGES[0]).splitlines()), 120, "README is for a first look")

    def test_pictures_that_load_quickly(self) -> None:
        assets = os.path.join(ROOT, ".github", "assets")
        sizes = {name: os.path.getsize(os.path.join(assets, name)) for name in os.listdir(assets)}
        self.assertLess(sum(sizes.values()), 300_000, sizes)
        shown = set(re.findall(r"\((?:\.github/)?assets/([^)]+)\)", read(PAGES[0]) + read(GALLERY)))
        self.assertEqual(set(sizes) - shown, set(), "pictures that nobody sees")
