"""The command line: verbs, JSON for scripts, text for people, and the errors of both."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

from txlite import cli
from txlite.commands import VERBS
from txlite.view import json_output

from ..case import ROOT, Case, running, wait_until

TX_KEYS = """id title description status parentId score createdAt updatedAt completedAt metadata
    blockedBy blocks children isReady""".split()
HIDDEN = "\x7f-\x9f\xad\u061c\u180e\u200b\u202e\u206a\U000e0041"


class Verbs(Case):
    def test_the_round_of_a_task(self) -> None:
        first = self.json("add", "first", "-s", "500", "-d", "more")
        self.assertEqual(list(first)[: len(TX_KEYS)], TX_KEYS)
        second = self.txlite("add", "second", "--quiet", "--after", first["id"]).strip()
        self.assertEqual([task["id"] for task in self.json("ready", "--limit", "1")], [first["id"]])
        shown = self.json("show", second)
        self.assertEqual((shown["blockedBy"], shown["isReady"], shown["attempts"]), ([first["id"]], False, []))
        self.assertEqual(self.json("done", first["id"])["nowReady"], [second])
        self.assertEqual(self.json("ready")[0]["id"], second)
        self.assertRegex(self.txlite("list"), rf"{first['id']}  done   500    first\n{second}  ready  0      second\n")
        freed = f"{first['id']} no longer blocks {second}, which waits for nothing\n"
        self.assertEqual(self.txlite("dep", "unblock", second, first["id"]), freed)
        self.assertIn(f"{first['id']} now blocks {second}", self.txlite("block", second, first["id"]))
        self.assertEqual(self.json("dep", "block", second, first["id"])["task"]["blockedBy"], [first["id"]])
        self.assertEqual(self.json("cancel", second)["status"], "cancelled")
        self.assertEqual(self.json("retry", second)["status"], "backlog")
        self.assertEqual(
            self.json("status", "--stats")["tasks"],
            {"backlog": 1, "active": 0, "review": 0, "done": 1, "failed": 0, "cancelled": 0, "blocked": 0},
        )

    def test_a_command_and_its_arguments(self) -> None:
        self.txlite("add", "-q", "--", "printf", "%s\\n", "a  b", "$HOME", "it's")
        self.txlite("add", "-q", "a title", "--", "echo $((1 + 1))")
        commands = [(task["title"], task["command"]) for task in self.json("list")]
        self.assertEqual(commands[1], ("a title", "echo $((1 + 1))"))
        self.txlite("run")
        self.assertTrue(any("\na  b\n$HOME\nit's\n~" in text for text in self.reports().values()), self.reports())

    def test_init_is_safe_to_repeat(self) -> None:
        self.assertEqual(self.json("init"), {"home": self.home, "created": True})
        self.assertEqual(self.json("init")["created"], False)

    def test_what_agents_and_users_wrote_is_shown_escaped(self) -> None:
        nasty = "\x1b]0;title\x07\x1b[31mred\u202e\r\n\t\u200b\x9b\xad\u061c\u180e\u206a\U000e0041"
        task = self.txlite("add", "-q", nasty, "-d", nasty).strip()
        self.txlite("add", "-q", "--", r"printf '\033[31mred\r\n\000'; exit 1")
        out = self.txlite("run", "--max-attempts", "1", code=1)
        for shown in (out, self.txlite("list"), self.txlite("show", task), self.txlite("status"),
                      self.txlite("show", self.json("list")[1]["id"])):  # fmt: skip
            self.assertIsNone(re.search(f"[\x00-\x08\x0b-\x1f{HIDDEN}]", shown), repr(shown))
        self.assertIn("\\xad\\u061c\\u180e\\u206a\\U000e0041", self.txlite("show", task))
        said = self.txlite("show", task, "--json")
        self.assertIsNone(re.search(f"[{HIDDEN}]", said), repr(said))
        self.assertEqual(json.loads(said)["title"], nasty)

    def test_every_verb_explains_itself(self) -> None:
        overview = self.txlite("help")
        for verb, (_, summary) in VERBS.items():
            self.assertIn(f"{verb} ", overview)
            said = io.StringIO()
            with contextlib.redirect_stdout(said), self.assertRaises(SystemExit) as left:
                cli.main([verb, "--help"])  # forty processes would take as many times longer
            self.assertEqual(left.exception.code, 0)
            self.assertIn(summary[1:], re.sub(r"\s+", " ", said.getvalue()))
        self.assertEqual(self.txlite("help", "run"), self.txlite("run", "--help"))
        self.assertRegex(self.txlite("--version"), r"^txlite \d+\.\d+\.\d+\n$")


class JsonErrors(Case):
    def said(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of a command that runs in this process."""
        out, errors = io.StringIO(), io.StringIO()
        nothing_yet = mock.patch.object(json_output, "_printed", False)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors), nothing_yet:
            code = cli.main(["--home", self.home, *arguments])
        return code, out.getvalue(), errors.getvalue()

    def test_one_object_on_stdout_and_the_line_on_stderr(self) -> None:
        task = self.txlite("add", "-q", "task").strip()
        self.txlite("claim", task, "somebody")
        for kind, expected, arguments in (
            ("UsageError", 64, ["bogus", "--json"]),
            ("UsageError", 64, ["list", "--json", "--bogus"]),
            ("InvalidValue", 64, ["add", " ", "--json"]),
            ("TaskNotFound", 2, ["show", "tx-nosuchid0\x1b", "--json"]),
            ("AlreadyClaimed", 1, ["claim", task, "me", "--json"]),
            ("StoreUnavailable", 69, ["--home", "/proc/none", "add", "x", "--json"]),
        ):
            with self.subTest(arguments):
                code, out, errors = self.said(*arguments)
                found = json.loads(out)
                self.assertEqual((code, list(found), found["error"], found["code"]),
                                 (expected, ["error", "message", "code"], kind, expected))  # fmt: skip
                self.assertEqual(errors, f"txlite: {found['message']}\n".replace("\x1b", "\\x1b"))
        with (
            mock.patch.dict(VERBS, {"list": ("no_such_module", "")}),
            mock.patch.object(tempfile, "tempdir", self.directory),
        ):
            code, out, errors = self.said("list", "--json")
        self.assertEqual((code, json.loads(out)["error"]), (70, "Bug"), errors)

    def test_what_another_process_told_of_is_said_alike(self) -> None:
        os.mkdir(self.home, 0o700)
        self.write_config("[agent quick]\ncommand = true\n")
        open(os.path.join(self.home, "locks"), "w").close()  # where the launched worker makes its own
        found = json.loads(self.txlite("launch", "--agent", "quick", "task", "--json", code=69))
        self.assertEqual((found["error"], found["code"]), ("StoreUnavailable", 69))
        self.assertEqual(f"txlite: {found['message']}\n", self.errors)

    def test_a_result_is_not_followed_by_another_object(self) -> None:
        self.txlite("add", "-q", "--", f"sleep {self.nap}")
        run = self.start("run", "--json")
        wait_until(lambda: running(self.nap), "the task runs")
        run.send_signal(signal.SIGQUIT)
        out, errors = run.communicate(timeout=60)
        self.assertTrue(json.loads(out)["interrupted"])
        self.assertEqual(
            (run.returncode, errors), (130, b"txlite: interrupted: `txlite run` goes on where it stopped\n")
        )

    def test_without_json_and_behind_a_double_dash_stdout_is_empty(self) -> None:
        self.assertEqual(self.said("show", "tx-nosuchid0")[1], "")
        self.assertEqual(self.said("add", "--bogus", "--", "echo", "--json")[1], "")


