"""What starts txlite without a person: units of systemd and launchd, lines of cron, jobs of CI; each is run as that
would run it."""

from __future__ import annotations

import configparser
import os
import plistlib
import re
import shutil
import signal
import subprocess
import unittest
from typing import Any

from ..case import ROOT, Case, wait_until
from .test_recipes import Recipes

BARE = {"PATH": "/usr/local/bin:/usr/bin:/bin", "SHELL": "/bin/sh", "LOGNAME": "somebody"}  # what cron and systemd give


def parse_unit(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=True, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return parser


def unescape(found: re.Match[str]) -> str:
    return {"n": "\n", "t": "\t"}.get(found[1], found[1])


def parse_words(line: str, is_command: bool = True) -> list[str]:
    """The words of a line as systemd reads it: quoted, with escapes, %% and, in a command, $$."""
    quoted: list[str] = re.findall(r'"((?:[^"\\]|\\.)*)"', line)
    assert " ".join(f'"{word}"' for word in quoted) == line, line
    assert not is_command or not re.search(r"(?<!\$)\$(\$\$)*(?!\$)", line), f"a variable in {line}"
    words = [re.sub(r"\\(.)", unescape, one) for one in quoted]
    return [word.replace("%%", "%").replace("$$", "$" if is_command else "$$") for word in words]


class Services(Case):
    def setUp(self) -> None:
        super().setUp()
        self.place = self.path('a %h "place" $HOME')
        os.mkdir(self.place)
        self.home = os.path.join(self.place, ".txlite")

    def begin(self, argv: list[str], environment: dict[str, str], directory: str) -> subprocess.Popen[bytes]:
        bare = {"PYTHONPYCACHEPREFIX": self.environment["PYTHONPYCACHEPREFIX"], "HOME": self.directory}
        process = subprocess.Popen(argv, cwd=directory, env={**BARE, **bare, **environment}, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
        self.addCleanup(self._end, process)
        return process

    def check_goes_on(self, process: subprocess.Popen[bytes]) -> None:
        """It runs what is queued in its place, and ends as it should when it is told to."""
        self.txlite("add", "--", "echo done > result", cwd=self.place)
        wait_until(lambda: self.read(os.path.join(self.place, "result")) == "done\n", "the task")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(60), 130)

    def test_a_unit_of_systemd(self) -> None:
        unit = parse_unit(self.txlite("service", "--print", "--", "run", "-j", "2", cwd=self.place))
        service = unit["Service"]
        for name, value in {"KillMode": "mixed", "TimeoutStopSec": "90", "Restart": "on-failure", "Delegate": "yes",
                            "SuccessExitStatus": "130", "RestartPreventExitStatus": "64"}.items():  # fmt: skip
            self.assertEqual(service[name], value)
        argv = parse_words(service["ExecStart"])
        self.assertEqual(argv[-8:], ["--home", self.home, "run", "-j", "2", "--forever", "--drain", "60"])
        self.assertTrue(os.path.isabs(argv[0]))
        directory = service["WorkingDirectory"].replace("%%", "%")
        path = dict(one.split("=", 1) for one in parse_words(service["Environment"], is_command=False))
        self.assertEqual((directory, path), (self.place, {"PATH": self.environment["PATH"]}))
        self.check_goes_on(self.begin(argv, path, directory))

    def test_systemd_finds_nothing_wrong(self) -> None:
        if not shutil.which("systemd-analyze"):
            self.skipTest("no systemd-analyze here")
        for words in ((), ("--", "ralph", "--agent", "claude", "--verify", 'make "x" 50% $y')):
            with open(self.path("txlite.service"), "w") as file:
                file.write(self.txlite("service", *words, cwd=self.place))
            done = subprocess.run(["systemd-analyze", "verify", "--user", self.path("txlite.service")], check=False,
                                  capture_output=True, text=True, env={**self.environment, "XDG_RUNTIME_DIR": "/tmp"},
                                  timeout=120)  # fmt: skip
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_property_list_of_launchd(self) -> None:
        told: Any = plistlib.loads(
            self.txlite("service", "--launchd", "--name", "org.example.x", cwd=self.place).encode()
        )
        self.assertEqual((told["Label"], told["ExitTimeOut"], told["RunAtLoad"]), ("org.example.x", 90, True))
        self.assertEqual(told["StandardOutPath"], os.path.join(self.home, "service.log"))
        process = self.begin(told["ProgramArguments"], told["EnvironmentVariables"], told["WorkingDirectory"])
        self.check_goes_on(process)

    def test_what_a_service_is_not_for(self) -> None:
        for words, complaint in (
            (("--", "rum"), "'rum' is no service: give run or ralph"),
            (("--", "run", "--wrokers", "3"), "did you mean '--workers'?"),
            (("--", "run", "--from", "x"), "tasks would be added again at each start"),
            (("--", "run", "--", "make"), "tasks would be added again at each start"),
            (("--", "run", "echo", ":::", "a"), "tasks would be added again at each start"),
            (("--", "ralph", "--idle-exit", "1m"), "--idle-exit: a service stays"),
            (("--name", "../x"), "the name '../x' is not a plain name"),
            (("run",), "unrecognized arguments: run"),
        ):
            self.txlite("service", *words, code=64)
            self.assertIn(complaint, self.errors)
        self.assertFalse(os.path.exists(self.home))

    def test_a_loop_that_came_to_its_bound_is_not_begun_again(self) -> None:
        loop = ("--", "ralph", "--review", "--max-cost", "5")
        self.assertEqual(parse_unit(self.txlite("service", *loop))["Service"]["RestartPreventExitStatus"], "1 64")
        told: Any = plistlib.loads(self.txlite("service", "--launchd", *loop).encode())
        self.assertEqual(told["KeepAlive"], {"Crashed": True})

    def test_what_is_given_is_kept(self) -> None:
        unit = self.txlite("service", "--", "run", "--forever", "--drain", "2m", "--kill-after", "5s")
        self.assertEqual(parse_unit(unit)["Service"]["TimeoutStopSec"], "145")
        self.assertIn('"run" "--forever" "--drain" "2m" "--kill-after" "5s"\n', unit)


class OfServices(Recipes):
    """The recipes of the page for what starts txlite without a person."""

    def setUp(self) -> None:
        super().setUp()
        self.environment["PACKED"] = self.path("packed")
        with open(self.path("packed"), "w") as file:  # what a packed file does
            start = "run_module('txlite', run_name='__main__', alter_sys=True)"
            file.write(f"import runpy, sys\nsys.path.insert(0, {ROOT!r})\nrunpy.{start}\n")

    def run_bare(self, line: str) -> None:
        """Run a line as cron does."""
        environment = {**BARE, "HOME": self.place, "PYTHONPYCACHEPREFIX": self.environment["PYTHONPYCACHEPREFIX"]}
        subprocess.run(["/bin/sh", "-c", line], cwd="/", env=environment, stdin=subprocess.DEVNULL, check=True,
                       timeout=120)  # fmt: skip

    def test_recipe_every_night(self) -> None:
        self.paste("Every night, by a run that stays")
        self.assertEqual([task["every"] for task in self.json("--home", self.home, "list")], ["30 4 * * *", "6h"])
        self.txlite("run", cwd=self.place)
        self.assertTrue([name for name in os.listdir(self.home) if name.startswith("backup-")])

    def test_recipe_cron(self) -> None:
        self.txlite("add", "--every", "1d", "--", "echo x >> log", cwd=self.place)
        line = self.paste("From cron").strip()
        self.assertTrue(line.startswith("* * * * *  ") and "%" not in line, line)  # which cron makes a line end of
        for _ in "12":
            self.run_bare(line[len("* * * * *  ") :])
        self.assertEqual(self.found("log"), "x\n")
        self.assertIn("nothing was run, 1 later", self.found(".txlite/cron.log"))

    def test_recipe_reboot(self) -> None:
        self.txlite("init", cwd=self.place)
        line = self.paste("From cron, a run that stays").strip().replace("@reboot  ", "")
        process = subprocess.Popen(["/bin/sh", "-c", line], cwd="/", env={**BARE, "HOME": self.place})
        self.addCleanup(self._end, process)
        self.txlite("add", "--", "echo x >> log", cwd=self.place)
        wait_until(lambda: self.found("log"), "the task")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(60), 130)

    def test_recipe_systemd(self) -> None:
        self.environment["HOME"] = self.place
        said = self.paste("As a service of systemd", 'systemctl() { echo "$@"; }; loginctl() { echo "$@"; }\n')
        self.assertEqual(said, "--user daemon-reload\n--user enable --now txlite\nenable-linger\n")
        unit = parse_unit(self.found(".config/systemd/user/txlite.service"))
        self.assertIn('"run" "-j" "4" "--forever"', unit["Service"]["ExecStart"])

    def test_recipe_launchd(self) -> None:
        self.environment["HOME"] = self.place
        self.assertIn("bootstrap gui/", self.paste("As an agent of launchd", 'launchctl() { echo "$@"; }\n'))
        told: Any = plistlib.loads(self.found("Library/LaunchAgents/org.example.txlite.plist").encode())
        self.assertEqual(told["Label"], "org.example.txlite")

    def test_recipe_github(self) -> None:
        self.paste("As a job of GitHub Actions", 'txlite() { cp "$PACKED" "$2"; }\n')  # pack has tests of its own
        self.run_job(r"- run: (.+)", self.found(".github/workflows/checks.yml"))

    def test_recipe_gitlab(self) -> None:
        self.paste("As a job of GitHub Actions", 'txlite() { cp "$PACKED" "$2"; }\n')
        self.paste("As a job of GitLab")
        self.run_job(r"script:\n +- (.+)", self.found(".gitlab-ci.yml"))

    def run_job(self, pattern: str, job: str) -> None:
        """Run the command of a job; its reports lie where the job takes them from."""
        self.assertNotIn("\t", job)
        (command,) = re.findall(pattern, job)
        self.run_bare(f"cd '{self.place}' && {command} > said")
        self.assertIn("2 done", self.found("said"))
        self.assertEqual(len(os.listdir(os.path.join(self.place, ".txlite", "workers"))), 2)


if __name__ == "__main__":
    unittest.main()
