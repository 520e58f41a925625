"""What an agent inside an attempt sees and may do, though its client keeps the environment from its servers."""

from __future__ import annotations

import json
import os
import shlex
import sys
from typing import Any

from ..case import ROOT
from ..ralph.case import RepositoryCase

HANDSHAKE = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-06-18"}}


class Inside(RepositoryCase):
    def script(self, *calls: tuple[str, dict[str, Any]], name: str = "calls", kept: str = "env -i") -> str:
        """What an agent runs that makes these calls, OWN being its task; `answers` reads what they told."""
        lines = [HANDSHAKE, *({"jsonrpc": "2.0", "id": number, "method": "tools/call",
                               "params": {"name": tool, "arguments": arguments}}
                              for number, (tool, arguments) in enumerate(calls, 1))]  # fmt: skip
        requests = self.write(f".txlite/{name}.in", "".join(json.dumps(line) + "\n" for line in lines))
        answers = self.path(f".txlite/{name}.out")
        home = {name: self.environment[name] for name in ("PATH", "XDG_STATE_HOME", "PYTHONPYCACHEPREFIX")}
        words = [f"{name}={value}" for name, value in {**home, "PYTHONPATH": ROOT}.items()]
        server = [*shlex.split(kept), *words, sys.executable, "-S", "-m", "txlite", "mcp"]
        return f"sed s/OWN/$TXLITE_TASK/g {requests} | {shlex.join(server)} >> {answers} 2>&1"

    def answers(self, name: str = "calls") -> list[Any]:
        """What each tool told, or the line with which it failed."""
        found = []
        with open(self.path(f".txlite/{name}.out")) as file:
            for line in file.read().splitlines():
                result = json.loads(line)["result"]
                if "content" in result:
                    words = result["content"][0]["text"]
                    found.append(words if result.get("isError") else json.loads(words))
        return found

    def test_its_own_task_and_children_alone(self) -> None:
        other = self.add("true", "a secret title", score=-1)
        script = self.script(
            ("list", {}), ("ready", {}), ("show", {"id": "OWN"}), ("show", {"id": other}), ("logs", {"id": other}),
            ("cancel", {"id": other}), ("claim", {"id": other}), ("wait", {"ids": [other]}), ("claim", {}),
            ("add", {"title": "child", "description": "true"}), ("add", {"title": "x", "parent": other}),
            ("add", {"title": "x", "after": [other]}), ("add", {"title": "x", "score": 5}),
            ("add", {"title": "x", "command": "true"}), ("list", {"parent": other}), ("show", {"id": other[:9]}),
            ("wait", {"ids": ["OWN"]}), ("cancel", {"id": "OWN"}), ("renew", {"id": "OWN", "token": "1"}),
            ("finish", {"id": "OWN", "outcome": "released"}), ("list", {}), ("claim", {}),
            ("finish", {"id": "OWN", "outcome": "done"}),
        )  # fmt: skip
        own = self.add(script, "own", score=1, group="night", timeout=99, max_attempts=2)
        self.txlite("group", "night", "--workers", "2")
        self.ralph("--max-tasks", "1", "--no-commit")
        told = self.answers()
        self.assertEqual([[one["id"] for one in told[place]["tasks"]] for place in (0, 1)], [[own], []])
        self.assertEqual((told[2]["id"], told[8]["claimed"]), (own, None))
        for place in (3, 4, 5, 6, 7, 11, 14, 15):
            self.assertIn("nor a child of it", told[place], place)
        for place, words in ((10, "nor a child of it"), (12, "at most that of your own task"), (13, "--allow-commands"),
                             (16, "it ends when you do"), (17, "finish it as failed"), (18, "nothing has to be"),
                             (19, "end without finish")):  # fmt: skip
            self.assertIn(words, told[place])
        child = told[9]["id"]
        self.assertEqual([one["id"] for one in told[20]["tasks"]], [own, child])
        self.assertEqual(told[21]["id"], child)
        self.assertIn("it counts when you have ended", told[22]["noted"])
        self.assertNotIn("secret", json.dumps(told))
        found = self.store().get(child)
        self.assertEqual((found.parent, found.score, found.directory, found.group, found.timeout, found.max_attempts),
                         (own, 1, self.directory, "night", 99, 2))  # fmt: skip
        self.assertEqual((self.status_of(own), self.status_of(other)), ("done", "backlog"))

    def test_its_word_is_judged_by_the_gate(self) -> None:
        says_done = self.script(("finish", {"id": "OWN", "outcome": "done"}), kept="env")
        says_failed = self.script(("finish", {"id": "OWN", "outcome": "failed", "reason": "no way"}), name="failed")
        first = self.add(f"{says_done}; exit 7", "says done, and exits with 7", verify="false")
        second = self.add(f"{says_done}; exit 7", "the same, with a gate that passes", verify="true")
        third = self.add(says_failed, "gives up")
        self.ralph("--no-commit", code=1)
        self.assertEqual([self.status_of(one) for one in (first, second, third)], ["failed", "done", "failed"])
        self.assertIn("no way", str(self.last(third).note))

    def test_a_reviewer_changes_nothing(self) -> None:
        failed = self.script(("finish", {"id": "OWN", "outcome": "failed"}), ("add", {"title": "x"}), ("list", {}))
        waiting = self.add("echo one > one", "waits for a person")
        self.ralph("--review", code=1)
        verdict = '{"verdict": "approved", "reason": "good"}'
        ids = failed.replace("$TXLITE_TASK", "$(basename $PWD)")  # it is not told
        critic = self.write(".txlite/critic.sh", f"{ids}; txlite approve {waiting} 2> ../../said; echo '{verdict}'\n")
        self.configure(f"[agent critic]\ncommand = sh {critic}\n")
        own = self.add("echo two > two", "own")
        self.ralph("--reviewer", "critic")
        finished, added, listed = self.answers()
        for answer in (finished, added):
            self.assertIn("who judges changes nothing", answer)
        self.assertEqual([one["id"] for one in listed["tasks"]], [own])
        self.assertEqual((self.status_of(own), self.status_of(waiting)), ("done", "review"))
        self.txlite("reject", waiting, "no tests")
        self.script(("show", {"id": waiting}), name="shown")
        with open(self.path(".txlite/shown.in")) as file:
            told = self.txlite("mcp", stdin=file.read().encode())
        self.assertIn("a person rejected it: no tests", told)
        self.assertIn("leave it to a person", self.read(".txlite/said"))

    def test_the_queue_of_another_home_is_not_its_own_and_who_is_late_changes_nothing(self) -> None:
        other = self.path("other")
        self.txlite("add", "--home", other, "a secret title", "-q")
        elsewhere = self.script(("list", {}), ("add", {"title": "x"}), name="elsewhere")
        nowhere = self.script(("add", {"title": "x"}), name="nowhere").replace(" mcp ", " mcp --home new ")
        own = self.add(elsewhere.replace(" mcp ", f" mcp --home {other} ") + "\n" + nowhere, "own")
        self.ralph("--no-commit")
        self.assertEqual(len(self.answers("elsewhere")), 2)
        for answer in self.answers("elsewhere"):
            self.assertIn("inside an attempt of another home", answer)
        self.assertIn("have TXLITE_HOME passed", self.answers("nowhere")[0])
        self.assertFalse(os.path.exists(self.path("new")))
        calls = (("add", {"title": "x"}), ("finish", {"id": own, "outcome": "failed"}), ("claim", {"id": own}))
        script = self.script(*calls, kept=f"env TXLITE_TASK={own} TXLITE_TOKEN=1").replace("$TXLITE_TASK", own)
        self.assertEqual(os.system(f"cd {self.directory} && {script}"), 0)
        self.assertEqual(len(self.answers()), 3)
        for answer in self.answers():
            self.assertIn("is over: nothing was changed", answer)

    def test_children_have_children_within_bounds(self) -> None:
        store, parent = self.store(), None
        for depth in range(5):
            parent = store.add(f"depth {depth}", parent=parent, score=-1).id
        script = self.script(("add", {"title": "child", "description": "true"}))
        deepest = self.add(script, "deep", parent=parent)
        script = self.script(("add", {"title": "child"}), name="many")
        many = self.add(script, "many")
        store.add_many([{"title": f"child {number}", "parent": many, "score": -1} for number in range(50)])
        self.ralph("--max-tasks", "2", "--no-commit")
        self.assertIn("generations below another task", self.answers()[0])
        self.assertIn("has 50 children already", self.answers("many")[0])
        self.assertEqual(self.status_of(deepest), "done")
