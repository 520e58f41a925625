"""Attempts as jobs of Slurm: run, refused, stopped, left by killed workers and taken over."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
import unittest
from contextlib import suppress
from typing import Any

from txlite.errors import UsageError
from txlite.execution.executors.slurm_options import parse_options

from ..case import running, wait_until, without_privileges
from .case import SlurmCase

SHARED = "[txlite]\nslurm_shared = yes\nslurm = --mem=100M\n"


class JobCase(SlurmCase):
    def setUp(self) -> None:
        super().setUp()
        os.makedirs(self.home, 0o700)
        self.write_config(SHARED)

    def jobs(self) -> list[str]:
        """The names of this home's jobs that are not over."""
        return self.cluster.run("squeue", "-h", "--me", "-o", "%j").stdout.split()

    def tickets(self) -> list[str]:
        """What lies there of attempts."""
        return [name for name in os.listdir(os.path.join(self.home, "tickets")) if not name.startswith(".")]

    def attempts(self, task: str) -> list:
        with self.store() as store:
            return store.attempts(task)

    def only(self) -> dict:
        return self.json("list", "--json")[0]


class Jobs(JobCase):
    def test_a_batch_runs_on_the_nodes(self) -> None:
        said = self.txlite(
            "run",
            "--executor",
            "slurm",
            "--from",
            "-",
            stdin=b"".join(b"echo %d on $(hostname)\n" % number for number in range(12)),
        )
        self.assertIn("12 done", said)
        tails = [self.attempts(task["id"])[0] for task in self.json("list", "--json")]
        self.assertLessEqual({one.tail.split()[2] for one in tails}, {"n1", "n2"})
        for one in tails:
            self.assertRegex(one.place, r"^job \d+ on n[12]$")
        self.assertEqual(self.tickets(), [])
        self.assertEqual(len(self.reports()), 12)

    def test_what_jobs_wrote_is_printed_whole_and_in_order(self) -> None:
        self.write_config(SHARED + "output_cap = 2k\n")
        lines = b"".join(b"sleep 0.%d; seq %d\n" % (9 - 3 * place, 1000 + place) for place in range(3))
        out = self.txlite("run", "-k", "--executor", "slurm", "--from", "-", stdin=lines)
        wanted = [number for place in range(3) for number in range(1, 1001 + place)]
        self.assertEqual(list(map(int, out.split())), wanted)
        self.assertEqual(os.listdir(os.path.join(self.home, "outputs")), [])

    def test_what_it_gets_is_what_a_local_one_gets(self) -> None:
        script = 'echo "$TXLITE_TASK $TXLITE_TOKEN $FOO $PWD"; cat; cat /proc/self/status | grep SigIgn; exit 3'
        os.makedirs(self.path("it's a 'place'"))
        task = self.txlite(
            "add",
            "--quiet",
            "--env",
            "FOO=a 'b'\nc",
            "--max-attempts",
            "1",
            "--",
            script,
            cwd=self.path("it's a 'place'"),
        ).strip()
        self.txlite("run", "--executor", "slurm", "--slurm", "--export=NONE", code=1)
        one = self.attempts(task)[0]
        self.assertEqual((one.outcome, one.exit_code), ("failed", 3))
        self.assertIn(f"{task} {one.id} a 'b'\nc {self.path('it')}", one.tail)
        self.assertRegex(one.tail, r"SigIgn:\s+0000000000000000")

    def test_the_prompt_is_its_stdin_and_its_own_word_counts(self) -> None:
        self.write_config(SHARED + "[agent tool]\ncommand = sh -c 'cat; touch $TXLITE_DONE_FILE; exit 7'\n")
        task = self.txlite("add", "--quiet", "Explain it's", "-d", "All\nof it").strip()
        self.txlite("run", "--executor", "slurm", "--agent", "tool")
        one = self.attempts(task)[0]
        self.assertEqual((one.outcome, one.exit_code), ("done", 7))
        self.assertIn("Explain it's\n\nAll\nof it", one.tail)

    def test_what_its_agent_said_it_cost_is_told_and_bounded(self) -> None:
        said = """echo '{"type": "result", "total_cost_usd": 0.25, "num_turns": 2}'"""
        agent = "[agent tool]\ncommand = sh said\nresults = claude\n"
        with open(self.path("said"), "w") as file:
            file.write(f"{said}; exit 7\n")
        self.write_config(SHARED + agent)
        task = self.txlite("add", "--quiet", "a prompt", "--max-cost", "0.2").strip()
        self.txlite("run", "--executor", "slurm", "--agent", "tool", code=1)
        (one,) = self.json("show", task)["attempts"]
        self.assertEqual((one["usages"][0]["cost"], one["usages"][0]["turns"]), (0.25, 2))
        self.assertEqual(one["note"], "its task's attempts have cost $0.25, of $0.20 at most")

    def test_a_task_can_ask_for_a_job(self) -> None:
        task = self.txlite("add", "--quiet", "--slurm", "--nodelist=n2", "--", "hostname").strip()
        self.assertIn("slurm", self.txlite("run", code=1), "no local worker takes it")
        self.txlite("run", "--executor", "slurm", "--slurm", "--nodelist=n1")
        self.assertEqual(self.attempts(task)[0].tail, "n2\n")

    def test_nothing_of_it_is_left_on_its_node(self) -> None:
        line = f"setsid sh -c 'trap : TERM; sleep {self.nap} & wait; wait' & exit 0"
        self.txlite("run", "--executor", "slurm", "--kill-after", "1", "--", line)
        self.assertEqual(running(self.nap), [])

    def test_queued_and_running_are_told_apart(self) -> None:
        process = self.start("run", "--executor", "slurm", "--slurm", "--exclusive", "--from", "-", stdin=-1)
        process.stdin.write(b"".join(b"while [ ! -e go ]; do sleep 0.1; done # %d\n" % number for number in range(3)))
        process.stdin.close()
        wait_until(lambda: self.states() == ["queued", "running", "running"], "one that waits for a node")
        wait_until(
            lambda: "Resources" in self.txlite("status") or "Priority" in self.txlite("status"), "Slurm's reason"
        )
        seen = next(one for one in self.json("status", "--json") if one["status"] == "queued")
        self.assertRegex(seen["place"], r"^job \d+$")
        open(self.path("go"), "w").close()
        self.assertEqual(process.wait(60), 0)

    def states(self) -> list[str]:
        return sorted(one["status"] for one in self.json("status", "--json"))

    def test_its_output_is_followed_while_it_runs(self) -> None:
        process = self.start(
            "run", "--executor", "slurm", "--", "echo early; while [ ! -e go ]; do sleep 0.1; done; echo late"
        )
        task = wait_until(lambda: self.json("list", "--json"), "the task")[0]["id"]
        follower = self.start("logs", "-f", task, stdout=-1)
        self.assertEqual(follower.stdout.readline(), b"early\n")
        open(self.path("go"), "w").close()
        self.assertEqual(follower.communicate(timeout=60)[0], b"late\n")
        process.wait(60)


