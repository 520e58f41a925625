"""Batches as they are typed: options, template and sources; what goes on, and what is refused."""

from __future__ import annotations

import contextlib
import glob
import io
import os
import re
import shlex
import signal
import unittest
from unittest import mock

from txlite import cli

from ..case import ROOT, Case, wait_until


class Typed(Case):
    def setUp(self) -> None:
        super().setUp()
        before = os.getcwd()
        os.chdir(self.directory)
        self.addCleanup(os.chdir, before)

    def make(self, *names: str) -> None:
        for name in names:
            with open(self.path(name), "w"):
                pass

    def dry(self, *words: str, stdin: bytes = b"", code: int = 0) -> list[str]:
        """The commands that would be run, in this process; what was said aside is kept."""
        out, error = io.StringIO(), io.StringIO()
        given = io.TextIOWrapper(io.BytesIO(stdin))
        with mock.patch("sys.stdin", given), contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
            found = cli.main(["run", "--dry-run", *words])
        self.errors = error.getvalue()
        self.assertEqual(found, code, self.errors)
        self.assertFalse(os.path.exists(self.home))
        return out.getvalue().splitlines()

    def test_sources_and_how_they_are_put_together(self) -> None:
        with open(self.path("f"), "w") as file:
            file.write("f1\nf 2\n")
        with open(self.path("table"), "w") as file:
            file.write("a , b,,\nc\n")
        for words, commands in (
            (["echo", ":::", "a", "b c"], ["echo a", "echo 'b c'"]),
            (["echo", "{1}-{2}", ":::", "a", "b", ":::", "c", "d"], ["echo a-c", "echo a-d", "echo b-c", "echo b-d"]),
            (["echo", ":::", "a", "b", ":::+", "c", "d"], ["echo a c", "echo b d"]),
            (["echo", ":::", "a", "b", ":::+", "c", "d", ":::", "x"], ["echo a c x", "echo b d x"]),
            (["--link", "echo", ":::", "a", "b", ":::", "c", "d"], ["echo a c", "echo b d"]),
            (["echo", "{2} {1}", "::::", "f", "::::+", "f"], ["echo f1 f1", "echo 'f 2' 'f 2'"]),
            (["echo", "::::", "f", ":::", "a"], ["echo f1 a", "echo 'f 2' a"]),
            (["-a", "f", "-a", "f", "--link", "echo"], ["echo f1 f1", "echo 'f 2' 'f 2'"]),
            (["-C", ",", "echo", "{1}", "{2}{3}", "{-1}", "::::", "table"], ["echo a 'b''' ''", "echo c '''' c"]),
            (["-N2", "echo", "{2}", "{}", ":::", "a", "b", "c"], ["echo b a b", "echo '' c"]),
            (["-r", "echo", ":::", "", "a", " "], ["echo a"]),
            (["-I", ",,", "echo", ",,{}", ":::", "a"], ["echo a{}"]),
            (["-d,", "echo", ":::", "a,b"], ["echo 'a,b'"]),
            (["-q", "echo", "a  b", "$x", ":::", "c"], ["echo 'a  b' '$x' c"]),
            (["--", "echo", "a b", "{}.x", ":::", "c d"], ["echo 'a b' 'c d.x'"]),
            (["--", "echo {} | wc", ":::", "c d"], ["echo 'c d' | wc"]),
            ([":::", "echo $x", "true"], ["echo $x", "true"]),
            (["git", "add", "--", "{}", ":::", "a"], ["git add -- a"]),
            (["--max-procs", "4", "gzip", "-k", "-j", "4", ":::", "a"], ["gzip -k -j 4 a"]),
            (["--agent", "claude", "Say {}'s", "name", ":::", "a b"], ["Say a b's name"]),
            (["--", "echo", "a b"], ["echo 'a b'"]),
            (["--", "echo $x"], ["echo $x"]),
        ):
            with self.subTest(words):
                self.assertEqual(self.dry(*words), commands)
                self.assertEqual(self.errors, "")
        for words, given, commands in (
            (["echo", "{}"], b"a\n\nb c", ["echo a", "echo ''", "echo 'b c'"]),
            (["-0", "echo"], b"a\nb\0c", ["echo 'a", "b'", "echo c"]),
            (["-d", "\\t", "echo"], b"a\tb", ["echo a", "echo b"]),
            (["-a", "-", "echo"], b"a\n", ["echo a"]),
            (["--", "gzip", "{}"], b"a\n", ["gzip a"]),
            (["echo", "{1}{2}", "::::", "-", "f"], b"a\n", ["echo 'a'f1", "echo 'a''f 2'"]),
        ):
            with self.subTest(words):
                self.assertEqual(self.dry(*words, stdin=given), commands)

    def test_what_makes_no_sense_is_refused_in_a_line(self) -> None:
        self.make("there")
        for words, word in (
            (
                ["echo", ":::", "a", "b", "c", ":::+", "d", "e"],
                "::: has 3 arguments, and :::+, which is linked to it, has 2",
            ),
            (["echo", ":::+", "a"], "there is none"),
            (["echo", "::::"], "nothing stands behind ::::"),
            (["echo", "::::", "gone"], ":::: gone: No such file"),
            (["-a", "gone", "echo"], "-a gone: No such file"),
            (["echo", "{3}", ":::", "a", ":::", "b"], "{3}: there is no such argument: 2 sources"),
            (["echo", "{-2}", ":::", "a"], "{-2}: there is no such argument: 1 source"),
            (["echo", "{%}", ":::", "a"], "{%} is not known here"),
            (["-C", "|", "echo", ":::", "a"], "matches an empty text"),
            (["-C", "(", "echo", ":::", "a"], "no regular expression"),
            (["-N", "0", "echo", ":::", "a"], "whole number from 1"),
            (["-N", "2", "echo", ":::", "a", ":::", "b"], "-N takes arguments from one source"),
            (["-d", "", "echo", ":::", "a"], "no delimiter"),
            (["echo", "::::", "-", "-"], "stdin is given as two sources"),
            (["--from", "there", "echo", ":::", "a"], "give one of the two"),
            (["--from", "there", "-a", "there"], "give one of the two"),
            (["echo", ":::", "a\udcff"], "the argument a\\xff is not UTF-8"),
            (["--pipe", "cat"], "--pipe of GNU parallel is not here: cut the input with split"),
            (["-X", "echo"], "-X of GNU parallel"),
            (["-S", "host", "echo"], "-S of GNU parallel"),
            (["-Shost", "echo"], "-S of GNU parallel"),
            (["--sshlogin=host", "echo"], "--sshlogin of GNU parallel"),
            (["--semaphore", "echo"], "--group"),
            (["--dry-rum", "echo", ":::", "a"], "did you mean '--dry-run'?"),
            (["--env", "NO_SUCH_VARIABLE_HERE", "echo", ":::", "a"], "is not set here"),
            (["echo", ":::", "a", "--dry-run"], "--dry-run stands among the arguments"),
            (["echo", ":::", "a", "--jobs=2"], "--jobs=2 stands among the arguments"),
            ([], "--dry-run shows a batch"),
            (["--"], "nothing stands after --"),
        ):
            with self.subTest(words):
                self.dry(*words, code=64)
                self.assertIn(word, self.errors)
                self.assertEqual(self.errors.count("\n"), 1)
        self.dry("echo", stdin=b"a\n\xff\n", code=64)
        self.assertIn("stdin: line 2 is not UTF-8", self.errors)
        self.dry("echo", stdin=b"a\0b", code=64)
        self.assertIn("line 1 contains a NUL byte: give -0", self.errors)
        with mock.patch("sys.stdin.isatty", lambda: True, create=True):
            with contextlib.redirect_stderr(io.StringIO()) as error:
                self.assertEqual(cli.main(["run", "make", "test"]), 64)
        self.assertIn("the arguments are missing", error.getvalue())

    def test_a_pattern_that_matched_nothing_is_said_and_not_run(self) -> None:
        self.make("a.txt", "b[1].txt", "really?")
        os.mkdir(self.path("my dir"))
        self.assertEqual(self.dry("echo", ":::", "a.txt", "*.tif", "b[1].txt", "really?", "my dir/*.x"),
                         ["echo a.txt", "echo 'b[1].txt'", "echo 'really?'"])  # fmt: skip
        self.assertIn("*.tif, my dir/*.x: no files have these names: left out", self.errors)
        self.dry("echo", ":::", "*.tif", code=2)
        self.assertIn("*.tif: no file has this name, and nothing is left to run", self.errors)
        self.dry("echo", ":::", "*.tif", ":::", "1", code=2)
        texts = ["http://x/?a=b", "is it true?", "2 * 3", "[", "[]"]
        self.assertEqual(len(self.dry("echo", ":::", *texts)), len(texts))
        self.assertEqual(self.dry("echo", stdin=b"*.tif\n"), ["echo '*.tif'"])
        self.assertEqual(self.dry(":::", "ls *.tif"), ["ls *.tif"])
        self.assertEqual(self.errors, "")

    def test_the_lines_of_the_page_make_commands(self) -> None:
        self.make("a.txt", "it's.txt", "x.tif")
        for name in ("from.txt", "to.txt"):
            with open(self.path(name), "w") as file:
                file.write("a\n")
        with open(os.path.join(ROOT, "txlite", "docs", "parallel.md"), encoding="utf-8") as file:
            lines = re.findall(r"^    \$ .*?txlite run (.*)$", file.read(), re.M)
        self.assertGreater(len(lines), 7)
        for line in lines:
            found = [
                glob.glob(word) if "*." in word and " " not in word else [word] for word in shlex.split(line, True)
            ]
            with self.subTest(line):
                self.assertTrue(self.dry(*(word for words in found for word in words), stdin=b"a\0"))

    def test_json_tells_commands_and_arguments(self) -> None:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self.assertEqual(cli.main(["run", "--dry-run", "--json", "echo", "{.}", ":::", "a.b"]), 0)
        self.assertIn('"command": "echo a"', out.getvalue())
        self.assertIn('"a.b"', out.getvalue())


