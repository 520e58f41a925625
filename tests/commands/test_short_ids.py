"""Ids by their beginnings: with every verb and option that takes one, and what is said where several are meant."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
from unittest import mock

import txlite
from txlite import cli
from txlite.commands import VERBS
from txlite.commands.grammar import read_grammar
from txlite.errors import NotFound, Refused
from txlite.execution.known_workers import find_workers
from txlite.execution.presence import begins

from ..case import Case
from ..store.case import HEADER, task

IDS = {
    "ONE": "tx-onetask1",
    "OTHER": "tx-othertask",
    "FAILED": "tx-failed01",
    "HELD": "tx-heldtask",
    "LATER": "tx-12345678",
}
SEVERAL = ("tx-abcd0001", "tx-abce0001")
# verb -> what is typed after it, with three characters of each id, and the exit code; "+ID": of a list with commas.
TYPED: dict[str, tuple[tuple[str, int], ...]] = {
    "add": (("x --parent ONE", 0), ("x --after ONE,OTHER", 0)),
    "update": (("ONE --title y", 0), ("ONE --parent OTHER", 0)),
    "edit": (("ONE", 0),),
    "delete": (("ONE", 0),),
    "dep": (("block ONE OTHER", 0), ("tree ONE", 0), ("unblock LATER ONE", 0)),
    "block": (("ONE OTHER", 0),),
    "unblock": (("LATER ONE", 0),),
    "show": (("ONE", 0),),
    "logs": (("FAILED", 0),),
    "history": (("ONE", 0),),
    "tree": (("ONE", 0),),
    "children": (("ONE", 0),),
    "wait": (("FAILED", 1),),
    "stop": (("ONE", 1),),  # it does not run
    "cancel": (("ONE OTHER", 0),),
    "retry": (("FAILED", 0),),
    "reset": (("FAILED", 0),),
    "done": (("ONE OTHER", 0),),
    "fail": (("ONE", 0),),
    "switch": (("ONE OTHER", 0),),
    "review": (("ONE", 1),),  # nothing of it waits
    "approve": (("ONE", 1),),
    "reject": (("ONE why", 1),),
    "diff": (("ONE", 2),),  # nothing of it is in a repository
    "attach": (("ONE", 2),),  # no agent of it has a session
    "say": (("ONE words", 0),),
    "claim": (("ONE me", 0), ("release HELD me", 0), ("renew HELD me", 0)),
    "claim:release": (("HELD me", 0),),
    "claim:renew": (("HELD me", 0),),
}


class ShortIds(Case):
    def setUp(self) -> None:
        super().setUp()
        lines = [{**task(0), "id": id, "title": name, "status": "failed" if name == "FAILED" else "backlog"}
                 for name, id in IDS.items()]  # fmt: skip
        lines += [{**task(0), "id": id, "title": f"title of {id}"} for id in SEVERAL]
        ended = {"task": IDS["FAILED"], "worker": "w", "agent": "shell", "startedAt": lines[0]["createdAt"],
                 "endedAt": lines[0]["createdAt"], "outcome": "failed", "exitCode": 1, "attempt": 1,
                 "tail": "why\n"}  # fmt: skip
        with open(self.path("all.jsonl"), "w") as file:
            file.write("".join(json.dumps(line) + "\n" for line in [HEADER, *lines, ended]))
        self.call("import", self.path("all.jsonl"))
        with txlite.open(self.home) as store:
            store.add_dependency(IDS["LATER"], IDS["ONE"])
            store.claim(IDS["HELD"], "me")

    def call(self, *words: str, home: str = "") -> tuple[int, str, str]:
        """Run a command in this process; its exit code, stdout and stderr."""
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as error:
            with mock.patch.dict(os.environ, EDITOR="true"):
                code = cli.main(["--home", home or self.home, *words])
        return code, out.getvalue(), error.getvalue()

    def test_every_verb_that_takes_an_id_is_here(self) -> None:
        taking = set()
        for verb in VERBS:
            grammar = read_grammar(verb)
            completed = [one.completed for one in grammar.arguments] + [one.completed for one in grammar.options]
            if any("?ids" in one or "?running" in one for one in completed):
                taking.add(verb)
        self.assertEqual(taking | {"claim"}, set(TYPED))

    def test_a_beginning_is_enough(self) -> None:
        for verb, lines in TYPED.items():
            for place, (line, wanted) in enumerate(lines):
                for start in (0, 3) if verb in ("show", "wait") else (3,):  # with tx-, and without
                    typed = line
                    for name, id in IDS.items():
                        typed = typed.replace(name, id[start:6])
                    home = self.path(f"{verb}-{place}-{start}".replace(":", "-"))
                    shutil.copytree(self.home, home)
                    with self.subTest(f"{verb} {typed}"):
                        code, out, error = self.call(verb, *typed.split(), home=home)
                        self.assertEqual(code, wanted, out + error)
                        self.assertNotIn("not found", error)

    def test_of_several_all_are_named_with_their_titles(self) -> None:
        for verb, lines in TYPED.items():
            for line, _ in lines:
                typed = line
                for name in IDS:
                    typed = typed.replace(name, "abc")
                with self.subTest(f"{verb} {typed}"):
                    code, _, error = self.call(verb, *typed.split())
                    self.assertEqual((code, error.count("\n")), (64, 1), error)
                    self.assertIn("tx-abcd0001 (title of tx-abcd0001), tx-abce0001 (title of tx-abce0001)", error)

    def test_workers_and_runs(self) -> None:
        self.assertTrue(all(begins("run-abc123", name) for name in ("run-abc123", "run-abc", "abc", "abc12")))
        self.assertFalse(
            any(begins("run-abc123", name) for name in ("run-", "run", "ab", "run-ab", "bc1", "", "worker-abc"))
        )
        with txlite.open(self.home) as store:
            ids = ["worker-" + "0123456789", "worker-" + "abcdef0123", "worker-" + "abcdff0123"]
            for id in ids:
                store.workers.register(txlite.model.WorkerRecord(
                    id, f"name of {id}", None, "command ", "h", "1 2 b n", 1.0, "2026-01-01T00:00:00.000Z", "", None,
                ))  # fmt: skip
            self.assertEqual([one.id for one in find_workers(store, [ids[0][:13], f"name of {ids[1]}"])], ids[:2])
            with self.assertRaisesRegex(Refused, "'abc' is the beginning of several ids: worker-abcdef0123 .name of"):
                find_workers(store, ["abc"])
            with self.assertRaises(NotFound):
                find_workers(store, ["xyz"])


if __name__ == "__main__":
    import unittest

    unittest.main()
