"""RALPH: the loop, its prompt and its judgement; git in one working tree and in many; its end and the morning after."""

import json
import os
import signal
import subprocess
import time
import unittest

import txlite

from ..case import ROOT, Case, running, wait_until

# The prompt of a task is a script for sh: what its agent does.
SCRIPTED = "[agent scripted]\ncommand = sh {prompt}\nprompt = file\n"


class Ralph(Case):
    """A git repository with a home in it, and an agent that does what its task's description says."""

    git = True

    def setUp(self):
        super().setUp()
        self.environment.update(GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_SYSTEM="/dev/null", LC_ALL="C.UTF-8")
        if self.git:
            self.run_git("init", "-q", "-b", "main")
            self.run_git("config", "user.name", "A Person")
            self.run_git("config", "user.email", "person@example.org")
            self.write("readme", "one\n")
            self.commit("first")
        txlite.open(self.home).close()
        os.mkdir(os.path.join(self.home, "templates"))
        self.write(".txlite/templates/ralph-task.md", "{{TASK_DESCRIPTION}}\n")
        self.configure("")

    def configure(self, more):
        self.write(".txlite/config.ini", SCRIPTED + more)

    def write(self, name, text):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        return path

    def run_git(self, *words, code=0):
        done = subprocess.run(
            ["git", *words], cwd=self.directory, env=self.environment, text=True, check=False, capture_output=True
        )
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout

    def commit(self, message):
        self.run_git("add", "-A", "--", ":/", ":(exclude).txlite")
        self.run_git("commit", "-q", "-m", message)

    def add(self, script, title="a task", **more):
        """A task whose agent runs this script; its id."""
        with txlite.open(self.home) as store:
            return store.add(title, description=script, **{"directory": self.directory, **more}).id

    def ralph(self, *options, code=0, agent="scripted", **more):
        return self.txlite("ralph", "--agent", agent, "--max-attempts", "1", *options, code=code, **more)

    def log(self, branch="main"):
        """The subjects of a branch, newest first."""
        return self.run_git("log", "--format=%s", branch).splitlines()

    def status_of(self, task):
        with txlite.open(self.home, read_only=True) as store:
            return store.get(task).status

    def attempts(self, task):
        with txlite.open(self.home, read_only=True) as store:
            return store.attempts(task)

    def last(self, task):
        """The task's last attempt."""
        return self.attempts(task)[-1]

    def parked(self):
        return self.run_git("for-each-ref", "--format=%(refname)", "refs/txlite").split()

    def assert_clean(self):
        self.assertEqual(self.run_git("status", "--porcelain", "--", ":/", ":(exclude).txlite"), "")


class Loop(Ralph):
    def test_a_commit_for_each_task_in_the_order_of_the_queue(self):
        first = self.add("echo 1 > one", "low")
        second = self.add("echo 2 > two", "high", score=5)
        third = self.add("test -e one && test -e two && echo 3 > three", "last", after=[first])
        self.ralph()
        subjects = [f"Complete {third}: last", f"Complete {first}: low", f"Complete {second}: high", "first"]
        self.assertEqual(self.log(), subjects)
        self.assert_clean()
        self.assertNotIn(".txlite", self.run_git("ls-files"))

    def test_a_task_without_changes_is_no_commit(self):
        task = self.add("true")
        self.ralph()
        self.assertEqual((self.status_of(task), self.log()), ("done", ["first"]))

    def test_a_bad_task_is_put_aside_and_the_others_go_on(self):
        bad = self.add("echo half > file; exit 3", "bad", score=9)
        good = [self.add(f"echo {number} > file-{number}") for number in range(3)]
        told = self.ralph("--max-attempts", "2", code=1)
        self.assertEqual([self.status_of(task) for task in [bad, *good]], ["failed"] + ["done"] * 3)
        self.assertEqual(self.log()[0].split(":")[0], f"Complete {good[-1]}")
        self.assertIn("put aside after 2 attempts: exit 3", told)
        self.assertIn("refs/txlite/parked/" + bad, told)

    def test_it_ends_when_different_tasks_fail_in_a_row(self):
        tasks = [self.add("sleep 0.3; exit 1") for _ in range(6)]
        told = self.ralph("--max-failures", "3", code=1)
        self.assertIn("3 different tasks failed in a row", told)
        self.assertEqual([self.status_of(task) for task in tasks].count("backlog"), 3)

    def test_one_that_is_done_in_between_makes_it_a_new_row(self):
        for script in ("exit 1", "exit 1", "true", "exit 1", "exit 1", "true"):
            self.add(script)
        self.assertIn("nothing was left to do", self.ralph("--max-failures", "3", code=1))

    def test_max_tasks_counts_those_that_ended(self):
        tasks = [self.add("echo x >> file") for _ in range(4)]
        self.ralph("--max-tasks", "2")
        self.assertEqual([self.status_of(task) for task in tasks], ["done", "done", "backlog", "backlog"])
        self.ralph("--max-tasks", "1", "--workers", "2")
        self.assertEqual([self.status_of(task) for task in tasks].count("done"), 3)

    def test_max_hours(self):
        self.add("true")
        began = time.monotonic()
        self.ralph("--forever", "--max-hours", "0.0005")
        self.assertLess(time.monotonic() - began, 60)
        self.assertIn("its time was over", self.ralph("--report"))

    def test_idle_exit_waits_for_more(self):
        loop = self.start("ralph", "--agent", "scripted", "--idle-exit", "6")
        wait_until(lambda: self.json("worker", "list"), "its worker")
        task = self.add("echo late > late")
        wait_until(lambda: self.status_of(task) == "done", "the task that came late")
        self.assertEqual(loop.wait(30), 0)

    def test_one_loop_for_a_home(self):
        self.add("touch started; while ! test -e go; do sleep 0.02; done; rm -f started go")
        loop = self.start("ralph", "--agent", "scripted")
        wait_until(lambda: os.path.exists(self.path("started")), "the first loop")
        self.ralph("--no-commit", code=1)
        self.assertIn(f"(process {loop.pid})", self.errors)
        other = self.add("true", "for the one beside it")
        self.ralph("--no-commit", "--beside", "--max-tasks", "1")
        self.assertEqual(self.status_of(other), "done")
        self.write("go", "")
        self.assertEqual(loop.wait(30), 0)

    def test_commands_are_judged_and_committed_too(self):
        task = self.txlite("add", "--quiet", "--", "echo built > result").strip()
        self.ralph()
        self.assertEqual(self.log()[0].split(":")[0], f"Complete {task}")

    def test_dry_run_changes_nothing(self):
        self.assertIn("nothing is ready", self.ralph("--dry-run"))
        task = self.add("true", "verify me", verify="make check")
        self.assertIn("make check", self.txlite("show", task))
        shown = self.ralph("--dry-run")
        self.assertIn("argv: sh PROMPT-FILE", shown)
        self.assertIn("gate: make check", shown)
        self.assertEqual((self.status_of(task), self.log()), ("backlog", ["first"]))
        self.assertFalse(os.path.exists(os.path.join(self.home, "loops")))

    def test_options_come_from_config(self):
        self.configure("[ralph]\nagent = scripted\nverify = test -e wanted\nmax_attempts = 1\nno_commit = yes\n")
        bad, good = self.add("true"), self.add("echo x > wanted")
        self.txlite("ralph", code=1)
        self.assertEqual((self.status_of(bad), self.status_of(good), self.log()), ("failed", "done", ["first"]))

    def test_bad_options_are_one_line(self):
        for section, words in (
            ("colour = red", ("unknown option 'colour'",)),
            ("workers = many", ("workers", "whole number")),
            ("forever = perhaps", ("give yes or no",)),
        ):
            self.configure(f"[ralph]\n{section}\n")
            self.ralph(code=64)
            for word in words:
                self.assertIn(word, self.errors)
        self.configure("")
        for options, word in (
            (("--max-tasks", "0"), "whole number from 1"),
            (("--max-hours", "-1"), "give a number above 0"),
            (("--verify", " "), "the gate is empty"),
            (("--forever", "--idle-exit", "3"), "contradict"),
            (("--workers", "2", "--no-worktrees"), "commit each other's work"),
            (("--worktrees", "--no-commit"), "--no-commit"),
            (("--level", "wild"), "unknown level"),
        ):
            self.ralph(*options, code=64)
            self.assertIn(word, self.errors)
        self.ralph(agent="nobody", code=64)
        self.txlite("ralph", "--report", code=2)

    def test_a_loop_of_ones_own_with_the_words_of_tx(self):
        agent = "#!/bin/sh\ntask=${2##* }\ntx show $task > work-$task && tx done $task\n"
        os.chmod(self.write("stand/claude", agent), 0o755)
        self.write(".gitignore", "stand\n")
        self.commit("ignore")
        tools = os.path.join(ROOT, "bin")
        environment = {**self.environment, "PATH": f"{tools}:{self.path('stand')}:{os.environ['PATH']}"}
        tasks = [self.add("-", f"task {number}") for number in range(3)]
        script = """
            while task=$(tx ready --json --limit 1 | grep -o 'tx-[a-z0-9]*' | head -1) && test -n "$task"; do
                claude --print "Do $task"
                git add -A && git commit -q -m "Complete $task"
            done"""
        os.unlink(os.path.join(self.home, "config.ini"))
        os.unlink(os.path.join(self.home, "templates", "ralph-task.md"))
        subprocess.run(["sh", "-c", script], cwd=self.directory, env=environment, check=True, timeout=60)
        self.assertEqual(self.log()[:3], [f"Complete {task}" for task in reversed(tasks)])
        self.assertEqual(
            sorted(self.run_git("ls-files").split()),
            [".gitignore", "readme", *sorted(f"work-{task}" for task in tasks)],
        )