class BadInput(Case):
    def test_one_line_a_true_code_and_nothing_changed(self) -> None:
        task = self.txlite("add", "-q", "task").strip()
        before = self.json("list")
        for arguments, code, word in (
            (("bogus",), 64, "unknown command 'bogus'"),
            (("ad", "x"), 64, "did you mean 'add'?"),
            (("add",), 64, "the title is empty"),
            (("add", ""), 64, "the title is empty"),
            (("add", " "), 64, "the title is empty"),
            (("add", "x", "--"), 64, "nothing stands after --"),
            (("add", "x", "--score", "high"), 64, "txlite: --score: 'high' is not a number"),
            (("add", "x", "--score", "nan"), 64, "nan"),
            (("add", "x", "--parent", "tx-nosuchid0"), 2, "tx-nosuchid0"),
            (("add", "x", "--after", "tx-nosuchid0"), 2, "tx-nosuchid0"),
            (("add", "x", "y"), 64, "unrecognized arguments: y (a task is in quotes, or stands after -- as a"),
            (("add", "x", "--bogus"), 64, "--bogus"),
            (("add", "ls", "-la"), 64, "unrecognized arguments: -la (a task is in quotes, or stands after -- as a"),
            (("add", "--nice", "5", "--", "ls"), 64, "unrecognized arguments: --nice: `txlite add --help`"),
            (("-j", "4", "ls"), 64, "unknown command '-j' (options stand behind a command, as in `txlite run"),
            (("add", b"\xff"), 64, "not valid UTF-8"),
            (("show", "tx-nosuchid0"), 2, "Task not found: tx-nosuchid0: "),
            (("show", "\x1b[31m"), 2, "\\\\x1b"),
            (("show",), 64, "ID"),
            (("done", "tx-nosuchid0"), 2, "tx-nosuchid0"),
            (("list", "--status", "bogus"), 64, "unknown status 'bogus'"),
            (("list", "--status", "running"), 64, "(what runs is active)"),
            (("logs",), 64, "of which task? `txlite logs ID`"),
            (("list", "--limit", "x"), 64, "'x' is not a whole number"),
            (("list", "--limit", "9" * 30), 64, "not a whole number"),
            (("show", b"\xff"), 64, "not valid UTF-8"),
            (("add", "x", "--after", b"\xff"), 64, "not valid UTF-8"),
            (("add", "x", "--directory", b"\xff"), 64, "not valid UTF-8"),
            (("run", "--from", ""), 64, "--from : No such file"),
            (("ready", "--limit", "-1"), 64, "--limit"),
            (("dep", "block", task, task), 1, "cannot wait for itself"),
            (("dep", "bogus", task, task), 64, "bogus"),
            (("scale", "3"), 2, "no such run"),
            (("scale", "x"), 64, "'x' workers"),
            (("run", "-j", "+2"), 64, "-j: '+2' workers: give a whole number, or 50% of the cores\n"),
            (("run", "-jx"), 64, "txlite: -j: 'x' workers"),
            (("run", "--jobs=0"), 64, "txlite: --jobs: 0 workers: give a number from 1 to 1024\n"),
            (("run", "--group", "a=0"), 64, "`txlite pause GROUP`\n"),
            (("run", "--env", "", "--", "true"), 64, "--env: '': the variable has no name"),
            (("run", "--memfree", "2"), 64, "--memfree: '2' of memory: give 1M or more"),
        ):
            with self.subTest(arguments):
                self.txlite(*arguments, code=code)
                self.assertIn(word.replace("\\\\", "\\"), self.errors)
                self.assertEqual(self.errors.count("\n"), 1)
        self.assertEqual(self.json("list"), before)

    def test_a_bug_of_ours_is_one_line_with_a_file(self) -> None:
        code = f"""import sys; sys.path.insert(0, {ROOT!r})
from txlite import cli
from txlite.store import store
store.Store.list = lambda *_: 1 / 0
sys.exit(cli.main(["list"]))"""
        found = subprocess.run([sys.executable, "-c", code], cwd=self.directory, capture_output=True, text=True,
                               env={**self.environment, "TMPDIR": self.directory})  # fmt: skip
        self.assertEqual((found.returncode, found.stderr.count("\n")), (70, 1), found.stderr)
        (name,) = (name for name in os.listdir(self.directory) if name.startswith("txlite-bug-"))
        self.assertIn("ZeroDivisionError", self.read(name))

    def test_a_reader_that_has_seen_enough(self) -> None:
        self.store().add_many(f"task {number}" for number in range(5000))
        found = subprocess.run(f"{sys.executable} -m txlite list | head -1", shell=True, cwd=self.directory,
                               env=self.environment, capture_output=True, text=True)  # fmt: skip
        self.assertEqual((found.stdout.count("\n"), found.stderr), (1, ""))
        self.assertEqual(len(json.loads(self.txlite("list", "--json", "--limit", "3"))), 3)

    def test_streams_that_are_closed_or_poor(self) -> None:
        command = f"{sys.executable} -m txlite"
        self.txlite("add", "arrow \u2192")
        for line, code in (
            (f"{command} list >&-", 0),
            (f"{command} list 2>&- >&- <&-", 0),
            (f"{command} show tx-nosuchid0 2>&-", 2),
            (f"{command} list > /dev/full", 69),
            (f"{command} show tx-nosuchid0 2> /dev/full", 2),
            (f"{command} run --from - <&-", 0),
            (f"echo true | {command} run --from - | true; exit ${{PIPESTATUS[1]}}", 0),
            (f"PYTHONIOENCODING=latin-1 {command} list", 0),
            (f"PYTHONIOENCODING=latin-1 {command} run --from - <<< 'true # \u2192'", 0),
        ):
            with self.subTest(line):
                found = subprocess.run(
                    ["bash", "-c", line], cwd=self.directory, env=self.environment, capture_output=True
                )
                self.assertEqual(found.returncode, code, found.stderr.decode())
                self.assertNotIn(b"bug", found.stderr + found.stdout)

    def test_an_old_python_is_told(self) -> None:
        found = [shutil.which(name) for name in ("python2.7", "python3.6", "python3.7", "python3.8")]
        working = [
            python for python in found if python and not subprocess.run([python, "-c", ""], stderr=-3).returncode
        ]
        if not working:
            self.skipTest("needs a Python that is too old")
        for python in working:
            old = subprocess.run([python, os.path.join(ROOT, "txlite")], capture_output=True, text=True)
            self.assertEqual(old.returncode, 69)
            self.assertIn("needs Python 3.9 or newer", old.stderr)


if __name__ == "__main__":
    unittest.main()
