"""A task's tree has no more memory than it may, and stands behind others where that was asked for."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import unittest
from unittest import mock

from txlite.execution import memory_watch
from txlite.execution.executor import Limits
from txlite.execution.memory_watch import MemoryWatch
from txlite.model import Task
from txlite.system import clock, memory, memory_group, process, process_tree
from txlite.system.liveness import read_note

from ..case import Case, running, wait_until
from .case import GuardedCase

LIMIT = 64 << 20
# Takes so many megabytes, and stays.
GROW = "import sys, time; x = bytearray(int(sys.argv[1]) << 20); time.sleep(60)"
PYTHON = f"{sys.executable} -S -c"


class Trees(GuardedCase):
    """One guarded process, by itself; its orphans come to us, as they do to a worker."""

    is_subreaper = True

    def setUp(self) -> None:
        super().setUp()
        if not process.become_subreaper():
            self.skipTest("Linux has subreapers")
        self.addCleanup(lambda: ctypes.CDLL(None).prctl(36, 0, 0, 0, 0))  # PR_SET_CHILD_SUBREAPER

    def test_one_whose_grandchildren_grow_is_ended_within_a_second(self) -> None:
        grow, looks = f'{PYTHON} "{GROW}" 40', []

        def look(tree: process_tree.Tree, limit: int) -> int:
            looks.append(measure(tree, limit))
            return looks[-1]

        measure = memory_watch.measure
        with mock.patch.object(memory_watch, "measure", look):
            script = f"trap '' TERM; ({grow} & {grow} & wait) & wait"
            guarded = self.begin(script, max_memory=LIMIT, kill_after=6000)  # which it does not get
            wait_until(lambda: self.turn(guarded) or guarded._decided, "its end to be decided")
        result = self.end(guarded)
        self.assertEqual(result.outcome, "out-of-memory")
        self.assertRegex(
            result.note, r"^it used (6\d|7\d|8\d|9\d) MB of memory, of the 64 MB that it may \(--max-memor"
        )
        # A second is two looks, on a machine that is not busy.
        ends = [one > LIMIT and other > LIMIT for one, other in zip(looks, looks[1:])]
        self.assertEqual((ends.count(True), ends[-1]), (1, True))
        self.assertLessEqual(memory_watch.LONGEST + memory_watch.AGAIN, 1)

    def test_one_that_left_its_session_and_its_parent_is_measured_too(self) -> None:
        hidden = f"(setsid sh -c 'env -i {PYTHON} \"{GROW}\" 90 & exit' &)"
        result = self.end(self.begin(f"{hidden}; exec sleep {self.nap}", max_memory=LIMIT))
        self.assertEqual(result.outcome, "out-of-memory")

    def test_what_is_shared_counts_once(self) -> None:
        fork = "import os, time; x = bytearray(40 << 20); [os.fork() for _ in range(3)]; time.sleep(0.4)"
        self.assertEqual(self.end(self.begin(f"exec {PYTHON} '{fork}'", max_memory=LIMIT)).outcome, "done")

    def test_a_child_that_has_not_begun_its_own_program_has_no_memory_of_its_own(self) -> None:
        """posix_spawn(3) opens its files when it has shared all with its parent, and runs nothing yet."""
        os.mkfifo(self.path("fifo"))
        script = (
            "import os; x = bytearray(40 << 20); "
            "os.posix_spawn('/bin/true', ['true'], {}, file_actions=[(os.POSIX_SPAWN_OPEN, 0, 'fifo', os.O_RDONLY, 0)])"
        )
        begun = self.begin(f'(sleep 0.5; echo > fifo) & exec {PYTHON} "{script}"', max_memory=LIMIT)
        self.assertEqual(self.end(begun).outcome, "done")


class Looks(unittest.TestCase):
    """When a tree is looked at, and what one look is believed."""

    def judge(self, *used: int) -> list[float]:
        """Seconds until the next look, after each."""
        watch, pauses, now = MemoryWatch(LIMIT), [], 0.0
        with mock.patch.object(memory_watch, "measure", side_effect=list(used)):
            for _ in used:
                with mock.patch.object(clock, "monotonic", return_value=now):
                    self.found = watch.judge(mock.Mock())
                pauses.append(watch.due[0] - now)
                now = watch.due[0]
        return pauses

    def test_what_stays_as_it_is_is_looked_at_twice_a_second(self) -> None:
        pauses = self.judge(*[LIMIT // 4] * 8)
        self.assertEqual(pauses[-1], memory_watch.LONGEST)

    def test_what_grows_is_looked_at_before_it_is_too_large(self) -> None:
        steady = [LIMIT // 8] * 6
        self.assertLess(self.judge(*steady, LIMIT // 2)[-1], memory_watch.LONGEST)
        self.assertAlmostEqual(self.judge(*steady, LIMIT * 9 // 10)[-1], memory_watch.SHORTEST)

    def test_a_single_look_ends_nothing(self) -> None:
        self.judge(LIMIT + 1, LIMIT, LIMIT + 1)
        self.assertIsNone(self.found)
        self.judge(LIMIT + 1, LIMIT + 1)
        self.assertEqual(self.found.outcome, "out-of-memory")

    def test_who_has_no_limit_is_not_looked_at(self) -> None:
        self.assertEqual(MemoryWatch(None).due, [])


class Measuring(Case):
    def test_where_there_is_no_proc_ps_tells(self) -> None:
        with mock.patch.object(process, "HAS_PROC", False):
            (found,) = memory.measure_resident([os.getpid(), 1 << 30]).values()
        self.assertAlmostEqual(found, memory.measure_resident([os.getpid()])[os.getpid()], delta=20 << 20)

    def test_without_a_list_of_children_the_table_tells(self) -> None:
        tree = process_tree.Tree("0" * 32, 1, process.identify(os.getpid()))
        with mock.patch.object(tree, "members", return_value=[process.look(os.getpid())]):
            self.assertEqual(tree.pids(), {os.getpid(): (os.getppid(), os.getppid())})

    def test_a_tasks_own_bound_comes_first(self) -> None:
        task = mock.Mock(Task, timeout=None, max_memory=5)
        self.assertEqual(Limits(max_memory=7).of(task).max_memory, 5)
        self.assertEqual(Limits(max_memory=7).of(mock.Mock(Task, timeout=None, max_memory=None)).max_memory, 7)


@unittest.skipUnless(memory_group.find_place(), "a control group of version 2 was delegated to us")
class Delegated(Case):
    """Where the kernel sees to it."""

    def test_an_attempt_has_a_group_of_its_own_that_is_gone_afterwards(self) -> None:
        where = "sed -n 's/^0:://p' /proc/self/cgroup > own; cat /sys/fs/cgroup$(cat own)/memory.max > limit"
        self.txlite("run", "--max-memory", "64M", "--", where)
        self.assertEqual(int(self.read("limit")), 64 << 20)
        place = memory_group.find_place() or ""
        name = os.path.basename(self.read("own").strip())
        self.assertTrue(name.startswith("txlite-"))
        self.assertFalse(os.path.exists(os.path.join(place, name)))

    def test_files_in_memory_count_too_and_all_of_the_tree_is_ended(self) -> None:
        write = f"head -c 90000000 /dev/zero > /dev/shm/{self.nap}"
        self.addCleanup(lambda: os.unlink(f"/dev/shm/{self.nap}"))
        task = self.txlite("add", "-q", "--max-attempts", "1", "--", f"sleep {self.nap} & {write}; wait").strip()
        self.txlite("run", "--max-memory", "64M", code=1)
        (attempt,) = self.json("show", task)["attempts"]
        self.assertEqual((attempt["outcome"], attempt["exitCode"]), ("out-of-memory", 137))
        self.assertIn("of the 64 MB that it may (--max-memory)", attempt["note"])
        self.assertEqual(running(self.nap), [])

    def test_the_group_of_a_killed_worker_goes_with_what_it_ran(self) -> None:
        self.txlite("add", "--", f"sed -n 's/^0:://p' /proc/self/cgroup > own; exec sleep {self.nap}")
        run = self.start("run", "--max-memory", "64M")
        wait_until(lambda: running(self.nap), "the agent")
        own = os.path.join(memory_group.find_place() or "", os.path.basename(self.read("own").strip()))
        store = self.store()
        lock = store.lock_path(store.workers.present()[0].id)
        wait_until(lambda: read_note(lock).get("group"), "its worker to note it")
        os.kill(self.worker_pids()[0], signal.SIGKILL)
        wait_until(lambda: not os.path.exists(own), "its end")
        run.send_signal(signal.SIGQUIT)
        run.wait(60)


class Runs(Case):
    def test_four_that_fit_run_beside_one_that_does_not(self) -> None:
        """Which is tried again, as what failed is."""
        fits = f'{PYTHON} "x = bytearray(30 << 20)"; until test -e over; do sleep 0.02; done'
        grows = f'({PYTHON} "{GROW}" 80 & wait); true'
        over = f"until test -e begun; do sleep 0.02; done; {grows}"
        lines = [over, *[f"touch begun; {fits}"] * 4]
        run = self.start("run", "--from", self.batch(*lines), "-j5", "--max-memory", "64M", "--max-attempts", "2")
        wait_until(lambda: [task["status"] for task in self.json("list")].count("failed"), "its end")
        with open(self.path("over"), "w"):
            pass
        said = run.communicate(timeout=60)[0].decode()
        self.assertIn("4 done, 1 failed\n", said)
        (failed,) = self.json("list", "--status", "failed")
        attempts = self.json("show", failed["id"])["attempts"]
        self.assertEqual([attempt["outcome"] for attempt in attempts], ["out-of-memory"] * 2)

    def test_a_task_may_have_a_bound_of_its_own(self) -> None:
        self.txlite("add", "--max-memory", "64M", "--max-attempts", "1", "--", f'{PYTHON} "{GROW}" 80')
        lifted = self.txlite("add", "-q", "--max-memory", "1M", "--", f'{PYTHON} "x = bytearray(80 << 20)"').strip()
        self.assertEqual(self.json("show", lifted)["maxMemory"], 1 << 20)
        self.assertIsNone(self.json("update", lifted, "--max-memory", "none").get("maxMemory"))
        self.txlite("run", code=1)
        self.assertEqual([task["status"] for task in self.json("list")], ["failed", "done"])
        launched = self.json("launch", "--agent", "shell", "--max-memory", "64M", f'{PYTHON} "{GROW}" 80')
        self.txlite("wait", launched["id"], code=137)
        self.assertEqual(self.json("show", launched["id"])["attempts"][0]["outcome"], "out-of-memory")

    def test_the_tree_is_nice_and_the_worker_is_not(self) -> None:
        self.txlite("init")
        self.write_config("[txlite]\nnice = 3\n")
        script = "nice > own; ps -o ni= -p $PPID > workers; (setsid sh -c 'nice > grandchilds' &)"
        self.txlite("run", "--", script)
        here = os.nice(0)
        self.assertEqual([int(self.read(name)) for name in ("own", "workers")], [here + 3, here])
        self.txlite("launch", "--agent", "shell", "--nice", "5", "--wait", "nice > own; (nice) > grandchilds")
        self.assertEqual([int(self.read(name)) for name in ("own", "grandchilds")], [here + 5] * 2)
        self.write_config('[agent gone]\ncommand = "./gone"\n')
        task = self.json("add", "Do it", "--max-attempts", "1")
        self.txlite("run", "--agent", "gone", "--nice", "3", code=None)
        self.assertNotEqual(self.json("show", task["id"])["status"], "done")

    def test_what_makes_no_sense_is_refused_by_name(self) -> None:
        for arguments, words in (
            (("--max-memory", "5"), "'5' of memory: give 1M or more"),
            (("--max-memory", "4X"), "'4X' is not a size: give bytes, or 64K, 512M, 1.5G"),
            (("--nice", "20"), "'20' is not a niceness: give 0 to 19"),
            (("--executor", "slurm", "--max-memory", "4G"), "for those of Slurm give --slurm '--mem=4G'"),
            (("--executor", "slurm", "--nice", "4"), "for those of Slurm give --slurm '--nice=100'"),
        ):
            self.txlite("run", *arguments, code=64)
            self.assertIn(words, self.errors)
        self.txlite("add", "x", "--max-memory", "4G", "--slurm", "-c2", code=64)
        self.assertIn("--slurm '--mem=4G'", self.errors)
        self.txlite("init")
        self.write_config("[txlite]\nmax_memory = much\n")
        self.txlite("run", code=64)
        self.assertIn("config.ini, line 2, [txlite]: max_memory: 'much' is not a size", self.errors)