class Judging(Ralph):
    def test_an_exit_of_0_without_the_gate_is_a_failure_and_the_next_one_is_told(self):
        self.write(
            ".txlite/templates/ralph-task.md", "cat <<'END' >> seen\n{{LAST_ATTEMPT}}\nEND\n{{TASK_DESCRIPTION}}"
        )
        task = self.add("echo I am done; echo try >> ../tries-of-the-test; txlite done $TXLITE_TASK")
        gate = "echo the gate says no; cp seen ../seen-by-the-test; test $(wc -l < ../tries-of-the-test) -ge 2"
        self.addCleanup(
            lambda: [os.unlink(self.path(name)) for name in ("../tries-of-the-test", "../seen-by-the-test")]
        )
        self.ralph("--verify", gate, "--max-attempts", "3")
        self.assertEqual([one.outcome for one in self.attempts(task)], ["failed", "done"])
        seen = self.read("../seen-by-the-test")
        self.assertIn("did not pass: the gate failed: exit 1", seen)
        self.assertIn("the gate says no", seen)
        self.assertIn(f"git show refs/txlite/parked/{task}/1", seen)

    def test_a_tasks_own_gate_goes_instead(self):
        task = self.add("true", "own", verify="true")
        self.ralph("--verify", "false")
        self.assertEqual(self.status_of(task), "done")
        self.txlite("update", task, "--verify", "")
        self.txlite("retry", task)
        self.ralph("--verify", "false", code=1)

    def test_a_gate_has_a_time_limit_and_leaves_nothing(self):
        task = self.add("true")
        self.ralph("--verify", f"setsid sleep {self.nap} & sleep {self.nap}", "--verify-timeout", "0.3", code=1)
        self.assertIn("the gate failed: it ran longer than 0.3 s", self.last(task).note)
        self.assertEqual(running(self.nap), [])

    def test_who_said_done_may_exit_with_what_it_likes(self):
        by_word = self.add("txlite done $TXLITE_TASK; exit 7")
        by_file = self.add("echo done > $TXLITE_DONE_FILE; exit 7")
        neither = self.add("echo done; exit 7")
        self.ralph(code=1)
        self.assertEqual([self.status_of(task) for task in (by_word, by_file, neither)], ["done", "done", "failed"])
        self.assertEqual(self.log(), ["first"])

    def test_the_word_of_another_attempt_does_not_count(self):
        task = self.add("TXLITE_TOKEN=999 TXLITE_ATTEMPT= txlite done $TXLITE_TASK; touch .txlite-done-999; exit 1")
        self.ralph(code=1)
        self.assertEqual(self.status_of(task), "failed")

    def test_who_said_done_and_stays_is_stopped(self):
        task = self.add(f"echo work > work; txlite done $TXLITE_TASK; sleep {self.nap}")
        began = time.monotonic()
        self.ralph("--settle", "0.3")
        self.assertLess(time.monotonic() - began, 60)
        self.assertEqual((self.status_of(task), running(self.nap)), ("done", []))
        self.assertEqual(self.log()[0], f"Complete {task}: a task")

    def test_who_does_nothing_any_more_is_stopped(self):
        idle = self.add(f"sleep {self.nap}")
        busy = self.add("for n in 1 2 3 4 5 6; do echo $n; sleep 0.3; done")
        self.ralph("--stall", "2", code=1)
        self.assertEqual((self.status_of(idle), self.status_of(busy)), ("failed", "done"))
        self.assertIn("no output and no CPU time for 2 s", self.last(idle).note)

    def test_a_time_limit_for_each_attempt(self):
        task = self.add("while :; do echo x; sleep 0.05; done")
        self.ralph("--timeout", "0.4", code=1)
        self.assertEqual(self.last(task).outcome, "timeout")

    def test_what_an_agent_may_know(self):
        self.write(
            ".txlite/templates/ralph-task.md", "env | grep TXLITE > seen; txlite show $TXLITE_TASK --json > shown"
        )
        task = self.add("-")
        self.ralph()
        seen = dict(line.split("=", 1) for line in self.read("seen").splitlines())
        self.assertEqual((seen["TXLITE_TASK"], seen["TXLITE_HOME"]), (task, self.home))
        self.assertEqual(seen["TXLITE_DONE_FILE"], self.path(".txlite-done-" + seen["TXLITE_TOKEN"]))
        self.assertEqual(json.loads(self.read("shown"))["id"], task)

    def test_the_prompt(self):
        os.unlink(os.path.join(self.home, "templates", "ralph-task.md"))
        self.configure("[agent reader]\ncommand = sh -c 'cat > prompt'\n")
        before = self.add("true", "what comes first")
        self.txlite("done", before)
        description = 'Do {{TASK_ID}} with "$HOME" and `ls`'
        task = self.add(description, "the title", after=[before], verify="test -e prompt")
        self.ralph(agent="reader")
        prompt = self.read("prompt")
        for part in (f"# Task {task}: the title", description, f"- {before}: what comes first", "`test -e prompt`",
                     f"txlite done {task}", ".txlite-done-"):  # fmt: skip
            self.assertIn(part, prompt)

    def test_the_prompts_size_does_not_grow_with_the_queue(self):
        os.unlink(os.path.join(self.home, "templates", "ralph-task.md"))
        task = self.add("this", "one")
        small = len(self.json("ralph", "--agent", "scripted", "--dry-run")["prompt"])
        with self.store() as store:
            many = store.add_many({"title": f"task {number}"} for number in range(2000))
            for blocker in many[:30]:
                store.done(blocker)
                store.add_dependency(task, blocker)
        large = len(self.json("ralph", "--agent", "scripted", "--dry-run")["prompt"])
        self.assertLess(large, small + 20 * 40 + 200)


