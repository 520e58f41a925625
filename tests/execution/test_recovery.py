"""Trees are ended whole, the dead are recovered, and nothing runs twice at once."""

import os
import signal
import subprocess
import sys
import time
import unittest

import txlite
from txlite.execution.recovery import Recovery
from txlite.system import clock, process, process_tree
from txlite.system.liveness import Liveness

from ..case import ROOT, Case, is_running, running, wait_until

KILL_AFTER = 0.5
# What agents leave behind. Each sleeps under a name of its own, so that the test can find it.
STUBBORN = "trap '' TERM; exec -a {mark} sleep 600"
SURVIVORS = {
    "ignores TERM": 'bash -c "' + STUBBORN + '"',
    "setsid": "setsid bash -c 'exec -a {mark} sleep 600' & ready; sleep 600",
    "env -i, twice forked": "env -i setsid bash -c '(exec -a {mark} sleep 600) & exit' & ready; sleep 600",
    "stopped": "bash -c 'kill -STOP $$; exec -a {mark} sleep 600' & bash -c \"" + STUBBORN + '"',
    "closed its output": 'exec >&- 2>&-; setsid bash -c "' + STUBBORN + '" & ready; sleep 600',
}


class Trees(Case):
    def agent(self, kind):
        """A command that leaves a survivor of this kind, and says so in `ready`."""
        self.mark = f"survivor-{os.getpid()}-{time.monotonic_ns()}"
        if os.path.exists(self.path("ready")):
            os.unlink(self.path("ready"))
        again = f"test -e ready && exec sleep {self.nap}; "  # whoever looks for the first attempt's finds no other's
        return (
            again
            + "ready() { touch ready; }; "
            + SURVIVORS[kind].replace("{mark}", self.mark).replace("; exec -a", "; touch ready; exec -a")
        )

    def is_gone(self):
        return not running(self.mark)

    def begin(self, kind, *options):
        """Start a run whose agent has its survivor."""
        batch = self.batch(self.agent(kind))
        run = self.start("run", "--from", batch, "--workers", "1", "--kill-after", str(KILL_AFTER), *options)
        wait_until(self.has_begun, f"the agent of {kind!r}")
        return run

    def has_begun(self):
        return os.path.exists(self.path("ready")) and running(self.mark)

    def assert_gone_in_time(self, started):
        wait_until(self.is_gone, "the tree to end")
        self.assertLess(time.monotonic() - started, KILL_AFTER + 1 + LEEWAY)

    def each(self):
        """The kinds, one after the other, each with a home of its own."""
        for kind in SURVIVORS:
            self.home = self.path("home of " + kind)
            self.environment["TXLITE_HOME"] = self.home
            yield kind

    def test_when_the_attempt_times_out(self):
        for kind in self.each():
            for timeout in LONGER:
                run = self.start("run", "--from", self.batch(self.agent(kind)), "--workers", "1", "--again",
                                 "--kill-after", str(KILL_AFTER), "--timeout", str(timeout),
                                 "--max-attempts", "1")  # fmt: skip
                wait_until(lambda: self.has_begun() or run.poll() is not None, f"the agent of {kind!r}")
                has_begun = run.poll() is None
                self.assertEqual(run.wait(60), 1)
                self.assertTrue(self.is_gone())
                if has_begun:
                    break
            self.assertTrue(has_begun, f"the agent of {kind!r} in {timeout} s")
            with txlite.open(self.home) as store:
                (attempt,) = store.attempts(store.list()[-1].id)
                self.assertEqual(attempt.outcome, "timeout")
                self.assertLess(attempt.duration, timeout + KILL_AFTER + 1 + LEEWAY)

    def test_when_the_agent_exits_by_itself(self):
        self.mark = f"survivor-{os.getpid()}"
        sleeper = f"exec -a {self.mark} sleep 600"
        left = f"setsid bash -c 'trap : TERM; {sleeper}' & env -i setsid bash -c '({sleeper}) &'"
        self.txlite("run", "--from", self.batch(left + "; echo fine"), "--kill-after", str(KILL_AFTER))
        self.assertTrue(self.is_gone())

    def test_a_chain_of_processes_that_fork_and_exit(self):
        chain = self.path("chain")
        with open(chain, "w") as file:
            file.write(
                f"#!/bin/sh\ntouch {self.path('ready')}; sleep 0.01\ntest -e {self.path('end')} || $0 & exit 0\n"
            )
        os.chmod(chain, 0o755)
        self.addCleanup(lambda: open(self.path("end"), "w").close())
        for kill in (False, True):
            for timeout in (600,) if kill else LONGER:
                run = self.start("run", "--from", self.batch(chain + " >&- 2>&-; sleep 600"), "--workers", "1",
                                 "--again", "--kill-after", "0.5", "--max-attempts", "1",
                                 "--timeout", str(timeout))  # fmt: skip
                wait_until(lambda: os.path.exists(self.path("ready")) or run.poll() is not None, "the chain")
                if os.path.exists(self.path("ready")):
                    break
            if kill:
                os.kill(self.worker_pids()[0], signal.SIGKILL)
                run.kill()
                run.wait()
                self.txlite("reconcile")
            else:
                self.assertEqual(run.wait(60), 1)
            os.unlink(self.path("ready"))
            time.sleep(0.3)
            self.assertFalse(os.path.exists(self.path("ready")), "the chain goes on")

    def test_when_the_worker_is_killed(self):
        for kind in self.each():
            run = self.begin(kind)
            started = time.monotonic()
            os.kill(self.worker_pids()[0], signal.SIGKILL)
            self.assert_gone_in_time(started)
            run.send_signal(signal.SIGQUIT)
            self.assertEqual(run.wait(60), 130)
            self.assertEqual((self.is_gone(), running(self.nap)), (True, []))

    def test_when_worker_and_supervisor_are_killed_together(self):
        for kind in self.each():
            run = self.begin(kind)
            workers = self.worker_pids()
            for pid in (run.pid, *workers):
                os.kill(pid, signal.SIGSTOP)
            for pid in (run.pid, *workers):
                os.kill(pid, signal.SIGKILL)
            run.wait()
            self.assertFalse(self.is_gone())
            started = time.monotonic()
            self.assertEqual(self.txlite("reconcile"), "1 given back\n")
            self.assert_gone_in_time(started)
            (task,) = self.json("list")
            self.assertEqual((task["status"], task["failures"]), ("backlog", 0))
            (attempt,) = self.json("show", task["id"])["attempts"]
            self.assertEqual(attempt["outcome"], "lost")
            self.assertIn("**Outcome:** lost (its worker died)", self.read(os.path.join(self.home, attempt["report"])))

    def test_a_second_signal_ends_agents_and_costs_nothing(self):
        run = self.begin("ignores TERM")
        run.send_signal(signal.SIGTERM)
        while not run.stdout.readline().startswith(b"stopping"):  # the second begins when it has heard the first
            self.assertIsNone(run.poll())
        time.sleep(1.1)
        self.assertIsNone(run.poll())
        self.assertFalse(self.is_gone())
        started = time.monotonic()
        run.send_signal(signal.SIGTERM)
        self.assertEqual(run.wait(60), 130)
        self.assertTrue(self.is_gone())
        self.assertLess(time.monotonic() - started, KILL_AFTER + 1 + LEEWAY)
        (task,) = self.json("list")
        self.assertEqual((task["status"], task["failures"]), ("backlog", 0))


