"""`cleanup`: what is a report, and what happens to it at which age."""

from __future__ import annotations

import gzip
import os
import subprocess
import unittest

import txlite
from txlite.reports import archive

from ..case import wait_until
from .case import STEM, ReportsCase, make_older, read


class Ages(ReportsCase):
    def test_real_reports_are_compressed_then_deleted(self) -> None:
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

    def test_each_age_does_what_it_says_and_counts_are_true(self) -> None:
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

    def test_compress_only_deletes_nothing(self) -> None:
        paths = [self.report(number, days) for number, days in enumerate((0, 4, 40))]
        self.assertIn("compressed 2 reports", self.txlite("cleanup", "--compress-only"))
        self.assertEqual([archive.find(path) for path in paths], [paths[0], paths[1] + ".gz", paths[2] + ".gz"])
        self.assertEqual(self.txlite("cleanup", "--compress-only"), "nothing to clean up\n")
        self.assertIn("compressed 1 report (", self.txlite("cleanup", "--compress-only", "--compress-age", "0"))

    def test_stats(self) -> None:
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

    def test_a_home_that_is_not_there_is_not_made(self) -> None:
        nowhere = self.path("nowhere")
        self.assertEqual(self.txlite("--home", nowhere, "cleanup"), "nothing to clean up\n")
        self.assertEqual(self.json("--home", nowhere, "cleanup", "--stats"), {"directories": []})
        self.assertFalse(os.path.exists(nowhere))
        before = os.listdir(self.home)
        self.report(1, 1)
        self.txlite("cleanup")
        self.assertEqual(set(os.listdir(self.home)) - {*before, "workers"} - {"tasks.db-shm", "tasks.db-wal"}, set())

    def test_bad_input_is_one_line_and_changes_nothing(self) -> None:
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

    def complain_about(self, arguments: list[str]) -> int:
        from txlite.commands import cleanup
        from txlite.commands.parser import Parser

        parser = Parser("cleanup", prog="txlite cleanup")
        cleanup.configure(parser, "cleanup")
        try:
            parser.parse_args(arguments)
        except txlite.UsageError as error:
            self.assertNotIn("\n", str(error))
            return error.exit_code
        return 0


class OnlyReports(ReportsCase):
    def test_what_is_no_report_of_this_home_stays(self) -> None:
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

    def test_every_name_that_a_report_can_have(self) -> None:
        for name in ("7_codex_task", "7-12_codex_task", "7_codex_task_12"):  # the last one: an earlier version's
            path = f"workers/20251024_150000_{name}.md"
            self.record(path)
            self.write(path, 30)
        self.assertEqual(self.json("cleanup")["deleted"], 3)

    def test_nothing_is_reached_through_a_symbolic_link(self) -> None:
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

    def test_a_running_attempt_keeps_its_report(self) -> None:
        self.report(1, 1)
        run = self.start(
            "run",
            "--workers",
            "1",
            "--from",
            self.batch("touch started; until test -e go; do sleep 0.05; done; echo end"),
        )

        def find_temporary() -> list[str]:
            names = self.names()  # of a new one there are two, for a moment
            return [name for name in names if "_TEMP" in name] if len(names) == 2 else []

        (temporary,) = wait_until(find_temporary, "its report")
        make_older(os.path.join(self.home, "workers", temporary), 30)
        self.assertEqual(self.json("cleanup", "--age", "0")["deleted"], 1)
        self.assertEqual(list(self.reports()), [temporary])
        open(self.path("go"), "w").close()
        self.assertEqual(run.wait(60), 0)
        (text,) = self.reports().values()
        self.assertIn("\nend\n", text)

    def test_a_report_with_another_name_frees_nothing(self) -> None:
        path = self.report(1, 30)
        os.link(path, self.path("kept"))
        self.assertEqual(self.txlite("cleanup"), "deleted 1 report (0 B)\n")
        self.assertEqual(self.content(self.path("kept")), b"a report\n" * 100)


if __name__ == "__main__":
    unittest.main()