class Provider(Ralph):
    """What the providers of agents refuse, as their programs print it."""

    def claude(self, *lines, code=1, then="exit 0"):
        """A stand-in for claude: it prints these lines and fails, the first time."""
        self.write("stand/lines", "".join(json.dumps(line) + "\n" for line in lines))
        self.write(
            "stand/claude",
            f"#!/bin/sh\ncat > /dev/null; echo \"$@\" >> {self.path('stand/argv')}\n"
            f"if test -e {self.path('stand/again')}; then {then}; fi\n"
            f"touch {self.path('stand/again')}; cat {self.path('stand/lines')}; exit {code}\n",
        )
        os.chmod(self.path("stand/claude"), 0o755)
        os.symlink("claude", self.path("stand/codex"))
        self.environment["PATH"] = self.path("stand") + ":" + self.environment["PATH"]
        self.commit("the stand-in")

    def test_a_usage_limit_costs_nothing_and_pauses_the_agent(self):
        until = int(time.time()) + 3
        self.claude(
            {"type": "system", "subtype": "init"},
            {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": until}},
            {"type": "assistant", "error": "rate_limit"},
            {"type": "result", "is_error": True, "api_error_status": 429, "result": "You've hit your session limit"},
        )
        task = self.add("-")
        self.ralph("--no-commit", agent="claude")
        self.assertGreaterEqual(time.time(), until)
        first, second = self.attempts(task)
        self.assertEqual((first.outcome, second.outcome), ("interrupted", "done"))
        self.assertIn("You've hit your session limit (no more before ", first.note)
        self.assertEqual(self.json("show", task)["failures"], 0)
        argv = self.read("stand/argv")
        self.assertIn("--output-format stream-json --verbose", argv)
        self.assertIn("--allowedTools Bash(txlite show:*) Bash(txlite done:*)", argv)

    def test_codex_says_until_when_in_words(self):
        message = "You\u2019ve hit your usage limit. Upgrade to Pro (https://x.example) or try again at {}."
        soon = time.localtime(time.time() + 180)
        self.claude(
            {"type": "turn.started"},
            {"type": "turn.failed", "error": {"message": message.format(time.strftime("%I:%M %p", soon).lstrip("0"))}},
        )
        task = self.add("-")
        loop = self.start("ralph", "--agent", "codex", "--no-commit")
        wait_until(lambda: self.attempts(task), "the first attempt")
        wait_until(lambda: self.last(task).outcome == "interrupted", "its end")
        self.assertEqual(self.status_of(task), "backlog")
        self.assertIn("hit your usage limit", self.last(task).note)
        loop.send_signal(signal.SIGTERM)
        self.assertEqual(loop.wait(20), 130)
        self.assertEqual(len(self.attempts(task)), 1)

    def test_who_is_not_logged_in_stops_the_loop_with_one_line(self):
        self.claude(
            {"type": "assistant", "error": "authentication_failed"},
            {"type": "result", "is_error": True, "result": "Not logged in \u00b7 Please run /login"},
        )
        task = self.add("-")
        self.ralph("--no-commit", agent="claude", code=1)
        self.assertIn("txlite: agent claude: Not logged in \u00b7 Please run /login: mend that first\n", self.errors)
        self.assertEqual(self.status_of(task), "backlog")

    def test_an_agent_that_is_gone_stops_the_loop(self):
        self.claude()
        task = self.add("-")
        self.write("stand/claude", "#!/nowhere/interpreter\n")
        self.ralph("--no-commit", agent="claude", code=1)
        self.assertIn("claude could not be started", self.errors)
        self.assertEqual(self.status_of(task), "backlog")

    def test_words_in_the_middle_decide_nothing(self):
        self.configure("limit = limit reached until (?P<until>.+)\nunusable = log in\n")
        middle = "echo please log in; echo limit reached until 23:59; for n in 1 2 3 4 5; do echo $n; done; exit 4"
        task = self.add(middle)
        self.ralph("--no-commit", code=1)
        self.assertEqual(self.last(task).outcome, "failed")
        last = self.add("echo please log in; exit 4")
        self.ralph("--no-commit", code=1)
        self.assertEqual((self.status_of(last), self.last(last).outcome), ("backlog", "interrupted"))

    def test_a_result_counts_as_an_end(self):
        self.claude({"type": "result", "is_error": False, "result": "ok"}, code=f"0; sleep {self.nap}", then="exit 1")
        stand = self.read("stand/claude").replace(f"exit 0; sleep {self.nap}", f"sleep {self.nap}")
        self.write("stand/claude", stand)
        task = self.add("-")
        self.ralph("--no-commit", "--settle", "0.3", agent="claude")
        self.assertEqual((self.status_of(task), running(self.nap)), ("done", []))


class InPlace(Ralph):
    def test_a_dirty_tree_is_refused(self):
        self.add("true")
        self.write("readme", "changed\n")
        self.ralph(code=1)
        self.assertIn("has changes that are not committed (readme)", self.errors)
        self.assertEqual(self.read("readme"), "changed\n")
        self.ralph("--no-commit")
        self.assertEqual(self.read("readme"), "changed\n")

    def test_a_repository_without_a_commit_or_a_name_is_refused(self):
        self.run_git("config", "--unset", "user.email")
        self.run_git("config", "user.useConfigOnly", "true")
        self.ralph(code=1)
        self.assertIn("git does not know who commits here", self.errors)
        os.rename(self.path(".git"), self.path("../" + os.path.basename(self.directory) + ".git"))
        self.addCleanup(subprocess.run, ["rm", "-rf", self.directory + ".git"], check=True)
        self.run_git("init", "-q")
        self.ralph(code=1)
        self.assertIn("has no commit yet", self.errors)

    def test_what_a_failed_attempt_left_is_parked(self):
        task = self.add(
            "echo new > new; echo changed > readme; mkdir d; echo x > d/deep; git commit -qam 'its own'; "
            "git switch -qc elsewhere; rm readme; exit 1"
        )
        self.ralph(code=1)
        ref = f"refs/txlite/parked/{task}/1"
        self.assertEqual(self.parked(), [ref])
        self.assertEqual(self.run_git("show", f"{ref}:new") + self.run_git("show", f"{ref}:d/deep"), "new\nx\n")
        self.run_git("show", f"{ref}:readme", code=128)
        self.assertEqual(self.run_git("show", f"{ref}~1:readme"), "changed\n")
        self.assertEqual((self.read("readme"), os.listdir(self.directory).count("new")), ("one\n", 0))
        self.assertEqual(self.run_git("symbolic-ref", "--short", "HEAD"), "main\n")
        self.assert_clean()
        self.assertIn(f"what it changed is parked as {ref}", "".join(self.reports().values()))
        self.assertTrue(os.path.exists(os.path.join(self.home, "config.ini")))

    def test_what_looks_like_a_secret_is_refused_and_named(self):
        task = self.add(
            "echo KEY=1 > .env; printf -- '-----BEGIN RSA PRIVATE KEY-----\\n' > notes; echo x > .env.sample"
        )
        self.ralph(code=1)
        note = self.last(task).note
        self.assertIn("look like secrets", note)
        self.assertIn(".env, notes", note)
        self.txlite("retry", task)
        self.ralph("--allow", ".env", "--allow", "not*")
        self.assertEqual(self.run_git("ls-files").split(), [".env", ".env.sample", "notes", "readme"])

    def test_a_secret_that_the_agent_committed_itself_is_one_too(self):
        task = self.add("echo KEY > id_rsa; git add -A -f id_rsa; git commit -qm mine")
        self.ralph(code=1)
        self.assertIn("id_rsa", self.last(task).note)
        self.assertEqual(self.log(), ["first"])

    def test_a_repository_within_is_no_work_that_can_be_committed(self):
        task = self.add("git init -q inner; cd inner; git config user.name x; git config user.email x@y; "
                        "echo x > file; git add file; git commit -qm x")  # fmt: skip
        self.ralph(code=1)
        self.assertIn("inner is a git repository of its own", self.last(task).note)
        self.assertEqual(self.read(os.path.join(self.home, "aside", f"{task}.1", "inner", "file")), "x\n")
        self.assert_clean()

    def test_a_worker_that_outlives_its_loop_has_the_tree_to_itself(self):
        first = self.add("touch started; while ! test -e go; do sleep 0.02; done; rm started go; echo 1 > one", "one")
        second = self.add("test -e one && echo 2 > two", "two")
        loop = self.start("ralph", "--agent", "scripted")
        wait_until(lambda: os.path.exists(self.path("started")), "the agent")
        loop.kill()
        loop.wait()
        other = self.start("ralph", "--agent", "scripted", "--max-attempts", "1")
        wait_until(lambda: len(self.worker_pids()) == 2, "the other worker")
        wait_until(lambda: self.status_of(second) == "active", "its claim")
        self.write("go", "")
        self.assertEqual(other.wait(30), 0)
        self.assertEqual([self.status_of(task) for task in (first, second)], ["done", "done"])
        self.assertEqual(len(self.log()), 3)

    def test_home_in_a_directory_of_its_own_survives(self):
        home = self.path("work/.txlite")
        self.write(".git/info/exclude", "/.txlite\n")
        self.txlite("--home", home, "init")
        self.write("work/.txlite/config.ini", SCRIPTED)
        self.write("work/.txlite/templates/ralph-task.md", "{{TASK_DESCRIPTION}}\n")
        self.txlite("--home", home, "add", "bad", "-d", "echo x > file; exit 1")
        self.ralph("--home", home, code=1)
        self.assertTrue(os.path.exists(os.path.join(home, "tasks.db")))
        self.assertTrue(os.path.exists(os.path.join(home, "config.ini")))
        self.assertEqual(len(self.parked()), 1)

    def test_commits_that_an_agent_walked_away_from_are_parked(self):
        self.write("second", "x\n")
        self.commit("second")
        task = self.add("echo x > mine; git add mine; git commit -qm mine; git switch -qc other HEAD~2; exit 1")
        self.ralph(code=1)
        self.assertEqual(self.run_git("show", f"refs/txlite/parked/{task}/1^2:mine"), "x\n")
        self.assertEqual(self.log(), ["second", "first"])

    def test_ignored_files_are_not_touched_whatever_an_agent_ignores(self):
        self.write(".gitignore", "local/\nalso\n")
        self.commit("ignore")
        self.write("local/settings", "the user's\n")
        self.write("also", "the user's\n")
        self.add("echo nothing > .gitignore; echo x > file; exit 1")
        self.ralph(code=1)
        self.assertEqual((self.read("local/settings"), self.read("also")), ("the user's\n", "the user's\n"))
        self.assertFalse(os.path.exists(self.path("file")))
        self.assert_clean()

    def test_untracked_files_count_however_git_shows_them(self):
        self.run_git("config", "status.showUntrackedFiles", "no")
        self.write("draft", "the user's\n")
        self.add("true")
        self.ralph(code=1)
        self.assertIn("(draft)", self.errors)

    def test_a_commit_that_an_agent_gives_our_name_is_not_ours(self):
        task = self.add(
            f'echo x > file; git add file; git commit -qm "Complete $TXLITE_TASK: x"; exec sleep {self.nap}'
        )
        loop = self.start("ralph", "--agent", "scripted")
        wait_until(lambda: running(self.nap), "the agent")
        pids = [loop.pid, *self.worker_pids(), *running(self.nap)]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        loop.wait()
        self.txlite("update", task, "--description", "true")
        self.ralph("--verify", "false", code=1)
        self.assertEqual(self.status_of(task), "failed")

    def test_what_an_agent_commits_becomes_one_commit_and_stays_under_a_ref(self):
        half = "echo 1 > one; git add -A; git commit -qm mine"
        task = self.add(f"{half}; echo KEY > .env; git add -A; git commit -qm key; git rm -q .env; git commit -qm gone")
        self.ralph()
        self.assertEqual(self.log(), [f"Complete {task}: a task", "first"])
        self.assertEqual(self.log(f"refs/txlite/squashed/{task}/1")[0], "gone")

    def test_the_gate_sees_what_a_hook_changed(self):
        self.hook("pre-commit", "grep -q broken file && exit 0; echo broken >> file; exit 1")
        task = self.add("echo x > file")
        self.ralph("--verify", "! grep -q broken file", code=1)
        self.assertIn("(with what a hook changed)", self.last(task).note)
        self.assertEqual(self.log(), ["first"])

    def test_what_a_hook_adds_is_looked_at_for_secrets_too(self):
        self.hook("pre-commit", "test -e .env && exit 0; echo KEY > .env; echo more >> file; exit 1")
        task = self.add("echo x > file")
        self.ralph(code=1)
        self.assertIn("look like secrets", self.last(task).note)
        self.assertEqual(self.log(), ["first"])

    def test_a_merge_that_an_agent_began_is_no_work(self):
        self.run_git("switch", "-qc", "feature")
        self.write("feature", "x\n")
        self.commit("feature")
        self.run_git("switch", "-q", "main")
        task = self.add("git merge -q --no-commit --no-ff feature")
        self.ralph(code=1)
        self.assertIn("it left a merge unfinished", self.last(task).note)
        self.assertEqual(self.log(), ["first"])
        self.assert_clean()

    def test_what_is_parked_is_never_overwritten(self):
        task = self.add("echo x > file; exit 1")
        self.run_git("update-ref", f"refs/txlite/parked/{task}/1", "HEAD")
        self.ralph(code=1)
        names = [f"refs/txlite/parked/{task}/1", f"refs/txlite/parked/{task}/1-2"]
        self.assertEqual(self.parked(), names)
        self.assertEqual(self.run_git("show", f"{names[1]}:file"), "x\n")

    def test_a_person_who_went_to_another_branch_stays_there(self):
        task = self.add(f"echo x > file; git add file; git commit -qm half; exec sleep {self.nap}")
        loop = self.start("ralph", "--agent", "scripted")
        wait_until(lambda: running(self.nap) and len(self.log()) == 2, "the agent")
        pids = [loop.pid, *self.worker_pids(), *running(self.nap)]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        loop.wait()
        date = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(time.time() + 3600))
        self.environment["GIT_COMMITTER_DATE"] = date
        self.run_git("switch", "-qc", "mine", "HEAD~1")
        del self.environment["GIT_COMMITTER_DATE"]
        self.txlite("update", task, "--description", "echo y > other")
        self.ralph()
        self.assertEqual(self.run_git("symbolic-ref", "--short", "HEAD"), "mine\n")
        self.assertEqual(self.log("mine")[0], f"Complete {task}: a task")
        self.assertEqual(self.log("main")[0], "half")

    def test_a_git_environment_of_the_callers_reaches_nobody(self):
        task = self.add("git rev-parse --git-dir > ../seen-git-dir; echo x > file")
        self.addCleanup(lambda: os.unlink(self.path("../seen-git-dir")))
        self.ralph(env={**self.environment, "GIT_DIR": "/nowhere", "GIT_INDEX_FILE": "/nowhere/index"})
        self.assertEqual((self.status_of(task), self.read("../seen-git-dir")), ("done", ".git\n"))

    def test_a_repository_that_git_refuses_is_not_taken_for_none(self):
        self.add("true")
        self.write(".git/config", "[core\n")
        self.ralph(code=1)
        self.assertIn("git rev-parse", self.errors)

    def test_what_cannot_be_written_or_started_is_that_tasks_failure(self):
        readonly = self.add("mkdir -p d/e; echo x > d/e/f; chmod 500 d/e d; exit 1")
        word = self.add("mkdir $TXLITE_DONE_FILE; exit 1")
        directory = self.add("true", "no directory", directory=self.path("missing"))
        last = self.add("echo x > last")
        self.ralph(code=1)
        found = [self.status_of(task) for task in (readonly, word, directory, last)]
        self.assertEqual(found, ["failed", "done", "failed", "done"])
        self.assert_clean()

    def test_a_task_that_a_person_ends_is_none_that_is_waited_for(self):
        task = self.add("touch started; exit 1")
        loop = self.start("ralph", "--agent", "scripted", "--max-tasks", "1", "--max-attempts", "9")
        wait_until(lambda: self.json("show", task)["failures"], "its first failure")
        self.add("true")
        wait_until(
            lambda: self.txlite("cancel", task, code=None) is not None and self.status_of(task) == "cancelled", "it"
        )
        loop.wait(30)

    def test_a_title_is_data(self):
        title = "quote ' \" $(touch pwned) `touch pwned` \\1 --amend"
        task = self.add("echo x > file", title)
        self.ralph()
        self.assertEqual(self.log()[0], f"Complete {task}: {title}")
        self.assertFalse(os.path.exists(self.path("pwned")))

    def test_no_author_and_no_trailer_is_invented(self):
        self.add("echo x > file")
        self.ralph()
        self.assertEqual(
            self.run_git("log", "-1", "--format=%an|%ae|%cn|%b"), "A Person|person@example.org|A Person|\n"
        )

    def test_a_hook_that_refuses_is_the_tasks_failure(self):
        self.hook("pre-commit", "echo no good; exit 1")
        task = self.add("echo x > file")
        self.ralph(code=1)
        self.assertIn("git commit: no good", self.last(task).note)
        self.assert_clean()
        self.assertEqual(len(self.parked()), 1)

    def test_a_hook_that_mends_and_refuses_gets_a_second_chance(self):
        self.hook("pre-commit", "grep -q mended file && exit 0; echo mended >> file; exit 1")
        self.add("echo x > file")
        self.ralph()
        self.assertEqual(self.run_git("show", "main:file"), "x\nmended\n")

    def hook(self, name, script):
        path = self.write(f".git/hooks/{name}", "#!/bin/sh\n" + script + "\n")
        os.chmod(path, 0o755)

    def test_somebody_elses_lock_is_waited_for(self):
        task = self.add(
            ": > .git/index.lock; (sleep 0.6; rm .git/index.lock; echo x > late) & sleep 0.3; echo x > file"
        )
        self.configure("daemons = yes\n")
        self.ralph()
        self.assertEqual(self.status_of(task), "done")

    def test_outside_of_the_repository_nothing_is_committed(self):
        elsewhere = os.path.join(os.path.dirname(self.directory), os.path.basename(self.directory) + "-elsewhere")
        os.mkdir(elsewhere)
        self.addCleanup(subprocess.run, ["rm", "-rf", elsewhere], check=True)
        task = self.add("echo x > file", "elsewhere", directory=elsewhere)
        self.ralph()
        self.assertEqual((self.status_of(task), self.log()), ("done", ["first"]))
        self.assertTrue(os.path.exists(os.path.join(elsewhere, "file")))

    def test_home_is_never_committed(self):
        self.configure("\n; a comment\n")
        self.add("echo x > .txlite/of-the-agent; echo y > file")
        self.ralph()
        self.assertEqual(self.run_git("ls-files").split(), ["file", "readme"])
        self.assertTrue(os.path.exists(os.path.join(self.home, "config.ini")))

    def test_a_user_who_edits_meanwhile_loses_nothing(self):
        self.add("echo x > file", "first", score=2)
        task = self.add("echo y > other")
        self.ralph("--max-tasks", "1")
        self.write("readme", "the user's\n")
        self.ralph(code=1)
        self.assertEqual((self.read("readme"), self.status_of(task)), ("the user's\n", "backlog"))


