"""Completion in the real shells: what is offered after each kind of word, and that no title does anything there."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shlex
import shutil
import struct
import subprocess
import sys
import termios

import txlite
from txlite.commands import VERBS
from txlite.commands.completion import SHELLS
from txlite.commands.grammar import ARGUMENTS, read_grammar
from txlite.commands.spelling import ALIASES

from ..case import WITHOUT_SITE, Case, wait_until

EVIL = '$(touch owned) `touch owned` "it\'s": ;touch owned;\n\r\t\x1b]0;owned\x07 %F{red}%{a*?[b]~!1 \\x &| {a,b} #'
ESCAPED = '$(touch owned) `touch owned` "it\'s": ;touch owned;\\n\\r\\t'

# What is typed -> what is offered: all of it, or where it ends with ..., at least that. ONE is a task that waits,
# OTHER one that has failed, and both have an evil title.
LINES = {
    "txlite upda": "update",
    "txlite claim": "claim claim:release claim:renew claims",
    "txlite claim:re": "claim:release claim:renew",
    "txlite ki": "",
    "txlite update ONE --pri": "",
    "txlite update ONE --sc": "--score",
    "txlite add --ver": "--verify",
    "txlite cancel ": "ONE OTHER",
    "txlite retry ": "OTHER",
    "txlite done ONE ": "ONE OTHER",
    "txlite claim:release ": "",
    "txlite claim ": "ONE",
    "txlite service -- ra": "ralph",
    "txlite service -- run --fore": "--forever",
    "txlite run mkfif": "mkfifo",
    "txlite wait ": "ONE",
    "txlite stop ": "",
    "txlite add --every @d": "@daily",
    "txlite show ONE ": "",
    "txlite ls --status ": "backlog active ready ...",
    "txlite ls --status=done,fai": "--status=done,failed",
    "txlite add x --after ONE,": "ONE,ONE ONE,OTHER",
    "txlite add x --parent=": "--parent=ONE --parent=OTHER",
    "txlite dep ": "block unblock tree",
    "txlite dep block ": "ONE OTHER",
    "txlite block ": "ONE",
    "txlite run --agent ": "shell codex claude mine",
    "txlite run --executor s": "slurm srun",
    "txlite help rec": "recipes reconcile",
    "txlite ralph --escalate high,": "high,minimal high,low high,medium high,high",
    "txlite --home nowhere show ": "",
    "txlite --home=.txlite show ": "ONE OTHER",
    "txlite add --from": "",
    "txlite unknown ": "",
    "tx completion ": "bash zsh fish",
    "./txlite completion ": "bash zsh fish",
}


SCRIPTS: dict[str, str] = {}  # as they were printed once


class Screen:
    """A shell in a terminal of its own, in which a person types."""

    def __init__(self, argv: list[str], directory: str, environment: dict[str, str]) -> None:
        self.keeper, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 150, 0, 0))
        self.shell = subprocess.Popen(
            argv, stdin=terminal, stdout=terminal, stderr=terminal, cwd=directory, start_new_session=True,
            env={**environment, "TERM": "dumb"},
        )  # fmt: skip
        os.close(terminal)
        self.seen = ""

    def type(self, keys: str, wanted: str) -> str:
        """Type keys and wait for what answers them; what was seen since."""
        self.seen = ""
        os.write(self.keeper, keys.encode())
        wait_until(lambda: re.search(wanted, self.look()), f"{wanted!r} after {keys!r}, not {self.seen!r}")
        return self.seen

    def look(self) -> str:
        while select.select([self.keeper], [], [], 0.01)[0]:
            try:
                self.seen += os.read(self.keeper, 65536).decode("utf-8", "replace")
            except OSError:
                break
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.seen)

    def close(self) -> None:
        self.shell.kill()
        self.shell.wait()
        os.close(self.keeper)


class Completion(Case):
    def setUp(self) -> None:
        super().setUp()
        words = shlex.join([sys.executable, *WITHOUT_SITE])
        for name in ("txlite", "tx"):
            with open(self.path(name), "w", encoding="utf-8") as file:
                file.write(f'#!/bin/sh\nexec {words} -m txlite "$@"\n')
            os.chmod(self.path(name), 0o755)
        self.environment.update(
            PATH=self.directory + os.pathsep + os.environ["PATH"], HOME=self.directory, LC_ALL="C.UTF-8",
            XDG_CONFIG_HOME=self.path("config"), XDG_DATA_HOME=self.path("data"),
        )  # fmt: skip
        self.write_scripts()
        with txlite.open(self.home) as store:
            self.ids = (store.add(EVIL).id, store.add(EVIL).id)
            store.fail(self.ids[1])
            store.update(self.ids[0], group="ev $(touch owned) 'x'")
        self.write_config("[agent mine]\ncommand = cat\n")

    def write_scripts(self) -> None:
        for shell in SHELLS:
            with open(self.path("_txlite." + shell), "w", encoding="utf-8") as file:
                file.write(SCRIPTS.get(shell) or self.make_script(shell))

    def make_script(self, shell: str) -> str:
        SCRIPTS[shell] = self.txlite("completion", shell)
        return SCRIPTS[shell]

    def need(self, shell: str) -> None:
        if not shutil.which(shell):
            self.skipTest(f"no {shell} here")

    def run_shell(self, *argv: str) -> str:
        done = subprocess.run(
            argv, cwd=self.directory, env=self.environment, capture_output=True, text=True, timeout=120
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def open_screen(self, *argv: str) -> Screen:
        screen = Screen(list(argv), self.directory, self.environment)
        self.addCleanup(screen.close)
        return screen

    def put(self, words: str) -> str:
        return words.replace("ONE", self.ids[0]).replace("OTHER", self.ids[1])

    def check_lines(self, offered: dict[str, list[str]], told_whole: bool) -> None:
        """Compare what was offered for each line; told_whole: with what stands before = and : in the same word."""
        for line, wanted in LINES.items():
            words = self.put(wanted).split()
            if not told_whole:
                words = [word.rpartition("=")[2] for word in words]
                words = [word.partition(":")[2] if ":" in line else word for word in words]
            with self.subTest(line):
                found = list(dict.fromkeys(one.partition("\t")[0] for one in offered[line]))
                if words[-1:] == ["..."]:
                    self.assertLessEqual(set(words[:-1]), set(found))
                else:
                    self.assertEqual(sorted(found), sorted(words))
        self.assertFalse(os.path.exists(self.path("owned")))
        self.assertFalse(os.path.exists(self.path("nowhere")))

    def test_bash_offers_what_fits(self) -> None:
        self.need("bash")
        script = ["source _txlite.bash"]
        for line in LINES:
            pieces = re.findall(r"[^\s:=]+|[:=]+", self.put(line)) + ([""] if line[-1] in " =" else [])
            script.append(f"COMP_LINE={shlex.quote(self.put(line))} COMP_WORDS=({shlex.join(pieces)})")
            script.append(f"COMP_CWORD={len(pieces) - 1} COMP_TYPE=9; _txlite; echo ======")
            script.append('[ ${#COMPREPLY[@]} = 0 ] || printf "%s\\n" "${COMPREPLY[@]}"')
        told = self.run_shell("bash", "--norc", "--noprofile", "-c", "\n".join(script)).split("======\n")[1:]
        self.check_lines(dict(zip(LINES, map(str.splitlines, told))), told_whole=False)

    def test_fish_offers_what_fits(self) -> None:
        self.need("fish")
        script = ["source _txlite.fish", *(f"echo ======; complete -C {shlex.quote(self.put(line))}" for line in LINES)]
        told = self.run_shell("fish", "--no-config", "-c", "\n".join(script)).split("======\n")[1:]
        offered = {
            line: [one for one in lines.splitlines() if one.startswith(self.put(line).rpartition(" ")[2])]
            for line, lines in zip(LINES, told)
        }  # fish also offers what only resembles
        self.check_lines(offered, told_whole=True)
        self.assertIn(f"{self.ids[1]}\t{ESCAPED}", "\n".join(told))

    def check_typing(self, screen: Screen, list_keys: str) -> None:
        """Type as a person does: a verb, an id by its beginning, files, and a command after --."""
        one, other = self.ids
        screen.type("txlite sho\t", r"show ")
        screen.type(f"{one[:7]}\t", re.escape(one[7:]))
        screen.type("\n", re.escape(ESCAPED[:14]) + "(?s:.*)p> ")
        seen = screen.type(f"txlite cancel {list_keys}", re.escape(other) + ".*touch owned(?s:.*)p> txlite cancel")
        self.assertIn(ESCAPED, seen)
        self.assertNotIn("\x1b]0", seen)
        screen.type("\x15txlite group ev\t", "owned")
        screen.type("\n", r"ev \$\(touch owned\) 'x' .*1(?s:.*)p> ")
        screen.type("txlite run --from my\t", r"my\\ file")
        screen.type("\x15txlite add -- mkfif\t", "mkfifo")
        screen.type("\x15txlite run -j 2 mkfif\t", "mkfifo")
        screen.type("::: my\t", r"my\\ file")
        screen.type("\x15./txlite dep bl\t", "block ")
        screen.type(f"\x15txlite --home nowhere show {list_keys}tx-abc; echo e''nd\n", r"\nend")
        self.assertFalse(os.path.exists(self.path("owned")))

    def prepare_files(self) -> None:
        for name in ("my file", "other"):
            with open(self.path(name), "w"):
                pass

    def test_bash_completes_what_is_typed(self) -> None:
        self.need("bash")
        self.prepare_files()
        screen = self.open_screen("bash", "--norc", "--noprofile", "-i")
        screen.type("source _txlite.bash; bind 'set page-completions off'; PS1='p''> '\n", "p> ")
        self.check_typing(screen, "\t\t\t")

    def test_zsh_completes_what_is_typed(self) -> None:
        self.need("zsh")
        self.prepare_files()
        os.mkdir(self.path("functions"))
        os.rename(self.path("_txlite.zsh"), self.path("functions/_txlite"))
        screen = self.open_screen("zsh", "-f", "-i")
        screen.type(
            "unsetopt prompt_sp; fpath=($PWD/functions $fpath); autoload -Uz compinit; compinit -u -D; PS1='p''> '\n",
            "p> ",
        )
        self.check_typing(screen, "\t\t\t")

    def test_what_is_asked_is_quick_and_silent(self) -> None:
        self.assertEqual(self.txlite("complete", "ids", self.ids[0], "show"), f"{self.ids[0]}\t{ESCAPED}\\x1…\n")
        for words in ((), ("nonsense",), ("ids",), ("ids", "tx-%_'\"$"), ("ids", "\udcff"), ("runs", ""), ("workers",)):
            self.txlite("complete", *words)
            self.assertEqual(self.errors, "", words)
        self.assertEqual(self.txlite("--home", self.path("nowhere"), "complete", "ids", "tx-", "show"), "")
        with open(self.path("broken.db"), "w") as file:
            file.write("no database")
        self.assertEqual(
            self.txlite("complete", "ids", env={**self.environment, "TXLITE_HOME": self.path("broken.db")}), ""
        )
        self.assertEqual(self.errors, "")
        self.assertFalse(os.path.exists(self.path("nowhere")))

    def test_runs_that_go_on_are_offered(self) -> None:
        run = self.start("run", "--forever", "-j", "2")
        told = wait_until(lambda: self.txlite("complete", "running", "run-", "stop"), "the run")
        self.assertRegex(told, r"^run-\w+\t2 workers\n$")
        run.kill()
        run.wait()
        # A worker that is just being forked may still hold what its run held.
        wait_until(lambda: not self.txlite("complete", "runs", "", "scale"), "it to be offered no more")

    def test_each_verb_is_known(self) -> None:
        for shell in SHELLS:
            script = self.read("_txlite." + shell)
            for verb in (*VERBS, *ALIASES):
                self.assertIn(f"'{verb}'", script)

    def test_whatever_is_shown_as_an_id_or_a_file_is_completed(self) -> None:
        for verb in VERBS:
            grammar = read_grammar(verb)
            shown = [(one.name, one.completed) for one in grammar.arguments if verb not in ARGUMENTS]
            for name, completed in shown + [(one.value, one.completed) for one in grammar.options]:
                if {"ID", "RUN", "FILE", "DIR", "GROUP", "AGENT", "WORKER"} & set(re.split(r"\W+", name)):
                    self.assertNotEqual(completed, "text", f"{verb} {name}")


if __name__ == "__main__":
    import unittest

    unittest.main()
