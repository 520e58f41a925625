"""config.ini and templates: what nobody knows is refused with its file, its line, and what was meant."""

from __future__ import annotations

import contextlib
import io
import os
import re
import textwrap
import unittest

from txlite import cli
from txlite.commands import ralph
from txlite.doctor import home as doctor
from txlite.doctor.probe import BROKEN
from txlite.home import config, prompt_templates
from txlite.model import Launch, Task
from txlite.ralph import options as loop_options
from txlite.ralph import prompt, review_prompt
from txlite.ralph.options import merge_options
from txlite.reports.header import LATE, Header

from ..case import ROOT, Case

ADD, LAUNCH, LOOP = ("add", "x"), ("launch", "--dry-run", "--agent", "mine", "x"), ("ralph", "--dry-run")
# The file, who refuses it, and what it says after the file's name.
WRONG = (
    (
        "[txlite]\n# a comment\nagnet = codex\n",
        ADD,
        "line 3, [txlite]: unknown option 'agnet' (did you mean 'agent'?): ",
    ),
    (
        "[txlite]\nzzz = 1\n",
        ADD,
        "line 2, [txlite]: unknown option 'zzz': it has agent, executor, load, ",
    ),
    ("[txlite]\nsynchronous = maybe\n", ADD, "line 2, [txlite]: synchronous: it is 'maybe': give FULL or NORMAL"),
    (
        "\n[DEFAULT]\nagent = claude\n",
        ADD,
        "line 2, [DEFAULT] is no section: there are [txlite], [ralph] and [agent NAME]",
    ),
    (
        "[agnet mine]\ncommand = cat\n",
        ADD,
        "line 1, [agnet mine] is no section (did you mean [agent mine]?): there are ",
    ),
    ("[agent]\ncommand = cat\n", ADD, "line 1, [agent] is no section: there are"),
    (
        "[txlite]\noutput_cap = much\n[agent mine]\ncommand = cat\n",
        LAUNCH,
        "line 2, [txlite]: output_cap: 'much' is not",
    ),
    ("[ralph]\nmax_huors = 9\n", LOOP, "line 2, [ralph]: unknown option 'max_huors' (did you mean 'max_hours'?)"),
    ("[ralph]\nmax_hours = soon\n", LOOP, "line 2, [ralph]: max_hours: 'soon' hours: give a number above 0"),
    ("[ralph]\nforever = maybe\n", LOOP, "line 2, [ralph]: forever: it is 'maybe': give yes or no"),
    (
        "[agent mine]\ncommand = cat\nlevels =\n  levle = --x\nlevle = y\n",
        LAUNCH,
        "line 5, [agent mine]: unknown option 'levle' (did you mean 'levels'?)",
    ),
    (
        "[agent mine]\ncommand = cat {levl}\n",
        LAUNCH,
        "line 2, [agent mine]: command: unknown place {levl} (did you mean {level}?)",
    ),
    (
        "[agent mine]\ncommand = cat {foo}\n",
        LAUNCH,
        "line 2, [agent mine]: command: unknown place {foo}: it has {level} {search}",
    ),
    (
        "[agent mine]\ncommand = cat --at={level}\n",
        LAUNCH,
        "{level} in '--at={level}' has no effect: it must be a word of its own",
    ),
    (
        "[agent mine]\ncommand = cat {prompt}\n",
        LAUNCH,
        "{prompt} has no effect: set `prompt = argument`, or `prompt = file`, too",
    ),
    ("[agent mine]\nprompt = stdin\n", LAUNCH, "line 1, [agent mine]: `command` is missing"),
    (
        "[agent mine]\ncommand = cat\ndaemons = maybe\n",
        LAUNCH,
        "line 3, [agent mine]: daemons is 'maybe': give yes or no",
    ),
    (
        "[agent shell]\ncommand = bash\n",
        ("launch", "--dry-run", "--agent", "shell", "x"),
        "line 1, [agent shell] has no effect: ",
    ),
)
RIGHT = """\
[txlite]
Output_Cap = 1M
[ agent  mine ]
command = sh -c 'echo ${level} {} "{ a; }" x{y}z' {level} {search} {loop}
"""