class WithoutGit(Ralph):
    git = False

    def test_nothing_is_kept_or_undone(self):
        good, bad = self.add("echo x > good"), self.add("echo x > bad; exit 1")
        self.ralph(code=1)
        self.assertEqual((self.status_of(good), self.status_of(bad)), ("done", "failed"))
        self.assertTrue(os.path.exists(self.path("bad")))
        self.add("echo x > more")
        self.ralph("--workers", "2")

    def test_worktrees_need_a_repository(self):
        self.ralph("--worktrees", code=64)


class Worktrees(Ralph):
    def ralph(self, *options, **more):
        return super().ralph("--worktrees", *options, **more)

    def meet(self):
        """A script that goes on when two tasks have come to it."""
        place = self.path(".txlite/meeting")
        os.makedirs(place, exist_ok=True)
        return f"while test $(ls {place} | wc -l) -lt 2; do touch {place}/$TXLITE_TASK; sleep 0.02; done"

    def left(self):
        directory = os.path.join(self.home, "worktrees")
        return sorted(os.listdir(directory)) if os.path.isdir(directory) else []

    def test_each_task_has_its_own_and_the_history_is_one_line(self):
        tasks = [self.add(f"pwd > where-{number}; sleep 0.1; echo {number} > file-{number}") for number in range(6)]
        super().ralph("--workers", "3")
        self.assertEqual([self.status_of(task) for task in tasks], ["done"] * 6)
        self.assertEqual(len(self.log()), 7)
        self.assertEqual(self.run_git("rev-list", "--merges", "main"), "")
        for number, task in enumerate(tasks):
            self.assertEqual(self.read(f"where-{number}").strip(), os.path.join(self.home, "worktrees", task))
        self.assert_clean()
        self.assertEqual((self.left(), self.run_git("branch", "--format=%(refname:short)")), ([], "main\n"))

    def test_a_conflict_gives_the_task_back_and_the_next_attempt_is_told(self):
        self.write(
            ".txlite/templates/ralph-task.md",
            "cat > told-$TXLITE_TOKEN <<'END'\n{{LAST_ATTEMPT}}\nEND\n{{TASK_DESCRIPTION}}",
        )
        script = f"n=$(cat readme); {self.meet()}; echo $n $TXLITE_TASK > readme"
        tasks = [self.add(script) for _ in range(2)]
        super().ralph("--workers", "2", "--max-attempts", "3")
        self.assertEqual([self.status_of(task) for task in tasks], ["done"] * 2)
        self.assertEqual(sorted(self.read("readme").split()), sorted(["one", *tasks]))
        told = "".join(self.read(name) for name in os.listdir(self.directory) if name.startswith("told-"))
        self.assertIn("it conflicts with what main has now, in readme", told)
        self.assertEqual(self.run_git("rev-list", "--merges", "main"), "")

    def test_the_gate_is_asked_again_after_a_rebase(self):
        tasks = [self.add(f"{self.meet()}; echo x > file-$TXLITE_TASK") for _ in range(2)]
        super().ralph("--workers", "2", "--verify", "test $(ls file-* | wc -l) -lt 2", code=1)
        self.assertEqual(sorted(self.status_of(task) for task in tasks), ["done", "failed"])
        failed = next(task for task in tasks if self.status_of(task) == "failed")
        self.assertIn("(after the rebase onto main)", self.last(failed).note)
        self.assertEqual(self.parked(), [f"refs/txlite/parked/{failed}/{self.last(failed).id}"])

    def test_what_an_agent_commits_itself_becomes_one_commit(self):
        task = self.add("echo 1 > one; git add -A; git commit -qm 'half'; echo 2 > two")
        self.ralph()
        self.assertEqual(self.log(), [f"Complete {task}: a task", "first"])

    def test_a_dirty_base_is_left_alone_and_its_work_is_held_back(self):
        self.write("readme", "the user's\n")
        tasks = [self.add("echo 1 > one"), self.add("test -e one && echo 2 > two")]
        told = self.ralph()
        self.assertEqual([self.status_of(task) for task in tasks], ["done", "done"])
        self.assertEqual((self.log(), self.read("readme")), (["first"], "the user's\n"))
        self.assertIn("lacks 2 commits that txlite-base/main holds", told)
        self.run_git("checkout", "-q", "readme")
        self.add("echo 3 > three")
        self.assertNotIn("lacks", self.ralph())
        self.assertEqual(len(self.log()), 4)
        self.assertEqual(self.run_git("branch", "--format=%(refname:short)"), "main\n")
        self.assert_clean()

    def test_a_tree_on_another_branch_is_left_alone(self):
        task = self.add(f"git -C {self.directory} switch -qc mine; echo 1 > one")
        self.ralph()
        self.assertEqual(self.run_git("symbolic-ref", "--short", "HEAD"), "mine\n")
        self.assertEqual(self.log("main")[0], f"Complete {task}: a task")
        self.assertFalse(os.path.exists(self.path("one")))

    def test_files_are_copied_and_a_setup_command_is_run(self):
        self.write(".gitignore", "local\nmade\n")
        self.commit("ignore")
        self.write("local/settings", "x\n")
        self.configure("[ralph]\ncopy = local\nsetup = cp local/settings made\n")
        task = self.add("cat made > seen")
        self.ralph()
        self.assertEqual((self.status_of(task), self.read("seen")), ("done", "x\n"))
        self.configure("[ralph]\nsetup = echo broken; exit 3\n")
        other = self.add("true")
        self.ralph(code=1)
        self.assertEqual(self.last(other).note, "the setup command failed: exit 3")

    def test_a_task_runs_in_its_own_directory_of_the_worktree(self):
        self.write("sub/dir/file", "x\n")
        self.commit("sub")
        task = self.add("pwd > where", "sub", directory=self.path("sub/dir"))
        self.ralph()
        self.assertEqual(self.read("sub/dir/where").strip(), os.path.join(self.home, "worktrees", task, "sub/dir"))

    def test_nothing_that_is_not_committed_is_removed(self):
        task = self.add("mkdir inner; cd inner; git init -q; echo precious > file; exit 1")
        self.ralph(code=1)
        kept = os.path.join(self.home, "aside", f"{task}.1", "inner", "file")
        self.assertEqual((self.read(kept), self.left()), ("precious\n", []))

    def test_a_worktree_without_its_git_does_not_reach_the_users_tree(self):
        self.write("readme", "the user's\n")
        self.write("draft", "the user's\n")
        gone = self.add("rm -rf .git; echo x > file; git add -A; git commit -qm x")
        pruned = self.add(f"rm -rf .git; git -C {self.directory} worktree prune; git switch -c mine; echo x > file")
        told = self.ralph(code=1)
        self.assertEqual([self.status_of(task) for task in (gone, pruned)], ["failed", "failed"])
        self.assertEqual((self.read("readme"), self.read("draft")), ("the user's\n", "the user's\n"))
        self.assertEqual((self.run_git("symbolic-ref", "--short", "HEAD"), self.log()), ("main\n", ["first"]))
        self.assertTrue(os.path.exists(os.path.join(self.home, "config.ini")))
        self.assertIn(f"worktrees/{gone} is still there", told)
        self.assertEqual(self.run_git("diff", "--cached", "--name-only"), "")

    def test_a_worktree_that_somebody_removed_is_made_again(self):
        task = self.add("test -e again || { touch again; kill -9 $PPID; sleep 60; }; echo x > file")
        loop = self.start("ralph", "--agent", "scripted", "--worktrees", "--max-tasks", "1")
        wait_until(lambda: len(self.attempts(task)) == 2, "its worker's death")
        self.assertEqual(loop.wait(30), 0)
        other = self.add("echo x > other")
        path = os.path.join(self.home, "worktrees", other)
        self.run_git("worktree", "add", "-q", "-b", f"txlite/{other}", path)
        subprocess.run(["rm", "-rf", path], check=True)
        self.ralph()
        self.assertEqual(self.status_of(other), "done")

    def test_a_tree_in_which_an_attempt_works_is_left_alone(self):
        first = self.add("touch started; while ! test -e go; do sleep 0.02; done; rm started go; exit 1", "in place")
        loop = self.start("ralph", "--agent", "scripted", "--no-worktrees", "--max-attempts", "1")
        wait_until(lambda: os.path.exists(self.path("started")), "the agent in the tree")
        loop.kill()
        loop.wait()
        os.unlink(self.path("started"))
        second = self.add("echo x > file", "apart")
        other = self.start("ralph", "--agent", "scripted", "--worktrees", "--max-tasks", "1")
        wait_until(lambda: self.status_of(second) == "done", "the one that is apart")
        self.write("go", "")
        wait_until(lambda: self.status_of(first) == "failed", "the one in the tree")
        other.wait(30)
        self.ralph()
        self.assertEqual(self.log()[0], f"Complete {second}: apart")
        self.assertEqual(self.read("file"), "x\n")

    def test_a_base_that_somebody_rebases_is_left_alone(self):
        self.write("readme", "two\n")
        self.commit("second")
        self.environment["GIT_SEQUENCE_EDITOR"] = "sed -i s/^pick/edit/"
        self.run_git("rebase", "-q", "-i", "HEAD~1")
        task = self.add("echo x > file")
        self.ralph(code=1)
        self.assertIn("is on no branch", self.errors)
        self.run_git("rebase", "--abort")
        self.ralph()
        self.assertEqual(self.log()[0], f"Complete {task}: a task")

    def test_a_worktree_of_the_users_is_not_ours_whatever_its_name(self):
        theirs = self.path("../" + os.path.basename(self.directory) + "-theirs/tx-12345678")
        self.addCleanup(subprocess.run, ["rm", "-rf", os.path.dirname(theirs)], check=True)
        self.run_git("worktree", "add", "-q", "--detach", theirs)
        self.run_git("worktree", "lock", theirs)
        self.write(os.path.join(theirs, "draft"), "x\n")
        self.add("echo x > file")
        self.ralph()
        self.assertIn("draft", self.run_git("-C", theirs, "status", "--porcelain"))

    def test_a_lock_that_an_agent_left_in_its_own_worktree_is_no_hindrance(self):
        good = self.add("echo x > file; touch $(git rev-parse --git-path index.lock)")
        bad = self.add("echo x > other; touch $(git rev-parse --git-path index.lock); exit 1")
        self.ralph(code=1)
        self.assertEqual((self.status_of(good), self.status_of(bad), self.left()), ("done", "failed", []))

    def test_a_setup_that_failed_leaves_what_a_person_does_there(self):
        self.configure("[ralph]\nsetup = exit 3\n")
        task = self.add("true")
        self.ralph(code=1)
        self.write(os.path.join(self.home, "worktrees", task, "notes"), "a person's\n")
        self.configure("")
        self.txlite("retry", task)
        self.ralph()
        self.assertEqual(self.read(os.path.join(self.home, "worktrees", self.left()[0], "notes")), "a person's\n")

    def test_a_submodules_commit_that_is_only_there_stays(self):
        inner = self.path("../" + os.path.basename(self.directory) + "-module")
        self.addCleanup(subprocess.run, ["rm", "-rf", inner], check=True)
        self.run_git("init", "-q", "-b", "main", inner)
        self.run_git(
            "-C", inner, "-c", "user.name=x", "-c", "user.email=x@y", "commit", "-q", "--allow-empty", "-m", "x"
        )
        self.run_git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", inner, "module")
        self.commit("module")
        task = self.add("git -c protocol.file.allow=always submodule --quiet update --init; cd module; "
                        "git -c user.name=x -c user.email=x@y commit -q --allow-empty -m new")  # fmt: skip
        self.ralph()
        self.assertEqual((self.status_of(task), self.left()[-1]), ("done", task))

    def test_what_is_copied_must_be_ignored(self):
        self.write("draft", "x\n")
        self.configure("[ralph]\ncopy = draft\n")
        self.ralph(code=64)
        self.assertIn("draft is not ignored by git", self.errors)

    def test_a_users_file_that_is_in_the_way_stays(self):
        self.write(".gitignore", "local\n")
        self.commit("ignore")
        self.write("local", "the user's\n")
        task = self.add(": > .gitignore; echo of the task > local")
        told = self.ralph()
        self.assertEqual((self.status_of(task), self.read("local")), ("done", "the user's\n"))
        self.assertIn("txlite-base/main", told)

    def test_cancelled_too_late(self):
        os.chmod(
            self.write(".git/hooks/post-merge", f"#!/bin/sh\ntxlite cancel $(cat {self.path('.txlite/it')})\n"), 0o755
        )
        task = self.add("echo x > file")
        self.write(".txlite/it", task)
        self.environment["PATH"] = os.path.join(ROOT, "bin") + ":" + self.environment["PATH"]
        self.ralph()
        self.assertEqual((self.status_of(task), self.log()[0]), ("done", f"Complete {task}: a task"))

    def test_submodules_are_no_reason_to_keep_a_worktree(self):
        inner = self.path("../" + os.path.basename(self.directory) + "-module")
        self.addCleanup(subprocess.run, ["rm", "-rf", inner], check=True)
        self.run_git("init", "-q", "-b", "main", inner)
        self.run_git(
            "-C", inner, "-c", "user.name=x", "-c", "user.email=x@y", "commit", "-q", "--allow-empty", "-m", "x"
        )
        self.run_git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", inner, "module")
        self.commit("module")
        task = self.add("git -c protocol.file.allow=always submodule --quiet update --init; echo x > file")
        other = self.add("git -c protocol.file.allow=always submodule --quiet update --init; echo x > module/file")
        self.ralph(code=1)
        self.assertEqual((self.status_of(task), self.status_of(other)), ("done", "failed"))
        self.assertIn("not all of it could be committed: module", self.last(other).note)

    def test_cleanup_removes_finished_ones_that_hold_nothing(self):
        self.run_git("branch", "txlite/other")
        kept = os.path.join(self.home, "worktrees", "tx-finished1")
        self.run_git("worktree", "add", "-q", kept, "txlite/other")
        self.assertIn(f"would remove   {kept}", self.txlite("cleanup", "--dry-run"))
        self.write(os.path.join(kept, "untracked"), "x\n")
        self.assertIn(f"stays          {kept}: not committed: untracked", self.txlite("cleanup", "--dry-run"))
        self.txlite("cleanup")
        self.assertTrue(os.path.exists(os.path.join(kept, "untracked")))
        os.unlink(os.path.join(kept, "untracked"))
        self.assertEqual(self.json("cleanup")["worktrees"], 1)
        self.assertEqual(self.left(), [])
        self.assertEqual(self.run_git("branch", "--format=%(refname:short)"), "main\n")

    def test_after_the_base_branch_went_its_own_way(self):
        task = self.add("echo 1 > one")
        self.ralph(
            "--verify",
            f"cd {self.directory}; test -e users || {{ echo u > users; git add users; git commit -qm users; }}",
        )
        self.assertEqual(self.log(), [f"Complete {task}: a task", "users", "first"])


