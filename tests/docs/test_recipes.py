"""Every recipe of README and of the page of recipes, pasted into a shell; claude and codex are stand-ins on PATH."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import threading
import unittest
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from ..case import ROOT, Case, wait_until

RECIPE = re.compile(r"^\*\*(.+?)\*\*.*\n(?:.+\n)*\n((?:    .*\n)+)", re.M)
# What an agent would do: it does something for its prompt, which comes on stdin.
AGENT = """#!/bin/sh
prompt=$(case "$*" in *--input-format*) head -n 1 ;; *) cat ;; esac)
for file in NOTES.md docs/tabs.md manual.md; do
    case $prompt in *"$file"*) mkdir -p "$(dirname "$file")"; echo "about tabs" >> "$file" ;; esac
done
case $prompt in *manual*) echo "about tabs" >> manual.md ;; esac
echo "answer to: $prompt"
"""


def recipes(*path: str) -> dict[str, str]:
    """The recipes of a page: title -> what is pasted."""
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return {title.rstrip("."): textwrap.dedent(block) for title, block in RECIPE.findall(file.read())}


class Recipes(Case):
    page: tuple[str, ...] = ("txlite", "docs", "recipes.md")

    def setUp(self) -> None:
        super().setUp()
        os.mkdir(self.path("tools"))
        for name in ("claude", "codex"):
            with open(self.path(f"tools/{name}"), "w") as file:
                file.write(AGENT)
            os.chmod(self.path(f"tools/{name}"), 0o755)
        self.recipes = recipes(*self.page)
        self.place = self.path("place")
        os.mkdir(self.place)
        self.home = os.path.join(self.place, ".txlite")
        self.environment.update(
            PATH=os.pathsep.join([self.path("tools"), os.path.join(ROOT, "bin"), os.environ["PATH"]]),
            TXLITE_PYTHON=sys.executable, GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_SYSTEM="/dev/null",
        )  # fmt: skip

    def paste(self, title: str, before: str = "", code: int = 0) -> str:
        """Run the recipe with this title in a shell; what it printed."""
        done = subprocess.run(["bash", "-c", before + self.recipes[title]], cwd=self.place, env=self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)  # fmt: skip
        self.assertEqual((done.returncode, done.stderr), (code, ""), done.stdout)
        return done.stdout

    def found(self, name: str) -> str:
        return self.read(os.path.join(self.place, name))

    def statuses(self) -> Any:
        return {task["title"]: task["status"] for task in self.json("--home", self.home, "list")}


class OfReadme(Recipes):
    page = ("README.md",)

    def test_there_are_six_and_each_is_tested(self) -> None:
        self.assertEqual(len(self.recipes), 6)
        tested = {name for name in vars(OfReadme) if name.startswith("test_recipe_")}
        self.assertEqual(len(tested), 6)

    def test_recipe_compress(self) -> None:
        for name in ("a.log", "-b c.log", "it's.log"):
            with open(os.path.join(self.place, name), "w") as file:
                file.write("line\n" * 100)
        self.assertIn("3 done", self.paste("Compress many files, four at a time"))
        self.assertEqual(len([name for name in os.listdir(self.place) if name.endswith(".log.gz")]), 3)

    def test_recipe_output(self) -> None:
        for name in ("a.log", "b c.log", "it's.log"):
            with open(os.path.join(self.place, name), "w") as file:
                file.write(name)
        self.paste("Their outputs in order, each line with its file before it", "exec 2> said.txt\n")
        self.assertEqual(self.found("sizes.txt"), "a.log\t5\nb c.log\t7\nit's.log\t8\n")
        self.assertIn("3 done", self.found("said.txt"))

    def test_recipe_dependencies(self) -> None:
        self.assertIn("3 done", self.paste("Tasks that wait for each other"))
        self.assertEqual(self.found("sum.txt"), "42\n")

    def test_recipe_background(self) -> None:
        out = self.paste("An agent in the background")
        self.assertRegex(out, "answer to: .*Explain in NOTES.md")
        self.assertEqual(out.splitlines()[-1], "about tabs")

    def test_recipe_overnight(self) -> None:
        before = """git init -q -b main; git config user.name A; git config user.email a@example.org
            printf 'test:\\n\\ttrue\\n' > Makefile; echo manual > manual.md; git add .; git commit -qm first\n"""
        self.assertIn("2 to be reviewed", self.paste("Agents overnight", before, code=1))
        waiting = [one["id"] for one in self.json("--home", self.home, "review")]
        self.txlite("--home", self.home, "approve", *waiting)
        log = subprocess.run(["git", "log", "--format=%s"], cwd=self.place, capture_output=True, text=True, check=True)
        self.assertRegex(log.stdout, r"^Complete tx-\w+: Mention .*\nComplete tx-\w+: Make .*\nWhat .*\nfirst\n$")

    def test_recipe_one_file(self) -> None:
        self.assertRegex(self.paste("One file, for a machine where nothing can be installed"), r"\d+ ok, \d+ limited")


class OfThePage(Recipes):
    def test_each_is_tested(self) -> None:
        from .test_services import OfServices

        tested = [name for one in (OfThePage, OfServices) for name in vars(one) if name.startswith("test_recipe_")]
        self.assertEqual(len(self.recipes), len(tested))

    def test_recipe_build(self) -> None:
        self.assertIn("3 done", self.paste("Fail a build when something failed"))
        self.recipes = {title: block.replace("echo test", "false") for title, block in self.recipes.items()}
        self.assertIn("1 failed", self.paste("Fail a build when something failed", code=1))

    def test_recipe_retry(self) -> None:
        for wanted in ("here", "there"):
            self.txlite("--home", self.home, "add", "--", f"test -e {wanted}", cwd=self.place)
        self.txlite("--home", self.home, "run", "--max-attempts", "1", code=1, cwd=self.place)
        self.assertIn("2 done", self.paste("Look at what failed, and try it again", "touch here there\n"))

    def test_recipe_pipe(self) -> None:
        self.assertEqual(self.paste("In a pipe"), "")
        self.assertEqual(self.found("sum.txt"), "25+16+9+4+1\n")
        self.assertIn("5 done", self.found("run.log"))

    def test_recipe_table(self) -> None:
        said = self.paste("A table of what came of each, and an end at the first failure")
        self.assertRegex(said, r"(?s)halted, as 1 task failed.*\n4 done\n$")
        rows = self.found("results.csv").splitlines()[1:]
        self.assertEqual([row.split(",")[4] for row in rows], ["done", "done", "failed", "done", "done"])

    def test_recipe_lock(self) -> None:
        self.assertIn("3 done", self.paste("Not more than one at a time of a certain kind"))
        self.assertEqual((self.found("card.txt"), self.found("other.txt")), ("train\ntest\n", "meanwhile\n"))

    def test_recipe_capability(self) -> None:
        self.paste("One worker for what needs something")
        self.assertEqual((self.found("train.txt"), self.found("test.txt")), ("train\n", "test\n"))

    def test_recipe_memory(self) -> None:
        self.assertIn("2 done", self.paste("Commands of which nobody knows how much memory they take"))

    def test_recipe_later(self) -> None:
        self.paste("Later")
        self.assertTrue(self.found("then.txt"))

    def test_recipe_version_control(self) -> None:
        self.paste("A queue that is under version control")
        there = self.json("--home", os.path.join(self.place, "elsewhere", ".txlite"), "list")
        self.assertEqual([task["title"] for task in there], ["Measure it again with a cold cache"])

    def test_recipe_nightly(self) -> None:
        self.paste("Tidy up every night", "txlite add x\n")
        self.assertTrue(any(name.startswith("backup-") for name in os.listdir(self.home)))

    def add_tool(self, name: str, script: str) -> None:
        with open(self.path(f"tools/{name}"), "w") as file:
            file.write(f"#!/bin/sh\n{script}\n")
        os.chmod(self.path(f"tools/{name}"), 0o755)

    def serve(self) -> tuple[str, list[bytes]]:
        """A web server here: its address, and what was posted to it so far."""
        posted: list[bytes] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                posted.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        for end in (server.server_close, thread.join, server.shutdown):
            self.addCleanup(end)
        return f"http://127.0.0.1:{server.server_port}/", posted

    def test_recipe_bell(self) -> None:
        self.assertIn("2 done", self.paste("A bell when all is done"))

    def test_recipe_desktop(self) -> None:
        self.add_tool("notify-send", f'echo "$1: $2" >> {self.path("notes")}')
        self.paste("A message on the desktop")
        self.assertRegex(self.read("notes"), r"^txlite: (done: echo \w+|2 tasks ended: 2 done)\n")

    def test_recipe_mail(self) -> None:
        self.add_tool("sendmail", f'{{ echo "To: $1"; cat; }} > {self.path("mail")}')
        self.environment["USER"] = "me"
        self.assertIn("see the mail", self.paste("A mail for what failed"))
        mail = self.read("mail")
        self.assertTrue(mail.startswith("To: me\nSubject: failed: echo wrong; exit 2 (exit 2)\n\n"), mail)
        self.assertIn("\nwrong\n", mail)

    @unittest.skipUnless(shutil.which("curl"), "needs curl")
    def test_recipe_webhook(self) -> None:
        self.environment["WEBHOOK"], posted = self.serve()
        self.paste("A webhook")
        ended = [task for call in map(json.loads, posted) for task in call["tasks"]]
        self.assertEqual(sorted(task["title"] for task in ended), ["echo one", "echo two"])

    @unittest.skipUnless(shutil.which("curl"), "needs curl")
    def test_recipe_telephone(self) -> None:
        self.environment["NTFY"], posted = self.serve()
        self.paste("A message on the telephone")
        wait_until(lambda: posted, "the message")
        self.assertEqual(posted, [b"done: Say hello"])

    def test_recipe_program(self) -> None:
        for _ in range(2):
            self.paste("A program that is told everything, and forgets nothing")
            told = [json.loads(line)["id"] for line in self.found("told.jsonl").splitlines()]
            self.assertEqual(told, list(range(1, len(told) + 1)))

    def test_recipe_two_at_once(self) -> None:
        self.paste("At most two agents at once, from a script")
        self.assertEqual(list(self.statuses().values()), ["done"] * 3)

    def test_recipe_prompts(self) -> None:
        self.assertIn("2 done", self.paste("A prompt for each line of a file"))
        self.assertEqual(list(self.statuses().values()), ["done"] * 2)

    def test_recipe_own_agent(self) -> None:
        self.assertIn("HEAR ME", self.paste("An agent of your own"))

    def test_recipe_loop(self) -> None:
        self.assertIn("answer to: Do tx-", self.paste("An agent that takes tasks itself"))
        self.assertEqual(self.statuses(), {"First": "done", "Second": "done"})

    def test_recipe_dry_run(self) -> None:
        self.assertIn("Make the parser accept tabs", self.paste("See what a night would do, before it does it"))
        self.assertEqual(self.statuses(), {"Make the parser accept tabs": "backlog"})


if __name__ == "__main__":
    unittest.main()
