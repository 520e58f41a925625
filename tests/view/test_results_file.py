"""The rows of a run's results: one for each task that ended, whoever was killed meanwhile."""

from __future__ import annotations

import csv
import json
import os
import unittest
from typing import Any
from unittest import mock

from txlite.errors import StoreUnavailable
from txlite.view import terminal
from txlite.view.results_file import ResultsFile

from ..case import Case, wait_until


class Results(Case):
    def rows(self, name: str) -> list[dict[str, Any]]:
        if name.endswith(".jsonl"):
            return [json.loads(line) for line in self.read(name).splitlines()]
        with open(self.path(name), newline="") as file:
            return list(csv.DictReader(file))

    def test_a_row_for_each_task_with_what_was_asked_and_what_came_of_it(self) -> None:
        with self.store() as store:
            store.add("three", command='echo "a,\n\n"', arguments=["a b", "é"])
            store.add("fails", command="exit 7")
        for name in ("r.csv", "r.jsonl"):
            self.txlite("run", "-j", "1", "--retries", "1", "--retry-failed", "--results", name, code=1)
            self.store().reset(self.rows(name)[0]["id"])
        first, failed = self.rows("r.csv")
        self.assertEqual((first["command"], json.loads(first["arguments"])), ('echo "a,\n\n"', ["a b", "é"]))
        self.assertEqual((failed["outcome"], failed["exitCode"], failed["attempts"]), ("failed", "7", "2"))
        one = self.rows("r.jsonl")[0]
        self.assertEqual((one["arguments"], one["exitCode"], one["outcome"]), (["a b", "é"], 0, "done"))
        attempt = self.store().attempts(failed["id"])[-1]
        self.assertEqual(self.rows("r.jsonl")[1]["ended"], attempt.ended)
        self.assertTrue(self.read(one["report"]).startswith("#"))

    def test_what_goes_on_mends_a_torn_row_adds_what_is_missing_and_writes_none_twice(self) -> None:
        batch = self.batch(*[f'printf "%s" "{i}\n"'.replace("\n", "") for i in range(5)])
        for name in ("r.csv", "r.jsonl"):
            self.txlite("run", "--from", batch, "--results", name)
            whole = self.read(name)
            self.assertEqual(len(self.rows(name)), 5)
            self.txlite("run", "--from", batch, "--results", name)
            self.assertEqual(self.read(name), whole)
            with open(self.path(name), "w") as file:
                file.write(whole[: -len(whole) // 2 - 20])
            self.txlite("run", "--from", batch, "--results", name)
            self.assertEqual(sorted(self.read(name).splitlines()), sorted(whole.splitlines()))

    @unittest.skipUnless(os.path.exists("/dev/full"), "Linux has a disk that is always full")
    def test_a_full_disk_is_told_by_the_name_of_the_file(self) -> None:
        results = ResultsFile(self.path("r.csv"))
        with open("/dev/full", "wb") as full:
            os.dup2(full.fileno(), results._file.fileno())
        with mock.patch.object(terminal, "_lost", []):
            results._write(b"row\n")
            self.assertRaisesRegex(
                StoreUnavailable, "^--results .*/r.csv could not be written: No space left", terminal.check_said
            )

    def test_without_a_batch_what_ended_after_the_last_row_is_added(self) -> None:
        for name in ("earlier", "first", "missed"):
            self.store().add(name, command="true")
            options = [] if name == "earlier" else ["--results", "r.csv"]
            self.txlite("run", *options)
        whole = self.read("r.csv")
        with open(self.path("r.csv"), "w") as file:
            file.writelines(whole.splitlines(keepends=True)[:-1])
        self.txlite("run", "--results", "r.csv")
        self.assertEqual(self.read("r.csv"), whole)
        self.assertEqual(len(self.rows("r.csv")), 2)

    def test_two_runs_of_a_batch_share_a_file_and_no_row_comes_twice(self) -> None:
        batch = self.batch(*[f"sleep 0.01; echo {i}" for i in range(30)])
        for name in ("r.csv", "r.jsonl"):
            runs = [self.start("run", "-j", "2", "--again", "--from", batch, "--results", name)]
            wait_until(lambda: os.path.exists(self.path(name)) and os.path.getsize(self.path(name)) > 200, "a row")
            runs.append(self.start("run", "-j", "2", "--from", batch, "--results", name))
            for run in runs:
                self.assertEqual(run.wait(60), 0)
            self.assertEqual(len({row["id"] for row in self.rows(name)}), len(self.rows(name)))
            self.assertEqual(len(self.rows(name)), 30)

    def test_a_file_of_another_kind_is_left_alone_and_nothing_is_added(self) -> None:
        for name, words in (("a.csv", "x,y\n1,2\n"), ("b.jsonl", '{"x": 1}\n'), ("c.csv", "no line's end")):
            with open(self.path(name), "w") as file:
                file.write(words)
            self.txlite("run", "--results", name, "--", "true", code=64)
            self.assertIn("it holds something else: give another file", self.errors)
            self.assertEqual(self.read(name), words)
        self.txlite("run", "--results", "r.txt", code=64)
        self.assertIn("give FILE.csv or FILE.jsonl", self.errors)
        self.txlite("run", "--results", "no/r.csv", code=64)
        self.assertIn("No such file or directory", self.errors)
        os.mkfifo(self.path("pipe.csv"))
        self.txlite("run", "--results", "pipe.csv", code=64)
        self.assertIn("a pipe cannot be read again: give a file", self.errors)


if __name__ == "__main__":
    unittest.main()