class End(Ralph):
    def test_the_first_signal_lets_it_finish(self):
        self.add("touch started; while ! test -e go; do sleep 0.02; done; rm go started; echo x > file")
        other = self.add("echo y > other")
        loop = self.start("ralph", "--agent", "scripted")
        wait_until(lambda: os.path.exists(self.path("started")), "the agent")
        loop.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        self.write("go", "")
        self.assertEqual(loop.wait(20), 130)
        self.assertEqual((len(self.log()), self.status_of(other)), (2, "backlog"))
        self.assert_clean()

    def test_the_second_one_gives_it_back_and_parks_its_work(self):
        task = self.add(f"echo half > half; touch started; sleep {self.nap}")
        loop = self.start("ralph", "--agent", "scripted")
        wait_until(lambda: os.path.exists(self.path("started")), "the agent")
        loop.send_signal(signal.SIGTERM)
        next(line for line in loop.stdout if b"stopping" in line)
        time.sleep(1.1)  # signals closer together are one
        loop.send_signal(signal.SIGTERM)
        self.assertEqual(loop.wait(20), 130)
        self.assertEqual(self.last(task).outcome, "interrupted", self.last(task))
        self.assertEqual(
            (self.status_of(task), self.json("show", task)["failures"], running(self.nap)), ("backlog", 0, [])
        )
        self.assert_clean()
        self.assertEqual(self.run_git("show", self.parked()[0] + ":half"), "half\n")

    def kill_all(self, loop):
        """The loop, its workers and their agents, all at once."""
        pids = [loop.pid, *self.worker_pids()]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        agents = running(self.nap)
        for pid in pids + agents:
            os.kill(pid, signal.SIGKILL)
        loop.wait()

    def test_after_a_kill_of_everything_the_next_one_goes_on_in_place(self):
        task = self.add(
            f"test -e go || {{ echo half > half; touch started; exec sleep {self.nap}; }}; rm go; echo whole > whole"
        )
        other = self.add("echo x > other")
        loop = self.start("ralph", "--agent", "scripted")
        wait_until(lambda: os.path.exists(self.path("started")) and running(self.nap), "the agent")
        self.kill_all(loop)
        self.txlite("update", task, "--description", "echo whole > whole")
        told = self.ralph()
        self.assertEqual((self.status_of(task), self.status_of(other)), ("done", "done"))
        self.assert_clean()
        self.assertEqual(self.run_git("show", self.parked()[0] + ":half"), "half\n")
        self.assertIn("2 attempts", told)  # the loop that was killed is the same night's

    def test_after_a_kill_of_everything_the_next_one_goes_on_in_its_worktree(self):
        task = self.add(f"test -e half && {{ echo whole > whole; exit; }}; echo half > half; exec sleep {self.nap}")
        loop = self.start("ralph", "--agent", "scripted", "--worktrees")
        half = os.path.join(self.home, "worktrees", task, "half")
        wait_until(lambda: os.path.exists(half) and running(self.nap), "the agent")
        self.kill_all(loop)
        self.ralph("--worktrees")
        self.assertEqual(sorted(self.run_git("ls-tree", "--name-only", "main").split()), ["half", "readme", "whole"])
        self.assertIn("it goes on with what an attempt that was cut off has left", "".join(self.reports().values()))

    def test_work_that_had_landed_is_not_done_again(self):
        for place in ("--worktrees", "--no-worktrees"):
            with self.subTest(place):
                task = self.add("echo $TXLITE_TASK >> landed; git add -A; true")
                hook = "post-merge" if place == "--worktrees" else "post-commit"
                path = self.write(f".git/hooks/{hook}", f"#!/bin/sh\nexec sleep {self.nap}\n")
                os.chmod(path, 0o755)
                loop = self.start("ralph", "--agent", "scripted", place)
                wait_until(lambda: running(self.nap), "the hook")
                self.kill_all(loop)
                os.unlink(path)
                self.ralph(place)
                self.assertEqual(self.status_of(task), "done")
                self.assertEqual(self.read("landed").count(task), 1)
                self.assert_clean()


