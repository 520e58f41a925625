"""A file is complete under its name, or not there; what it says is on the disk before its name is."""

from __future__ import annotations

import os
import stat
import unittest
from unittest import mock

from txlite.errors import Refused, UsageError
from txlite.system import atomic_file
from txlite.system.atomic_file import AtomicFile

from ..case import Case


class AtomicFiles(Case):
    def write(self, text: str, replace: bool = True, **options: int) -> None:
        with AtomicFile(self.path("file"), replace, **options) as new, open(new.draft, "w") as file:
            file.write(text)

    def test_its_content_its_name_and_then_the_directory_are_synced(self) -> None:
        for replace, name in ((False, "link"), (True, "replace")):
            done: list[str] = []
            real = getattr(os, name)

            def sync(path: str) -> None:
                done.append(os.path.basename(path))

            def put(old: str, new: str) -> None:
                done.append("named")
                real(old, new)

            with mock.patch.object(atomic_file, "sync", sync), mock.patch.object(os, name, put):
                self.write("one", replace)
            draft = f"file.{os.getpid()}.new"
            self.assertEqual(done, [draft, "named", os.path.basename(self.directory)])

    def test_what_went_wrong_leaves_what_was_there(self) -> None:
        self.write("one")
        with self.assertRaises(ValueError), AtomicFile(self.path("file"), True) as new:
            with open(new.draft, "w") as file:
                file.write("half")
            raise ValueError
        with self.assertRaisesRegex(Refused, "exists already"):
            self.write("two", replace=False)
        self.assertEqual((self.read("file"), os.listdir(self.directory)), ("one", ["file"]))

    def test_what_came_meanwhile_is_not_replaced(self) -> None:
        with self.assertRaisesRegex(Refused, "exists already"), AtomicFile(self.path("file"), False):
            with open(self.path("file"), "w") as file:
                file.write("another's")
        self.assertEqual((self.read("file"), os.listdir(self.directory)), ("another's", ["file"]))

    def test_only_we_may_read_it_from_its_first_moment(self) -> None:
        for mode in (0o600, 0o700):
            with AtomicFile(self.path("file"), True, mode) as new:
                self.assertEqual(stat.S_IMODE(os.stat(new.draft).st_mode), mode)

    def test_what_is_no_file_stays(self) -> None:
        os.mkfifo(self.path("file"))
        with self.assertRaises(UsageError):
            self.write("one")
        self.assertTrue(stat.S_ISFIFO(os.stat(self.path("file")).st_mode))


if __name__ == "__main__":
    unittest.main()
