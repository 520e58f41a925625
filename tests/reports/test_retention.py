"""cleanup: what is a report, what happens to it at which age, and that nothing is ever lost on the way."""

import ctypes
import glob
import gzip
import json
import os
import pty
import random
import resource
import select
import signal
import sqlite3
import stat
import subprocess
import termios
import time
import unittest

import txlite
from txlite.reports import archive, retention

from ..case import Case, wait_until

DAY = 86400
STEM = "20251024_150000_{}_codex_task"


def noise(size, seed=1):
    """Bytes that hardly compress."""
    return random.Random(seed).randbytes(size)


def read(path):
    with archive.open_report(path) as file:
        return file.read()


def size_of(path):
    try:
        return os.path.getsize(path)
    except FileNotFoundError:
        return 0


def make_older(path, days):
    moment = time.time() - days * DAY
    os.utime(path, (moment, moment), follow_symlinks=False)


def with_file_limit(size):
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def without_privileges():
    """Of root's, those that make a file's rights count for nothing."""
    libc = ctypes.CDLL(None)
    for capability in (1, 2) if hasattr(libc, "prctl") else ():  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


class Home(Case):
    """A home with reports on record."""

    def setUp(self):
        super().setUp()
        txlite.open(self.home).close()

    def record(self, path, ended=True):
        """Write into the database that an attempt has, or will have, this report; where it lies."""
        with sqlite3.connect(os.path.join(self.home, "tasks.db")) as connection:
            outcome = ("2025-10-24T15:00:00.000Z", "done") if ended else (None, None)
            connection.execute(
                "INSERT INTO attempts (task, previous, worker, agent, started, ended, outcome, report) "
                "VALUES (1, 0, 'w', 'codex', '2025-10-24T15:00:00.000Z', ?, ?, ?)",
                (*outcome, path),
            )
        connection.close()
        return os.path.join(self.home, path)

    def write(self, path, days, content=b"a report\n" * 100):
        path = os.path.join(self.home, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        make_older(path, days)
        return path

    def report(self, number, days, content=b"a report\n" * 100, directory="workers"):
        """A report on record that was changed so many days ago."""
        name = f"{directory}/{STEM.format(number)}.md"
        self.record(name)
        return self.write(name, days, content)

    def files(self):
        """Everything that is not the database's: path below home -> (kind, content, time)."""
        found = {}
        for directory, _, names in os.walk(self.home):
            for name in names:
                path = os.path.join(directory, name)
                status = os.lstat(path)
                if not name.startswith("tasks.db"):
                    content = self.content(path) if stat.S_ISREG(status.st_mode) else b""
                    found[os.path.relpath(path, self.home)] = (
                        stat.S_IFMT(status.st_mode),
                        content,
                        status.st_mtime_ns,
                    )
        return found

    def content(self, path):
        with open(path, "rb") as file:
            return file.read()

    def names(self, directory="workers"):
        return sorted(os.listdir(os.path.join(self.home, directory)))

    def assert_clean(self):
        self.assertEqual(glob.glob(os.path.join(self.home, "*", ".*.new")), [])


class Ages(Home):
    def test_real_reports_are_compressed_then_deleted(self):
        self.txlite("run", "--from", self.batch("seq 5000", "exit 1"), "--max-attempts", "1", code=1)
        reports = {os.path.join(self.home, "workers", name): text.encode() for name, text in self.reports().items()}
        self.assertEqual(len(reports), 2)
        self.assertEqual(self.txlite("cleanup"), "nothing to clean up\n")
        for path in reports:
            make_older(path, 4)
            os.chmod(path, 0o640)
        before = {path: os.stat(path) for path in reports}
        self.assertRegex(self.txlite("cleanup"), r"^compressed 2 reports \(saved \d+ KB\)\n$")
        for path, content in reports.items():
            self.assertFalse(os.path.exists(path), "the original is replaced")
            self.assertEqual((archive.find(path), read(path)), (path + ".gz", content))
            self.assertEqual(subprocess.run(["gzip", "-dc", path + ".gz"], capture_output=True).stdout, content)
            after = os.stat(path + ".gz")
            self.assertEqual((after.st_mtime_ns, after.st_mode), (before[path].st_mtime_ns, before[path].st_mode))
        for path in reports:
            make_older(path + ".gz", 8)
        size = sum(os.path.getsize(path + ".gz") for path in reports)
        self.assertEqual(self.json("cleanup")["deletedBytes"], size)
        self.assertEqual(self.names(), [])
        for path in reports:
            self.assertIsNone(archive.find(path))
            with self.assertRaises(FileNotFoundError):
                archive.open_report(path)
        self.assertEqual(len(self.json("show", self.json("list")[0]["id"])["attempts"]), 1)

    def test_each_age_does_what_it_says_and_counts_are_true(self):
        paths = [self.report(number, days) for number, days in enumerate((0, 2, 3.1, 6, 7.1, 20, 400))]
        packed = self.report(90, 9, gzip.compress(b"x" * 5000))
        os.rename(packed, packed + ".gz")
        dry = self.txlite("cleanup", "--dry-run")
        sizes = sum(map(os.path.getsize, [*paths[4:], packed + ".gz"]))
        self.assertEqual((dry.count("would delete"), dry.count("would compress"), dry.count("\n")), (4, 2, 6), dry)
        self.assertEqual({line.index("workers/") for line in dry.splitlines()}, {dry.index("workers/")})
        done = self.json("cleanup")
        self.assertEqual((done["deleted"], done["deletedBytes"], done["compressed"]), (4, sizes, 2))
        saved = sum(900 - os.path.getsize(path + ".gz") for path in paths[2:4])
        self.assertEqual(done["savedBytes"], saved)
        self.assertEqual(self.names(), sorted([*map(os.path.basename, paths[:2]),
                                               *(os.path.basename(path) + ".gz" for path in paths[2:4])]))  # fmt: skip
        self.assertRegex(self.txlite("cleanup", "--age", "2.5", "--compress-age", "1"),
                         r"^deleted 2 reports \(\d+ B\), compressed 1 \(saved \d+ B\)\n$")  # fmt: skip
        self.assertRegex(self.txlite("cleanup", "--age", "0"), r"^deleted 2 reports \(\d+ B\)\n$")

    def test_compress_only_deletes_nothing(self):
        paths = [self.report(number, days) for number, days in enumerate((0, 4, 40))]
        self.assertIn("compressed 2 reports", self.txlite("cleanup", "--compress-only"))
        self.assertEqual([archive.find(path) for path in paths], [paths[0], paths[1] + ".gz", paths[2] + ".gz"])
        self.assertEqual(self.txlite("cleanup", "--compress-only"), "nothing to clean up\n")
        self.assertIn("compressed 1 report (", self.txlite("cleanup", "--compress-only", "--compress-age", "0"))

    def test_stats(self):
        self.assertEqual(self.txlite("cleanup", "--stats"), "no reports\n")
        self.report(1, 1)
        self.report(2, 5)
        self.report(3, 9, directory="research")
        self.txlite("cleanup", "--compress-only", "--compress-age", "4")
        before = self.files()
        found = {one["directory"]: one for one in self.json("cleanup", "--stats")["directories"]}
        self.assertEqual(sorted(found), ["research", "workers"])
        workers = found["workers"]
        self.assertEqual((workers["reports"], workers["plain"], workers["compressed"]), (2, 1, 1))
        self.assertEqual((workers["plainBytes"], found["research"]["plain"]), (900, 0))
        self.assertLess(workers["oldest"], workers["newest"])
        self.assertEqual(self.txlite("cleanup", "--stats", "--age", "0").count("\n"), 3)
        self.assertEqual(self.files(), before)

    def test_a_home_that_is_not_there_is_not_made(self):
        nowhere = self.path("nowhere")
        self.assertEqual(self.txlite("--home", nowhere, "cleanup"), "nothing to clean up\n")
        self.assertEqual(self.json("--home", nowhere, "cleanup", "--stats"), {"directories": []})
        self.assertFalse(os.path.exists(nowhere))
        before = os.listdir(self.home)
        self.report(1, 1)
        self.txlite("cleanup")
        self.assertEqual(set(os.listdir(self.home)) - {*before, "workers"} - {"tasks.db-shm", "tasks.db-wal"}, set())

    def test_bad_input_is_one_line_and_changes_nothing(self):
        self.report(1, 30)
        before = self.files()
        for value in ("-1", "x", "nan", "inf", "-inf", "", "1e3", "1_0", "7d", "\u0663", " 1"):
            for option in ("--age", "--compress-age"):
                with self.subTest(option=option, value=value):
                    code = self.complain_about([option, value])
                    self.assertEqual(code, 64)
        self.txlite("cleanup", "--age", code=64)
        self.txlite("cleanup", "--age=-1", "--force", code=64)
        self.assertIn("'-1' is not a number of days", self.errors)
        self.txlite("cleanup", "something", code=64)
        self.assertEqual(self.files(), before)

    def complain_about(self, arguments):
        from txlite.cli import Parser
        from txlite.commands import cleanup

        parser = Parser(prog="txlite cleanup")
        cleanup.configure(parser, "cleanup")
        try:
            parser.parse_args(arguments)
        except txlite.UsageError as error:
            self.assertNotIn("\n", str(error))
            return error.exit_code


class OnlyReports(Home):
    def test_what_is_no_report_of_this_home_stays(self):
        good = self.report(1, 30)
        spared = [
            "README.md", "templates/worker.md", "workers/README.md", "workers/notes.md", "research/notes.md",
            f"workers/{STEM.format(2)}.md", f"workers/{STEM.format(3)}.md.gz",  # by name, not by record
            "workers/20251024_150000_TEMP_codex_task.md", "workers/.attempt-7.new", "workers/.notes.md.gz.new",
        ]  # fmt: skip
        for path in spared:
            self.write(path, 30)
        by_record_only = [
            "workers/document.md", f"workers/archive/{STEM.format(4)}.md", f"{STEM.format(5)}.md",
            f"workers/../workers/{STEM.format(2)}.md", f"./{STEM.format(5)}.md", f"../{STEM.format(6)}.md",
            "workers/20251024_150000_TEMP_claude_task.md", self.path(f"{STEM.format(7)}.md"), "", "workers/a\nb",
        ]  # fmt: skip
        for path in by_record_only:
            place = self.record(path)
            if path and not path.endswith("b"):
                self.write(os.path.normpath(place), 30)
        running = self.record(f"workers/{STEM.format(8)}.md", ended=False)
        self.write(running, 30)
        before = self.files()
        self.assertRegex(self.txlite("cleanup", "--age", "0"), r"^deleted 1 report \(900 B\)\n$")
        self.assertFalse(os.path.exists(good))
        del before[os.path.relpath(good, self.home)]
        self.assertEqual(self.files(), before)
        self.assertTrue(os.path.exists(self.path(f"{STEM.format(7)}.md")))

    def test_nothing_is_reached_through_a_symbolic_link(self):
        precious = self.write(self.path("precious/document.md"), 30)
        elsewhere = self.write(self.path(f"elsewhere/{STEM.format(2)}.md"), 30)
        link = self.record(f"workers/{STEM.format(1)}.md")
        os.makedirs(os.path.dirname(link))
        os.symlink(precious, link)
        make_older(link, 30)
        self.record(f"research/{STEM.format(2)}.md")
        os.symlink(os.path.dirname(elsewhere), os.path.join(self.home, "research"))
        fifo = self.record(f"workers/{STEM.format(3)}.md")
        os.mkfifo(fifo)
        make_older(fifo, 30)
        directory = self.record(f"workers/{STEM.format(4)}.md")
        os.mkdir(directory)
        make_older(directory, 30)
        shadowed = self.report(5, 4)  # what stands in its archive's place is not ours to judge
        os.symlink(precious, shadowed + ".gz")
        before = self.files()
        self.assertEqual(self.txlite("cleanup", "--age", "5", code=1), "1 failed\n")
        self.assertIn(f"workers/{STEM.format(5)}.md: {STEM.format(5)}.md.gz is there", self.errors)
        self.assertEqual(self.files(), before)
        self.assertEqual(os.listdir(self.path("elsewhere")), [os.path.basename(elsewhere)])
        self.assertEqual(self.content(precious), b"a report\n" * 100)

    def test_a_running_attempt_keeps_its_report(self):
        self.report(1, 1)
        run = self.start(
            "run",
            "--workers",
            "1",
            "--from",
            self.batch("touch started; until test -e go; do sleep 0.01; done; echo end"),
        )
        wait_until(lambda: os.path.exists(self.path("started")), "the agent to start")
        (temporary,) = (name for name in self.reports() if "_TEMP_" in name)
        make_older(os.path.join(self.home, "workers", temporary), 30)
        self.assertEqual(self.json("cleanup", "--age", "0")["deleted"], 1)
        self.assertEqual(list(self.reports()), [temporary])
        open(self.path("go"), "w").close()
        self.assertEqual(run.wait(60), 0)
        (text,) = self.reports().values()
        self.assertIn("\nend\n", text)

    def test_a_report_with_another_name_frees_nothing(self):
        path = self.report(1, 30)
        os.link(path, self.path("kept"))
        self.assertEqual(self.txlite("cleanup"), "deleted 1 report (0 B)\n")
        self.assertEqual(self.content(self.path("kept")), b"a report\n" * 100)


class Crashes(Home):
    def setUp(self):
        super().setUp()
        self.contents = {}

    def fill(self, days, *sizes):
        for number, size in enumerate(sizes):
            content = noise(size, number)
            self.contents[self.report(number, days, content)] = content

    def assert_nothing_lost(self):
        for path, content in self.contents.items():
            self.assertTrue(read(path) == content, path)

    def assert_all_compressed(self, mode=0o600):
        self.assert_nothing_lost()
        self.assertEqual(self.names(), sorted(os.path.basename(path) + ".gz" for path in self.contents))

    def test_killed_while_it_compresses(self):
        self.fill(4, *[2_000_000] * 3)

        def drafts():
            return glob.glob(os.path.join(self.home, "workers", ".*.new"))

        def archives():
            return glob.glob(os.path.join(self.home, "workers", "*.gz"))

        for moment in (
            drafts,
            lambda: any(size_of(path) > 1_000_000 for path in drafts()),
            lambda: len(archives()) > 0,
            lambda: len(archives()) > 1 and drafts(),
        ):
            process = self.start("cleanup")
            wait_until(lambda: moment() or process.poll() is not None, "that moment")
            process.kill()
            process.wait()
            self.assert_nothing_lost()
        self.txlite("cleanup")
        self.assert_all_compressed()
        self.assertEqual(self.txlite("cleanup"), "nothing to clean up\n")

    def test_killed_before_every_single_call(self):
        for number in range(2):
            self.record(f"workers/{STEM.format(number)}.md")
        self.record(f"workers/{STEM.format(9)}.md")
        for moment in range(1, 200):
            for name in self.names() if moment > 1 else ():
                os.unlink(os.path.join(self.home, "workers", name))
            self.write(f"workers/{STEM.format(9)}.md", 30)
            for number in range(2):
                content = noise(40_000, number)
                self.contents[self.write(f"workers/{STEM.format(number)}.md", 4, content)] = content
            was_killed = self.fork(lambda: self.die_at(moment))
            self.assert_nothing_lost()
            self.assertFalse(self.fork(lambda: None))
            self.assert_all_compressed()
            for path in self.contents:
                self.assertAlmostEqual(os.path.getmtime(path + ".gz"), time.time() - 4 * DAY, delta=60)
            if not was_killed:
                break
        self.assertGreater(moment, 20)

    def fork(self, prepare):
        """Clean up in a process of its own; whether that was killed."""
        child = os.fork()
        if not child:
            try:
                prepare()
                with txlite.open(self.home, read_only=True) as store:
                    with retention.Cleanup(store.home, store.ended_reports, 7, 3, print) as one:
                        one.run()
                        os._exit(len(one.failed))
            finally:
                os._exit(99)
        code = os.waitpid(child, 0)[1]
        self.assertIn(code, (0, signal.SIGKILL))
        return code == signal.SIGKILL

    def die_at(self, moment):
        """Let this process die before its so manieth call that changes something; in the middle of it, if it writes."""
        calls = 0

        def watched(name):
            real = getattr(os, name)

            def call(*arguments, **options):
                nonlocal calls
                calls += 1
                if calls == moment:
                    if name == "write":
                        real(arguments[0], arguments[1][: len(arguments[1]) // 2])
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*arguments, **options)

            return call

        for name in ("open", "write", "fchmod", "utime", "fsync", "link", "unlink", "close"):
            setattr(os, name, watched(name))

    def test_both_forms_of_a_report(self):
        self.fill(4, 1000, 1000, 1000)
        same, differing, broken = self.contents
        for path, content in ((same, gzip.compress(self.contents[same])), (differing, gzip.compress(b"other")),
                              (broken, gzip.compress(self.contents[broken])[:-9])):  # fmt: skip
            with open(path + ".gz", "wb") as file:
                file.write(content)
        self.assertEqual(self.txlite("cleanup", code=1), "compressed 1 report (saved 1000 B), 2 failed\n")
        self.assertEqual(self.errors.count("holds something else: move one of them away"), 2, self.errors)
        self.assertEqual(self.errors.count("\n"), 2)
        self.assert_nothing_lost()
        self.assertEqual([os.path.exists(path) for path in self.contents], [False, True, True])
        self.assertEqual(gzip.decompress(self.content(differing + ".gz")), b"other")
        for path in (differing, differing + ".gz", broken, broken + ".gz", same + ".gz"):
            make_older(path, 30)
        self.assertEqual(self.json("cleanup")["deleted"], 3)
        self.assertEqual(self.names(), [])

    def test_what_a_crash_left_is_removed(self):
        self.report(1, 1)
        leftover = self.write(f"workers/.{STEM.format(2)}.md.gz.new", 0)
        self.assertEqual(
            self.txlite("cleanup", "--dry-run"), f"would remove      900 B  workers/.{STEM.format(2)}.md.gz.new\n"
        )
        self.assertTrue(os.path.exists(leftover))
        self.assertEqual(self.txlite("cleanup"), "removed 1 unfinished file (900 B)\n")
        self.assertEqual(self.names(), [f"{STEM.format(1)}.md"])

    def compress_with(self, path, name, call):
        """Compress in a process of its own in which `call` stands for os.NAME; what that complained of."""
        out, into = os.pipe()
        child = os.fork()
        if not child:
            try:
                real = getattr(os, name)
                setattr(os, name, lambda *arguments, **options: call(real, *arguments, **options))
                archive.compress(os.open(os.path.dirname(path), os.O_RDONLY), os.path.basename(path))
            except OSError as error:
                setattr(os, name, real)
                os.write(into, error.strerror.encode())
            finally:
                os._exit(0)
        os.close(into)
        os.waitpid(child, 0)
        with open(out) as file:
            return file.read()

    def test_a_report_that_changes_meanwhile_is_kept(self):
        self.fill(4, 1000)
        (path,) = self.contents

        def link_and_append(real, *arguments, **options):
            with open(path, "ab") as file:
                file.write(b"more")
            return real(*arguments, **options)

        self.assertIn("it changed while", self.compress_with(path, "link", link_and_append))
        self.assertEqual(self.names(), [os.path.basename(path)])
        self.assertEqual(self.content(path), self.contents[path] + b"more")

    def test_an_archive_that_does_not_read_back_is_not_kept(self):
        self.fill(4, 1000)
        (path,) = self.contents
        for change in (lambda data: data[:200] + b"\0\0" + data[202:], lambda data: bytes(len(data))):
            trouble = self.compress_with(path, "write", lambda real, handle, data: real(handle, change(data)))
            self.assertIn("does not read back", trouble)
            self.assertEqual(self.names(), [os.path.basename(path)])
            self.assert_nothing_lost()

    def test_several_cleanups_at_once(self):
        self.fill(4, *[300_000] * 6)
        self.report(90, 30)
        cleanups = [self.start("cleanup", "--json") for _ in range(3)]
        done = [json.loads(process.communicate()[0]) for process in cleanups]
        self.assertEqual([process.returncode for process in cleanups], [0, 0, 0])
        self.assertEqual((sum(one["compressed"] for one in done), sum(one["deleted"] for one in done)), (6, 1))
        self.assertEqual([one["failed"] for one in done], [[], [], []])
        self.assert_all_compressed()


class Failures(Home):
    def test_a_file_that_cannot_grow(self):
        big, small = self.report(1, 4, noise(500_000)), self.report(2, 4)
        out = self.txlite("cleanup", code=1, preexec_fn=with_file_limit(200_000))
        self.assertRegex(out, r"^compressed 1 report \(saved \d+ B\), 1 failed\n$")
        self.assertEqual(self.errors, f"txlite: workers/{os.path.basename(big)}: File too large\n")
        self.assert_clean()
        self.assertEqual((archive.find(big), archive.find(small)), (big, small + ".gz"))
        self.assertTrue(read(big) == noise(500_000))
        failed = self.json("cleanup", code=1, preexec_fn=with_file_limit(200_000))["failed"]
        self.assertEqual(failed, [{"path": f"workers/{os.path.basename(big)}", "error": "File too large"}])

    def test_a_full_disk(self):
        directory = os.path.join(self.home, "workers")
        os.makedirs(directory)
        mount = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", directory], capture_output=True
        )
        if mount.returncode:
            self.skipTest("nothing can be mounted here")
        self.addCleanup(subprocess.run, ["umount", directory])
        big, doomed, small = self.report(1, 4, noise(600_000)), self.report(2, 30, b"x" * 100_000), self.report(3, 4)
        self.assertRegex(self.txlite("cleanup", code=1),
                         r"^deleted 1 report \(98 KB\), compressed 1 \(saved \d+ B\), 1 failed\n$")  # fmt: skip
        self.assertIn("No space left on device: free some space", self.errors)
        self.assertEqual(self.names(), sorted([os.path.basename(big), os.path.basename(small) + ".gz"]))
        self.assertTrue(read(big) == noise(600_000))
        self.assertFalse(os.path.exists(doomed))

    def test_a_directory_that_may_not_be_written(self):
        paths = [self.report(1, 4), self.report(2, 30), self.report(3, 30, directory="research")]
        os.chmod(os.path.dirname(paths[0]), 0o500)
        self.addCleanup(os.chmod, os.path.dirname(paths[0]), 0o700)
        out = self.txlite("cleanup", code=1, preexec_fn=without_privileges)
        self.assertEqual(out, "deleted 1 report (900 B), 2 failed\n")
        self.assertEqual(self.errors.count("Permission denied: change its rights"), 2)
        self.assertEqual([bool(archive.find(path)) for path in paths], [True, True, False])
        os.chmod(os.path.dirname(paths[0]), 0)
        self.assertEqual(self.txlite("cleanup", code=1, preexec_fn=without_privileges), "1 failed\n")
        self.assertEqual(self.errors.count("\n"), 1)


class Asking(Home):
    """On a terminal it asks; elsewhere it does not."""

    def on_a_terminal(self, answer, *arguments, code=0):
        """What a cleanup shows whose user types this once it is asked."""
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        process = self.start("cleanup", *arguments, stdin=theirs, stdout=theirs, start_new_session=True)
        os.close(theirs)
        shown = b""
        while select.select([ours], [], [], 30)[0]:
            try:
                data = os.read(ours, 65536)
            except OSError:  # EIO: the other side is closed
                break
            if not data:
                break
            shown += data
            if answer and shown.endswith(b"[y/N] "):
                os.write(ours, answer)
                answer = None
        self.assertEqual(process.wait(60), code, shown)
        self.errors = process.stderr.read().decode()
        return shown.decode().replace("\r\n", "\n")

    def test_yes_and_everything_else(self):
        paths = [self.report(number, 8) for number in range(3)]
        paths += [self.report(number, 4) for number in range(10, 12)]
        before = self.files()
        for answer in (b"n\n", b"\x04", b"yea\n"):
            shown = self.on_a_terminal(answer)
            self.assertIn(
                "\ndelete 3 reports (2.6 KB), compress 2 (1.8 KB)\nDelete 3 and compress 2 reports? [y/N] ", shown
            )
            self.assertTrue(shown.endswith("\nnothing was changed\n"), shown)
            self.assertEqual(shown.count("workers/"), 5)
            self.assertEqual(self.files(), before)
        self.assertFalse(os.path.exists(os.path.join(self.home, retention.LOCK)))
        self.assertIn("\ndeleted 3 reports (2.6 KB), compressed 2 (saved ", self.on_a_terminal(b"Yes\n"))
        self.assertEqual([bool(archive.find(path)) for path in paths], [False] * 3 + [True] * 2)
        self.assertEqual(self.on_a_terminal(None), "nothing to clean up\n")

    def test_interrupted_at_the_question(self):
        self.report(1, 8)
        before = self.files()
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        process = self.start("cleanup", stdin=theirs, stdout=theirs)
        os.close(theirs)
        shown = b""
        while not shown.endswith(b"Delete 1 report? [y/N] "):
            shown += os.read(ours, 65536)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 130)
        self.assertEqual(self.files(), before)

    def test_many_are_not_all_shown_and_force_does_not_ask(self):
        for number in range(25):
            self.report(number, 8)
        shown = self.on_a_terminal(b"n\n")
        self.assertEqual((shown.count("workers/"), shown.count("and 5 more\n")), (20, 1))
        self.assertEqual(self.on_a_terminal(None, "--dry-run").count("would delete"), 25)
        self.assertRegex(self.on_a_terminal(None, "--force"), r"^deleted 25 reports \(22 KB\)\n$")

    def test_json_stays_json(self):
        path = self.report(1, 8)
        self.assertEqual([one["action"] for one in self.json("cleanup", "--dry-run")["files"]], ["delete"])
        for answer, deleted in ((b"n\n", 0), (b"y\n", 1)):
            ours, theirs = pty.openpty()
            settings = termios.tcgetattr(theirs)
            settings[3] &= ~termios.ECHO
            termios.tcsetattr(theirs, termios.TCSANOW, settings)
            os.write(ours, answer)
            process = self.start("cleanup", "--json", stdin=theirs, stdout=theirs)
            os.close(theirs)
            self.assertEqual(process.wait(60), 0)
            self.assertIn("Delete 1 report? [y/N] ", process.stderr.read().decode())
            self.assertEqual(json.loads(os.read(ours, 65536))["deleted"], deleted)
            os.close(ours)
        self.assertIsNone(archive.find(path))


if __name__ == "__main__":
    unittest.main()