class Morning(Ralph):
    def test_the_report_as_text_object_and_page(self):
        good = self.add("echo x > file", "<b>good</b>")
        bad = self.add("exit 4", "bad")
        later = self.add("true", "waits", after=[bad])
        told = self.ralph(code=1)
        again = self.txlite("ralph", "--report")
        lines = ("1 done, 1 failed", f"{bad}  bad: put aside: exit 4", f"{later} waits for {bad}", "page: " + self.home)
        for line in lines:
            self.assertIn(line, told)
            self.assertIn(line, again)
        found = self.json("ralph", "--report")
        self.assertEqual([task["id"] for task in found["tasks"]], [good, bad])
        self.assertEqual(found["counts"], {"done": 1, "failed": 1})
        self.assertEqual(found["tasks"][0]["commit"], self.run_git("rev-parse", "main").strip())
        page = self.read(found["page"])
        self.assertIn("&lt;b&gt;good", page)
        self.assertNotIn("<b>good", page)
        self.assertEqual(self.status_of(later), "backlog")

    def test_json_is_one_object(self):
        self.add("echo x > file")
        found = json.loads(self.ralph("--json"))
        self.assertEqual((found["counts"], found["reason"]), ({"done": 1}, "nothing was left to do"))


if __name__ == "__main__":
    unittest.main()
