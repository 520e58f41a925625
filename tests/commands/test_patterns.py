"""The launcher's scripts, used as people use them: from shell scripts, by the dozen, from anywhere, from cron.

A dot-directory holds a copy of txlite/ and bin/, and a stand-in for `codex` on PATH records how it was called. Proved:

  Patterns  `&` and `wait $!` with the task's exit code, several at once, several types, at most N by `jobs -r`, one
            after the other and then together, retries, PIDs in an array
  Promises  the PID comes first and at once, a report has one file and its final name whatever was killed, a failure
            is a failure, output is kept, as many reports and calls as launches
  Words     any text arrives byte for byte and nothing in it is expanded or run; what is wrong is refused with one
            line and leaves no file
  Views     status knows what runs, failed and is of which type; cleanup works without a terminal
  Places    a symbolic link to bin/, a copy that is no home, one that cannot be written, no codex at all
  Others    codex-exec.sh stays in front and stops on Ctrl-C; codex-research.sh may search
"""

import collections
import ctypes
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from typing import NamedTuple

from ..case import ROOT, Case, running, wait_until

COPY = tempfile.TemporaryDirectory(prefix="txlite-copy-")  # compiled once: what is copied from it stays compiled
FINAL = re.compile(r"\d{8}_\d{6}_(\d+)_codex_task(_\d+)?\.md")
LEVEL = re.compile(r"model_reasoning_effort=(\w+)")

# Records argv, directory and stdin of each call in a directory of its own; then does what CODEX_DOES says, which may
# use `number` (of calls so far), `wait_for FILE` and `meet N` (until there were so many calls).
CODEX = r"""#!/bin/sh
calls=${0%/*}/calls
call=$calls/$$
mkdir "$call" || exit 70
trap ': > "$call/ended"' EXIT
printf '%s\0' "$@" > "$call/argv"
pwd > "$call/directory"
cat > "$call/stdin"
: > "$call/heard"
set -- "$calls"/*
number=$#
wait_for() { until [ -e "$1" ] || [ ! -d "$call" ]; do sleep 0.01; done; }
count() { set -- "$calls"/*/heard; echo $#; }
meet() { until [ "$(count)" -ge "$1" ] || [ ! -d "$call" ]; do sleep 0.01; done; }
echo "call $number begins"
echo "call $number complains" >&2
eval "${CODEX_DOES:-}"
echo "call $number ends"
"""


class Call(NamedTuple):
    """One call of the stand-in; times in nanoseconds."""

    argv: list
    directory: str
    stdin: bytes
    began: int
    ended: int  # or 0

    @property
    def level(self):
        return LEVEL.search(" ".join(self.argv))[1]

    @property
    def text(self):
        """The task: what comes before the template."""
        return self.stdin.rpartition(b"\n\n# ")[0].decode()


def install(directory, copy_function=os.link):
    """A copy of txlite/ and bin/ in `directory`; of links, which is quicker and looks the same."""
    if not os.path.isdir(os.path.join(COPY.name, "bin")):
        _make_copy()
    shutil.copytree(COPY.name, directory, copy_function=copy_function)


def _make_copy():
    package = os.path.join(COPY.name, "txlite")
    shutil.copytree(os.path.join(ROOT, "txlite"), package)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    subprocess.run([sys.executable, "-m", "compileall", "-q", package], env=environment, check=True)
    shutil.copytree(os.path.join(ROOT, "bin"), os.path.join(COPY.name, "bin"))