LEEWAY = 6.0  # seconds for a loaded machine and the start of a command, beyond what is promised
LONGER = [0.5 * 2**number for number in range(7)]  # seconds for an attempt in which something has to happen first


class Bystanders(Case):
    def test_a_process_with_the_same_pid_is_not_signalled(self):
        bystander = subprocess.Popen(["sleep", "60"], start_new_session=True)
        self.addCleanup(bystander.wait)
        self.addCleanup(bystander.kill)
        seen = process.look(bystander.pid)
        for number in (signal.SIGTERM, signal.SIGKILL):
            process.send_signal(seen._replace(start=seen.start - 1), number)
        agent = process.identify(bystander.pid)
        found = process_tree.Tree("0" * 36, 1, agent._replace(start=agent.start - 1))
        self.assertEqual(found.members(), [])
        found = process_tree.Tree("0" * 36, 1, agent._replace(boot="another"))
        self.assertEqual(found.members(), [])
        self.assertIsNone(bystander.poll())
        self.assertTrue(agent.is_alive())
        self.assertFalse(agent._replace(start=agent.start - 1).is_alive())

    def test_marks_of_another_attempt_or_home_do_not_match(self):
        code = f"""import sys; sys.path.insert(0, {ROOT!r})
import os, subprocess; from txlite.system import process_tree
process_tree.mark_children("abcdef0" + "0" * 29, 12)
os.environ["TXLITE_ATTEMPT"] = "abcdef0" + "0" * 29 + ":12"
print(subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid)"""
        pid = int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        self.addCleanup(os.kill, pid, signal.SIGKILL)
        self.assertTrue(process_tree.is_marked(pid, "abcdef0" + "0" * 29, 12))
        for home, attempt in (("abcdef0" + "0" * 29, 1), ("abcdef0" + "0" * 29, 123), ("abcdef1" + "0" * 29, 12)):
            self.assertFalse(process_tree.is_marked(pid, home, attempt))

    def test_one_that_goes_on_while_others_are_looked_at_is_found(self):
        code = f"""import sys; sys.path.insert(0, {ROOT!r})
import subprocess, uuid; from txlite.system import process, process_tree
home, read = str(uuid.uuid4()), process.table
process_tree.mark_children(home, 12)
child = subprocess.Popen(["sleep", "60"])
def table(*arguments):
    found = read(*arguments)
    child.kill(); child.wait()  # as a link of a chain, whose successor came too late for the table
    return found
process.table = table
print(child.pid, *[one.pid for one in process_tree.Tree(home, 12, None).members()])"""
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout.split()
        self.assertEqual(out, [out[0]] * 2)

    def test_children_that_were_there_before_and_their_daemons_are_left_alone(self):
        mark = f"bystander-{os.getpid()}"
        batch = self.batch("test -e go && exit; touch started; sleep 600")
        sleeper = f"setsid bash -c 'exec -a {mark} sleep 600' &"
        run = subprocess.Popen(
            ["bash", "-c", f"(sleep 0.5; {sleeper}) & exec {sys.executable} -m txlite run --workers 1 --from {batch}"],
            cwd=self.directory, env=self.environment, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        self.addCleanup(lambda: [os.kill(pid, signal.SIGKILL) for pid in running(mark)])
        wait_until(lambda: running(mark) and os.path.exists(self.path("started")), "the bystander and the agent")
        with open(self.path("go"), "w"):
            pass
        os.kill(self.worker_pids()[0], signal.SIGKILL)
        self.assertEqual(run.wait(60), 0)
        self.assertTrue(running(mark))

    def test_daemons_left_on_purpose_live_on(self):
        mark = f"daemon-{os.getpid()}"
        self.txlite("init")
        with open(os.path.join(self.home, "config.ini"), "w") as file:
            command = f"setsid bash -c 'exec -a {mark} sleep 600' >&- 2>&- &"
            file.write(f'[agent d]\ncommand = bash -c "{command}"\ndaemons = yes\n')
        self.addCleanup(lambda: [os.kill(pid, signal.SIGKILL) for pid in running(mark)])
        self.txlite("add", "a prompt", "--score", "9")
        self.txlite("add", "--", "setsid sleep 600 & true")
        self.txlite("run", "--workers", "1", "--agent", "d", "--kill-after", "0.3")
        wait_until(lambda: len(running(mark)) == 1, "the daemon, which may have its name later than the run its end")

    def test_what_cannot_be_killed_is_named(self):
        if os.geteuid():
            self.skipTest("needs root, to become somebody else")
        code = f"""import sys; sys.path.insert(0, {ROOT!r})
import os, subprocess, time; from txlite.system import process, process_tree
process_tree.KILL_PATIENCE = 0.3
child = subprocess.Popen(["sleep", "60"], start_new_session=True, stdout=-3, stderr=-3)
agent = process.identify(child.pid)
os.setresuid(65534, 65534, 65534)
ending = process_tree.Ending(process_tree.Tree("0" * 36, 1, agent), 0.1)
while not ending.is_over:
    time.sleep(ending.step())
print(child.pid, *[one.pid for one in ending.survivors])"""
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout.split()
        os.kill(int(out[0]), signal.SIGKILL)
        self.assertEqual(out, [out[0]] * 2)


class Dead(Case):
    def test_a_killed_worker_is_replaced_and_its_task_run_again(self):
        batch = self.batch("echo $TXLITE_TOKEN >> log; until test -e go; do sleep 0.02; done")
        run = self.start("run", "--from", batch, "--workers", "1", "--max-attempts", "1")
        for number in range(1, 4):
            wait_until(lambda: self.read("log").count("\n") >= number, f"attempt {number}")
            os.kill(self.worker_pids()[-1], signal.SIGKILL)
        with open(self.path("go"), "w"):
            pass
        self.assertEqual(run.wait(60), 0)
        tokens = self.read("log").split()
        self.assertEqual(tokens, sorted(tokens, key=int))
        outcomes = [attempt["outcome"] for attempt in self.json("show", self.json("list")[0]["id"])["attempts"]]
        self.assertEqual((outcomes[:3], outcomes[-1]), (["lost"] * 3, "done"))
        self.assertFalse([name for name in self.reports() if "TEMP" in name])

    def test_a_worker_whose_supervisor_died_finishes_and_leaves(self):
        batch = self.batch(
            "touch started; while ! test -e go; do sleep 0.02; done; echo end >> log", "echo next >> log"
        )
        run = self.start("run", "--from", batch, "--workers", "1")
        wait_until(lambda: os.path.exists(self.path("started")), "the agent to start")
        (worker,) = self.worker_pids()
        run.kill()
        run.wait()
        with open(self.path("go"), "w"):
            pass
        wait_until(lambda: not is_running(worker), "the worker to leave")
        self.assertEqual(self.read("log"), "end\n")
        self.assertEqual(sorted(task["status"] for task in self.json("list")), ["backlog", "done"])
        self.txlite("run", "--from", batch)
        self.assertEqual(self.read("log"), "end\nnext\n")

    def test_a_worker_that_is_late_keeps_its_claim(self):
        run = self.start("run", "--from", self.batch("touch started; sleep 60"), "--workers", "1")
        wait_until(lambda: os.path.exists(self.path("started")), "the agent to start")
        (worker,) = self.worker_pids()
        os.kill(worker, signal.SIGSTOP)
        with txlite.open(self.home) as store:
            with store.db.writing() as connection:
                connection.execute("UPDATE claims SET deadline = 0, expires = '2000'")
            self.assertEqual(Recovery(store).run(), 0)
            self.assertEqual((len(store.claims()), store.expired()), (1, []))
        os.kill(worker, signal.SIGCONT)
        run.send_signal(signal.SIGQUIT)
        self.assertEqual(run.wait(60), 130)

    def test_a_bug_over_one_task_is_its_failure(self):
        store = self.store()
        store.add(command="true")
        with store.db.writing() as connection:
            connection.execute("UPDATE task_texts SET directory = '/tmp/a' || char(0) || 'b'")
        store.add(command="echo fine >> log", directory=self.directory)
        self.assertIn("1 done", self.txlite("run", "--max-attempts", "1", code=1).replace("1 failed", ""))
        self.assertEqual(self.read("log"), "fine\n")
        self.assertEqual(store.claims(), [])

    def test_a_claim_that_a_worker_left_behind(self):
        store = self.store()
        task = store.add(command="true")
        elsewhere = f"999999 1 {clock.boot()} pid:[1]"  # another container
        store.register(txlite.Worker("worker-gone", "x", None, "", "h", elsewhere, 1.0, "", "", None))
        store.claim_next("worker-gone", [txlite.Lane("command")], "shell")
        store.retire("worker-gone")
        self.assertEqual(Recovery(store).run(), 0)  # its processes could not be seen: its lease decides
        with store.db.writing() as connection:
            connection.execute("UPDATE claims SET deadline = 0")
        self.assertEqual(Recovery(store).run(), 1)
        self.assertEqual(store.get(task.id).status, "backlog")

    def test_what_processes_left_that_died_before_or_after_their_time(self):
        store = self.store()
        self.txlite("run", "--from", self.batch("true"))
        for name in ("locks/worker-early", "wake/.worker-early", "wake/worker-late"):
            with open(os.path.join(self.home, name), "w"):
                pass
        live = Liveness(store.lock_path("worker-starting"))
        Recovery(store).run()
        self.assertEqual(os.listdir(os.path.join(self.home, "locks")), ["worker-starting"])
        self.assertEqual(os.listdir(os.path.join(self.home, "wake")), [])
        live.release()

    def test_several_recover_at_once(self):
        run = self.start("run", "--from", self.batch(*["sleep 600"] * 4), "--kill-after", "0.3")
        wait_until(
            lambda: len(self.worker_pids()) == 4 and self.json("status", "--stats")["tasks"]["active"] == 4,
            "four agents",
        )
        pids = self.worker_pids()
        for pid in (run.pid, *pids):
            os.kill(pid, signal.SIGKILL)
        run.wait()
        recoverers = [self.start("reconcile") for _ in range(4)]
        outs = [one.communicate(timeout=60) for one in recoverers]
        self.assertEqual([one.returncode for one in recoverers], [0] * 4, outs)
        self.assertEqual(sum(int(out.split()[0]) for out, _ in outs), 4)
        self.assertEqual(self.json("status", "--stats")["tasks"]["backlog"], 4)
        self.assertEqual(os.listdir(os.path.join(self.home, "locks")), [])

    def test_lock_files_tidied_away_do_not_make_a_worker_dead(self):
        run = self.start("run", "--from", self.batch("touch started; while ! test -e go; do sleep 0.02; done"))
        wait_until(lambda: os.path.exists(self.path("started")), "the agent to start")
        for name in os.listdir(os.path.join(self.home, "locks")):
            os.unlink(os.path.join(self.home, "locks", name))
        self.assertEqual(self.txlite("reconcile"), "0 given back\n")
        with open(self.path("go"), "w"):
            pass
        self.assertEqual(run.wait(60), 0)


if __name__ == "__main__":
    unittest.main()
