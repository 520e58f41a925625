"""What waits, and for what: `status`, the end of a `run`, and a `run` that can begin nothing."""

from __future__ import annotations

import re
import signal
import unittest

from txlite import text
from txlite.model import STATES
from txlite.store.tasks import DERIVED
from txlite.view.waiting import WORDS

from ..case import Case, wait_until
from .screen import Terminal

FOR_AN_AGENT = "ready:   1 prompt waits for an agent: --agent claude (or `txlite ralph`)\n"


class Status(Case):
    def test_it_says_for_what_each_task_waits(self) -> None:
        self.assertEqual(self.txlite("status"), "nothing was run here yet\n")
        with self.store() as store:
            command = store.add(command="true").id
            prompt, other = store.add("a prompt " * 20).id, store.add("another").id
            able, job = store.add(command="train", needs="gpu").id, store.add("fit", slurm="").id
            later = store.add(command="later", not_before="2999-01-01T00:00:00.000Z").id
            after, failed, held = store.add("after", after=[prompt]).id, store.add("failed").id, store.add("held").id
            stuck = [store.add(f"stuck {number}", after=[failed]).id for number in range(7)]
            store.fail(failed)
            store.update(held, status="blocked")
        shown = Terminal(self, "status").end()
        for words in (
            rf"^ready:   1 waits for a worker: `txlite run`\n {{9}}{command}  true$",
            rf"^ready:   2 prompts wait for an agent: --agent claude \(or `txlite ralph`\)\n"
            rf" {{9}}{prompt}  a prompt .*…\n {{9}}{other}  another$",
            rf"^ready:   1 needs gpu, which no worker here has: `txlite worker start -c gpu`\n {{9}}{able}  train$",
            rf"^ready:   1 is to be a job: `txlite run --executor slurm --agent claude`\n {{9}}{job}  fit$",
            rf"^later:   1 waits for its time, until (2998-12-31|2999-01-01) .*\n {{9}}{later}  later$",
            rf"^waiting: 1 waits for other tasks\n {{9}}{after}  after  \(for {prompt}, ready\)$",
            rf"^waiting: 7 wait for what will not be done by itself\n"
            rf"( {{9}}tx-\w+  stuck \d  \(for {failed}, failed\)\n){{2}}"
            r" {9}and 5 more: `txlite list --status waiting`$",
            rf"^blocked: 1 is held back: `txlite update {held} --status ready` lets go\n {{9}}{held}  held$",
        ):
            self.assertRegex(shown, re.compile(words, re.M))
        self.assertLessEqual(max(map(text.columns, shown.splitlines())), 80)
        self.assertIn(stuck[0], shown)
        self.assertEqual(self.txlite("status", "--latest", "1"), "nothing was run here yet\n")
        counts = {(one["state"], one["waitsFor"]): one["count"] for one in self.json("status", "--stats")["waiting"]}
        self.assertEqual((counts["ready", "agent"], counts["waiting", "stuck"], len(counts)), (2, 7, 7))
        self.assertRegex(
            self.txlite("status", "--stats"), r"tasks: +1 failed, 5 ready, 1 later, 8 waiting, 1 blocked\n"
        )

    def test_a_pause_and_a_refusal_stand_above_all(self) -> None:
        self.txlite("add", "a task")
        self.txlite("pause")
        with self.store() as store:
            store.loops.limit_agent("claude", "2999-01-01T00:00:00.000Z", "You've hit your\x1b limit")
        lines = self.txlite("status").splitlines()
        self.assertRegex(lines[0], r"^paused since \d{4}-\d\d-\d\d .*: nothing is begun until `txlite resume`$")
        again = r"^claude is asked again at (2998-12-31|2999-01-01) .*, or after `txlite resume`: .*\\x1b limit$"
        self.assertRegex(lines[1], again)
        self.txlite("resume")
        self.assertEqual(self.txlite("status").splitlines()[0] + "\n", FOR_AN_AGENT)

    def test_what_a_worker_that_is_here_takes_waits_for_its_turn(self) -> None:
        worker = self.start("worker", "start", "--capabilities", "gpu")
        wait_until(lambda: self.json("worker", "list"), "the worker")
        self.txlite("add", "--needs", "gpu", "--", "until test -e go; do sleep 0.05; done")
        wait_until(lambda: self.json("status"), "the first attempt")
        self.txlite("add", "--needs", "gpu", "--", "true")
        self.assertIn("ready:   1 waits for its turn\n", self.txlite("status"))
        open(self.path("go"), "w").close()
        worker.send_signal(signal.SIGTERM)


class Page(Case):
    def test_help_states_explains_every_word_and_fits_a_terminal(self) -> None:
        page = self.txlite("help", "states")
        self.assertLessEqual(max(map(len, page.splitlines())), 80)
        for state in (*STATES, *DERIVED):
            self.assertIn(f"| `{state}` |", page)
        for one, _ in WORDS.values():
            self.assertIn("| " + one.partition(":")[0].partition(",")[0], page)


class Run(Case):
    def test_a_prompt_waits_for_an_agent(self) -> None:
        prompt = self.txlite("add", "-q", "a prompt for somebody").strip()
        told = FOR_AN_AGENT + f"         {prompt}  a prompt for somebody\n"
        self.assertEqual(self.txlite("run", code=1), told + "nothing was run, 1 ready\n")
        self.txlite("add", "--", "true")
        self.txlite("add", "--", "true")
        out = self.txlite("run", code=1)
        self.assertTrue(out.endswith(told + "2 done, 1 ready\n"), out)
        found = self.json("run", code=1)
        self.assertEqual([(one["id"], one["waitsFor"]) for one in found["waiting"]], [(prompt, "agent")])
        self.assertEqual(
            found["left"],
            [{"state": "ready", "waitsFor": "agent", "needs": None, "agent": None, "group": None, "count": 1}],
        )
        self.txlite("update", prompt, "--status", "blocked")
        self.assertIn("blocked: 1 is held back", self.txlite("run"), "a person's word is no failure: exit code 0")
        batch = self.txlite("run", "--from", self.batch("true"))
        self.assertEqual(batch.splitlines()[-1], "1 done", "of a batch only its own tasks count")

    def test_it_says_for_what_it_waits(self) -> None:
        self.txlite("add", "--at", "+1h", "--", "true")
        self.txlite("add", "--", "touch done")
        self.txlite("pause")
        run = Terminal(self, "run")
        run.wait_for(r"^paused since .*: nothing is begun until `txlite resume`$")
        self.txlite("resume")
        run.wait_for(r"^1 task for later, not before .*: Ctrl-C ends the run\n\[#+\]  1/1  0 running  1 later")
        run.process.send_signal(signal.SIGINT)
        shown = run.end()
        self.assertRegex(
            shown, re.compile(r"^later:   1 waits for its time, until .*\n .*  true\n1 done, 1 later$", re.M)
        )
        self.assertLessEqual(max(map(text.columns, shown.splitlines())), 80)


if __name__ == "__main__":
    unittest.main()
