"""Nothing is ever lost on the way to an archive: crashes, changes, full disks."""

from __future__ import annotations

import contextlib
import errno
import glob
import gzip
import json
import os
import signal
import subprocess
import unittest
from collections.abc import Callable
from typing import Any
from unittest import mock

import txlite
from txlite.reports import archive, retention
from txlite.system import locks

from ..case import wait_until, without_privileges
from .case import STEM, ReportsCase, make_older, noise, read, size_of, with_file_limit


class Crashes(ReportsCase):
    def setUp(self) -> None:
        super().setUp()
        self.contents: dict[str, bytes] = {}

    def fill(self, days: int, *sizes: int) -> None:
        for number, size in enumerate(sizes):
            content = noise(size, number)
            self.contents[self.report(number, days, content)] = content

    def assert_nothing_lost(self) -> None:
        for path, content in self.contents.items():
            self.assertTrue(read(path) == content, path)

    def assert_all_compressed(self) -> None:
        self.assert_nothing_lost()
        self.assertEqual(self.names(), sorted(os.path.basename(path) + ".gz" for path in self.contents))

    def test_killed_while_it_compresses(self) -> None:
        self.fill(4, *[2_000_000] * 3)

        def drafts() -> list[str]:
            return glob.glob(os.path.join(self.home, "workers", ".*.new"))

        def archives() -> list[str]:
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

    def test_killed_before_every_single_call(self) -> None:
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
            times = {path: os.path.getmtime(path) for path in self.contents}
            was_killed = self.fork(lambda: self.die_at(moment))
            self.assert_nothing_lost()
            self.assertFalse(self.fork(lambda: None))
            self.assert_all_compressed()
            for path, written in times.items():
                self.assertAlmostEqual(os.path.getmtime(path + ".gz"), written, delta=1)
            if not was_killed:
                break
        self.assertGreater(moment, 20)

    def fork(self, prepare: Callable[..., Any]) -> bool:
        """Clean up in a process of its own; whether that was killed."""
        child = os.fork()
        if not child:
            try:
                prepare()
                with txlite.open(self.home, read_only=True) as store:
                    with retention.Cleanup(store.home, store.attempt_statuses.ended_reports, 7, 3, print) as one:
                        one.run()
                        os._exit(len(one.failed))
            finally:
                os._exit(99)
        code = os.waitpid(child, 0)[1]
        self.assertIn(code, (0, signal.SIGKILL))
        return code == signal.SIGKILL

    def die_at(self, moment: Any) -> None:
        """Let this process die before its so manieth call that changes something; in the middle of it, if it writes."""
        calls = 0

        def watched(name: Any) -> Any:
            real = getattr(os, name)

            def call(*arguments: Any, **options: Any) -> Any:
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

    def test_the_archive_is_on_the_disk_before_its_original_goes(self) -> None:
        path = self.path("report.md")
        with open(path, "wb") as file:
            file.write(noise(5000))
        directory = os.open(self.directory, os.O_RDONLY)
        self.addCleanup(os.close, directory)
        done: list[str] = []

        def note(name: str) -> Callable[..., Any]:
            def call(*words: Any, **options: Any) -> Any:
                what = "directory" if words[0] == directory else os.path.basename(str(words[0]))
                done.append(f"{name} {'file' if what.isdigit() else what}")
                return real(*words, **options)

            real = getattr(os, name)
            return call

        with contextlib.ExitStack() as patches:
            for name in ("fsync", "link", "unlink"):
                patches.enter_context(mock.patch.object(os, name, note(name)))
            archive.compress(directory, "report.md")
        draft = archive.draft_of("report.md")
        wanted = ["fsync file", f"link {draft}", "fsync directory", "unlink report.md"]
        self.assertEqual([one for one in dict.fromkeys(done) if one in wanted], wanted)

    def test_a_link_that_came_meanwhile_is_not_followed(self) -> None:
        with open(self.path("elsewhere"), "wb") as file:
            file.write(noise(5000))
        os.symlink("elsewhere", self.path("report.md"))
        directory = os.open(self.directory, os.O_RDONLY)
        self.addCleanup(os.close, directory)
        with self.assertRaises(OSError) as refused:
            archive.compress(directory, "report.md")
        self.assertEqual(refused.exception.errno, errno.ELOOP, "it was read")
        self.assertEqual({"elsewhere", "report.md"} - set(os.listdir(self.directory)), set())

    def test_what_was_written_to_while_the_lock_was_waited_for_stays(self) -> None:
        path = self.report(0, 30)
        before = self.files()
        with txlite.open(self.home) as store:
            records = store.attempt_statuses.ended_reports
            with retention.Cleanup(store.home, records, 7, 3, print) as cleanup:
                with mock.patch.object(locks.FileLock, "acquire", lambda lock: make_older(path, 1)):
                    self.assertFalse(cleanup.run())
                cleanup._lock = None  # it was never taken
        self.assertEqual([content for _, content, _ in before.values()], [one[1] for one in self.files().values()])

    def test_both_forms_of_a_report(self) -> None:
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

    def test_what_a_crash_left_is_removed(self) -> None:
        self.report(1, 1)
        leftover = self.write(f"workers/.{STEM.format(2)}.md.gz.new", 0)
        self.assertEqual(
            self.txlite("cleanup", "--dry-run"), f"would remove      900 B  workers/.{STEM.format(2)}.md.gz.new\n"
        )
        self.assertTrue(os.path.exists(leftover))
        self.assertEqual(self.txlite("cleanup"), "removed 1 unfinished file (900 B)\n")
        self.assertEqual(self.names(), [f"{STEM.format(1)}.md"])

    def compress_with(self, path: str, name: str, call: Callable[..., Any]) -> str:
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

    def test_a_report_that_changes_meanwhile_is_kept(self) -> None:
        self.fill(4, 1000)
        (path,) = self.contents

        def link_and_append(real: Any, *arguments: Any, **options: Any) -> Any:
            with open(path, "ab") as file:
                file.write(b"more")
            return real(*arguments, **options)

        self.assertIn("it changed while", self.compress_with(path, "link", link_and_append))
        self.assertEqual(self.names(), [os.path.basename(path)])
        self.assertEqual(self.content(path), self.contents[path] + b"more")

    def test_an_archive_that_does_not_read_back_is_not_kept(self) -> None:
        self.fill(4, 1000)
        (path,) = self.contents
        for change in (lambda data: data[:200] + b"\0\0" + data[202:], lambda data: bytes(len(data))):
            trouble = self.compress_with(path, "write", lambda real, handle, data: real(handle, change(data)))
            self.assertIn("does not read back", trouble)
            self.assertEqual(self.names(), [os.path.basename(path)])
            self.assert_nothing_lost()

    def test_several_cleanups_at_once(self) -> None:
        self.fill(4, *[300_000] * 6)
        self.report(90, 30)
        cleanups = [self.start("cleanup", "--json") for _ in range(3)]
        done = [json.loads(process.communicate()[0]) for process in cleanups]
        self.assertEqual([process.returncode for process in cleanups], [0, 0, 0])
        self.assertEqual((sum(one["compressed"] for one in done), sum(one["deleted"] for one in done)), (6, 1))
        self.assertEqual([one["failed"] for one in done], [[], [], []])
        self.assert_all_compressed()


class Failures(ReportsCase):
    def test_a_file_that_cannot_grow(self) -> None:
        big, small = self.report(1, 4, noise(2_000_000)), self.report(2, 4)
        out = self.txlite("cleanup", code=1, preexec_fn=with_file_limit(1_000_000))
        self.assertRegex(out, r"^compressed 1 report \(saved \d+ B\), 1 failed\n$")
        self.assertEqual(self.errors, f"txlite: workers/{os.path.basename(big)}: File too large\n")
        self.assert_clean()
        self.assertEqual((archive.find(big), archive.find(small)), (big, small + ".gz"))
        self.assertTrue(read(big) == noise(2_000_000))
        failed = self.json("cleanup", code=1, preexec_fn=with_file_limit(1_000_000))["failed"]
        self.assertEqual(failed, [{"path": f"workers/{os.path.basename(big)}", "error": "File too large"}])

    def test_a_full_disk(self) -> None:
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

    def test_a_directory_that_may_not_be_written(self) -> None:
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


if __name__ == "__main__":
    unittest.main()