class Config(Case):
    def setUp(self) -> None:
        super().setUp()
        os.mkdir(self.home, 0o700)

    def refuse(self, words: tuple[str, ...], said: str) -> None:
        with contextlib.redirect_stderr(io.StringIO()) as errors, contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(cli.main(["--home", self.home, *words]), 64)
        self.assertIn(said.rstrip(": "), errors.getvalue())
        self.assertEqual(errors.getvalue().count("\n"), 1)

    def find_broken(self) -> str:
        """What doctor says of it."""
        checks = (doctor.check_configuration, doctor.check_agents, doctor.check_templates)
        return " ".join(one.found for check in checks for one in check(self.home) if one.level == BROKEN)

    def test_what_nobody_knows_is_refused_with_its_place(self) -> None:
        path = os.path.join(self.home, "config.ini")
        for text, words, said in WRONG:
            with self.subTest(text):
                self.write_config(text)
                self.refuse(words, f"txlite: {path}, {said}" if said.startswith("line") else said)
                if words != LOOP or "unknown" in said:  # the values of [ralph] are for the command line's readers
                    self.assertIn(said.rstrip(": "), self.find_broken())

    def test_what_is_right_has_its_effect(self) -> None:
        self.write_config(RIGHT)
        found = self.json(*LAUNCH)
        self.assertEqual(found["argv"], ["sh", "-c", 'echo ${level} {} "{ a; }" x{y}z'])
        self.assertEqual(self.find_broken(), "")

    def test_the_pages_examples_are_understood(self) -> None:
        for page in ("guide", "ralph"):
            with open(os.path.join(ROOT, "txlite", "docs", page + ".md"), encoding="utf-8") as file:
                (example,) = re.findall(r"^(    \[\w+\]\n(?:    .*\n|\n(?=    ))+)", file.read(), re.M)
            self.write_config(textwrap.dedent(example))
            self.assertEqual(self.find_broken(), "")
            merge_options({}, config.read(self.home), ralph.READERS)

    def test_templates(self) -> None:
        os.mkdir(os.path.join(self.home, "templates"))
        for name, text, words, said in (
            ("mine", "# A\n{{TOPIK}}\n", ("launch", "--agent", "shell", "--template", "mine", "x"), "write {{TOPIC}}"),
            ("audit", "{{WHAT}}", ("launch", "--agent", "shell", "--type", "audit", "x"), "{{WHAT}}: {{TASK"),
            ("ralph-task", "\n{{TASK_IDD}}\n", ("ralph", "--agent", "mine", "--dry-run"), "write {{TASK_ID}}"),
            ("ralph-review", "{{CHANGE}}", ("ralph", "--agent", "mine", "--dry-run"), "write {{CHANGES}}"),
        ):  # fmt: skip
            with self.subTest(name):
                self.write_config("[agent mine]\ncommand = cat\n")
                path = os.path.join(self.home, "templates", f"{name}.md")
                with open(path, "w") as file:
                    file.write(text)
                self.txlite("add", "-q", "to do")
                line = 1 + text.split("{{")[0].count("\n")
                self.refuse(words, f"txlite: {path}, line {line}: unknown {{{{")
                self.refuse(words, said)
                self.assertIn(f"{path}, line {line}: unknown", self.find_broken())
                os.unlink(path)
        self.assertEqual(self.find_broken(), "")

    def test_the_names_that_are_known_are_those_that_have_an_effect(self) -> None:
        readers = {*ralph.READERS, *loop_options.FLAGS, "allow", "copy", "setup"}
        self.assertEqual(set(config.OPTIONS["ralph"]), readers)
        for names, fill in (
            (prompt_templates.NAMES, self.fill_launched),
            (prompt_templates.LOOP_NAMES, self.fill_loops),
            (prompt_templates.REVIEW_NAMES, self.fill_reviews),
        ):
            template = " ".join(f"{{{{{name}}}}}" for name in names)
            self.assertNotIn("{{", fill(template))

    def fill_launched(self, template: str) -> str:
        launch = Launch("shell", "workers", "low", template, None, 10.0, None)
        return Header.of(self.task(), 1, "shell", "2025-10-24T15:00:00.000Z", launch).render(
            template, **dict.fromkeys(LATE, "")
        )

    def fill_loops(self, template: str) -> str:
        return prompt.write(template, self.store(), self.task())

    def fill_reviews(self, template: str) -> str:
        return review_prompt.write(template, self.task(), None, "", "")

    def task(self) -> Task:
        return self.store().add("a task")


if __name__ == "__main__":
    unittest.main()