class Refusals(JobCase):
    def refuse(self, *arguments: str, code: int = 1, **options: Any) -> str:
        process = self.start("run", "--executor", "slurm", *arguments, "--", "true", stderr=-1, **options)
        words = process.communicate(timeout=60)[1].decode()
        self.assertEqual(process.returncode, code, words)
        self.assertEqual(len(words.splitlines()), 1, words)
        self.assertEqual(self.jobs(), [])
        return words

    def test_slurms_own_words(self) -> None:
        self.assertIn("invalid partition specified: nope", self.refuse("--slurm", "-p nope"))
        self.assertIn("nrecognized option '--fooo=1'", self.refuse("--slurm", "--fooo=1"))
        self.assertEqual(self.json("list", "--json"), [])

    def test_options_that_would_break_it(self) -> None:
        self.assertIn("--array (array) is not for you", self.refuse("--slurm", "--array=1-3", code=64))

    def test_no_slurm_here(self) -> None:
        os.makedirs(self.path("bin"))
        self.environment["PATH"] = self.path("bin")
        self.assertIn("sbatch is not on PATH", self.refuse())

    def test_a_home_that_nodes_do_not_see(self) -> None:
        self.write_config("[txlite]\nslurm = --mem=100M\n")
        self.assertIn("other nodes do not see", self.refuse(code=69))
        self.write_config("[txlite]\nslurm_shared = true\n")
        self.assertIn("config.ini, line 2, [txlite]: slurm_shared: it is 'true': give yes or no", self.refuse(code=64))

    def test_tickets_that_cannot_be_written(self) -> None:
        os.mkdir(os.path.join(self.home, "tickets"), 0o500)
        words = self.refuse(code=69, preexec_fn=without_privileges)
        self.assertRegex(words, r"/tickets cannot be written \(Permission denied\), .*: change its rights\n$")
        self.assertEqual(self.json("list", "--json"), [])

    def test_a_slurm_that_takes_long_to_answer_is_told_of(self) -> None:
        controller = self.cluster.processes["slurmctld"]
        controller.send_signal(signal.SIGSTOP)
        try:
            process = self.start("run", "--executor", "slurm", "--", "true", stdout=-1)
            said = process.stdout.readline()
        finally:
            controller.send_signal(signal.SIGCONT)
        self.assertEqual(said, b"Slurm has not answered yet, and is waited for (sbatch)\n")
        self.assertIn(b"1 done", process.communicate(timeout=120)[0])

    def test_an_executor_that_is_none(self) -> None:
        process = self.start("run", "--executor", "pbs", "--", "true", stderr=-1)
        self.assertIn(b"unknown executor 'pbs'", process.communicate(timeout=60)[1])
        self.assertEqual(process.returncode, 64)


