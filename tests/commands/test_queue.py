"""tx's verbs by hand: update, done, fail, reset, delete, claim, ready, and what they refuse."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import unittest

from ..case import ROOT, Case, wait_until


class Verbs(Case):
    def add(self, *arguments: str) -> str:
        return self.txlite("add", "-q", *arguments).strip()

    def test_update_changes_what_is_given(self) -> None:
        parent, task = self.add("parent"), self.add("task", "-d", "more")
        found = self.json("update", task, "--title", "other", "--score", "7.5", "--parent", parent)
        self.assertEqual((found["title"], found["score"], found["parentId"], found["description"]),
                         ("other", 7.5, parent, "more"))  # fmt: skip
        self.assertEqual(self.json("update", task, "--parent", "", "-d", "less")["parentId"], None)
        self.txlite("update", parent, "--parent", self.add("child", "-p", parent), code=1)
        self.assertIn("it is that task, or below it", self.errors)
        self.txlite("update", task, "--status", "active", code=1)
        self.assertEqual(self.json("update", task, "--status", "blocked")["status"], "blocked")
        self.assertNotIn(task, [one["id"] for one in self.json("ready")])
        self.txlite("claim", task, "me", code=1)
        self.assertEqual(self.json("update", task, "--status", "ready")["status"], "backlog")
        self.txlite("update", task, "--title", "never", "--status", "bogus", code=64)
        self.assertEqual(self.json("show", task)["title"], "other")
        self.assertEqual(self.json("update", task, "--status", "done")["isReady"], False)

    def test_a_persons_block_survives_changes_of_dependencies(self) -> None:
        task, other = self.add("task"), self.add("other")
        self.txlite("update", task, "--status", "blocked")
        self.txlite("block", task, other)
        self.txlite("done", other)
        self.assertEqual(self.json("show", task)["status"], "blocked")

    def test_done_tells_what_it_made_ready_the_first_time(self) -> None:
        first, second = self.add("first"), self.add("second")
        self.assertEqual(self.json("block", second, first)["task"]["blockedBy"], [first])
        self.txlite("claim", first, "me")
        self.assertEqual(self.json("done", first)["nowReady"], [second])
        self.assertEqual(self.json("claims"), [])

    def test_fail_reset_and_delete(self) -> None:
        task, child, waiting = self.add("task"), None, None
        child, waiting = self.add("child", "-p", task), self.add("waiting", "--after", task)
        self.txlite("claim", task, "me")
        self.assertEqual(self.json("fail", task, "--reason", "no way")["status"], "failed")
        self.assertIn("no way", self.txlite("show", task))
        found = self.json("reset", task)
        self.assertEqual((found["oldStatus"], found["task"]["status"]), ("failed", "backlog"))
        self.txlite("claim", task, "me")
        self.txlite("delete", task, "--cascade", code=1)
        self.assertIn("is claimed by me", self.errors)
        self.assertEqual(self.json("reset", task)["oldStatus"], "active")
        self.txlite("delete", task, code=1)
        self.assertIn("has children: --cascade", self.errors)
        self.assertEqual(set(self.json("delete", task, "--cascade")["data"]["deleted"]), {task, child})
        self.assertEqual([one["id"] for one in self.json("ready")], [waiting])

    def test_claims_by_hand(self) -> None:
        task = self.add("task")
        claim = self.json("claim", task, "worker-1", "--lease", "120")
        self.assertEqual((claim["taskId"], claim["workerId"], claim["renewedCount"], claim["lease"]),
                         (task, "worker-1", 0, 7200))  # fmt: skip
        self.txlite("claim", task, "worker-2", code=1)
        self.assertIn("is already claimed by worker-1 until", self.errors)
        for _ in range(12):
            renewed = self.json("claim:renew", task, "worker-1")
        self.assertEqual((renewed["renewedCount"], renewed["lease"]), (12, 7200))
        self.assertGreaterEqual(renewed["leaseExpiresAt"], claim["leaseExpiresAt"])
        self.txlite("claim", "release", task, "worker-2", code=1)
        self.assertIn("is claimed by worker-1 now", self.errors)
        self.assertEqual(self.json("worker", "list")[0]["currentTaskId"], task)
        self.assertEqual(self.txlite("worker", "list"), f"Workers:\n  worker-1 [busy] worker-1 \u2192 {task}\n")
        self.assertEqual(self.json("claim", "release", task, "worker-1"),
                         {"released": True, "taskId": task, "workerId": "worker-1"})  # fmt: skip
        self.break_row("UPDATE tasks SET delay_until = delay_until + 1000")  # two commands may take two seconds
        listed = self.json("ready")[0]
        self.assertEqual((listed["id"], listed["isReady"], listed["reservedFor"]), (task, True, "worker-1"))
        self.assertIn("  reserved  ", self.txlite("list"))
        self.txlite("claim", task, "worker-2", code=1)
        self.assertIn("was released by worker-1 a moment ago", self.errors)
        self.assertEqual(self.json("claim", task, "worker-1", "--lease", "1s")["lease"], 1)
        wait_until(lambda: self.json("claims", "--expired"), "the lease to run out")
        self.txlite("reconcile")
        self.assertEqual(self.json("claims"), [])

    def test_who_has_claimed_a_task_may_call_it_active(self) -> None:
        task = self.add("task")
        self.txlite("update", task, "--status", "active", code=1)
        self.assertIn(f"becomes active by being claimed: `txlite claim {task} WORKER`", self.errors)
        self.txlite("claim", task, "me")
        before = self.json("claims")
        changed = self.json("update", task, "--status", "active", "--title", "other")
        self.assertEqual((changed["status"], changed["title"]), ("active", "other"))
        self.assertEqual(self.json("claims"), before)
        stranger = {**self.environment, "TXLITE_TASK": task, "TXLITE_TOKEN": "999"}
        self.txlite("update", task, "--status", "active", "--title", "x", code=1, env=stranger)
        self.assertEqual(self.json("show", task)["title"], "other")
        self.txlite("done", task)
        self.txlite("update", task, "--status", "active", code=1)

    def test_the_agent_of_a_task_may_call_it_active_and_nobody_else(self) -> None:
        update = shlex.join([sys.executable, "-m", "txlite", "update"])
        self.add("--", f'{update} "$TXLITE_TASK" --status active && (unset TXLITE_TASK TXLITE_ATTEMPT TXLITE_TOKEN; '
                 f'! {update} "$(cat id)" --status active)')  # fmt: skip
        with open(self.path("id"), "w") as file:
            file.write(self.json("list")[0]["id"])
        self.txlite("run", "--max-attempts", "1")

    def test_several_at_once(self) -> None:
        ids = [self.add(f"task {number}") for number in range(5)]
        self.assertEqual([one["status"] for one in self.json("cancel", *ids[:2])], ["cancelled"] * 2)
        self.txlite("fail", ids[2], ids[3], "--reason", "no")
        self.txlite("done", ids[4], ids[0][:-1], ids[1], code=1)
        self.assertEqual(self.errors.count("is cancelled and cannot become done"), 2)
        self.assertEqual(self.json("show", ids[4])["status"], "done")
        self.assertEqual([one["id"] for one in self.json("retry", "--failed")], ids[2:4])
        self.assertEqual([one["id"] for one in self.json("retry", "--all")], ids[:2])
        self.assertEqual(self.json("retry", "--failed"), [])
        self.assertEqual(self.errors, "txlite: nothing to retry: no task failed\n")
        self.txlite("retry", code=64)
        self.txlite("retry", ids[0], "--all", code=64)
        waiting = self.add("waiting", "--after", f"{ids[0]},{ids[1]}", "--after", ids[2])
        self.assertEqual(self.json("show", waiting)["blockedBy"], ids[:3])

    def test_a_beginning_of_an_id_is_enough_everywhere(self) -> None:
        task = self.txlite("add", "-q", "--", "echo said").strip()
        self.txlite("run")
        for name in (task[:-1], task[3:-1]):
            self.assertEqual(self.txlite("logs", name), "said\n")
            self.assertEqual(self.json("wait", name)[0]["id"], task)
            self.assertEqual({one["task"] for one in self.json("history", name)}, {task})
            self.assertIn("done", self.txlite("stop", name))
        self.txlite("delete", task)
        self.assertEqual(len(self.json("history", task)), 4)
        self.txlite("history", task[:-1], code=2)

    def test_wait_for_all(self) -> None:
        self.txlite("wait", "--all")
        task = self.add("task")
        self.assertEqual(self.txlite("wait", "--all", "--timeout", "0.1", code=124), f"{task}  not ended\n")
        self.txlite("done", task)
        self.txlite("wait", code=64)

    def test_a_command_is_changed_while_it_waits(self) -> None:
        task = self.txlite("add", "-q", "--", "fales").strip()
        self.txlite("update", task, "--command", "echo right", "--timeout", "5s", "--retries", "2")
        found = self.json("show", task)
        self.assertEqual([found[key] for key in ("title", "command", "timeout", "maxAttempts")],
                         ["echo right", "echo right", 5, 3])  # fmt: skip
        self.txlite("update", self.add("a prompt"), "--command", "x", code=64)
        self.assertIn("is a prompt and has no command", self.errors)
        batch = self.batch("echo a >> log", "fales")
        self.txlite("run", "--from", batch, "--retries", "0", code=1)
        self.txlite("update", self.json("list", "--status", "failed")[0]["id"], "--command", "echo b >> log")
        self.assertIn("2 tasks were added before: 1 done, 1 that", self.txlite("run", "--from", batch, code=None))
        self.assertEqual(sorted(self.read("log").split()), ["a", "b"])

    def test_what_cannot_be_claimed_says_why(self) -> None:
        done, cancelled, blocker = self.add("done"), self.add("cancelled"), self.add("blocker")
        waiting, later = self.add("waiting", "--after", blocker), self.add("later", "--at", "+1h")
        self.txlite("done", done)
        self.txlite("cancel", cancelled)
        for task, why in ((done, "is done: only"), (cancelled, "is cancelled: only"), (waiting, f"waits for {blocker}"),
                          (later, "is for later")):  # fmt: skip
            self.txlite("claim", task, "me", code=1)
            self.assertIn(why, self.errors)

    def test_ready_and_claim_in_one_step(self) -> None:
        low, high = self.add("low"), self.add("high", "-s", "9", "--needs", "gpu")
        self.assertEqual([one["id"] for one in self.json("ready", "-n", "5")], [high, low])
        self.assertEqual([one["id"] for one in self.json("ready", "--capabilities", "cpu")], [low])
        (found,) = self.json("ready", "--claim", "me")
        self.assertEqual((found["id"], found["claim"]["workerId"], found["status"]), (high, "me", "active"))
        self.assertEqual(self.json("ready", "--claim", "me", "--capabilities", "gpu")[0]["id"], low)
        self.assertEqual(self.json("ready", "--claim", "me"), [])

    def test_lists_in_a_persons_words(self) -> None:
        ready, later = self.add("ready"), self.add("later", "--at", "2999-01-01T10:00")
        waiting = self.add("waiting", "--after", ready)
        for state, task in (("ready", ready), ("later", later), ("waiting", waiting)):
            self.assertEqual([one["id"] for one in self.json("list", "--status", state)], [task])
        self.assertIn(f"{later}  later    0      later  (at 2999-01-01 10:00)\n", self.txlite("list"))
        self.assertEqual(len(self.json("list", "--status", "backlog,done")), 3)
        tree = self.txlite("dep", "tree", waiting)
        self.assertEqual(tree, f"  {waiting}  waiting  waiting\n  + {ready}  ready  ready\n")
        self.assertEqual([one["id"] for one in self.json("dep", "tree", waiting)["deps"]], [ready])
        last = self.add("last", "--after", waiting, "--after", later)
        self.txlite("block", later, waiting)
        tree = self.txlite("dep", "tree", last)
        self.assertEqual((tree.count(waiting), tree.count(f"{waiting}  waiting  waiting  (see above)")), (2, 1))
        self.assertEqual(tree.count(ready), 1)
        self.txlite("unblock", waiting, ready)
        self.assertEqual(self.json("dep", "tree", waiting)["deps"], [])

    def test_a_tree_is_drawn_of_parents_and_their_children(self) -> None:
        root = self.add("root")
        left, right = self.add("left", "-p", root), self.add("right", "-p", root)
        leaf, other = self.add("leaf", "-p", left), self.add("other")
        self.txlite("block", right, other)
        self.assertEqual(self.txlite("tree", root).splitlines(), [
            f"+ {root}  ready  root", f"  + {left}  ready  left", f"    + {leaf}  ready  leaf",
            f"    {right}  waiting  right",
        ])  # fmt: skip
        tree = self.json("tree", root)
        first, second = tree["childTasks"]
        self.assertEqual((tree["id"], first["id"], second["id"]), (root, left, right))
        self.assertEqual((first["childTasks"][0]["id"], first["childTasks"][0]["childTasks"]), (leaf, []))
        self.assertEqual((second["blockedBy"], second["isReady"], second["childTasks"]), ([other], False, []))
        self.assertEqual([one["id"] for one in self.json("children", root)], [left, right])
        self.assertEqual(self.json("children", leaf), [])
        self.assertRegex(self.txlite("children", root), rf"\n{left} .*\n{right} ")

    def test_a_tree_may_be_deep(self) -> None:
        with self.store() as store:
            task = root = store.add("root").id
            for _ in range(2000):
                task = store.add("below", parent=task).id
        out = self.txlite("tree", root, "--json")
        self.assertEqual((out.count('"childTasks": ['), out.count("]}")), (2001, 2001))

    def test_ids_may_be_shortened(self) -> None:
        tasks = ["tx-abcd0001", "tx-abce0001"]
        one = self.txlite("add", "x", "-q", "--home", self.path("other")).strip()
        first, line = self.txlite("export", "--home", self.path("other")).splitlines()
        self.txlite("import", "-", stdin="\n".join([first, *(line.replace(one, task) for task in tasks)]).encode())
        self.txlite("show", "abc", code=64)
        self.assertIn("is the beginning of several ids: tx-", self.errors)
        self.txlite("show", "tx-ab", code=2)
        self.assertIn("3 characters at the least", self.errors)
        self.assertEqual(self.json("show", "abce")["id"], "tx-abce0001")
        self.assertEqual(self.json("show", tasks[0][3:10])["id"], tasks[0])
        self.assertEqual(self.json("done", tasks[0][:-1])["task"]["id"], tasks[0])

    def test_pause_and_resume(self) -> None:
        self.txlite("pause")
        task = self.add("--", "true")
        run = self.start("run")
        wait_until(lambda: self.worker_pids(), "the workers")
        self.txlite("claim", self.add("by hand"), "me")
        self.assertEqual(self.json("show", task)["status"], "backlog")
        self.txlite("resume")
        wait_until(lambda: self.json("show", task)["status"] == "done", "the task to run")
        run.send_signal(signal.SIGINT)

    def test_bad_input(self) -> None:
        task = self.add("task")
        before = self.json("list")
        for arguments, code, said in (
            (("claim", task), 64, "give a task and a worker"),
            (("claim", task, ""), 64, "the worker's name is empty"),
            (("claim", task, "a\nb"), 64, "control characters"),
            (("claim", task, "me", "--lease", "0"), 64, "not a duration"),
            (("claim", task, "me", "--lease", "-5"), 64, "lease"),
            (("claim", task, "me", "--lease", "0.5s"), 64, "a second or more"),
            (("claim", "tx-nosuch00", "me"), 2, "Task not found"),
            (("claim:renew", task, "me"), 1, "is not claimed"),
            (("update", task), 64, "nothing to change"),
            (("update", task, "--score", "x"), 64, "not a number"),
            (("update", task, "--title", ""), 64, "the title is empty"),
            (("update", task, "--parent", task), 1, "it is that task"),
            (("add", "x", "--at", "soon"), 64, "'soon' is not a time"),
            (("add", "x", "--needs", "a\tb"), 64, "control characters"),
            (("list", "--status", ""), 64, "unknown status ''"),
            (("delete", "tx-nosuch00"), 2, "Task not found"),
            (("dep", "block", task), 64, "is missing"),
            (("worker", "stop", "nobody"), 2, "no worker 'nobody'"),
            (("worker", "stop"), 64, "give the workers"),
            (("worker", "status", "nobody"), 2, "no worker 'nobody'"),
            (
                ("worker", "begin"),
                64,
                "worker has no 'begin': give start, list, status or stop: `txlite worker --help`",
            ),
            (("worker", "lits"), 64, "worker has no 'lits' (did you mean 'list'?): give start, list, status or stop"),
            (("worker", "it's"), 64, 'worker has no "it\'s": give start, list'),
            (("worker",), 64, "txlite: worker does nothing alone: give start, list, status or stop: `txlite worker"),
            (("dep",), 64, "txlite: dep does nothing alone: give block, unblock or tree: `txlite dep --help`"),
            (("dep", "block"), 64, "required: ID"),
            (("worker", "start", "--name", ""), 64, "empty"),
            (("worker", "start", "--workers", "2"), 64, "one task at a time: give --executor slurm, or"),
            (("clame", task, "me"), 64, "did you mean 'claim'?"),
            (("list", "--limt", "3"), 64, "did you mean '--limit'?"),
            (("add", "x", "--skore=3"), 64, "did you mean '--score'?"),
        ):
            with self.subTest(arguments):
                self.txlite(*arguments, code=code)
                self.assertIn(said, self.errors)
        self.assertEqual(self.json("list"), before)

    def break_row(self, script: str) -> None:
        import sqlite3

        connection = sqlite3.connect(os.path.join(self.home, "tasks.db"))
        connection.executescript("PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF; " + script)
        connection.close()

    def test_a_persons_block_keeps_the_time(self) -> None:
        task = self.add("task", "--at", "2999-01-01")
        for status in ("blocked", "backlog"):
            self.txlite("update", task, "--status", status)
        self.assertTrue(self.json("show", task)["notBefore"].startswith("299"))

    def test_what_a_person_blocked_its_last_holder_cannot_take(self) -> None:
        task = self.add("task")
        self.txlite("claim", task, "me")
        self.txlite("claim", "release", task, "me")
        self.txlite("update", task, "--status", "blocked")
        self.txlite("claim", task, "me", code=1)
        self.assertIn("is blocked", self.errors)

    def test_a_reason_is_kept_or_it_is_said_that_it_is_not(self) -> None:
        task = self.add("task")
        self.txlite("fail", task, "--reason", "why")
        self.assertIn("the reason was not kept", self.errors)
        self.txlite("reset", task)
        self.txlite("claim", task, "me")
        self.txlite("claim", "release", task, "me")
        self.txlite("fail", task, "--reason", "why not")
        self.assertIn("why not", self.txlite("show", task))

    def test_done_twice_makes_nothing_ready(self) -> None:
        first, second = self.add("first"), self.add("second")
        self.txlite("block", second, first)
        self.assertEqual([self.json("done", first)["nowReady"] for _ in range(2)], [[second], []])

    def test_names_used_by_hand_are_here_while_they_hold_something(self) -> None:
        task = self.add("task")
        self.txlite("claim", task, "me")
        self.assertEqual([one["id"] for one in self.json("worker", "list")], ["me"])
        self.txlite("done", task)
        self.assertEqual(self.json("worker", "list"), [])

    def test_a_row_edited_by_hand_breaks_nothing_else(self) -> None:
        task, other = self.add("task"), self.add("other")
        self.break_row(f"UPDATE tasks SET status = 'nonsense', score = 'high' WHERE id = '{task}'")
        self.assertEqual([one["id"] for one in self.json("ready")], [other])
        self.assertIn("nonsense  high", self.txlite("list"))
        ran = self.add("--", "true")
        for column, value in (("title", "x'ff00'"), ("title", "CAST(x'ff' AS TEXT)"), ("not_before", "'soon'"),
                              ("not_before", "'2025-02-31T00:00:00.000Z'"), ("score", "9e999"),
                              ("token", "(SELECT max(id) FROM attempts)")):  # fmt: skip
            with self.subTest(column, value=value):
                self.break_row(
                    f"UPDATE attempts SET previous = id; UPDATE tasks SET {column} = {value} WHERE id = '{other}'"
                )
                for verb in (("list",), ("ready",), ("show", other)):
                    self.txlite(*verb)
                    self.json(*verb)
                if column != "token":
                    self.txlite("retry", ran)
                    self.txlite("run", code=None)
                    self.assertEqual(self.json("show", ran)["status"], "done")
        for verb in (("status",), ("worker", "list"), ("claims",)):
            self.json(*verb)
        self.assertEqual(self.json("show", task)["status"], "nonsense")
        self.assertEqual(self.json("reset", task)["task"]["status"], "backlog")


class Loop(Case):
    """A shell loop as tx's users write it: ready, claim, work, release, done."""

    SCRIPT = """
        for n in $(seq $1); do (
            while task=$(tx ready --json --limit 1 | jq -r '.[0].id'); [ "$task" != null ]; do
                if tx claim "$task" "w$n" > /dev/null 2>&1; then
                    echo "$task" >> ran
                    tx claim:release "$task" "w$n" > /dev/null
                    tx done "$task" > /dev/null
                fi
            done ) & done; wait"""

    def test_each_task_is_executed_once(self) -> None:
        with open(self.path("sitecustomize.py"), "w") as file:  # two of its commands may take two seconds
            file.write(f"import sys\nsys.path.insert(0, {ROOT!r})\n")
            file.write("from txlite.store import claims\nclaims.RESERVED = 600.0\n")
        self.environment["PATH"] = f"{ROOT}/bin:{self.environment['PATH']}"
        self.environment["PYTHONPATH"] = self.directory
        ids = self.store().add_many(f"task {number}" for number in range(5))
        subprocess.run(["bash", "-c", self.SCRIPT, "loop", "3"], cwd=self.directory, env=self.environment, check=True,
                       timeout=300)  # fmt: skip
        self.assertEqual(sorted(self.read("ran").split()), sorted(ids))


if __name__ == "__main__":
    unittest.main()
