"""Where control groups with limits of memory are ours to make, and that they are made and removed."""

from __future__ import annotations

import os
from unittest import mock

from txlite.system import memory_group
from txlite.system.memory_group import MemoryGroup, find_place, prepare_place, remove_group, remove_stale

from ..case import Case

MOUNT = "30 24 0:27 {} /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"


class Places(Case):
    """As files in a directory that stands for a system's."""

    def setUp(self) -> None:
        super().setUp()
        self.top = self.path("sys/fs/cgroup")
        self.file("proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n" + MOUNT.format("/"))
        self.group("user.slice/run.scope")
        self.enter("/user.slice/run.scope")

    def file(self, name: str, text: str) -> None:
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w") as file:
            file.write(text)

    def enter(self, path: str) -> None:
        self.file("proc/self/cgroup", f"1:name=systemd:/elsewhere\n0::{path}\n")

    def group(self, path: str, below: str = "") -> str:
        for name, text in (("controllers", "cpu memory pids"), ("subtree_control", below), ("procs", "")):
            self.file(f"sys/fs/cgroup/{path}/cgroup.{name}", text + "\n")
        return os.path.join(self.top, path)

    def delegated(self, *directories: str) -> mock._patch:
        def getxattr(path: str, name: str) -> bytes:
            if path in directories and name == "user.delegate":
                return b"1"
            raise OSError

        return mock.patch.object(os, "getxattr", getxattr, create=True)

    def test_only_what_was_delegated_is_ours(self) -> None:
        own = os.path.join(self.top, "user.slice/run.scope")
        self.assertIsNone(find_place(self.directory))
        with self.delegated(own):
            self.assertEqual(find_place(self.directory), own)
            with mock.patch.object(os, "access", return_value=False):
                self.assertIsNone(find_place(self.directory))
            self.file("sys/fs/cgroup/user.slice/run.scope/cgroup.controllers", "cpu pids\n")
            self.assertIsNone(find_place(self.directory))

    def test_without_a_unified_hierarchy_there_is_none(self) -> None:
        self.file("proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n")
        self.assertIsNone(find_place(self.directory))
        self.file("proc/self/mountinfo", MOUNT.format("/"))
        self.file("proc/self/cgroup", "4:memory:/c\n")
        self.assertIsNone(find_place(self.directory))

    def test_where_groups_may_be_made_anyhow_they_are(self) -> None:
        own = self.group("user.slice/run.scope", below="memory pids")
        self.assertEqual(prepare_place(self.directory), own)

    def test_in_a_container_the_path_begins_where_its_mount_does(self) -> None:
        self.file("proc/self/mountinfo", MOUNT.format("/docker/7"))
        own = self.group("a", below="memory")
        self.enter("/docker/7/a")
        self.assertEqual(find_place(self.directory), own)
        self.enter("/docker/7")
        self.group("", below="memory")
        self.assertEqual(find_place(self.directory), self.top)

    def test_all_that_is_in_a_delegated_group_makes_room_below_it(self) -> None:
        own = os.path.join(self.top, "user.slice/run.scope")
        self.file("sys/fs/cgroup/user.slice/run.scope/cgroup.procs", "7\n")
        with self.delegated(own):
            self.assertEqual(prepare_place(self.directory), own)
        self.assertEqual(self.read("sys/fs/cgroup/user.slice/run.scope/txlite/cgroup.procs"), "7")
        self.assertEqual(self.read("sys/fs/cgroup/user.slice/run.scope/cgroup.subtree_control"), "+memory")
        self.group("user.slice/run.scope", below="memory")
        self.group("user.slice/run.scope/txlite")
        self.enter("/user.slice/run.scope/txlite")
        self.assertEqual(prepare_place(self.directory), own)  # from below

    def test_where_the_kernel_refuses_there_is_none(self) -> None:
        own = os.path.join(self.top, "user.slice/run.scope")
        with self.delegated(own), mock.patch.object(memory_group, "_write", return_value=False):
            self.assertIsNone(prepare_place(self.directory))


class Groups(Case):
    def test_one_has_a_limit_and_tells_when_it_was_passed(self) -> None:
        path = self.path("txlite-1")
        group = MemoryGroup(path, 5 << 20)
        self.assertEqual(self.read("txlite-1/memory.max"), str(5 << 20))
        self.assertEqual(self.read("txlite-1/memory.oom.group"), "1")
        self.assertEqual((group.was_exceeded, group.peak), (False, 5 << 20))
        with open(self.path("txlite-1/memory.events"), "w") as file:
            file.write("low 0\nmax 12\noom 1\noom_kill 3\noom_group_kill 1\n")
        self.assertTrue(group.was_exceeded)
        self.assertEqual(group.prefix[-1], path)

    def test_one_that_takes_no_limit_is_not_left(self) -> None:
        with mock.patch.object(memory_group, "_write", return_value=False), self.assertRaises(OSError):
            MemoryGroup(self.path("txlite-1"), 5 << 20)
        self.assertFalse(os.path.exists(self.path("txlite-1")))

    def test_they_are_removed_with_those_below_them(self) -> None:
        os.makedirs(self.path("txlite-1/a/b"))
        self.assertTrue(remove_group(self.path("txlite-1")))
        self.assertFalse(os.path.exists(self.path("txlite-1")))
        os.makedirs(self.path("txlite-2"))
        with open(self.path("txlite-2/process"), "w"):
            pass
        self.assertFalse(remove_group(self.path("txlite-2")))

    def test_what_a_kill_has_left_is_removed_later(self) -> None:
        for name in ("txlite-abc-1", "txlite-xyz-2"):
            os.mkdir(self.path(name))
        remove_stale(self.directory, "txlite-abc-")
        self.assertTrue(os.path.exists(self.path("txlite-abc-1")))  # it may have been made just now
        with mock.patch.object(memory_group, "STALE", -1):
            remove_stale(self.directory, "txlite-abc-")
        self.assertEqual([name for name in os.listdir(self.directory) if name.startswith("txlite-")], ["txlite-xyz-2"])
