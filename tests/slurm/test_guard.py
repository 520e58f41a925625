"""The guard that a job starts with, run here without any Slurm: what it leaves on its node, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess

from txlite.agents.environment import Invocation
from txlite.execution.executors.guard import UNTAKEN
from txlite.execution.executors.ticket import Ticket

from ..case import Case, is_running, running, wait_until


class Guard(Case):
    def setUp(self) -> None:
        super().setUp()
        os.mkdir(self.home)
        self.ticket = Ticket(self.home, 7)
        self.mark = f"test-{os.path.basename(self.directory)}:7"

    def submit(self, command: str, kill_after: float = 1.0) -> subprocess.Popen[bytes]:
        """Start a guard whose ticket is this command; it leads a session of its own, as a job's does."""
        environment = {b"TXLITE_ATTEMPT": os.fsencode(self.mark)}
        self.ticket.write(Invocation(["sh", "-c", command], None, environment), self.directory, {})
        return self.guard(kill_after)

    def guard(self, kill_after: float = 1.0) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(["sh"], stdin=subprocess.PIPE, start_new_session=True, env=self.environment)
        self.addCleanup(self.kill, process)
        process.stdin.write(self.ticket.script(self.mark, kill_after, daemons=False))
        process.stdin.close()
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Kill it with its whole session, as far as that goes, as Slurm does."""
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()

    def begin(self, command: str) -> tuple[subprocess.Popen[bytes], int]:
        """Start a command that ends with a nap; its guard, and who naps."""
        guard = self.submit(command.format(nap=self.nap))
        return guard, wait_until(lambda: running(self.nap), "the nap")[0]

    def wait_for_exit(self) -> tuple[int, str]:
        ended = wait_until(self.ticket.read_exit, "an exit")
        return ended.code, ended.manner

    def test_its_end_is_written_when_nothing_is_left(self) -> None:
        guard = self.submit(f"setsid sleep {self.nap} & exit 3")
        self.assertEqual(self.wait_for_exit(), (3, ""))
        self.assertEqual(running(self.nap), [])
        self.assertEqual(guard.wait(), 3)

    def test_who_has_no_environment_for_a_moment_is_looked_for_again(self) -> None:
        """As between two programs; the first look is one of a grep(1) that finds nothing."""
        os.mkdir(self.path("bin"))
        with open(self.path("bin/grep"), "w", opener=lambda path, flags: os.open(path, flags, 0o700)) as file:
            file.write(f"#!/bin/sh\nmkdir {self.path('looked')} 2> /dev/null && exit 1\n")
            file.write('PATH=${PATH#*:}\nexec grep "$@"\n')
        self.environment["PATH"] = f"{self.path('bin')}:{self.environment['PATH']}"
        self.submit(f"sleep {self.nap} & exit 3")
        self.assertEqual(self.wait_for_exit(), (3, ""))
        self.assertTrue(os.path.exists(self.path("looked")))
        self.assertEqual(running(self.nap), [])

    def test_a_second_one_runs_nothing(self) -> None:
        first = self.submit("echo ran >> ran; while [ ! -e go ]; do sleep 0.05; done")
        wait_until(lambda: os.path.exists(self.path("ran")), "the first")
        self.assertEqual(self.guard().wait(60), UNTAKEN)
        open(self.path("go"), "w").close()
        self.assertEqual(first.wait(), 0)
        self.assertEqual(self.guard().wait(), UNTAKEN, "nor is it run again when it is over")
        self.assertEqual(self.read("ran"), "ran\n")

    def test_what_a_killed_guard_left_is_ended(self) -> None:
        guard, _ = self.begin("trap '' TERM; sleep {nap} & wait")
        os.kill(guard.pid, signal.SIGKILL)
        guard.wait()
        self.assertEqual(self.wait_for_exit(), (137, "killed"))
        self.assertEqual(running(self.nap), [])

    def test_so_is_what_left_its_session_where_all_of_the_session_is_killed(self) -> None:
        guard, sleeper = self.begin("(setsid sleep {nap} &) ; sleep 600")
        wait_until(lambda: [pid for pid in running(self.ticket.path) if os.getsid(pid) == pid], "its second process")
        self.kill(guard)
        self.assertEqual(self.wait_for_exit(), (137, "killed"))
        self.assertFalse(is_running(sleeper))

    def test_so_is_what_had_not_begun(self) -> None:
        self.ticket.write(Invocation(["sleep", self.nap], None, {}), None, {})
        with open(self.ticket.path, "r+") as file:
            begun = file.read()
            file.seek(0)
            file.write("touch $0.came; while [ ! -e $0.go ]; do :; done\n" + begun)
        guard = self.guard()
        wait_until(lambda: os.path.exists(self.ticket.path + ".taken.came"), "the shell that reads it")
        os.kill(guard.pid, signal.SIGKILL)
        guard.wait()
        open(self.ticket.path + ".taken.go", "w").close()
        self.assertEqual(self.wait_for_exit(), (137, "killed"))
        self.assertEqual(running(self.nap), [])

    def test_the_agent_inherits_nothing_of_it(self) -> None:
        self.submit("ls -l /proc/self/fd")
        self.assertEqual(self.wait_for_exit(), (0, ""))
        self.assertNotIn("pipe", self.ticket.read_all().decode())

    def test_who_is_late_writes_nothing_any_more(self) -> None:
        guard, _ = self.begin("trap '' TERM; sleep {nap}")
        watcher = wait_until(lambda: running(self.ticket.path), "its second process")
        os.kill(watcher[0], signal.SIGSTOP)
        os.kill(guard.pid, signal.SIGKILL)
        guard.wait()
        self.ticket.remove()
        os.kill(watcher[0], signal.SIGCONT)
        wait_until(lambda: not is_running(watcher[0]), "its end")
        self.assertEqual(os.listdir(os.path.dirname(self.ticket.path)), [])
        for pid in running(self.nap):
            os.kill(pid, signal.SIGKILL)

    def test_a_ticket_that_was_taken_is_not_revoked(self) -> None:
        self.submit("exit")
        self.wait_for_exit()
        self.assertFalse(self.ticket.revoke())

    def test_one_that_was_never_written_is_as_good_as_revoked(self) -> None:
        self.assertTrue(self.ticket.revoke())
        self.ticket.write_note({"attempt": 7})
        self.assertTrue(self.ticket.revoke())
        self.assertEqual(self.guard().wait(), 96)
