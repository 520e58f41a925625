"""Workers that are started by hand and stay: `worker start` and `worker stop`."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import unittest

from txlite.store import claim_rows

from ..case import Case, running, wait_until


class Persistent(Case):
    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        worker = self.start("worker", "start", *arguments)
        self.assertIn(b"works, until TERM", worker.stdout.readline())
        return worker

    def test_it_takes_what_it_can_and_leaves_when_told(self) -> None:
        worker = self.begin("--name", "implementer-1", "--capabilities", "gpu,tx-implementer")
        (found,) = self.json("worker", "list")
        self.assertEqual((found["name"], found["status"], found["pid"], found["capabilities"]),
                         ("implementer-1", "idle", worker.pid, ["gpu", "tx-implementer"]))  # fmt: skip
        plain = self.txlite("add", "-q", "--", "echo one > one").strip()
        needy = self.txlite("add", "-q", "--needs", "gpu", "--", "echo two > two").strip()
        other = self.txlite("add", "-q", "--needs", "tpu", "--", "echo three > three").strip()
        self.txlite("wait", plain, needy)
        self.assertEqual(self.json("show", other)["status"], "backlog")
        busy = self.txlite("add", "-q", "--", "while test ! -e go; do sleep 0.05; done").strip()
        wait_until(lambda: self.json("worker", "status", "implementer-1")["status"] == "busy", "it to be busy")
        self.assertIn(f"{found['id']} [busy] implementer-1 \u2192 {busy}\n", self.txlite("worker", "list"))
        self.assertIn(f"finishes {busy} first", self.txlite("worker", "stop", "implementer-1"))
        with open(self.path("go"), "w"):
            pass
        self.assertEqual(worker.wait(60), 0)
        self.assertEqual((self.json("show", busy)["status"], self.json("worker", "list")), ("done", []))

    def test_signals_give_back_what_does_not_finish(self) -> None:
        for arguments, number, is_repeated in (
            (("--drain", "0.3"), signal.SIGTERM, False),
            ((), signal.SIGQUIT, False),
            ((), signal.SIGTERM, True),
        ):
            worker = self.begin(*arguments)
            task = self.txlite("add", "-q", "--", f"sleep {self.nap}").strip()
            wait_until(lambda: running(self.nap), "the agent")
            worker.send_signal(number)
            if is_repeated:
                time.sleep(1.1)
                self.assertTrue(running(self.nap))
            while is_repeated and worker.poll() is None:  # those within a second of when it heard the first are one
                worker.send_signal(number)
                time.sleep(1.1)
            self.assertEqual((worker.wait(60), running(self.nap)), (0, []))
            found = self.json("show", task)
            self.assertEqual((found["status"], found["failures"]), ("backlog", 0))
            self.txlite("delete", task)

    def test_one_recovers_what_another_left(self) -> None:
        first = self.begin("--kill-after", "0.2")
        task = self.txlite("add", "-q", "--", f"test -e again || {{ touch again; exec sleep {self.nap}; }}").strip()
        wait_until(lambda: running(self.nap), "the agent")
        second = self.begin("--name", "second")
        os.kill(first.pid, signal.SIGKILL)
        killed = time.monotonic()
        wait_until(lambda: not running(self.nap), "the agent's end")
        self.txlite("wait", task)
        self.assertLess(time.monotonic() - killed, claim_rows.HELD_LEASE / 2, "it waited for no lease")
        attempts = self.json("show", task)["attempts"]
        self.assertEqual([one["outcome"] for one in attempts], ["lost", "done"])
        second.send_signal(signal.SIGINT)
        self.assertEqual(second.wait(60), 0)

    def test_stop_tells_only_persistent_ones(self) -> None:
        run = self.start("run", "--forever", "--workers", "1")
        wait_until(lambda: self.json("worker", "list"), "its worker")
        name = self.json("worker", "list")[0]["id"]
        self.txlite("worker", "stop", name, code=1)
        self.assertIn("is no persistent worker: `txlite stop run-", self.errors)
        self.assertEqual(self.json("worker", "stop", "--all"), [])
        run.send_signal(signal.SIGINT)


if __name__ == "__main__":
    unittest.main()