class Stopping(JobCase):
    LINE = "trap 'echo got TERM; exit 5' TERM; echo up; while :; do sleep 0.1; done"

    def begin(self, *options: str, line: str = LINE) -> tuple:
        """A run whose one task has said "up": its process, and the task's id."""
        process = self.start("run", "--executor", "slurm", *options, "--", line, stdout=-1, stderr=-2)
        wait_until(lambda: [one for one in self.json("status", "--json") if one["status"] == "running"], "it")
        task = self.only()["id"]
        wait_until(lambda: "up" in self.txlite("logs", task), "its output")
        return process, task

    def test_stop_reaches_it(self) -> None:
        process, task = self.begin()
        self.txlite("stop", task)
        process.wait(60)
        one = self.attempts(task)[0]
        self.assertEqual(one.outcome, "cancelled")
        self.assertRegex(one.tail, r"\Aup\n(Terminated\n)?got TERM\n\Z")  # said of its sleep, if there is one just then
        self.wait_for_no_jobs()

    def test_what_does_not_heed_term_is_killed(self) -> None:
        process, task = self.begin(
            "--kill-after", "1", line=f"trap '' TERM; echo up; sleep {self.nap} & while :; do sleep 1; done"
        )
        self.txlite("stop", task)
        process.wait(60)
        self.assertEqual(self.attempts(task)[0].outcome, "cancelled")
        self.assertEqual(running(self.nap), [])

    def test_a_time_limit_counts_from_its_start_there(self) -> None:
        self.txlite("run", "--executor", "slurm", "--timeout", "2", "--max-attempts", "1", "--", self.LINE, code=1)
        one = self.attempts(self.only()["id"])[0]
        self.assertEqual((one.outcome, one.note), ("timeout", "it ran longer than 2 s"))
        self.assertIn("got TERM", one.tail)

    def test_ctrl_c_gives_back_what_waits_and_lets_what_runs_finish(self) -> None:
        command = ["run", "--executor", "slurm", "--slurm", "--exclusive", "--from", "-"]
        process = self.start(*command, stdin=-1, stdout=-3, stderr=-1)
        process.stdin.write(b"".join(b"while [ ! -e go ]; do sleep 0.1; done # %d\n" % number for number in range(3)))
        process.stdin.close()
        process.stdin = None
        wait_until(
            lambda: sorted(one["status"] for one in self.json("status", "--json")) == ["queued", "running", "running"],
            "two that run",
        )
        self.interrupt(process)
        wait_until(lambda: len(self.jobs()) == 2, "the end of the job that waits")
        open(self.path("go"), "w").close()
        words = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, 130)
        self.assertIn(b"interrupted: `txlite run --executor slurm` goes on where it stopped\n", words)
        self.assertEqual(sorted(task["status"] for task in self.json("list", "--json")), ["backlog", "done", "done"])
        self.wait_for_no_jobs()

    def test_a_second_one_gives_back_all(self) -> None:
        process, task = self.begin()
        self.interrupt(process)
        next(line for line in process.stdout if line.startswith(b"stopping"))  # it has heard the first
        time.sleep(1.1)  # closer together they are one
        self.interrupt(process)
        self.assertEqual(process.wait(60), 130)
        one = self.attempts(task)[0]
        self.assertEqual((one.outcome, self.only()["status"]), ("interrupted", "backlog"))
        self.wait_for_no_jobs()

    def interrupt(self, process: subprocess.Popen[bytes]) -> None:
        os.kill(process.pid, signal.SIGINT)


