"""Every recipe of the page about Slurm, pasted into a shell of the login host of a real one."""

from __future__ import annotations

import glob
import os
import re
import subprocess
import sys
import unittest

from ..case import ROOT, wait_until
from ..docs.test_recipes import AGENT, recipes
from .case import SlurmCase

FILES = int(os.environ.get("TESTS_CONVERSIONS", "40"))


class Recipes(SlurmCase):
    def setUp(self) -> None:
        super().setUp()
        self.recipes = recipes("txlite", "docs", "slurm.md")
        self.txlite("init")
        self.write_config("[txlite]\nslurm_shared = yes\n")
        os.mkdir(self.path("tools"))
        with open(self.path("tools/claude"), "w") as file:
            file.write(AGENT)
        os.chmod(self.path("tools/claude"), 0o755)
        path = [self.path("tools"), os.path.join(ROOT, "bin"), self.environment["PATH"]]
        self.environment.update(
            PATH=os.pathsep.join(path), TXLITE_PYTHON=sys.executable, GIT_CONFIG_GLOBAL="/dev/null",
            GIT_CONFIG_SYSTEM="/dev/null",
        )  # fmt: skip

    def paste(self, title: str, before: str = "") -> str:
        """Run the recipe with this title; what it printed."""
        done = self.cluster.run(
            "bash", "-c", before + self.recipes[title], cwd=self.directory, env=self.environment,
            stdin=subprocess.DEVNULL, timeout=500,
        )  # fmt: skip
        self.assertEqual(done.stderr, "", done.stdout)
        return done.stdout

    def write_logs(self, count: int) -> None:
        for number in range(count):
            with open(self.path(f"{number}.log"), "w") as file:
                file.write(f"line {number}\n" * 100)

    def test_each_is_tested(self) -> None:
        self.assertEqual(len(self.recipes), 4)

    def test_recipe_conversions(self) -> None:
        self.write_logs(FILES)
        self.assertIn(f"{FILES} done", self.paste("Convert 500 files"))
        self.assertEqual(len(glob.glob(self.path("*.log.gz"))), FILES)
        rows = self.json("status")
        self.assertEqual({row["status"] for row in rows}, {"done"})
        self.assertEqual(len({row["place"].split()[1] for row in rows}), FILES, "a job for each")
        self.assertLessEqual({row["place"].rpartition(" on ")[2] for row in rows}, set(self.cluster.nodes))

    def test_recipe_agents(self) -> None:
        before = """git init -q -b main; git config user.name A; git config user.email a@example.org
            printf 'test:\\n\\ttrue\\n' > Makefile; echo manual > manual.md; echo tools > .gitignore
            git add Makefile manual.md .gitignore; git commit -qm first\n"""
        self.assertIn("2 done", self.paste("A night of agents on nodes", before))
        log = subprocess.run(["git", "log", "--format=%s"], cwd=self.directory, capture_output=True, text=True)
        self.assertEqual(sorted(re.sub("tx-[a-z0-9]+", "", line) for line in log.stdout.splitlines()), [
            "Complete : Make the parser accept tabs", "Complete : Mention tabs in the manual", "first"])  # fmt: skip
        for row in self.json("status"):
            self.assertRegex(row["place"], r"^job \d+ on n\d$")
            self.assertRegex(
                self.read(row["report"]), rf"\n\*\*Place:\*\* {row['place']}  \n(?s:.)*---\n\n## Task\n\n    M"
            )

    def test_recipe_a_queue_that_outlives_its_time_limit(self) -> None:
        self.write_logs(20)
        self.paste("A queue that outlives its time limit")
        wait_until(lambda: self.txlite("status", "--stats") and not self.cluster.squeue(), "the end of its job")
        self.assertEqual({task["status"] for task in self.json("list")}, {"done"})
        self.assertEqual(len(glob.glob(self.path("*.log.gz"))), 20)

    def test_recipe_heavy_commands(self) -> None:
        out = self.paste("Agents here, only their heavy commands as jobs")
        self.assertRegex(out, r"(?m)^built on n\d$")
        (task,) = self.json("list")
        self.assertEqual((task["status"], task["needs"]), ("done", "slurm"))
        self.assertEqual(self.json("worker", "list"), [])


if __name__ == "__main__":
    unittest.main()
