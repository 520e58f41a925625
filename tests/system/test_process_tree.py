"""A tree of processes is found by parenthood, session and mark; another's process never is."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import time
import unittest
from unittest import mock

from txlite.system import process, process_tree

from ..case import ROOT, Case, wait_until


class Members(Case):
    def test_a_process_with_the_same_pid_is_not_signalled(self) -> None:
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

    def test_marks_of_another_attempt_or_home_do_not_match(self) -> None:
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

    def test_one_that_goes_on_while_others_are_looked_at_is_found(self) -> None:
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

    def test_what_cannot_be_killed_is_named(self) -> None:
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

    def test_each_thing_that_tells_kin_finds_what_has_shed_the_others(self) -> None:
        code = f"""import sys; sys.path.insert(0, {ROOT!r})
import os, resource, subprocess, time; from txlite.system import process, process_tree
def shed():
    limit = resource.getrlimit(resource.RLIMIT_RTTIME)[1]
    resource.setrlimit(resource.RLIMIT_RTTIME, (limit, limit))
def start(name, *words, **options):
    names[subprocess.Popen(("sleep", "600", *words), env={{}}, stdout=-3, stderr=-3, **options).pid] = name
def members(agent, **options):
    return {{one.pid for one in process_tree.Tree(home, 12, agent, **options).members()}}
home, names, shown = "abcdef0" + "0" * 29, {{}}, []
process.become_subreaper()
process_tree.mark_children(home, 12)
start("mark", start_new_session=True)
shed()  # who changes its own limit keeps what it has started
start("nothing", start_new_session=True)
agent = subprocess.Popen(["sh", "-c", "sleep 600 & setsid sleep 600 & echo $!; exec sleep 600"], env={{}},
                         start_new_session=True, stdout=subprocess.PIPE, stderr=-3, text=True)
names[int(agent.stdout.readline())] = "parent"
names[agent.pid] = "agent"
while len([one for one in process.table().values() if one.parent == agent.pid]) < 2: time.sleep(0.01)
known = process.identify(agent.pid)
found = members(known)
shown.append(sorted(names.get(pid, "session") for pid in found))
spared = members(known, spared=lambda: [pid for pid in names if names[pid] == "parent"])
shown.append(sorted(names[pid] for pid in found - spared))
adopted = members(known, adopted=lambda child: names.get(child.pid) == "nothing")
shown.append(sorted(names[pid] for pid in adopted - found))
agent.kill(); agent.wait()
for pid in found | adopted | set(names):
    if process.look(pid): process_tree.send(process.look(pid), 9)
print(shown)"""
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout
        self.assertEqual(ast.literal_eval(out), [["agent", "mark", "parent", "session"], ["parent"], ["nothing"]])

    def test_a_child_is_collected_alone(self) -> None:
        code = f"""import sys; sys.path.insert(0, {ROOT!r})
import os, subprocess, time; from txlite.system import process
running, ended = subprocess.Popen(["sleep", "600"]), subprocess.Popen(["sh", "-c", "exit 7"])
while process.look(ended.pid).state != "Z": time.sleep(0.01)
process.reap(running.pid)
process.reap_adopted({{running.pid, ended.pid}})
print(ended.wait()); running.kill()"""
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout
        self.assertEqual(out, "7\n", "somebody else took its exit code")


class Endings(Case):
    def start_shell(self, script: str) -> process_tree.Ending:
        """The end of a shell with a session of its own, which has said that it is ready."""
        self.shell = subprocess.Popen(
            ["sh", "-c", script], cwd=self.directory, start_new_session=True, stderr=subprocess.DEVNULL
        )
        self.addCleanup(self.shell.wait)
        self.addCleanup(self.shell.kill)
        wait_until(lambda: self.read("ready"), "the shell")
        tree = process_tree.Tree("0" * 36, 1, process.identify(self.shell.pid))
        return process_tree.Ending(tree, 600.0)

    def end(self, ending: process_tree.Ending) -> None:
        def go_on() -> bool:
            time.sleep(ending.step())
            return ending.is_over

        wait_until(go_on, "its end")
        self.assertEqual(ending.survivors, [])

    def test_one_that_was_stopped_hears_that_it_is_to_end(self) -> None:
        ending = self.start_shell("trap 'echo heard > heard; exit' TERM; echo > ready; while :; do sleep 0.02; done")
        self.shell.send_signal(signal.SIGSTOP)
        wait_until(lambda: process.look(self.shell.pid).state == "T", "it to stop")
        self.end(ending)
        self.assertEqual(self.read("heard"), "heard\n")

    def test_who_may_not_be_signalled_is_named_when_patience_is_over(self) -> None:
        ending = self.start_shell("echo > ready; exec sleep 600")
        ending.hasten()
        refused = mock.patch.object(process, "send_signal", side_effect=PermissionError)
        with refused, mock.patch.object(process_tree, "KILL_PATIENCE", 0.1):
            wait_until(lambda: ending.step() == 0.0 and ending.is_over, "its end")
        self.assertEqual([one.pid for one in ending.survivors], [self.shell.pid])

    def test_nobody_forks_while_the_others_are_killed(self) -> None:
        ending = self.start_shell("""trap '' TERM
            for number in 1 2 3 4 5 6; do sleep 600 & done
            echo > ready
            while :; do wait; for number in 1 2 3 4 5 6; do sleep 600 & done; echo again >> again; done""")
        sent: list[tuple[int, int]] = []
        send = process.send_signal

        def record(member: process.Process, number: int) -> None:
            sent.append((member.pid, number))
            send(member, number)

        ending.hasten()
        with mock.patch.object(process, "send_signal", record):
            ending.step()
        self.assertEqual(len({pid for pid, _ in sent}), 7)
        self.assertEqual([number for _, number in sent], [signal.SIGSTOP] * 7 + [signal.SIGKILL] * 7)
        self.end(ending)
        self.assertEqual(self.read("again"), "")


if __name__ == "__main__":
    unittest.main()