class Killed(JobCase):
    LINE = "echo begin $TXLITE_TOKEN >> log; while [ ! -e go ]; do sleep 0.1; done; echo end $TXLITE_TOKEN >> log"

    def begin(self, count: int = 4) -> subprocess.Popen[bytes]:
        process = self.start("run", "--executor", "slurm", "--from", "-", stdin=-1, stdout=-3)
        process.stdin.write(b"".join(f"{self.LINE} # {number}\n".encode() for number in range(count)))
        process.stdin.close()
        wait_until(lambda: self.read("log").count("begin") == count if os.path.exists(self.path("log")) else 0, "all")
        return process

    def finish(self) -> None:
        open(self.path("go"), "w").close()

    def test_a_killed_worker_s_jobs_are_taken_over(self) -> None:
        process = self.begin()
        (first,) = self.worker_pids()
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: set(self.worker_pids()) - {first}, "another worker")
        self.finish()
        self.assertEqual(process.wait(60), 0)
        self.assertEqual((self.read("log").count("begin"), self.read("log").count("end")), (4, 4))

    def test_jobs_go_on_without_anybody_and_are_taken_over_by_the_next_run(self) -> None:
        process = self.begin()
        self.kill_all(process)
        self.assertEqual({one["status"] for one in self.json("status", "--json")}, {"running"})
        self.assertIn("4 attempts go on as jobs without a run here", self.txlite("status"))
        self.assertEqual(len(self.jobs()), 4)
        self.finish()
        self.assertIn("4 done", self.txlite("run", "--executor", "slurm"))
        self.assertEqual((self.read("log").count("begin"), self.read("log").count("end")), (4, 4))
        self.assertEqual({len(self.attempts(task["id"])) for task in self.json("list", "--json")}, {1})
        self.assertEqual((len(self.reports()), [name for name in self.reports() if "TEMP" in name]), (4, []))

    def test_who_only_looks_records_those_that_have_ended_as_a_run_would(self) -> None:
        line = "while [ ! -e go ]; do sleep 0.1; done; echo over; exit 3"
        process = self.start("run", "--executor", "slurm", "--max-attempts", "2", "--", line, stdout=-3)
        wait_until(lambda: [one for one in self.json("status", "--json") if one["status"] == "running"], "it")
        self.kill_all(process)
        self.finish()
        wait_until(lambda: self.json("status", "--json")[0]["status"] == "failed", "its end")
        one = self.attempts(self.only()["id"])[0]
        self.assertEqual((one.outcome, one.exit_code, one.tail), ("failed", 3, "over\n"))
        self.assertEqual((self.only()["status"], self.tickets()), ("backlog", []), "it has another attempt")

    def test_here_they_are_ended_before_their_tasks_run(self) -> None:
        process = self.begin(2)
        self.kill_all(process)
        local = self.start("run", stdout=-3)
        wait_until(lambda: self.read("log").count("begin") == 4, "them, here")
        self.wait_for_no_jobs()
        self.finish()
        self.assertEqual(local.wait(60), 0)
        self.assertEqual({len(self.attempts(task["id"])) for task in self.json("list", "--json")}, {2})

    def test_a_job_whose_ticket_is_gone_runs_nothing(self) -> None:
        process = self.start("run", "--executor", "slurm", "--slurm", "--hold", "--", "touch ran", stdout=-3)
        wait_until(self.jobs, "its job")
        self.kill_all(process)
        os.rename(*(os.path.join(self.home, "tickets", name) for name in ("1", "1.revoked")))
        job = self.cluster.run("squeue", "-h", "--me", "-o", "%i").stdout.strip()
        self.cluster.scontrol("release", job)
        self.assertEqual(self.wait_for_job(job, "FAILED", "COMPLETED"), "FAILED")
        self.assertFalse(os.path.exists(self.path("ran")))

    def test_a_killed_guard_leaves_nothing_on_its_node(self) -> None:
        process = self.begin(1)
        os.kill(self.find_guards()[0], signal.SIGKILL)
        wait_until(lambda: self.read("log").count("begin") == 2, "a second attempt")
        first, second = self.read("log").split("\n")[:2]
        self.assertNotEqual(first, second)
        self.finish()
        self.assertEqual(process.wait(60), 0)
        self.assertEqual(self.read("log").count("end"), 1)

    def find_guards(self) -> list[int]:
        """The shells that jobs start with, and not what watches over them."""
        found = []
        pids = [pid for node in self.cluster.nodes for pid in self.cluster.hosts[node].pids().values()]
        for pid in pids:
            with suppress(FileNotFoundError, ProcessLookupError):  # what ran a moment ago
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    is_guard = b"slurm_script" in file.read()
                with open(f"/proc/{pid}/status") as file:
                    parent = re.search(r"^PPid:\t(\d+)", file.read(), re.M)[1]
                with open(f"/proc/{parent}/cmdline", "rb") as file:
                    found += [pid] if is_guard and b"slurmstepd" in file.read() else []
        return found


