"""More than one provider: whose turn it is, what a task says about its agent, and the ladder after failed attempts."""

from __future__ import annotations

import os
import signal
import time
import unittest
from typing import Any

import txlite
from txlite.system import clock

from ..case import wait_until
from .case import RepositoryCase

# A stand-in for an agent: its prompt is its script, unless its provider refuses, which it does once for each file. How
# long it is limited counts from when it says so.
STAND_IN = """#!/bin/sh
echo "{name} $*" >> {calls}
cd {stand}
if mv {name}.unusable said 2> /dev/null; then cat said; exit 1; fi
if mv {name}.limited said 2> /dev/null; then
    echo $(($(date +%s) + $(cat said))) > {name}.until
    echo "limited until $(cat {name}.until)"
    exit 1
fi
cd "$OLDPWD"
tee {stand}/{name}.prompt | sh
"""
AGENT = """
[agent {name}]
command = {stand}/{name} {{level}}
levels =
    low=--low
    middle=--middle
    high=--high
limit = limited until (?P<until>\\d+)
unusable = log in
set = WHO={name}
"""


class Providers(RepositoryCase):
    """Two agents, one and two, each with a provider of its own."""

    def setUp(self) -> None:
        super().setUp()
        stand, calls = self.path(".txlite/stand"), self.path(".txlite/calls")
        told = ""
        for name in ("one", "two"):
            path = self.write(f".txlite/stand/{name}", STAND_IN.format(name=name, stand=stand, calls=calls))
            os.chmod(path, 0o755)
            told += AGENT.format(name=name, stand=stand)
        self.agents = told
        self.configure(told)

    def refuse(self, name: str, seconds: int) -> str:
        """Have a provider refuse once, for so many seconds from then on; a shell's word for the epoch of their end."""
        self.write(f".txlite/stand/{name}.limited", f"{seconds}\n")
        return f"$(cat {self.path(f'.txlite/stand/{name}.until')})"

    def loop(self, *options: str, agent: str = "one,two", **more: Any) -> str:
        return self.txlite("ralph", "--agent", agent, "--no-commit", *options, **more)

    def calls(self) -> list[str]:
        return [line.strip() for line in self.read(".txlite/calls").splitlines()]

    def by(self, task: str) -> list[tuple[str, str | None, str | None]]:
        """By whom the attempts of a task were made, and what came of each."""
        return [(one.agent, one.level, one.outcome) for one in self.attempts(task)]

    def test_the_next_goes_on_at_once_and_the_first_is_back_when_its_time_has_come(self) -> None:
        until = self.refuse("one", 6)  # longer than two looks take, also where that is measured
        task = self.add(f"while test $(date +%s) -le {until}; do sleep 0.05; done; test $WHO = two")
        after = self.add("test $WHO = one", after=[task])
        out = self.loop("--workers", "2", "--no-worktrees")
        self.assertEqual(self.by(task), [("one", None, "interrupted"), ("two", None, "done")])
        self.assertEqual(self.by(after), [("one", None, "done")])
        self.assertRegex(out, r"\none is asked again at .*limited until \d+; two meanwhile\n")
        self.assertRegex(out, rf"\ndone      {task} .*  a task  \(by two\)\n")
        self.assertEqual(self.json("show", task)["failures"], 0)
        self.assertIn("one,two", self.txlite("ralph", "--report"))

    def test_the_next_goes_on_with_what_the_first_had_begun_and_is_told_whose_it_is(self) -> None:
        until = int(time.time()) + 3600
        limited = f"echo half > half; echo limited until {until}; exit 1"
        task = self.add(f"if test $WHO = one; then {limited}; fi; test -e half && mv half whole")
        self.write(".txlite/templates/ralph-task.md", "{{TASK_DESCRIPTION}}\n: <<'END'\n{{LAST_ATTEMPT}}\nEND\n")
        self.ralph("--worktrees", agent="one,two")
        self.assertEqual(self.run_git("show", "--format=", "--name-only").split(), ["whole"])
        told = self.read(".txlite/stand/two.prompt")
        self.assertRegex(told, rf"An attempt by one was cut off \(limited until {until} \(no more before .*\)\)\. Its ")
        self.assertEqual(self.by(task), [("one", None, "interrupted"), ("two", None, "done")])

    def test_one_that_cannot_work_drops_out_with_a_line_and_the_loop_ends_when_none_is_left(self) -> None:
        self.write(".txlite/stand/one.unusable", "please log in\n")
        tasks = [self.add("test $WHO = two") for _ in range(2)]
        out = self.loop()
        self.assertIn("agent one: please log in: mend that first; this loop goes on without it, by two\n", out)
        self.assertEqual([self.by(task)[-1] for task in tasks], [("two", None, "done")] * 2)
        self.assertEqual(self.calls(), ["one", "two", "two"])
        for name in ("one", "two"):
            self.write(f".txlite/stand/{name}.unusable", "please log in\n")
        last = self.add("true")
        self.loop(code=1)
        self.assertIn("txlite: agent two: please log in: mend that first\n", self.errors)
        told = self.txlite("ralph", "--report")
        self.assertIn("needs a person:\n  agent one: please log in: mend that first\n", told)
        self.assertEqual(self.by(last), [("one", None, "interrupted"), ("two", None, "interrupted")])
        self.loop()  # another loop asks both again
        self.assertEqual(self.by(last)[-1], ("one", None, "done"))

    def test_a_task_has_its_own_agent_and_level_and_waits_for_it_alone(self) -> None:
        until = self.refuse("two", 6)  # longer than two looks take, also where that is measured
        own = self.json("add", "-d", f"test $WHO = two && test $(date +%s) -ge {until}", "first", "--score", "9",
                        "--agent", "two", "--level", "high")  # fmt: skip
        self.assertEqual((own["agent"], own["level"], own["needs"]), ("two", "high", None))
        other = self.add("test $WHO = one")
        out = self.loop(agent="one")
        self.assertRegex(out, r"\ntwo is asked again at .*limited until \d+\n")
        self.assertEqual(self.calls(), ["two --high", "one", "two --high"])
        self.assertEqual(self.by(own["id"]), [("two", "high", "interrupted"), ("two", "high", "done")])
        self.assertEqual(self.by(other), [("one", None, "done")])
        self.assertRegex(self.txlite("show", own["id"]), r"\n  agent: +two\n  level: +high\n(?s:.)*two at level high")

    def test_the_ladder_is_climbed_with_each_failed_attempt_and_said(self) -> None:
        task = self.add("echo tried; exit 3")
        self.write(".txlite/templates/ralph-task.md", "{{TASK_DESCRIPTION}}\n: <<'END'\n{{LAST_ATTEMPT}}\nEND\n")
        options = ("--level", "low", "--max-attempts", "3", "--escalate", "middle,two:high")
        out = self.loop(*options, agent="one", code=1)
        failed = [("one", "low"), ("one", "middle"), ("two", "high")]
        self.assertEqual(self.by(task), [(*by, "failed") for by in failed])
        told = self.read(".txlite/stand/two.prompt")
        self.assertIn("attempt 3, by two at level high, because the one before it, by one at level middle, did n", told)
        told = self.read(".txlite/stand/one.prompt")
        words = "This is attempt 2, by one at level middle, because the one before it, by one at level low, did not"
        self.assertIn(words, told)
        self.assertRegex(out, rf"again     {task} .*  a task  \(by one at level middle, failed, exit 3\)\n")
        found = self.json("ralph", "--report")["tasks"][0]["attempts"]
        self.assertEqual([(one["agent"], one["level"]) for one in found], failed)
        self.assertIn("**Agent:** two  \n", self.report(self.last(task)))
        self.assertIn("**Level:** high  \n", self.report(self.last(task)))

    def report(self, attempt: txlite.Attempt) -> str:
        return self.read(os.path.join(self.home, attempt.report or ""))

    def test_alone_it_is_a_level_higher_each_time(self) -> None:
        task = self.add("exit 3")
        self.loop("--level", "low", "--max-attempts", "2", "--escalate", agent="one", code=1)
        self.assertEqual(self.calls(), ["one --low", "one --middle"])  # and so on: see test_ladder
        self.txlite("retry", task)
        self.loop("--max-attempts", "2", "--escalate", agent="one", code=1)
        self.assertEqual(self.calls()[2:], ["one", "one --high"])  # nobody knows what its own level is

    def test_a_rung_whose_agent_is_limited_keeps_nothing_else_waiting(self) -> None:
        before = self.add("test $WHO = two", score=8)  # failed when there was no ladder
        self.loop("--max-failures", "1", agent="one", code=1)
        self.refuse("two", 3)
        tasks = [self.add("test $WHO = two", score=9), before]
        others = [self.add("test $WHO = one") for _ in range(2)]
        asks = self.add("true", score=10, agent="two")  # the first that two refuses
        self.loop("--escalate", "two", "--max-attempts", "2", agent="one")
        until = int(self.read(".txlite/stand/two.until"))
        for task in tasks:
            self.assertGreaterEqual(clock.to_seconds(self.last(task).started), until)
        self.assertEqual([self.by(task) for task in tasks], [[("one", None, "failed"), ("two", None, "done")]] * 2)
        self.assertEqual([self.by(other) for other in others], [[("one", None, "done")]] * 2)
        self.assertEqual(self.by(asks), [("two", None, "interrupted"), ("two", None, "done")])

    def test_a_rung_whose_agent_has_dropped_out_is_left_out(self) -> None:
        self.write(".txlite/stand/two.unusable", "please log in\n")
        tasks = [self.add("test $TXLITE_TOKEN -gt 2") for _ in range(2)]
        self.loop("--escalate", "two", "--max-attempts", "3", agent="one")
        one, two = ("one", None, "failed"), ("two", None, "interrupted")
        made = [[by for by in self.by(task)[:-1] if by != two] for task in tasks]
        self.assertEqual(made, [[one], [one]])
        self.assertEqual([self.by(task)[-1] for task in tasks], [("one", None, "done")] * 2)

    def test_a_kill_of_everything_changes_nobodys_turn(self) -> None:
        self.refuse("one", 3600)
        task = self.add(f"touch {self.path('.txlite/began')}; sleep {self.nap}")
        loop = self.start("ralph", "--agent", "one,two", "--no-commit", "--escalate", "two:high")
        wait_until(lambda: os.path.exists(self.path(".txlite/began")), "the attempt of two")
        for pid in [loop.pid, *(one["pid"] for one in self.json("worker", "list"))]:
            os.kill(pid, signal.SIGKILL)
        loop.wait()
        with txlite.open(self.home) as store:
            store.update(task, description="test $WHO = two")
        self.loop()
        self.assertEqual(self.by(task), [("one", None, "interrupted"), ("two", None, "lost"), ("two", None, "done")])

    def test_run_serves_the_agents_that_tasks_name_and_update_changes_whose_they_are(self) -> None:
        task = self.add("test $WHO = two", agent="two", level="low")
        self.txlite("run", code=1)  # without an agent it runs commands only
        waits = "1 prompt waits for agent two: `txlite ralph --agent two`\n"
        self.assertIn(waits, self.txlite("status"))
        self.txlite("run", "--agent", "one")
        self.assertEqual(self.by(task), [("two", "low", "done")])
        other = self.add("test $WHO = two")
        self.assertEqual(self.json("update", other, "--agent", "two", "--level", "high")["agent"], "two")
        self.assertIn(waits, self.txlite("status"))
        self.environment["EDITOR"] = "sed -i 's/^level: high/level: middle/'"
        self.txlite("edit", other)
        self.txlite("run", "--agent", "one")
        self.assertEqual(self.by(other), [("two", "middle", "done")])
        self.txlite("retry", other)
        self.assertIsNone(self.json("update", other, "--agent", "", "--level", "")["agent"])
        self.txlite("run", "--agent", "two")
        self.assertEqual(self.by(other)[-1], ("two", None, "done"))
        needy = self.json("add", "x", "--needs", "gpu")["id"]
        self.txlite("update", needy, "--agent", "one", code=64)
        self.assertEqual(self.json("show", needy)["needs"], "gpu")

    def test_under_a_bound_of_money_nobody_works_who_does_not_say_what_it_costs(self) -> None:
        self.configure(self.agents.replace("set = WHO=one", "results = claude\nset = WHO=one"))
        self.loop("--max-cost", "1", "--escalate", "two", agent="one", code=64)
        price = (
            "set a price as `price = input=1.25 cached=0.125 output=10` in [agent two] of config.ini (dollars a million"
        )
        self.assertIn(f"--max-cost: agent two does not say what it costs: {price} tokens)", self.errors)
        task = self.add("true", agent="two")
        self.assertIn("1 prompt waits for agent two: ", self.loop("--max-cost", "1", agent="one"))
        self.assertEqual(self.by(task), [])

    def test_what_no_agent_can_do_is_refused_at_the_start(self) -> None:
        refused: tuple[tuple[tuple[str, ...], str], ...] = (
            (("--agent", "one,nobody"), "unknown agent 'nobody'"),
            (("--agent", "one,one"), "--agent names one twice"),
            (("--agent", "one,,two"), "has an empty name"),
            (("--agent", "shell,one"), "--agent names shell beside others"),
            (
                ("--agent", "one", "--escalate", "hihg"),
                "--escalate: 'hihg' is not a level (low, middle, high) or an ag",
            ),
            (("--agent", "one", "--escalate", "two:best"), "unknown level 'best': two knows low, middle, high"),
            (("--agent", "one,two", "--level", "best"), "unknown level 'best'"),
        )
        for options, words in refused:
            self.txlite("ralph", "--no-commit", *options, code=64)
            self.assertIn(words, self.errors)
            self.assertEqual(self.errors.count("\n"), 1)
        refused = (
            (("--agent", "nobody", "a"), "unknown agent 'nobody'"),
            (("--agent", "shell", "a"), "shell runs commands"),
            (("--agent", "one", "--needs", "gpu", "a"), "either an agent or a capability"),
            (("--level", "best", "a"), "unknown level 'best'"),
            (("--agent", "one", "a", "--", "true"), "a command"),
            (("--needs", "agent:one", "a"), "--agent one"),
        )
        for options, words in refused:
            self.txlite("add", *options, code=64)
            self.assertIn(words, self.errors)


if __name__ == "__main__":
    unittest.main()
