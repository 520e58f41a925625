"""`run` as a user runs it: batches, exit codes, going on where it stood, agents of every kind, bad input."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
import unittest
import unittest.mock
from typing import Any

from txlite import Result

from ..case import Case, wait_until
from ..view.screen import Terminal

FILES = int(os.environ.get("TESTS_FILES", "400"))


class Batches(Case):
    def test_the_main_job(self) -> None:
        lines = b"".join(b"echo %d | sha256sum\n" % number for number in range(1, 31))
        out = self.txlite("run", "--workers", "4", "--from", "-", stdin=lines)
        self.assertIn("30 tasks added", out.splitlines()[0])
        self.assertEqual(out.count("\ndone "), 30)
        self.assertEqual(out.splitlines()[-1], "30 done")
        reports = self.reports()
        self.assertEqual(len(reports), 30)
        wanted = {hashlib.sha256(b"%d\n" % number).hexdigest() for number in range(1, 31)}
        self.assertEqual({re.search(r"[0-9a-f]{64}", text)[0] for text in reports.values()}, wanted)
        self.assertTrue(all(re.fullmatch(r"\d{8}_\d{6}_\d+_shell_task(_\d+)?\.md", name) for name in reports))

    def test_many_files_hashed(self) -> None:
        os.mkdir(self.path("files"))
        wanted = {}
        for number in range(FILES):
            name = self.path(f"files/file {number}'s.bin")
            data = os.urandom(number)
            with open(name, "wb") as file:
                file.write(data)
            wanted[name] = hashlib.sha256(data).hexdigest()
        batch = self.batch(*(f'''sha256sum < "{name}" > "{name}.hash"''' for name in wanted))
        self.assertEqual(self.json("run", "--from", batch)["counts"], {"done": FILES})
        for name, digest in wanted.items():
            self.assertEqual(self.read(name + ".hash").split()[0], digest)

    def test_comments_and_blank_lines_are_skipped_and_lines_are_whole(self) -> None:
        batch = self.batch("# comment", "", "   ", "  # too", "echo 'a  b' # kept \\", "printf '%s' \"$0 {{X}}\"\r")
        found = self.json("run", "--from", batch)
        self.assertEqual(found["counts"], {"done": 2})
        commands = [task["command"] for task in self.json("list")]
        self.assertEqual(commands, ["echo 'a  b' # kept \\", "printf '%s' \"$0 {{X}}\""])

    def test_exit_code_and_names_of_what_failed_and_waits(self) -> None:
        batch = self.batch("exit 3", "true", "kill -9 $$", "/no/such/command", "exec /etc/passwd")
        out = self.txlite("run", "--from", batch, "--max-attempts", "1", code=1)
        for line in ("exit 3  (failed, exit 3)", "killed by SIGKILL", "exit 127", "exit 126"):
            self.assertIn(line, out)
        failed = self.json("list", "--status", "failed")
        self.assertEqual(len(failed), 4)
        waiting = {"id": self.txlite("add", "-q", "--after", failed[0]["id"], "--", "true").strip()}
        out = self.txlite("run", code=1)
        self.assertIn("waiting: 1 waits for what will not be done by itself\n", out)
        self.assertRegex(out, rf"\n {{9}}{waiting['id']}  true  \(for {failed[0]['id']}, failed\)\n")

    def test_what_failed_is_shown_with_the_end_of_its_output_and_a_path_from_here(self) -> None:
        script = "for n in 1 2 3 4 5 6 7; do echo line $n; echo; done; printf '\\033[2J last'; exit 3"
        out = self.txlite("run", "-j", "1", "--from", self.batch(script, "exit 4"), "--max-attempts", "1", code=1)
        lines = out[out.index("failed:  ") :].splitlines()
        self.assertTrue(lines[0].endswith("  (failed, exit 3)"), out)
        self.assertRegex(lines[1], r"^ {9}\.txlite/workers/\S+_shell_task\.md$")
        self.assertIn("line 7", self.read(lines[1].strip()))
        said = ["| line 4", "| line 5", "| line 6", "| line 7", "| \\x1b[2J last"]
        self.assertEqual([line.strip() for line in lines[2:7]], said)
        self.assertRegex(lines[7], r"^failed:  tx-\w+  exit 4  \(failed, exit 4\)$")
        self.assertEqual(len(lines), 10, "it said nothing: its path, and the counts")
        os.mkdir(self.path("below"))
        self.txlite("add", "--", "echo why; false")
        shown = Terminal(self, "run", "--max-attempts", "1", cwd=self.path("below"), columns=70).end()
        path = re.search(r"^ +(/.*\.md)\n +\| why$", shown, re.M)
        self.assertTrue(path and os.path.exists(path[1]), shown)

    def test_attempts_are_repeated_until_the_limit(self) -> None:
        self.txlite("run", "--from", self.batch("echo x >> tries; exit 1"), "--max-attempts", "2", code=1)
        self.assertEqual(self.read("tries"), "x\nx\n")

    def test_the_same_batch_is_continued_and_again_adds_it(self) -> None:
        batch = self.batch("echo one >> log", "echo two >> log; test -e ready")
        self.txlite("run", "--from", batch, "--max-attempts", "1", code=1)
        with open(self.path("ready"), "w"):
            pass
        out = self.txlite("run", "--from", batch, "--max-attempts", "1")
        self.assertIn("2 tasks were added before: 1 done, 1 that failed is tried again", out)
        self.assertEqual(sorted(self.read("log").split()), ["one", "two", "two"])
        out = self.txlite("run", "--from", batch, "--max-attempts", "1")
        self.assertEqual(
            out.splitlines(), ["2 tasks were added before: 2 done (--again adds all of them anew)", "2 done"]
        )
        self.txlite("run", "--from", batch, "--max-attempts", "1", "--again")
        self.assertEqual(len(self.json("list")), 4)
        interrupted = self.batch("touch go; sleep 60")
        run = self.start("run", "--from", interrupted, "--max-attempts", "1")
        wait_until(lambda: os.path.exists(self.path("go")), "the command to start")
        run.send_signal(signal.SIGQUIT)
        self.assertEqual(run.wait(60), 130)
        out = self.txlite("run", "--from", self.batch("touch go; sleep 60"), "--again", "--timeout", "0.2", code=1)
        self.assertIn("1 task added\n", out)

    def test_a_batch_whose_run_died_at_its_end_is_not_run_again(self) -> None:
        batch = self.batch("echo one >> log; touch started; while ! test -e go; do sleep 0.05; done")
        run = self.start("run", "--from", batch, "--workers", "1")
        wait_until(lambda: os.path.exists(self.path("started")), "the command to start")
        run.kill()
        run.wait()
        with open(self.path("go"), "w"):
            pass
        wait_until(lambda: self.json("list")[0]["status"] == "done", "the worker to finish")
        self.assertIn("1 done", self.txlite("run", "--from", batch))
        self.assertEqual(self.read("log"), "one\n")

    def test_of_a_file_that_has_grown_only_the_new_lines_are_added(self) -> None:
        batch = self.batch("echo a >> log", "echo a >> log", "echo b >> log; test -e ready")
        self.txlite("run", "--from", batch, "-j", "1", "--max-attempts", "1", code=1)
        with open(batch, "a") as file, open(self.path("ready"), "w"):
            file.write("echo c >> log\necho a >> log\n")
        out = self.txlite("run", "--from", batch, "-j", "1")
        self.assertIn("3 tasks were added before: 2 done, 1 that failed is tried again, 2 new", out)
        self.assertIn("\n5 done", out)
        self.assertEqual(sorted(self.read("log").split()), ["a", "a", "a", "b", "b", "c"])
        with open(batch, "w") as file:  # what is no longer in it changes nothing
            file.write("echo c >> log\necho d >> log\n")
        self.assertIn("1 task was added before: 5 done, 1 new", self.txlite("run", "--from", batch, "-j", "1"))
        self.txlite("run", "--from", batch, "--again", "-j", "1")
        self.assertEqual("".join(sorted(self.read("log").split())), "aaabbccdd")
        with open(batch, "a") as file:
            file.write("echo c >> log\n" * 2)
        out = self.txlite("run", "--from", batch, "-j", "1")  # of three c, two were added
        self.assertRegex(out, r"^3 tasks were added before: \d+ done, 1 new")
        self.assertEqual(self.read("log").count("c"), 3)

    def test_lines_of_a_pipe_are_known_again_when_all_are_there(self) -> None:
        self.txlite("run", "--from", "-", "-j", "1", stdin=b"echo a >> log\necho b >> log\n")
        out = self.txlite("run", "--from", "-", "-j", "1", stdin=b"echo a >> log\necho b >> log\necho c >> log\n")
        self.assertIn("2 tasks were added before: 2 done, 1 new", out)
        self.assertIn("2 tasks added", self.txlite("run", "--from", "-", stdin=b"echo b >> log\necho d >> log\n"))
        self.assertEqual("".join(sorted(self.read("log").split())), "abbcd")

    def test_a_command_after_two_dashes_is_run_each_time(self) -> None:
        self.assertIn("1 task added", self.txlite("run", "--", "echo", "a b", ">", "$x"))
        for _ in range(2):
            out = self.txlite("run", "-j", "2", "--retries", "0", "--", "echo said >> log; test -e ready", code=1)
        self.assertIn("1 task was added before: 0 done, 1 that failed is tried again", out)
        with open(self.path("ready"), "w"):
            pass
        for _ in range(2):
            self.txlite("run", "--", "echo said >> log; test -e ready")
        self.assertEqual(self.read("log").count("said"), 4)
        self.assertEqual(self.json("list")[0]["command"], "echo 'a b' '>' '$x'")
        self.txlite("run", "--from", "-", "--", "true", code=64)
        self.assertIn("give one of the two", self.errors)

    def test_a_tasks_own_bounds_and_variables_come_before_the_runs(self) -> None:
        self.environment.update(SEEN="from here", MY_TOKEN="secret", TXLITE_OTHER="no")
        script = 'echo "$SEEN|$GIVEN|$MY_TOKEN" >> log; test -n "$GIVEN"'
        self.txlite("add", "--env", "SEEN", "--env", "GIVEN=a=b c", "--", script)
        self.txlite("add", "--env-all", "--retries", "1", "--", script)
        slow = self.txlite("add", "-q", "--timeout", "0.2", "--max-attempts", "1", "--", "sleep 60").strip()
        for name in ("SEEN", "MY_TOKEN"):
            del self.environment[name]
        self.txlite("run", "-j", "1", code=1)
        self.assertEqual(self.read("log").splitlines(), ["from here|a=b c|", "from here||", "from here||"])
        self.assertEqual(self.json("show", slow)["attempts"][0]["outcome"], "timeout")
        shown = self.json("list")[0]
        self.assertEqual((shown["environment"], shown["maxAttempts"]), (["SEEN", "GIVEN"], None))
        for value in ("NOWHERE", "=x", "TXLITE_HOME=x"):
            self.txlite("add", "x", "--env", value, code=64)

    def test_run_without_from_goes_on_where_anything_stood(self) -> None:
        self.txlite("add", "--", "echo $TXLITE_TASK-$TXLITE_TOKEN > said")
        self.assertIn("1 done", self.txlite("run"))
        self.assertRegex(self.read("said"), r"^tx-\w+-1\n$")
        self.assertEqual(self.txlite("run"), "nothing to do\n")

    def test_a_second_run_tells_what_it_did_itself(self) -> None:
        for number in range(2):
            self.txlite("add", "--", f"touch begun.{number}; until test -e go; do sleep 0.05; done")
        first = self.start("run", "-j", "1")
        wait_until(lambda: os.path.exists(self.path("begun.0")), "the first")
        second = self.start("run", "-j", "1")
        wait_until(lambda: os.path.exists(self.path("begun.1")), "the second")
        with open(self.path("go"), "w"):
            pass
        out = second.communicate(timeout=60)[0].decode().splitlines()
        self.assertEqual(out[0], f"joined the run of PID {first.pid}: both take from one queue")
        self.assertEqual((len(out), out[2]), (3, "1 done"))
        self.assertIn("begun.1", out[1])
        out = first.communicate(timeout=60)[0].decode().splitlines()
        self.assertEqual((len(out), out[1]), (2, "1 done"))

    def test_of_two_batches_each_run_tells_its_own(self) -> None:
        wait = "until test -e go; do sleep 0.05; done"
        first = self.start("run", "-j", "1", "--", f"touch begun; {wait}")
        wait_until(lambda: os.path.exists(self.path("begun")), "the first")
        second = self.start("run", "-j", "1", "--from", self.batch(f"{wait}; true a", f"{wait}; true b"))
        wait_until(lambda: len(self.json("list", "--status", "active")) == 2, "the second")
        with open(self.path("go"), "w"):
            pass
        self.assertIn(b"\n2 done\n", second.communicate(timeout=60)[0])
        self.assertIn(b"\n1 done\n", first.communicate(timeout=60)[0])

    def test_dependencies_are_kept(self) -> None:
        first = self.txlite("add", "-q", "--", "sleep 0.3; echo first >> log").strip()
        self.txlite("add", "-q", "--after", first, "--score", "9", "--", "echo second >> log")
        self.txlite("run")
        self.assertEqual(self.read("log"), "first\nsecond\n")

    def test_an_empty_batch_runs_nothing(self) -> None:
        self.assertEqual(self.txlite("run", "--from", "-"), "no tasks in -\n")

    def test_json_is_one_object_and_nothing_else(self) -> None:
        found = self.json("run", "--from", self.batch("true", "false"), "--max-attempts", "1", code=1)
        self.assertEqual((found["counts"], found["interrupted"]), ({"done": 1, "failed": 1}, False))
        self.assertEqual(found["failed"][0]["attempts"][0]["exitCode"], 1)

    def test_progress_on_a_terminal(self) -> None:
        import pty

        terminal, end = pty.openpty()
        last = "until test -e go; do sleep 0.05; done; exit 4"
        run = self.start("run", "--from", self.batch(*["sleep 0.1"] * 10, last), "--max-attempts", "1", stdout=end)
        os.close(end)
        shown = b""
        while True:
            try:
                shown += os.read(terminal, 4096)
            except OSError:
                break
            if re.search(rb"\[#+\.+\]", shown):  # before the end, however late it is drawn
                open(self.path("go"), "w").close()
        os.close(terminal)
        self.assertEqual(run.wait(60), 1)
        text = shown.decode()
        self.assertRegex(text, r"\d+/11")
        self.assertRegex(text, r"\[#+\.+\]")
        self.assertIn("10 done, 1 failed", text)
        self.assertNotIn("\ndone ", text)


class Attempts(Case):
    def test_a_name_that_was_taken_until_a_moment_ago(self) -> None:
        from txlite.reports import report
        from txlite.reports.header import Header

        heading = Header("tx-00000000", "title", 7, "shell", "2025-10-24T15:00:00.000Z", "/", "true")
        link, tried = os.link, []

        def taken_once(path: str, name: str) -> None:
            tried.append(name)
            if len(tried) == 1:
                raise FileExistsError
            link(path, name)

        with unittest.mock.patch("os.link", taken_once):
            paper = report.Report(self.directory, "20251024_150000", heading)
        self.assertTrue(paper.name.endswith("/20251024_150000_TEMP-7_shell_task.md"), (paper.name, paper.trouble))
        self.assertTrue(paper.finish(Result("done", 0, 0.1), 99).report.endswith("/20251024_150000_99_shell_task.md"))

    def run_one(self, command: str, *options: str, code: int = 0) -> dict[str, Any]:
        """Run one command; its last attempt."""
        batch = self.batch(command)
        self.txlite("run", "--from", batch, "--max-attempts", "1", "--again", *options, code=code)
        return self.json("show", self.json("list")[-1]["id"])["attempts"][-1]

    def test_what_the_agent_is_given(self) -> None:
        self.txlite(
            "add",
            "--directory",
            self.directory,
            "--",
            "env > seen; pwd >> seen; cat; tty >> seen; ls -l /proc/self/fd > fds",
        )
        self.txlite("run", stdin=b"not for agents")
        seen = dict(line.partition("=")[::2] for line in self.read("seen").splitlines())
        self.assertEqual((seen["TXLITE_HOME"], seen["TXLITE_TOKEN"]), (self.home, "1"))
        self.assertEqual(seen["TXLITE_DIRECTORY"], self.directory)
        self.assertIn("not a tty", seen)
        self.assertIn(self.directory, seen)
        descriptors = [line.split(" -> ")[0].split()[-1] for line in self.read("fds").splitlines() if "->" in line]
        self.assertEqual([number for number in descriptors if number not in ("0", "1", "2")], descriptors[3:4])

    def test_no_signal_stays_ignored_or_blocked(self) -> None:
        command = ["/bin/sh", "-c", "trap '' INT HUP TERM USR1 PIPE; exec \"$@\"", "sh"]
        self.txlite("init")
        self.write_config("[agent grep]\ncommand = grep -E Sig(Ign|Blk) /proc/self/status\nprompt = stdin\n")
        self.txlite("add", "a prompt: many a shell would unblock them by itself")
        subprocess.run([*command, sys.executable, "-m", "txlite", "run", "--agent", "grep"], check=True,
                       cwd=self.directory, env=self.environment, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL)  # fmt: skip
        (report,) = self.reports().values()
        signals = {name: int(mask, 16) for name, mask in re.findall(r"^(Sig\w+):\s(\w+)$", report, re.M)}
        # The C library ignores two signals of its own, which no program can handle, in all that posix_spawn starts.
        ordinary = sum(1 << number - 1 for number in signal.valid_signals())
        self.assertEqual({name: mask & ordinary for name, mask in signals.items()}, {"SigBlk": 0, "SigIgn": 0})

    def test_how_attempts_end(self) -> None:
        for command, options, outcome, code in (
            ("exit 7", (), "failed", 7),
            ("kill -TERM $$", (), "failed", 143),
            ("sleep 60", ("--timeout", "0.3"), "timeout", 143),
            ("exec 1>&- 2>&-; sleep 0.1", (), "done", 0),
            ("head -c 300000 /dev/zero; exit 5", (), "failed", 5),
        ):
            with self.subTest(command):
                attempt = self.run_one(command, *options, code=int(code > 0))
                self.assertEqual((attempt["outcome"], attempt["exitCode"]), (outcome, code))
                report = self.reports()[os.path.basename(attempt["report"])]
                self.assertIn(f"**Outcome:** {outcome}", report)
                self.assertIn(f"**Exit code:** {code}", report)
        self.assertFalse([name for name in self.reports() if "TEMP" in name])

    def test_a_directory_that_is_gone(self) -> None:
        os.mkdir(self.path("gone"))
        self.txlite("add", "--directory", "gone", "--", "true")
        os.rmdir(self.path("gone"))
        self.assertIn("does not exist", self.txlite("run", "--max-attempts", "1", code=1))

    def test_output_comes_as_it_is_written(self) -> None:
        run = self.start("run", "--from", self.batch("echo early; while ! test -e go; do sleep 0.05; done; echo late"))
        wait_until(
            lambda: any("early" in text.split("## Output")[-1] for text in self.reports().values()), "live output"
        )
        self.assertEqual([name for name in self.reports() if "_TEMP" in name], list(self.reports()))
        with open(self.path("go"), "w"):
            pass
        self.assertEqual(run.wait(60), 0)
        (text,) = self.reports().values()
        self.assertIn("early\nlate\n~~~", text)

    def test_output_beyond_the_cap_keeps_head_and_tail(self) -> None:
        self.txlite("init")
        self.write_config("[txlite]\noutput_cap = 64K\n")
        self.start(
            "run", "--from", self.batch("echo first; yes 0123456789 | head -c 50000000; echo last; touch written")
        )
        sizes = []
        directory = os.path.join(self.home, "workers")

        def is_finished() -> bool:
            for name in os.listdir(directory) if os.path.isdir(directory) else ():
                try:
                    sizes.append(os.stat(os.path.join(directory, name)).st_size)
                except FileNotFoundError:
                    pass
            names = self.reports()  # for a moment it has both names
            return os.path.exists(self.path("written")) and bool(names) and all("TEMP" not in name for name in names)

        wait_until(is_finished, "the command to end")
        self.assertLess(max(sizes), 64 * 1024 + 2000)
        (text,) = self.reports().values()
        self.assertIn("~~~\nfirst\n", text[:3000])
        self.assertEqual(text[-30:].partition("last")[1:], ("last", "\n" + "~" * 16 + "\n"))
        cut = int(re.search(r"\[txlite: +(\d+) bytes of output were cut here\]", text)[1])
        kept = len(text.split("~~~~~~~~~~~~~~~~\n")[1]) - len("\n[txlite: %15d bytes of output were cut here]\n" % 0)
        self.assertEqual(cut + kept, 50_000_000 + len("first\nlast\n"))

    def test_an_agent_of_ones_own(self) -> None:
        self.txlite("init")
        with open(os.path.join(self.home, "config.ini"), "w") as file:
            file.write(
                "[agent echo]\ncommand = sh -c 'cat > prompt; env > seen'\n"
                "set = GREETING=hello there\nhide = SECRET_*\n"
            )
            file.write("[agent args]\ncommand = printf %s\nprompt = argument\n[agent gone]\ncommand = no-such-tool\n")
        text = "quotes ' \" $HOME `x` \\1"
        self.txlite("add", text, "-d", "more\n🦊")
        environment = {**self.environment, "SECRET_KEY": "x"}
        self.txlite("run", "--agent", "echo", env=environment)
        self.assertEqual(self.read("prompt"), text + "\n\nmore\n🦊")
        self.assertIn("GREETING=hello there\n", self.read("seen"))
        self.assertNotIn("SECRET_KEY", self.read("seen"))
        self.txlite("run", "--agent", "args", "--from", "-", stdin=text.encode())
        self.assertEqual([f"~~~\n{text}\n~~~" in report for report in self.reports().values()].count(True), 1)
        self.txlite("run", "--agent", "gone", code=64)
        self.assertIn("'no-such-tool' is not installed", self.errors)


class BadInput(Case):
    def test_run_refuses_and_changes_nothing(self) -> None:
        with open(self.path("latin"), "wb") as file:
            file.write(b"echo fine\necho \xe9\n")
        with open(self.path("nul"), "wb") as file:
            file.write(b"echo a\0b\n")
        for arguments, word in (
            (("--workers", "0"), "0 workers"),
            (("--workers", "-1"), "-1 workers"),
            (("--workers", "x"), "'x' workers"),
            (("--workers", "0%"), "'0%' workers"),
            (("--workers", "5000"), "5000 workers"),
            (("--max-attempts", "0"), "0 attempts"),
            (("--from", "no-such-file"), "no-such-file: No such file"),
            (("--from", "."), "--from .: Is a directory"),
            (("--from", "latin"), "line 2 is not UTF-8"),
            (("--from", "nul"), "line 1 contains a NUL"),
            (("--agent", "bogus"), "unknown agent 'bogus'"),
            (("--timeout", "0"), "not a duration"),
            (("--timeout=-5",), "--timeout"),
            (("--kill-after", "x"), "not a duration"),
            (("--bogus",), "--bogus"),
        ):
            with self.subTest(arguments):
                self.txlite("run", *arguments, code=64)
                self.assertIn(word, self.errors)
                self.assertFalse(os.path.exists(self.home))

    def test_a_line_that_is_too_long(self) -> None:
        with open(self.path("long"), "w") as file:
            file.write("true\n: " + "x" * 200_000 + "\n")
        self.txlite("run", "--from", "long", code=64)
        self.assertIn("task 2: the command is 200,002 bytes long", self.errors)
        self.assertEqual(self.json("list"), [])


if __name__ == "__main__":
    unittest.main()
