"""`txlite help`: the overview, what a verb says, and the pages, wherever the code lies."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import re
import shutil
import subprocess
import sys

from txlite import cli
from txlite.commands import VERBS
from txlite.commands.help import TOPICS
from txlite.commands.spelling import ALIASES, MEANT

from ..case import ROOT, Case


def page(topic: str) -> str:
    with open(os.path.join(ROOT, "txlite", "docs", topic + ".md"), encoding="utf-8") as file:
        return file.read()


class Help(Case):
    def test_the_overview_lists_verbs_and_topics(self) -> None:
        overview = self.txlite("help")
        for name in (*VERBS, *TOPICS):
            self.assertRegex(overview, rf"(?m)^  {name} ")
        self.assertNotRegex(overview, r"(?m)^ {10}")  # a line for each
        for alone in ((), ("-h",), ("--help",), ("help", "help"), ("help", "--help")):
            self.assertEqual(self.txlite(*alone), overview)

    def test_a_page_is_shown_as_it_is(self) -> None:
        self.assertEqual({name[:-3] for name in os.listdir(os.path.join(ROOT, "txlite", "docs"))}, set(TOPICS))
        for topic in set(TOPICS) - set(VERBS):
            self.assertEqual(self.txlite("help", topic), page(topic))
        self.assertFalse(os.path.exists(self.home))

    def test_a_verb_with_a_page_shows_both(self) -> None:
        self.assertEqual(self.txlite("help", "run"), self.txlite("run", "--help"))
        self.assertEqual(self.txlite("help", "ralph"), self.txlite("ralph", "--help") + "\n" + page("ralph"))
        self.assertIn("`txlite help ralph`", " ".join(self.txlite("ralph", "--help").split()))

    def test_what_there_is_no_help_for(self) -> None:
        self.txlite("help", "gide", code=64)
        self.assertIn("unknown command or topic 'gide' (did you mean 'guide'?): `txlite help` lists them", self.errors)
        self.txlite("help", "runn", code=64)
        self.assertIn("did you mean 'run'?", self.errors)

    def test_no_guess_does_something_else(self) -> None:
        for words, near in (
            (("htop",), "top"), (("remove", "x"), "delete"), (("watch", "x"), "logs --follow"),
            (("rerun", "x"), "retry"), (("pasue",), "pause"), (("del", "x"), "delete"), (("stauts",), "status"),
            (("add", "x", "--tittle=y"), ""), (("halt",), ""), (("xyzzy",), ""), (("log", "x"), "logs"),
            (("sbatch", "x"), "add"), (("tsp", "ls"), "add"), (("parallel", "x"), "run"),
        ):  # fmt: skip
            with self.subTest(words), contextlib.redirect_stderr(io.StringIO()) as said:
                self.assertEqual(cli.main(["--home", self.home, *words]), 64)
                self.assertEqual(re.findall(r"did you mean '(.+?)'", said.getvalue()), [near] if near else [])
        self.assertFalse(os.path.exists(self.home))

    def test_other_tools_words_are_understood(self) -> None:
        task = self.txlite("add", "-q", "--", "echo said").strip()
        self.assertEqual(self.txlite("ls"), self.txlite("list"))
        self.assertEqual(self.txlite("queue"), self.txlite("list"))
        self.txlite("run")
        self.assertEqual(self.txlite("tail", task), "said\n")
        self.assertEqual([one["id"] for one in self.json("ps")], [task])
        self.txlite("kill", code=64)
        self.assertIn("give the tasks to stop", self.errors)
        self.txlite("rm", task)
        self.assertEqual(self.json("ls"), [])
        overview = " ".join(self.txlite("help").split())
        for alias, verb in ALIASES.items():
            self.assertIn(f"{alias} ({verb})", overview)
            self.assertEqual(VERBS.keys() & {alias, verb}, {verb})
        self.assertEqual(self.txlite("help", "ps"), self.txlite("help", "status"))
        for verb in MEANT.values():
            self.assertIn(verb.split()[0], VERBS)

    def test_a_copy_under_another_name_and_an_archive_bring_their_pages(self) -> None:
        shutil.copytree(os.path.join(ROOT, "txlite"), self.path("tools/vendored"),
                        ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
        self.txlite("pack", "one.pyz")
        tools = {**self.environment, "PYTHONPATH": self.path("tools")}
        for command in (["-m", "vendored"], [self.path("one.pyz")]):
            shown = subprocess.run([sys.executable, *command, "help", "guide"], cwd="/", env=tools, text=True,
                                   encoding="utf-8", stdout=subprocess.PIPE, check=True)  # fmt: skip
            self.assertEqual(shown.stdout, page("guide"))
        shutil.rmtree(self.path("tools/vendored/docs"))
        missing = subprocess.run([sys.executable, "-m", "vendored", "help", "guide"], cwd="/", env=tools, text=True,
                                 capture_output=True)  # fmt: skip
        self.assertEqual((missing.returncode, missing.stdout), (2, ""))
        self.assertRegex(missing.stderr, r"^txlite: docs/guide\.md is not in this copy of txlite: .*\n$")

    def test_on_a_terminal_it_goes_through_the_pager(self) -> None:
        keeper, terminal = pty.openpty()
        self.addCleanup(os.close, keeper)
        pager = {"PAGER": f"cat > {self.path('paged')}", "TERM": "xterm"}
        shown = self.start("help", "guide", stdin=terminal, stdout=terminal, env={**self.environment, **pager})
        os.close(terminal)
        self.assertEqual(shown.wait(60), 0)
        self.assertEqual(self.read("paged"), page("guide"))