class Run(Case):
    def write(self, name: str, text: str) -> str:
        with open(self.path(name), "w") as file:
            file.write(text)
        return name

    def test_files_of_any_name_are_worked_on(self) -> None:
        names = ["a b", "it's", "$(touch pwned)", "-n", "x\ny", '"', "`touch pwned`", "é*"]
        for name in names:
            self.write(name, f"{name}\n")
        out = self.txlite(
            "run", "-j", "2", "--env", "MARK=m", 'cat -- {} > "{}.out"; echo $MARK >> {}.out', ":::", *names
        )
        self.assertIn(f"{len(names)} done", out)
        for name in names:
            self.assertEqual(self.read(f"{name}.out"), f"{name}\nm\n")
        self.assertFalse(os.path.exists(self.path("pwned")))
        tasks = self.json("list")
        self.assertEqual({tuple(task["arguments"]) for task in tasks}, {(name,) for name in names})
        self.assertIn("  arguments:   'a b'\n", self.txlite("show", tasks[0]["id"]))

    def test_what_is_left_goes_on_and_what_is_done_is_run_again(self) -> None:
        line = ("run", "-j", "1", "--retries", "0", "echo {} >> log; test -e go || { touch up; sleep 60; }")
        self.write("go", "")
        self.txlite(*line, ":::", "a")
        self.txlite(*line, ":::", "a")
        self.assertEqual(self.read("log"), "a\na\n")  # it was done: run again
        os.unlink(self.path("go"))
        run = self.start(*line, ":::", "b", "c", "d")
        wait_until(lambda: os.path.exists(self.path("up")), "the first task")
        self.txlite("done", "--force", self.json("list", "--status", "active")[0]["id"])
        wait_until(lambda: "c" in self.read("log"), "the second task")
        run.send_signal(signal.SIGQUIT)
        self.assertEqual(run.wait(60), 130)
        self.write("go", "")
        self.write("log", "")
        out = self.txlite(*line, ":::", "c", "d", "e")  # b is gone, e is new
        self.assertIn("2 tasks were added before: 1 done, 1 new", out)
        self.assertEqual(self.read("log"), "c\nd\ne\n")
        self.txlite(*line, ":::", "b", "c", "d", "e")
        self.assertEqual(self.read("log"), "c\nd\ne\nb\nc\nd\ne\n")

    def test_what_failed_is_tried_again_and_other_arguments_are_another_batch(self) -> None:
        line = ("run", "-j", "1", "--retries", "0", "echo {} >> log; test {} = a -o -e go")
        self.txlite(*line, ":::", "a", "b", code=1)
        self.txlite(*line, ":::", "a")  # done, and wanted again
        self.write("go", "")
        out = self.txlite(*line, ":::", "a", "b")
        self.assertIn("2 tasks were added before: 1 done, 1 that failed is tried again", out)
        self.assertEqual(self.read("log"), "a\nb\na\nb\n")
        self.txlite("run", "-j", "1", "--retries", "0", "--again", *line[5:], ":::", "b")
        self.assertEqual(self.read("log"), "a\nb\na\nb\nb\n")

    def test_arguments_of_files_are_added_once(self) -> None:
        self.write("f", "a\n")
        line = ("run", "-j", "1", "echo {} >> log", "::::", "f")
        self.txlite(*line)
        self.assertIn("1 task was added before: 1 done (--again", self.txlite(*line))
        self.write("f", "a\nb\n")
        self.assertIn("1 task was added before: 1 done, 1 new", self.txlite(*line))
        self.assertEqual(self.read("log"), "a\nb\n")
        with open(self.path("f")) as file:
            run = self.start("run", stdin=file)
            self.assertIn(b"stdin was not read: `txlite run --from -`", run.communicate()[1])
        self.assertIn("nothing to run: no arguments in stdin (a command that", self.txlite("run", "echo"))
        self.assertIn("no task has failed: none is tried again\n", self.txlite("run", "--retry-failed"))
        self.assertEqual("nothing to run: no arguments behind :::\n", self.txlite("run", "echo", ":::"))


if __name__ == "__main__":
    unittest.main()
