"""A copy that cannot keep its compiled code keeps it with the user, or nowhere."""

from __future__ import annotations

import compileall
import glob
import marshal
import os
import shutil
import sys
import unittest
from typing import Any
from unittest import mock

from txlite.home import code_cache

from ..case import ROOT, Case, without_privileges


class ReadOnlyCopy(Case):
    def setUp(self) -> None:
        super().setUp()
        self.copy = self.path("copy")
        shutil.copytree(os.path.join(ROOT, "txlite"), os.path.join(self.copy, "txlite"),
                        ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
        self.addCleanup(self.chmod, 0o755)
        self.chmod(0o555)
        self.cache = self.path("cache")
        os.mkdir(self.cache)
        self.environment.update(PYTHONPATH=self.copy, XDG_CACHE_HOME=self.cache)
        del self.environment["PYTHONPYCACHEPREFIX"]

    def chmod(self, mode: int) -> None:
        for directory, _, _ in os.walk(self.copy):
            os.chmod(directory, mode)

    def version(self, **options: Any) -> str:
        """What the copy says that it is, to somebody for whom read-only is read-only."""
        return self.txlite("--version", preexec_fn=without_privileges, **options).split()[1]

    def compiled(self) -> list[str]:
        return glob.glob(os.path.join(self.cache, "**", "*.pyc"), recursive=True)

    def test_is_compiled_once_into_the_users_cache(self) -> None:
        known = self.version()
        files = self.compiled()
        self.assertIn("version.pyc", map(os.path.basename, files))
        self.assertEqual(os.stat(os.path.join(self.cache, "txlite")).st_mode & 0o7777, 0o700)
        self.assertEqual(glob.glob(os.path.join(self.copy, "**", "__pycache__"), recursive=True), [])
        [path] = [path for path in files if path.endswith("/version.pyc")]
        with open(path, "rb") as file:
            head = file.read(16)
        with open(path, "wb") as file:
            file.write(head + marshal.dumps(compile("VERSION = 'cached'", "version.py", "exec")))
        self.assertEqual(self.version(), "cached")
        for size in (0, 20):  # as a crash or a full disk may leave it
            os.truncate(path, size)
            self.assertEqual(self.version(), known)
            self.assertGreater(os.path.getsize(path), 20)

    def test_another_source_of_the_same_size_and_date_is_compiled_anew(self) -> None:
        known = self.version()
        source = os.path.join(self.copy, "txlite", "version.py")
        before = os.stat(source)
        with open(source, "r+") as file:
            text = file.read()
            file.seek(0)
            file.write(text.replace(known, known[::-1] if known != known[::-1] else "9" * len(known)))
        os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
        self.assertEqual(os.path.getsize(source), before.st_size)
        self.assertNotEqual(self.version(), known)

    def test_a_cache_that_others_could_write_is_left_alone(self) -> None:
        own = os.path.join(self.cache, "txlite")
        other = self.path("other")
        os.mkdir(other, 0o700)
        os.symlink(other, own)
        self.version()
        self.assertEqual(os.listdir(other), [], "a link was followed")
        os.unlink(own)
        os.mkdir(own, 0o755)
        os.chmod(own, 0o755)
        self.version()
        self.assertEqual(os.listdir(own), [], "others may read it")
        os.chmod(own, 0o700)
        os.chmod(self.cache, 0o777)
        self.version()
        self.assertEqual(os.listdir(own), [], "others may exchange it")
        os.chmod(self.cache, 0o700)
        self.version(env={**self.environment, "XDG_CACHE_HOME": "cache"})
        self.assertEqual(os.listdir(own), [], "a relative directory does not count")
        self.version()
        self.assertNotEqual(os.listdir(own), [])

    @unittest.skipIf(os.geteuid(), "needs root, to give files away")
    def test_a_cache_of_somebody_else_is_left_alone(self) -> None:
        own = os.path.join(self.cache, "txlite")
        os.mkdir(own, 0o700)
        with mock.patch.dict(os.environ, XDG_CACHE_HOME=self.cache):
            self.assertEqual(code_cache._find_directory(), own)
            os.chown(own, 65534, 65534)
            self.assertEqual(code_cache._find_directory(), "", "it is somebody else's")
            os.chown(own, 0, 0)
            os.chown(self.cache, 65534, 65534)
            self.assertEqual(code_cache._find_directory(), "", "somebody else may exchange it")
            os.chown(self.cache, 0, 0)

    def test_a_copy_with_its_own_compiled_code_needs_none(self) -> None:
        self.chmod(0o755)
        with mock.patch.object(sys, "pycache_prefix", None):
            compileall.compile_dir(self.copy, quiet=1)
        self.chmod(0o555)
        self.version()
        self.assertEqual(os.listdir(self.cache), [])
        for path in glob.glob(os.path.join(self.copy, "**", "*.py"), recursive=True):
            os.utime(path, (1, 1))  # copied without its date
        self.version()
        self.assertNotEqual(self.compiled(), [])


if __name__ == "__main__":
    unittest.main()