class Others(JobCase):
    def test_a_worker_that_stays(self) -> None:
        worker = self.start("worker", "start", "--executor", "slurm", stdout=-1)
        worker.stdout.readline()
        tasks = [self.txlite("add", "--quiet", "--", "hostname").strip() for _ in range(3)]
        wait_until(lambda: {task["status"] for task in self.json("list", "--json")} == {"done"}, "all")
        self.assertEqual({self.attempts(task)[0].tail[0] for task in tasks}, {"n"})
        worker.terminate()
        self.assertEqual(worker.wait(60), 0)
        worker.stdout.close()

    def test_a_loop_s_agents_and_gates_run_there_and_its_git_here(self) -> None:
        for words in ("init -q", "config user.email a@b", "config user.name n", "commit -q --allow-empty -m one"):
            subprocess.run(["git", *words.split()], cwd=self.directory, check=True)
        self.write_config(
            SHARED + "[agent tool]\ncommand = sh -c 'hostname > agent; touch $TXLITE_DONE_FILE; exit 1'\n"
        )
        task = self.txlite("add", "--quiet", "Where are you").strip()
        self.txlite("ralph", "--agent", "tool", "--executor", "slurm", "--verify", "hostname > gate; test -s agent")
        shown = subprocess.run(["git", "show", "HEAD:agent"], cwd=self.directory, stdout=-1, check=True).stdout
        self.assertIn(shown, (b"n1\n", b"n2\n"))
        one = self.attempts(task)[0]
        self.assertEqual((one.outcome, one.note), ("done", "it had said done"))
        self.assertRegex(one.place, r"^job \d+ on n[12]$")
        self.assertEqual(self.tickets(), [])


class Silence(JobCase):
    def test_a_slurm_that_does_not_answer_is_waited_for_and_told_of_once(self) -> None:
        process = self.start(
            "run", "--executor", "slurm", "--", "touch up; while [ ! -e go ]; do sleep 0.1; done", stdout=-1, stderr=-2
        )
        wait_until(lambda: os.path.exists(self.path("up")), "its start")
        self.cluster.kill("slurmctld", signal.SIGTERM)
        try:
            second = self.txlite("add", "--quiet", "--", "echo second").strip()
            lines = [process.stdout.readline() for _ in range(2)]
            self.assertRegex(lines[1], rb"^Slurm does not answer, and is waited for: .*Unable to contact")
            open(self.path("go"), "w").close()
            wait_until(lambda: "done" in [task["status"] for task in self.json("list", "--json")], "an end seen")
        finally:
            self.cluster.start_controller()
            self.cluster.wait_for_nodes(*self.cluster.nodes)
        said = process.communicate(timeout=100)[0].decode()
        self.assertEqual((process.returncode, said.count("does not answer"), said.count("answers again")), (0, 0, 1))
        self.assertEqual([one.outcome for one in self.attempts(second)], ["done"])

    def test_where_it_does_not_answer_a_run_can_be_left_at_once(self) -> None:
        process = self.start("run", "--executor", "slurm", "--", "touch up; sleep 600", stdout=-3)
        wait_until(lambda: os.path.exists(self.path("up")), "its start")
        self.cluster.kill("slurmctld", signal.SIGTERM)
        try:
            process.send_signal(signal.SIGQUIT)
            self.assertEqual(process.wait(60), 130)
            self.assertEqual(self.only()["status"], "active")
        finally:
            self.cluster.start_controller()
            self.cluster.wait_for_nodes(*self.cluster.nodes)
        process = self.start("run", "--executor", "slurm", stdout=-3)
        wait_until(lambda: len(self.attempts(self.only()["id"])) == 2, "another attempt")
        self.assertEqual(self.attempts(self.only()["id"])[0].outcome, "interrupted")


class Options(unittest.TestCase):
    def test_words(self) -> None:
        words = "--mem=4G --time 1:00:00 -p short -N1 --exclusive --comment 'two words'"
        self.assertEqual(parse_options(words)[-1], "two words")

    def test_refused(self) -> None:
        for words in (
            "--array=1-3", "--arr=1", "-a1", "-a 1", "--requeue", "-W", "--wait", "--job-name=x", "-Jx", "-HWs", "-o x",
            "--output x", "--err=x", "--wrap true", "-Mother", "--clusters=a", "foo", "--mem=1 foo", "'", "--",
            "-D /tmp", "--test-only", "--help",
        ):  # fmt: skip
            with self.subTest(words), self.assertRaises(UsageError):
                parse_options(words)

    def test_not_refused(self) -> None:
        for words in (
            "",
            "--export=NONE",
            "--wait-all-nodes=1",
            "--no-requeue",
            "-H",
            "--hold",
            "-n 2",
            "--dependency=afterok:1",
        ):
            with self.subTest(words):
                parse_options(words)