def install_codex(directory):
    """The stand-in in `directory`, which is to be put on PATH, and a Python for which nothing is installed."""
    os.makedirs(os.path.join(directory, "calls"))
    python = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -S "$@"\n'
    for name, content in (("codex", CODEX), ("python", python)):
        path = os.path.join(directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        os.chmod(path, 0o755)


def read_calls(directory):
    """The calls of the stand-in in `directory` that have read their stdin, in the order of their beginnings."""
    calls = os.path.join(directory, "calls")
    found = [os.path.join(calls, name) for name in os.listdir(calls)]
    return sorted((_read_call(path) for path in found if os.path.exists(path + "/heard")), key=lambda call: call.began)


def _read_call(path):
    parts = {}
    for name in ("argv", "directory", "stdin"):
        with open(os.path.join(path, name), "rb") as file:
            parts[name] = file.read()
    began, ended = (
        os.stat(os.path.join(path, name)).st_mtime_ns if os.path.exists(os.path.join(path, name)) else 0
        for name in ("argv", "ended")
    )
    argv = parts["argv"].decode().split("\0")[:-1]
    return Call(argv, parts["directory"].decode().rstrip("\n"), parts["stdin"], began, ended)


def most_at_once(calls):
    """How many calls there were at the same time, at most."""
    events = sorted([(call.began, 1) for call in calls] + [(call.ended, -1) for call in calls])
    counts = [0]
    for _, step in events:
        counts.append(counts[-1] + step)
    return max(counts)


def without_privileges():
    """Of root's, those that make a file's rights count for nothing."""
    libc = ctypes.CDLL(None)
    for capability in (1, 2) if hasattr(libc, "prctl") else ():  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


def hear_interrupts():
    """As in a terminal: in the background of a script they are ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def setUpModule():
    unittest.addModuleCleanup(COPY.cleanup)


class Crew(Case):
    """A project with a copy in .crew, and scripts that are run in it."""

    def setUp(self):
        super().setUp()
        self.home = self.path(".crew")
        self.stand = self.path("stand")
        install(self.home)
        install_codex(self.stand)
        for name in ("PYTHONPATH", "PYTHONPYCACHEPREFIX"):
            del self.environment[name]
        self.environment.update(
            PATH=self.stand + os.pathsep + os.environ["PATH"],
            TXLITE_PYTHON=os.path.join(self.stand, "python"),
            LAUNCH="./.crew/bin/codex-worker-launcher.sh",
        )
        self.addCleanup(self.wait_for_quiet)

    def wait_for_quiet(self):
        self.open_gate()
        places = [self.home, self.path("kit"), os.path.join(self.stand, "codex")]
        wait_until(lambda: not any(map(running, places)), "the last process of txlite and of codex to leave")

    def begin(self, script, *words, does="", **options):
        """Start a script; codex does as it is told."""
        options = {"cwd": self.directory, "stdin": subprocess.DEVNULL, **options}
        environment = {**options.pop("env", self.environment), "CODEX_DOES": does}
        pipe = subprocess.PIPE
        command = ["bash", "-c", script, "bash", *words]
        process = subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, **options)
        self.addCleanup(self._end, process)
        return process

    def sh(self, script, *words, code=0, stdin=b"", **options):
        """Run a script to its end; its stdout."""
        process = self.begin(script, *words, stdin=subprocess.PIPE, **options)
        out, error = process.communicate(stdin, timeout=300)
        self.errors = error.decode()
        self.assertEqual(process.returncode, code, f"{script}: {out.decode()}{self.errors}")
        self.assertNotIn("Traceback", self.errors)
        return out.decode()

    def run_bin(self, name, *words, **options):
        """Run one of bin/ as a user types it."""
        return self.sh(f'./.crew/bin/{name} "$@"', *words, **options)

    def open_gate(self):
        with open(self.path("go"), "w"):
            pass

    def calls(self):
        return read_calls(self.stand)

    def texts(self):
        return [call.text for call in self.calls()]

    def names(self, type="workers"):
        """The names of the reports of one type, finished or not."""
        directory = os.path.join(self.home, type)
        return sorted(os.listdir(directory)) if os.path.isdir(directory) else []

    def pids(self, type="workers"):
        """The PIDs in their final names; all have one."""
        found = [FINAL.fullmatch(name) for name in self.names(type)]
        self.assertNotIn(None, found, self.names(type))
        return [int(match[1]) for match in found]

    def told_pids(self, out):
        """The PIDs that the launcher printed."""
        return sorted(int(pid) for pid in re.findall(r"^PID: (\d+)$", out, re.M))


class Patterns(Crew):
    def test_a_background_job_is_waited_for_with_its_exit_code(self):
        script = '$LAUNCH "sweep the yard" & job=$!\nwait $job; echo "ended with $?"'
        out = self.sh(script + "\n" + script, does="[ $number -gt 1 ] || exit 7")
        self.assertEqual(re.findall("ended with (.*)", out), ["7", "0"])
        self.assertEqual(self.texts(), ["sweep the yard"] * 2)
        self.assertEqual(sorted(self.pids()), self.told_pids(out))

    def test_several_at_once_with_a_level_each(self):
        script = """
            for level in low medium high; do
                $LAUNCH $level workers "paint the $level shelf" & jobs="$jobs $!"
            done
            for job in $jobs; do wait $job || exit; done"""
        out = self.sh(script, does="meet 3")
        wanted = [(level, f"paint the {level} shelf") for level in ("high", "low", "medium")]
        self.assertEqual(sorted((call.level, call.text) for call in self.calls()), wanted)
        self.assertEqual(sorted(self.pids()), self.told_pids(out))
        self.assertEqual(len(set(re.findall(r"^Report: (.*_TEMP_.*)$", out, re.M))), 3)

    def test_two_types_in_two_directories(self):
        self.sh('$LAUNCH research "which paint lasts" & $LAUNCH low workers "buy paint" & wait')
        self.assertEqual((len(self.pids("research")), len(self.pids("workers"))), (1, 1))
        found = {call.text: (call.level, "web_search=live" in call.argv) for call in self.calls()}
        self.assertEqual(found, {"which paint lasts": ("medium", True), "buy paint": ("low", False)})

    def test_at_most_two_by_counting_jobs(self):
        script = """
            for room in hall attic cellar; do
                while [ "$(jobs -r | wc -l)" -ge 2 ]; do wait -n; done
                $LAUNCH "clean the $room" &
            done; wait"""
        self.sh(script, does="meet 2; sleep 0.1")
        self.assertEqual(sorted(self.texts()), [f"clean the {room}" for room in ("attic", "cellar", "hall")])
        self.assertEqual(most_at_once(self.calls()), 2)
        self.assertEqual(len(self.pids()), 3)

    def test_one_after_the_other_then_together(self):
        script = """
            $LAUNCH high workers "first"; wait
            $LAUNCH high workers "second" && export CODEX_DOES="meet 4"
            $LAUNCH "third" & $LAUNCH "fourth" & wait"""
        self.sh(script, does="sleep 0.1")
        first, second, *others = self.calls()
        self.assertEqual((first.text, second.text), ("first", "second"))
        self.assertEqual({call.text for call in others}, {"third", "fourth"})
        self.assertLessEqual(first.ended, second.began)
        self.assertLessEqual(second.ended, others[0].began)
        self.assertEqual(most_at_once(others), 2)

    def test_retries_end_with_the_first_success_or_with_the_last_failure(self):
        script = """
            for try in 1 2; do
                $LAUNCH "climb the hill" & wait $! && exit 0
            done; exit 9"""
        self.sh(script, does="[ $number -gt 1 ] || exit 7")
        self.assertEqual(len(self.calls()), 2)
        self.sh(script, does="exit 7", code=9)
        self.assertEqual((len(self.calls()), len(self.pids())), (4, 4))

    def test_pids_in_an_array(self):
        script = """
            declare -A crew
            for name in ann bob; do $LAUNCH "greet $name" > $name & crew[$name]=$!; done
            wait ${crew[bob]}; echo "bob $?"; wait ${crew[ann]}; echo "ann $?" """
        self.assertEqual(self.sh(script).split(), ["bob", "0", "ann", "0"])
        self.assertEqual(self.told_pids(self.read("ann") + self.read("bob")), sorted(self.pids()))


class Promises(Crew):
    def begin_one(self, does="wait_for go"):
        """A launch whose codex runs; the launcher and the PID that it told."""
        launcher = self.begin('exec $LAUNCH "water the plants"', does=does)
        told = re.fullmatch(rb"PID: (\d+)\n", launcher.stdout.readline())
        wait_until(self.calls, "codex to begin")
        return launcher, int(told[1])

    def test_the_pid_comes_first_and_at_once_and_is_in_the_final_name(self):
        launcher, pid = self.begin_one()
        self.assertTrue(running(self.home), "the worker")
        self.assertRegex("".join(self.names()), r"^\d{8}_\d{6}_TEMP_codex_task\.md$")
        self.assertIsNone(launcher.poll())
        self.open_gate()
        self.assertEqual(launcher.wait(60), 0)
        self.assertEqual(self.pids(), [pid])

    def test_every_prompt_arrives_and_as_many_reports_as_launches(self):
        script = """
            for number in {1..20}; do $LAUNCH "fold shirt $number" & jobs="$jobs $!"; done
            for job in $jobs; do wait $job || exit; done"""
        out = self.sh(script)
        self.assertEqual(sorted(self.texts()), sorted(f"fold shirt {number}" for number in range(1, 21)))
        told = self.told_pids(out)
        self.assertEqual((len(set(told)), sorted(self.pids())), (20, told))

    def test_a_slow_writer_has_one_report_with_all_of_it(self):
        launcher, _ = self.begin_one()
        (name,) = self.names()
        wait_until(lambda: "call 1 begins" in self.read(os.path.join(self.home, "workers", name)), "live output")
        self.open_gate()
        self.assertEqual(launcher.wait(60), 0)
        (report,) = self.reports().values()
        self.assertIn("\ncall 1 begins\ncall 1 complains\ncall 1 ends\n", report)

    def test_a_killed_launcher_leaves_no_temp_behind(self):
        launcher, pid = self.begin_one()
        launcher.kill()
        launcher.wait()
        self.open_gate()
        wait_until(lambda: [name for name in self.names() if "TEMP" not in name], "the final name")
        self.assertEqual(self.pids(), [pid])
        wait_until(lambda: "done" in self.run_bin("codex-status.sh"), "its end, which is recorded after that")

    def test_a_killed_worker_is_lost_and_leaves_no_temp_behind(self):
        launcher, pid = self.begin_one("[ $number -gt 1 ] || wait_for go")
        os.kill(pid, signal.SIGKILL)
        self.assertEqual(launcher.wait(60), 125)
        self.assertIn(b"lost", launcher.stdout.read())
        self.sh('$LAUNCH "water them again"')
        wait_until(lambda: not [name for name in self.names() if "TEMP" in name], "the final names")
        self.assertIn(pid, self.pids())
        self.assertEqual(running(os.path.join(self.stand, "codex")), [])
        self.assertRegex(self.run_bin("codex-status.sh"), rf"\nlost +{pid} ")

    def test_an_agent_that_dies_and_writes_nothing_is_a_failure(self):
        self.sh('$LAUNCH "fall down"', does="kill -9 $$", code=137)
        self.assertEqual(len(self.pids()), 1)
        self.assertRegex(self.run_bin("codex-status.sh"), r"\nfailed +\d+ ")

    def test_output_and_complaints_of_a_failure_are_kept(self):
        out = self.sh('$LAUNCH "try"', does="echo unlucky >&2; exit 41", code=41)
        self.assertIn("failed, exit 41", out)
        (report,) = self.reports().values()
        self.assertIn("\ncall 1 begins\ncall 1 complains\nunlucky\n", report)
        self.assertIn("**Exit Code:** 41", report)


TEXTS = (
    'it\'s "quoted" \'\'"" and `id` $(touch pwned) $HOME ${PATH} $1 !! %s %d ; touch pwned | touch pwned &',
    r"{{START_TIME}} {{TASK_DESCRIPTION}} {{NO_SUCH_NAME}} {{ }} {0} %(x)s \1 \\ \n \x41 \$& $& @{[ `touch pwned` ]}",
    " one\n\n  two\n# three\n## Output\n\n~~~~~~~~~~~~~~~~\nfour\r\n\tfive\n",
    "日本語 / עברית / e\u0301 / \u200b\u202e\u2028 / 🦊👩\u200d🚀 / \U0010ffff / \x01\x07\x1b[31mred\x1b[0m\x7f",
    "workers",
)
PROBES = {  # what the words say -> what stands in the complaint
    ("turbo", "workers", "x"): "unknown level 'turbo'",
    ("turbo", "x"): "unknown level 'turbo'",
    ('low"; touch pwned; "', "workers", "x"): "unknown level",
    ("low", "../../x", "x"): "'../../x'",
    ("../../x", "x"): "'../../x'",
    ("",): "empty",
    (" \n",): "empty",
    ("high",): "missing",
    ("a", "b", "c", "d"): "4 words",
}


class Words(Crew):
    def test_any_text_arrives_byte_for_byte(self):
        launches = [self.begin('exec $LAUNCH low workers "$1"', text) for text in TEXTS]
        self.assertEqual([launch.wait(60) for launch in launches], [0] * len(TEXTS))
        wanted = {text.encode() for text in TEXTS}
        said = {text for text in wanted for call in self.calls() if call.stdin.startswith(text + b"\n\n# ")}
        self.assertEqual(said, wanted)
        self.assertEqual((len(self.calls()), len(self.pids())), (len(TEXTS), len(TEXTS)))
        self.assertFalse(os.path.exists(self.path("pwned")))

    def test_what_looks_like_a_template_is_not_expanded_in_the_task(self):
        self.sh("$LAUNCH 'started at {{START_TIME}} by {{WORKER_PID}}'")
        (call,), (report,) = self.calls(), self.reports().values()
        self.assertTrue(call.stdin.startswith(b"started at {{START_TIME}} by {{WORKER_PID}}\n\n# "))
        self.assertIn("started at {{START_TIME}} by {{WORKER_PID}}\n", report)
        self.assertNotIn(b"{{", call.stdin.partition(b"\n\n# ")[2].replace(b"{{START_TIME}} by {{WORKER_PID}}", b""))

    def test_a_megabyte_from_standard_input(self):
        text = "".join(f"{number}: ünï \\1 $HOME {{{{START_TIME}}}}\n" for number in range(30_000))
        self.assertGreater(len(text.encode()), 1 << 20)
        self.sh("$LAUNCH high workers -", stdin=text.encode())
        (call,) = self.calls()
        self.assertTrue(call.stdin.startswith(text.encode() + b"\n\n# "))
        self.assertEqual(call.level, "high")

    def test_a_first_word_that_is_a_level_is_one(self):
        self.sh('$LAUNCH high "lift the piano"')
        (call,) = self.calls()
        self.assertEqual((call.level, call.text, len(self.pids())), ("high", "lift the piano", 1))

    def test_wrong_words_are_refused_with_one_line_and_no_new_file(self):
        before = self.files()
        probes = {words: self.begin('exec $LAUNCH "$@"', *words) for words in PROBES}
        for words, launch in probes.items():
            with self.subTest(words):
                out, error = launch.communicate(timeout=60)
                self.assertEqual((launch.returncode, out, error.count(b"\n")), (64, b"", 1), error)
                self.assertIn(PROBES[words], error.decode())
        self.assertEqual(self.files(), before)

    def files(self):
        return sorted(os.path.join(path, name) for path, _, names in os.walk(self.directory) for name in names)


class Views(Crew):
    def see(self, *options):
        """What status says, by its options; all asked at once."""
        asked = {option: self.begin(f"exec ./.crew/bin/codex-status.sh {option}") for option in options}
        return {option: process.communicate(timeout=60)[0].decode() for option, process in asked.items()}

    def test_without_jobs_there_is_nothing_to_see_and_latest_wants_a_number(self):
        with open(self.path("20251024_150000_77_codex_task.md"), "w"):
            pass
        nothing = "nothing was run here yet\n"
        self.assertEqual(self.see("", "--latest 3"), {"": nothing, "--latest 3": nothing})
        self.run_bin("codex-status.sh", "--latest", code=64)
        self.assertEqual(self.errors.count("\n"), 1)

    def test_what_runs_what_failed_what_is_of_another_type(self):
        self.sh('$LAUNCH "the old one"; $LAUNCH low errands "fetch milk"; true', does="[ $number -gt 1 ] || exit 3")
        running_one = self.begin('exec $LAUNCH "the long one"', does="wait_for go")
        wait_until(lambda: len(self.calls()) == 3, "the third call")
        out = self.see("", "--latest 1", "--workers", "--stats")
        row = r"^(\w+) +\d+ +(\w+) +low +[\d.]+\w+ +[\d.]+\w+ +[\d.]+ \w+ +tx-\w+ +(.*?) +\.crew/\2/\w+\.md$"
        rows = {option: re.findall(row, text, re.M) for option, text in out.items()}
        seen = [("running", "workers", "the long one"), ("done", "errands", "fetch milk")]
        seen += [("failed", "workers", "the old one")]
        self.assertEqual(rows, {"": seen, "--latest 1": seen[:1], "--workers": [seen[0], seen[2]], "--stats": []})
        for words in ("1 running", "1 done", "1 failed", "1 errands", "2 workers"):
            self.assertIn(words, out["--stats"])
        self.open_gate()
        self.assertEqual(running_one.wait(60), 0)

    def test_cleanup_from_cron(self):
        self.sh('$LAUNCH "long ago" & $LAUNCH "last week" & $LAUNCH "today" & wait')
        paths = [os.path.join(self.home, "workers", name) for name in sorted(self.names())]
        note = os.path.join(self.home, "workers", "a note of ours.md")
        shutil.copy(paths[0], note)
        by_task = {re.search(r"\*\*Task:\*\* (.*)", self.read(path))[1]: path for path in paths}
        for path, days in ((by_task["long ago"], 20), (by_task["last week"], 7), (note, 400)):
            os.utime(path, (time.time() - days * 86400,) * 2)
        environment = {"HOME": self.directory, "PATH": os.path.dirname(sys.executable) + ":/usr/bin:/bin"}
        out = self.run_cron(".crew/bin/codex-cleanup.sh --age 14", environment)
        self.assertRegex(out, r"^deleted 1 report \(.*\), compressed 1 \(saved .*\)\n$")
        kept = [by_task["last week"] + ".gz", by_task["today"], note]
        self.assertEqual(self.names(), sorted(map(os.path.basename, kept)))
        self.assertEqual(self.run_cron(".crew/bin/codex-cleanup.sh --age 14", environment), "nothing to clean up\n")

    def run_cron(self, line, environment):
        done = subprocess.run(["sh", "-c", line], cwd=self.directory, env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout.decode()


class Places(Crew):
    def test_through_a_symbolic_link_from_another_directory(self):
        os.makedirs(self.path("elsewhere/tools"))
        os.symlink("../../.crew/bin/codex-worker-launcher.sh", self.path("elsewhere/tools/launch"))
        os.symlink("tools/launch", self.path("elsewhere/l"))
        self.sh('cd elsewhere && ./l "mow the lawn"')
        (call,) = self.calls()
        self.assertEqual((call.text, call.directory), ("mow the lawn", self.path("elsewhere")))
        self.assertEqual((len(self.pids()), sorted(os.listdir(self.path("elsewhere")))), (1, ["l", "tools"]))

    def test_a_copy_without_a_dot_that_cannot_be_written(self):
        install(self.path("kit"), shutil.copy2)
        self.addCleanup(subprocess.run, ["chmod", "-R", "u+w", self.path("kit")], check=True)
        subprocess.run(["chmod", "-R", "a-w", self.path("kit")], check=True)
        self.launch_from("../kit", preexec_fn=without_privileges)

    def test_a_copy_on_a_medium_that_cannot_be_written(self):
        mounting = ["unshare", "--mount", "mount", "--bind", self.home, self.home]
        if not shutil.which("unshare") or subprocess.run(mounting, stderr=subprocess.DEVNULL).returncode:
            self.skipTest("mounting is not allowed here")
        inside = f"mount --bind {self.home} {self.home} && mount -o remount,bind,ro {self.home} && eval"
        self.launch_from("../.crew", ["unshare", "--mount", "sh", "-c", f'{inside} "$1"', "sh"])

    def launch_from(self, copy, before=("sh", "-c"), **options):
        """A launch in the project, from a copy that cannot be written: it goes well, and the project gets the home."""
        os.mkdir(self.path("project"))
        script = f"""! touch {copy}/probe 2>&1 || exit
            {copy}/bin/codex-worker-launcher.sh "oil the gate" && {copy}/bin/codex-status.sh"""
        out = self.sh('exec "$@"', *before, script, cwd=self.path("project"), **options)
        self.assertRegex(out, r"\ndone .* oil the gate ")
        self.home = self.path("project/.txlite")
        self.assertEqual((self.texts(), len(self.pids())), (["oil the gate"], 1))

    def test_no_codex_is_said_at_once_and_leaves_no_file(self):
        os.remove(os.path.join(self.stand, "codex"))
        environment = {**self.environment, "PATH": os.path.dirname(shutil.which("readlink")) + ":/usr/bin:/bin"}
        names = ("codex-worker-launcher.sh", "codex-exec.sh", "codex-research.sh")
        for launch in [self.begin(f"exec .crew/bin/{name} 'ring the bell'", env=environment) for name in names]:
            _, error = launch.communicate(timeout=60)
            self.assertEqual(launch.returncode, 64)
            self.assertRegex(error, rb"^txlite: .*'codex' is not installed.*: install it, or .*\n$")
        self.assertEqual(sorted(os.listdir(self.home)), ["bin", "txlite"])


class Others(Crew):
    def test_exec_shows_the_output_and_gives_the_exit_code(self):
        out = self.run_bin("codex-exec.sh", "medium", "rake the leaves")
        self.assertEqual(out, "call 1 begins\ncall 1 complains\ncall 1 ends\n")
        self.run_bin("codex-exec.sh", "rake the leaves", does="exit 5", code=5)
        self.assertEqual([call.level for call in self.calls()], ["medium", "low"])
        self.assertEqual(len(self.pids()), 2)

    def test_exec_stops_the_task_on_interrupt(self):
        script = 'exec .crew/bin/codex-exec.sh "never ends"'
        front = self.begin(script, does="wait_for go", start_new_session=True, preexec_fn=hear_interrupts)
        self.assertEqual(front.stdout.readline(), b"call 1 begins\n")
        os.killpg(front.pid, signal.SIGINT)
        _, error = front.communicate(timeout=60)
        self.assertEqual(front.returncode, 130)
        self.assertRegex(error, rb"^txlite: tx-\w+ was stopped\n$")
        self.assertEqual(running(os.path.join(self.stand, "codex")), [])
        self.assertEqual(len(self.pids()), 1)
        self.assertIn("cancelled", self.run_bin("codex-status.sh"))

    def test_exec_says_what_it_would_run(self):
        out = self.run_bin("codex-exec.sh", "--dry-run", "high", "prune the roses")
        self.assertIn("model_reasoning_effort=high", out)
        self.assertEqual((self.calls(), sorted(os.listdir(self.home))), ([], ["bin", "txlite"]))

    def test_research_may_search_and_reports_in_a_directory_of_its_own(self):
        self.run_bin("codex-research.sh", "which rose likes shade")
        (call,) = self.calls()
        self.assertEqual((call.text, call.level), ("which rose likes shade", "medium"))
        self.assertIn("web_search=live", call.argv)
        self.assertEqual((len(self.pids("research")), self.names("workers")), (1, []))
        counts = collections.Counter(self.run_bin("codex-status.sh", "--research").split())
        self.assertEqual(counts["research"], 1)


if __name__ == "__main__":
    unittest.main()
