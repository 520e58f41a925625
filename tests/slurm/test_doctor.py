"""What `doctor` says of a real Slurm: who answers, who sees home, whether a job would be taken."""

from __future__ import annotations

import unittest
from typing import Any

from .case import SlurmCase


class Doctor(SlurmCase):
    def setUp(self) -> None:
        super().setUp()
        self.txlite("init")

    def findings(self) -> dict[str, dict[str, Any]]:
        return {one["name"]: one for one in self.json("doctor", code=None)["findings"]}

    def test_what_is_here(self) -> None:
        found = self.findings()
        self.assertEqual(found["Slurm"]["level"], "ok")
        self.assertRegex(found["Slurm"]["found"], r"^\d+\.\d+.*, cluster tests, answers; partitions: \w+")
        self.assertRegex(found["accounting"]["found"], "accounting storage is disabled: why a job ended")
        self.assertEqual((found["shared home"]["level"], found["jobs"]["level"]), ("limited", "ok"))
        self.assertIn("slurm_shared = yes", found["shared home"]["advice"])

    def test_what_config_says(self) -> None:
        self.write_config("[txlite]\nslurm_shared = yes\nslurm = --partition=nowhere\n")
        found = self.findings()
        self.assertIn("config.ini says that nodes see it", found["shared home"]["found"])
        self.assertEqual(found["jobs"]["level"], "limited")
        self.assertIn("nowhere", found["jobs"]["found"])

    def test_what_it_says_that_nobody_understands(self) -> None:
        for line, words in (
            ("executor = slrm", "unknown executor 'slrm'"),
            ("slurm = mem", "'mem' is no option"),
            ("node_failure = never", "it is 'never': give aside or retry"),
            ("slurm_shared = true", "it is 'true': give yes or no"),
        ):
            self.write_config(f"[txlite]\n{line}\n")
            found = self.findings()["config.ini"]
            self.assertEqual(found["level"], "broken", line)
            self.assertIn(words, found["found"])

    def test_options_that_are_refused(self) -> None:
        self.write_config("[txlite]\nslurm = --array=1-3\n")
        self.assertIn("--array", self.findings()["jobs"]["found"])

    def test_a_controller_that_does_not_answer(self) -> None:
        self.environment["SLURM_CONF"] = self.path("slurm.conf")
        with open(self.cluster.configuration) as file, open(self.path("slurm.conf"), "w") as copy:
            lines = [line for line in file if not line.startswith("SlurmctldPort=")]
            copy.write("".join(lines) + "SlurmctldPort=1\n")
        found = self.findings()
        self.assertEqual(found["Slurm"]["level"], "limited")
        self.assertRegex(found["Slurm"]["found"], "its controller does not answer .*: attempts wait until it does")


if __name__ == "__main__":
    unittest.main()
