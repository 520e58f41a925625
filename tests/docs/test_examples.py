"""Every example of every `--help`, typed as it stands, in a place where what it is about is there."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import unittest
from typing import Any
from unittest import mock

import txlite
from txlite import cli
from txlite.commands import VERBS
from txlite.commands.examples import EXAMPLES
from txlite.commands.overview import GROUPS

from ..case import WITHOUT_SITE, Case, wait_until
from ..view.screen import WholeTerminal, can_draw
from .test_recipes import AGENT

ONE, OTHER = "tx-7gn7ogx0", "tx-1e9wq2vn"  # in the examples; here they become what the tasks are called
BY_PROCESS = (
    "attach",
    "review",
    "approve",
    "diff",
    "run",
    "launch",
    "ralph",
    "worker",
    "doctor",
    "pack",
    "wait",
    "stop",
    "scale",
    "edit",
)
# verb -> what the place is like; else two tasks wait in it.
WORLDS = {
    **dict.fromkeys(("show", "logs", "retry", "reset", "cleanup", "wait", "history", "status", "list"), "failed"),
    **dict.fromkeys(("claims", "claim:release", "claim:renew", "fail"), "claimed"),
    **dict.fromkeys(("tree", "children"), "parted"),
    **dict.fromkeys(("import", "sync", "export"), "exported"),
    "init": "empty",
    "say": "asked",
    "attach": "worked",
    "page": "looped",
    "unblock": "blocked",
    "stop": "running",
    "scale": "going",
    "ralph": "repository",
    "worker": "working",
    **dict.fromkeys(("review", "approve", "reject", "diff"), "reviewed"),
}
LIVELY = ("running", "going", "working", "repository", "reviewed")
# What is typed -> the exit code and a word of the output, or what the first task is then; else 0.
WANTED: dict[str, tuple[int, str]] = {
    f"txlite wait {ONE}": (1, "failed"),
    "txlite wait --all --timeout 1h": (0, ""),
    f"txlite show {ONE}": (0, "no such thing"),
    f"txlite logs -f {ONE}": (0, "no such thing"),
    f"txlite history {ONE}": (0, "failed"),
    "txlite list --status failed,blocked": (0, "failed"),
    f"txlite tree {ONE}": (0, "another"),
    f"txlite children {ONE}": (0, "another"),
    f"txlite dep tree {ONE}": (0, "one"),
    f"txlite block {ONE} {OTHER} && txlite dep tree {ONE}": (0, "another"),
    "txlite ready --claim me --json": (0, '"claim"'),
    "txlite claims": (0, "me"),
    "txlite page": (0, ".html"),
    "txlite run -j 4 --from jobs.txt": (0, "3 done"),
    "txlite run -j 4 'gzip -k {}' ::: *.txt": (0, "2 done"),
    "txlite launch --agent shell --wait 'make test'": (0, "done"),
    "txlite ralph --agent claude --dry-run": (0, "argv: claude --print"),
    'txlite ralph --agent claude,codex --verify "make test" --max-hours 9': (0, "1 done"),
    "txlite pack txlite.pyz && ./txlite.pyz --version": (0, "txlite 0."),
    "txlite doctor": (0, "0 broken"),
    "txlite review": (0, "CHANGES"),
    "txlite approve $(txlite review --quiet)": (0, "landed"),
    f"txlite diff {ONE}": (0, "+x"),
    f"txlite approve {ONE}": (0, "landed"),
    f"txlite approve {ONE} --json": (0, '"landed": true'),
    "txlite pause && sleep 1h && txlite resume": (0, ""),
    f"txlite retry {ONE} && txlite run": (0, "1 done"),
    "txlite scale 8": (0, "8"),
    "txlite scale 1": (0, "1"),
}
AFTER = {  # verb -> what the first task is then
    "cancel": "cancelled", "done": "done", "fail": "failed", "reset": "backlog", "stop": "cancelled", "claim": "active",
    "reject": "backlog", "approve": "done", "claim:release": "backlog", "claim:renew": "active",
}  # fmt: skip


class Examples(Case):
    def setUp(self) -> None:
        super().setUp()
        tools = self.path("tools")
        os.mkdir(tools)
        self.write("tools/claude", AGENT)
        self.write("tools/codex", AGENT)
        self.write("tools/txlite", f'#!/bin/sh\nexec {shlex.join([sys.executable, *WITHOUT_SITE])} -m txlite "$@"\n')
        for name in ("claude", "codex", "txlite"):
            os.chmod(os.path.join(tools, name), 0o755)
        self.environment.update(
            PATH=tools + os.pathsep + os.environ["PATH"], MODE="fast", GIT_CONFIG_GLOBAL="/dev/null",
            GIT_CONFIG_SYSTEM="/dev/null", EDITOR="sed -i 's/^score: 0/score: 1/'",
        )  # fmt: skip
        self.count = 0
        self.places: dict[str, tuple[str, tuple[str, str]]] = {}  # world -> a copy as it was made, and its tasks
        self.ids: tuple[str, str] = ("", "")
        self.behind: subprocess.Popen[bytes] | None = None  # what goes on in the place

    def write(self, name: str, text: str) -> None:
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def test_each_verb_has_two_and_one_place(self) -> None:
        self.assertEqual(list(EXAMPLES), [verb for verbs in GROUPS.values() for verb in verbs])
        self.assertEqual(sorted(EXAMPLES), sorted(VERBS))
        typed = []
        for verb, examples in EXAMPLES.items():
            self.assertEqual(len(examples), 2, verb)
            for wish, line in examples:
                self.assertLessEqual(max(len(wish) + 4, len(line) + 2), 80, line)
                self.assertRegex(line, rf"txlite (--home \S+ )?{verb.replace(':', '[: ]')}\b")
                typed.append(line)
        self.assertEqual(set(WANTED) - set(typed), set())

    def test_help_and_overview_show_them_in_80_columns(self) -> None:
        shown = self.txlite("help", "wait")
        self.assertIn(f"\nexamples:\n  # and exit as it did\n  txlite wait {ONE}\n", shown)
        overview = self.txlite("help")
        self.assertLessEqual(max(map(len, overview.splitlines())), 80)
        self.assertRegex(overview, r"(?m)^Run it:\n  run  ")

    def make_place(self, world: str) -> None:
        """A place of its own: self.home in it, and self.ids of two tasks; a copy, where nothing goes on in it."""
        self.count += 1
        self.place = self.path(f"place{self.count}")
        self.home = os.path.join(self.place, ".txlite")
        known = None if world in LIVELY else self.places.get(world)
        if known:
            shutil.copytree(known[0], self.place)
            self.ids = known[1]
        else:
            self.build_place(world)
            if world not in LIVELY:
                shutil.copytree(self.place, self.path(world))
                self.places[world] = (self.path(world), self.ids)

    def build_place(self, world: str) -> None:
        os.mkdir(self.place)
        for name, text in (
            ("jobs.txt", "true\necho 2\necho 3\n"), ("my notes.txt", ""), ("Makefile", "test:\n\ttrue\n"),
        ):  # fmt: skip
            self.write(os.path.join(self.place, name), text)
        getattr(self, f"make_{world}")()

    def make_empty(self) -> None:
        self.ids = ("", "")

    def make_waiting(self, command: str | None = "true", **more: Any) -> None:
        with txlite.open(self.home) as store:
            one = store.add("one", command=command, directory=self.place)
            another = store.add("another", command="true", directory=self.place, score=-1)
            self.ids = (one.id, another.id)

    def make_asked(self) -> None:
        self.make_waiting(None)
        self.write(os.path.join(self.place, "remarks.md"), "Leave the API as it is.\n")

    def make_worked(self) -> None:
        self.make_waiting(None)
        self.txlite("run", "--agent", "claude", "--max-attempts", "1", cwd=self.place)
        with txlite.open(self.home) as store:
            attempt = store.attempts(self.ids[0])[0].id
            store.usages.put([txlite.model.Usage(attempt, "agent", "claude", session="5e55")])
            store.reset(self.ids[0])

    def make_failed(self) -> None:
        self.make_waiting("test -e again || { touch again; echo no such thing; exit 1; }")
        self.txlite("run", "--max-attempts", "1", code=1, cwd=self.place)

    def make_claimed(self) -> None:
        self.make_waiting()
        with txlite.open(self.home) as store:
            store.claim(self.ids[0], "me")

    def make_parted(self) -> None:
        self.make_waiting()
        with txlite.open(self.home) as store:
            store.update(self.ids[1], parent=self.ids[0])

    def make_blocked(self) -> None:
        self.make_waiting()
        with txlite.open(self.home) as store:
            store.add_dependency(*self.ids)

    def make_looped(self) -> None:
        self.make_waiting()
        with txlite.open(self.home) as store:
            store.loops.begin("loop-1", "claude", None, None)
            store.loops.end("loop-1", "nothing was left to do")

    def make_exported(self) -> None:
        self.make_waiting()
        os.mkdir(os.path.join(self.place, "other"))
        with open(os.path.join(self.place, "PLAN.md"), "w") as file:
            file.write("- [ ] to be done\n")
        for arguments in (
            ("export", "tasks.jsonl"), ("sync", "export"), ("--home", "other/.txlite", "import", "tasks.jsonl"),
            ("import", "PLAN.md"),
        ):  # fmt: skip
            self.run_here(arguments)

    def make_repository(self) -> None:
        self.make_waiting(None)
        script = """git init -q; git config user.name A; git config user.email a@example.org; echo .txlite > .gitignore
            git add .; git commit -qm first"""
        subprocess.run(["sh", "-c", script], cwd=self.place, env=self.environment, check=True)
        with txlite.open(self.home) as store:
            store.update(self.ids[0], description="See manual.md")
            store.delete(self.ids[1])

    def make_reviewed(self) -> None:
        self.make_repository()
        with txlite.open(self.home) as store:
            store.update(self.ids[0], verify="echo x > made")
        self.txlite("ralph", "--review", cwd=self.place, code=1)

    def make_running(self) -> None:
        said = self.txlite("launch", "-q", "--agent", "shell", f"exec sleep {self.nap}", cwd=self.place)
        self.ids = (said.strip(), "")

    def make_going(self) -> None:
        self.make_waiting()
        self.behind = self.start("run", "--forever", "--workers", "2", cwd=self.place)
        wait_until(lambda: not self.store_of_place("waiting"), "the run")

    def make_working(self) -> None:
        self.make_waiting()
        self.behind = self.start("worker", "start", cwd=self.place)
        wait_until(lambda: not self.store_of_place("waiting"), "the worker")

    def store_of_place(self, what: str) -> Any:
        with txlite.open(self.home, read_only=True) as store:
            return [task for task in store.list() if task.status != "done"]

    def run_here(self, arguments: tuple[str, ...]) -> tuple[int, str, str]:
        """Run a command in this process, as it would be in the place; its exit code, stdout and stderr."""
        before = os.getcwd()
        os.chdir(self.place)
        try:
            with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as error:
                with mock.patch.dict(os.environ, MODE="fast"):
                    return cli.main(list(arguments)), out.getvalue(), error.getvalue()
        finally:
            os.chdir(before)

    def type_in(self, line: str, is_plain: bool) -> tuple[int, str, str]:
        """Type a line in the place, in a shell or where none is needed in this process."""
        if is_plain:
            return self.run_here(tuple(shlex.split(line)[1:]))
        script = f"sleep() {{ :; }}; type man &> /dev/null || man() {{ cat; }}\n{line}"
        done = subprocess.run(["bash", "-c", script], cwd=self.place, env=self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    def check(self, verb: str, line: str) -> None:
        self.make_place(WORLDS.get(verb, "waiting"))
        typed = line.replace(ONE, self.ids[0]).replace(OTHER, self.ids[1])
        is_plain = verb not in BY_PROCESS and not re.search(r"[|&;<>$]", line)
        code, word = WANTED.get(line, (0, ""))
        found = self.type_in(typed, is_plain)
        self.assertEqual((found[0], found[2]), (code, ""), found)
        self.assertIn(word, found[1])
        if verb in AFTER:
            with txlite.open(self.home, read_only=True) as store:
                self.assertEqual(store.get(self.ids[0]).status, AFTER[verb])

    def check_worker(self, line: str) -> None:
        """The one that stays in the foreground."""
        self.make_place("waiting")
        self.behind = subprocess.Popen(["sh", "-c", f"exec {line}"], cwd=self.place, env=self.environment,
                                       stdout=subprocess.DEVNULL)  # fmt: skip
        wait_until(lambda: not self.store_of_place("waiting"), "the worker")

    def check_follow(self, line: str, world: str, word: str) -> None:
        """The one that tells what comes, or serves it."""
        self.make_place(world)
        with subprocess.Popen(["sh", "-c", f"exec {line}"], cwd=self.place, env=self.environment,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as behind:  # fmt: skip
            assert behind.stdout
            self.assertIn(word or self.ids[0], behind.stdout.readline().decode())
            behind.terminate()

    def check_screen(self, line: str) -> None:
        """The one that takes all of a terminal."""
        self.make_place("waiting")
        screen = WholeTerminal(self, *shlex.split(line)[1:], cwd=self.place)
        screen.wait_for("WAITING")
        screen.press("q")
        self.assertEqual(screen.end(), 0)

    def end_behind(self, is_ending: bool) -> None:
        behind, self.behind = self.behind, None
        if behind:
            if not is_ending:
                behind.send_signal(signal.SIGTERM)
            self.assertIn(behind.wait(60), (0, 130))

    def test_each_does_what_it_says(self) -> None:
        for verb in VERBS:
            for _, line in EXAMPLES[verb]:
                with self.subTest(line):
                    if verb == "worker" and "start" in line:
                        self.check_worker(line)
                    elif verb == "top":
                        if can_draw():
                            self.check_screen(line)
                    elif verb == "events" and "--follow" in line:
                        self.check_follow(line, "waiting", "")
                    elif verb == "page" and "--serve" in line:
                        self.check_follow(line, "looped", "http://127.0.0.1:")
                    else:
                        self.check(verb, line)
                    self.end_behind(line == "txlite worker stop --all")


if __name__ == "__main__":
    unittest.main()
