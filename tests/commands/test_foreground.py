"""Who waits: `wait`, and `launch --foreground`."""

from __future__ import annotations

import os
import signal
import unittest

from ..case import is_running, running, wait_until
from ..execution.case import LaunchCase


class Waiting(LaunchCase):
    def test_waiting_and_its_exit_codes(self) -> None:
        self.environment["THEN"] = "exit 7"
        self.assertIn("failed, exit 7", self.txlite("launch", "--wait", "task", code=7))
        self.environment["THEN"] = "sleep 60"
        self.assertIn("it ran longer than 0.2 s", self.txlite("launch", "--wait", "--timeout", "0.2", "task", code=124))
        launched = self.launch("task", then=f"sleep {self.nap}")
        wait_until(lambda: running(self.nap), "the agent to start")
        self.txlite("wait", "--timeout", "0.1", launched["id"], code=124)
        self.assertIn(f"{launched['id']} still not ended after 0.10s", self.errors)
        self.txlite("stop", str(launched["pid"]))
        self.txlite("wait", launched["id"], code=143)
        good, bad = self.launch("good"), self.launch("bad", then="exit 3")
        self.txlite("wait", good["id"], str(bad["pid"]), code=1)
        self.assertEqual([one["code"] for one in self.json("wait", good["id"], bad["id"], code=1)], [0, 3])
        self.txlite("wait", good["id"], good["id"])

    def test_an_interrupt_leaves_the_waiting_and_not_the_task(self) -> None:
        self.environment["THEN"] = "sleep 600"
        waiting = self.start("launch", "--wait", "task", start_new_session=True)
        pid = int(waiting.stdout.readline().split()[1])
        os.killpg(waiting.pid, signal.SIGINT)
        out, error = waiting.communicate(timeout=60)
        self.assertEqual(waiting.returncode, 130)
        self.assertIn(b"goes on in the background", error)
        self.assertEqual(self.json("status")[0]["status"], "running")
        self.assertTrue(is_running(pid))


class Foreground(LaunchCase):
    def test_the_foreground(self) -> None:
        self.environment["THEN"] = "printf 'no newline'; exit 4"
        found = self.start("launch", "--foreground", "task")
        out, error = found.communicate(timeout=60)
        self.assertEqual(found.returncode, 4)
        self.assertRegex(out.decode(), r"^hello from \d+\nno newline\n?$")
        self.assertIn("failed, exit 4: workers/", error.decode())
        self.environment["THEN"] = f"sleep {self.nap}"
        found = self.start("launch", "--foreground", "task")
        wait_until(lambda: running(self.nap), "the agent to start")
        found.send_signal(signal.SIGINT)
        self.assertEqual((found.wait(60), running(self.nap)), (130, []))
        self.assertEqual(self.json("status")[0]["status"], "cancelled")

    def test_an_interrupt_before_it_began(self) -> None:
        import fcntl

        self.wait_for(self.launch("first"))
        locks = os.path.join(self.home, "locks")
        wait_until(lambda: not os.listdir(locks), "its worker to leave")
        lock = os.path.join(self.home, "tasks.db.lock")
        with open(lock, "rb+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            launching = self.start("launch", "--foreground", "second")
            wait_until(
                lambda: [pid for pid in running("second") if pid != launching.pid and has_open(pid, lock)],
                "its worker to come to the database",
            )
            launching.send_signal(signal.SIGINT)
            self.assertEqual(launching.wait(60), 130)
        row = wait_until(lambda: [row for row in self.json("status") if row["task"] == "second" and row["endedAt"]],
                         "its end")[0]  # fmt: skip
        self.assertEqual((row["status"], row["note"]), ("cancelled", "its launch was interrupted"))
        self.assertEqual(len(self.calls(".stdin")), 1)

    def test_a_reader_that_goes_stops_the_foreground(self) -> None:
        self.environment["THEN"] = "while echo line; do sleep 0.05; done"
        found = self.start("launch", "--foreground", "task")
        found.stdout.readline()
        found.stdout.close()
        self.assertNotEqual(found.wait(60), 0)
        self.assertEqual(self.json("status")[0]["status"], "cancelled")


def has_open(pid: int, path: str) -> bool:
    """Whether a process has a file open."""
    directory = f"/proc/{pid}/fd"
    try:
        return any(os.readlink(os.path.join(directory, name)) == path for name in os.listdir(directory))
    except OSError:  # it, or one of its descriptors, is gone
        return False


if __name__ == "__main__":
    unittest.main()
