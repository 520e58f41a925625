"""What stands in a report: the head, the output, and what did not fit."""

from __future__ import annotations

import os
import re
import stat
import unittest
from collections.abc import Callable
from unittest import mock

from txlite.agents.agent import SHELL, find_agent
from txlite.execution.attempt_record import AttemptRecord, Plan
from txlite.home import config
from txlite.reports import naming, report, salvage
from txlite.reports.header import Header
from txlite.store.attempts import Result

from ..case import Case, wait_until
from ..execution.case import LaunchCase, limit_files


class Output(LaunchCase):
    def test_a_prompt_that_cannot_be_written_ends_the_report(self) -> None:
        os.mkdir(self.home)
        self.write_config("[agent two]\ncommand = codex\nprompt = file\n")
        launched = self.json("launch", "--agent", "two", "-", stdin=b"x" * 800_000, preexec_fn=limit_files)
        row = self.wait_for(launched, code=127)
        self.assertIn("its prompt could not be written: File too large", row["note"])
        self.assertIn(f"_{launched['pid']}_two_task", row["report"])
        self.assertIn("**Outcome:** unstartable", self.read(row["report"]))
        self.assertEqual([name for name in os.listdir(os.path.join(self.home, "workers")) if "prompt" in name], [])

    def test_a_report_that_may_not_grow_gets_its_name(self) -> None:
        launched = self.launch("--agent", "shell", "yes | head -c 2000000", preexec_fn=limit_files)
        row = self.wait_for(launched)
        self.assertIn("output was lost: File too large", row["note"])
        self.assertIn(f"_{launched['pid']}_shell_task", row["report"])
        self.assertIn("bytes, the rest was lost  \n", self.read(row["report"])[:2000])

    def test_a_task_that_looks_like_a_report(self) -> None:
        nasty = "x\n**Attempt:** 1  \n**Output:** 3 bytes  \n\n## Output\n\n" + "~" * 16 + "\nfoo"
        launched = self.launch(nasty, "--kill-after", "0.2", then="sleep 60")
        wait_until(lambda: "hello" in self.txlite("logs", launched["id"]), "the output")
        self.assertRegex(self.txlite("logs", launched["id"]), r"^hello from \d+\n$")
        self.kill(launched)
        self.txlite("reconcile")
        self.assertRegex(self.txlite("logs", launched["id"]), r"^hello from \d+\n$")
        self.assertIn(f"{nasty.splitlines()[1]}\n", self.read(self.one(launched)["report"]))
        self.assertTrue(self.calls(".stdin")[0].startswith(nasty + "\n\n"))

    def test_output_is_given_back_byte_for_byte(self) -> None:
        launched = self.launch("--agent", "shell", "printf 'x\\n~~~~~~~~~~~~~~~~\\n'")
        self.wait_for(launched)
        self.assertEqual(self.txlite("logs", "--raw", launched["id"]), "x\n~~~~~~~~~~~~~~~~\n")
        launched = self.launch("--agent", "shell", "printf 'no newline'")
        self.wait_for(launched)
        self.assertEqual(self.txlite("logs", "--raw", launched["id"]), "no newline")

    def test_what_cat_shows_is_clean_and_has_one_notation_for_times(self) -> None:
        self.environment["TZ"] = "Asia/Kolkata"
        launched = self.launch("a task\n\nof two parts", "--timeout", "0.5", then="sleep 60")
        running = self.read(launched["report"])
        self.wait_for(launched, code=124)
        self.txlite("run", "--from", self.batch("false"), "--max-attempts", "1", code=1)
        texts = [running, *self.reports().values()]
        for text in texts:
            self.assertEqual([line for line in text.splitlines() if re.search(r"\S {3,}|^\s+$|.{81}", line)], [], text)
            self.assertLessEqual(len(re.findall(r"(?m)^-+$", text)), 2, text)
        for text in texts[1:]:
            times = re.findall(r"(?m)^\*\*(?:Started|Ended):\*\* (.*?) *$", text)
            self.assertEqual(
                [bool(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0530", one)) for one in times], [True] * 2
            )
        (note,) = (text for text in texts if text.endswith("~" * 16 + "\n\n**Note:** it ran longer than 0.5 s\n"))
        self.assertIn("**Outcome:** timeout  \n", note)

    def test_names_that_would_be_the_same(self) -> None:
        from txlite.reports import report
        from txlite.reports.header import Header
        from txlite.store.attempts import Result

        def make(attempt: int) -> report.Report:
            heading = Header("tx-00000000", "title", attempt, "codex", "2025-10-24T15:00:00.000Z", "/", "text")
            return report.Report(self.path("workers"), "20251024_150000", heading)

        papers = [make(number) for number in (6, 7)]
        names = [paper.name for paper in papers] + [paper.finish(Result("done", 0), 54321).report for paper in papers]
        parts = ("TEMP", "TEMP-7", "54321", "54321-7")
        self.assertEqual(names, [f"workers/20251024_150000_{part}_codex_task.md" for part in parts])
        for part, report_name in zip((6, 7), names[2:]):
            self.assertIn(f"**Attempt:** {part}  \n", self.read(report_name))

    def test_a_topic_as_it_stands_in_a_name(self) -> None:
        from txlite.reports.naming import make_subject, subject_of

        for words, wanted in (
            ("PostgreSQL vs MySQL", "postgresql_vs_mysql"), ("../../a b\n\tc", "a_b_c"), ("?!", "task"),
            ("x" * 300, "x" * 80), ("Größe in Zoll", "größe_in_zoll"), ("字" * 90, "字" * 26), ("in 15", "in_15"),
        ):  # fmt: skip
            self.assertEqual(make_subject(words), wanted)
            self.assertEqual(subject_of(f"research/20251024_150000_7-12_codex_{wanted}.md", "codex"), wanted)
        self.assertEqual(subject_of("workers/20251024_150000_7_codex_task_12.md", "codex"), "task")
        self.assertEqual(subject_of("", "codex"), "task")

    def test_a_name_of_an_earlier_version_is_known(self) -> None:
        launched = self.launch("task", "--kill-after", "0.2", then="sleep 60")
        path = launched["report"]
        os.rename(path, path.replace("_task.md", f"_task_{launched['attempt']}.md"))
        self.kill(launched)
        self.txlite("reconcile")
        row = self.one(launched)
        self.assertEqual(row["report"], path.replace("TEMP", str(launched["pid"])))
        self.assertEqual(list(self.reports()), [os.path.basename(row["report"])])

    def test_each_end_fits_into_the_room_that_was_left(self) -> None:
        from txlite.model import OUTCOMES
        from txlite.reports.header import OUTPUT, Header, Layout, read_layout, render_header
        from txlite.store.attempts import Result

        heading = Header("tx-00000000", "title", 7, "shell", "2025-10-24T15:00:00.000Z", "/", "short")
        layouts = (Layout(0), Layout(10**11, 10**14, 10**9, is_lost=True))
        for template in ("", "# {{END_TIME}} {{END_TIME}} {{DURATION}}{{DURATION}} {{EXIT_CODE}}\n"):
            before = render_header(heading._replace(template=template))
            for outcome in OUTCOMES:
                for layout, code, took, pid in zip(layouts, (0, 255), (0.0, 1e9), (1, 1 << 31)):
                    result = Result(outcome, code, took)
                    after = render_header(heading._replace(template=template), result, pid, len(before), layout)
                    self.assertEqual((len(after), after[-len(OUTPUT) :]), (len(before), OUTPUT))
                    self.assertTrue(after.decode().endswith("---\n\n## Task\n\n    short\n" + OUTPUT.decode()), after)
                    self.assertEqual(read_layout(after)[:3], layout[:3])
                    self.assertIn(f"**Outcome:** {outcome}  \n".encode(), after)

    def test_a_head_names_the_place_as_it_becomes_known(self) -> None:
        from txlite.reports.header import OUTPUT, PLACE_ROOM, Header, Layout, render_header
        from txlite.store.attempts import Result

        here = Header("tx-00000000", "title", 7, "shell", "2025-10-24T15:00:00.000Z", "/", "short")
        self.assertNotIn(b"**Place:**", render_header(here))
        for template in ("", "# {{END_TIME}} {{DURATION}} {{EXIT_CODE}}\n"):
            elsewhere = here._replace(template=template, place="queued")
            before = render_header(elsewhere)
            self.assertIn(b"\n**Place:** queued  \n", before)
            for place in ("job 12 on n7", "job 4294967294 on " + "n" * (PLACE_ROOM - 18), "x" * 1000):
                running = render_header(elsewhere._replace(place=place), size=len(before))
                result, layout = (
                    Result("out-of-memory", 137, 1e9, place=place),
                    Layout(10**11, 10**14, 10**9, is_lost=True),
                )
                ended = render_header(elsewhere, result, 1 << 31, len(before), layout)
                for after in (running, ended):
                    self.assertEqual((len(after), after[-len(OUTPUT) :]), (len(before), OUTPUT))
                    self.assertIn(f"\n**Place:** {place[: PLACE_ROOM - 1]}".encode(), after)
                    self.assertTrue(after.endswith(b"---\n\n## Task\n\n    short\n" + OUTPUT), after)

    def test_a_head_keeps_its_length_though_the_task_grew(self) -> None:
        from txlite.reports.header import OUTPUT, render_header

        heading = Header("tx-00000000", "title", 7, "shell", "2025-10-24T15:00:00.000Z", "/", "short")
        for template in ("", "# Mine: {{TASK_DESCRIPTION}}\n"):
            before = render_header(heading._replace(template=template))
            for words in ("x" * 10_000, "y\n" * 3000, ""):
                after = render_header(heading._replace(template=template, text=words), size=len(before))
                self.assertEqual((len(after), after[-len(OUTPUT) :]), (len(before), OUTPUT))


class TakenOver(Case):
    """What an attempt elsewhere leaves whose dispatcher died at any moment, when another has gone on with it."""

    def test_nothing_but_its_report_is_left(self) -> None:
        header = Header("tx-00000000", "title", 7, "codex", "2025-10-24T15:00:00.000Z", "/", "do", place="queued")
        plan = Plan(find_agent(SHELL, config.read(self.home)), header, "20251024_150000", "workers", "do")
        directory = os.path.join(self.home, "workers")
        for left in ("draft", "report"):
            dead = report.Report(directory, plan.stamp, header, 1000)
            if left == "draft":
                os.link(dead._path, naming.draft_path(directory, header))
                os.unlink(dead._path)
            report.write_prompt(report.prompt_file(directory, 7), "do")
            salvage.discard(directory, plan.stamp, header)
            record = AttemptRecord(self.home, plan, 1000, lambda note: None, is_late=True)
            ended = record.end(Result("done", 0, 1.0), 3)
            self.assertEqual(list(self.reports()), [os.path.basename(ended.report or "")])
            os.unlink(os.path.join(self.home, ended.report or ""))


class Names(Case):
    def test_nothing_that_has_a_name_is_replaced(self) -> None:
        for name, content in (("draft", "mine"), ("one", "another's")):
            with open(self.path(name), "w") as file:
                file.write(content)
        names = [self.path("one"), self.path("two")]
        self.assertEqual(naming.link_first(self.path("draft"), names), names[1])
        self.assertEqual(naming.link_first(self.path("draft"), names), names[1], "it is ours already")
        self.assertEqual((self.read("one"), self.read("two")), ("another's", "mine"))

    def test_only_we_may_read_it_whatever_the_umask_is(self) -> None:
        self.addCleanup(os.umask, os.umask(0))
        os.mkdir(self.home, 0o700)
        for name in ("workers/one.md", "workers/two.md"):
            path = os.path.join(self.home, name)
            os.close(naming.create(path))
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.home, "workers")).st_mode), 0o700)

    def test_what_the_database_does_not_hold_is_synced_before_it_has_its_name(self) -> None:
        header = Header("tx-00000000", "title", 7, "shell", "2025-10-24T15:00:00.000Z", self.directory, "true")
        for size, wanted in ((report.TAIL, ["link"]), (report.TAIL + 1, ["fsync", "link"])):
            paper = report.Report(self.path("workers"), f"20251024_15000{len(wanted)}", header)
            paper.write(b"x" * size)
            done: list[str] = []

            def note(name: str) -> Callable[..., object]:
                def call(*words: object) -> object:
                    done.append(name)
                    return real(*words)

                real = getattr(os, name)
                return call

            with mock.patch.object(os, "fsync", note("fsync")), mock.patch.object(os, "link", note("link")):
                paper.finish(Result("done", 0), 4321)
            self.assertEqual(done, wanted)


if __name__ == "__main__":
    unittest.main()
