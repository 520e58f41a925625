"""The page about a night: whole, alone, true, and small enough."""

from __future__ import annotations

import re
import time
import unittest
from html.parser import HTMLParser
from typing import Any

from txlite.git.diff_stat import DiffStat
from txlite.model import AGENT_PART, DONE, FAILED, INTERRUPTED, LOST, TIMEOUT, LoopRecord, Usage
from txlite.ralph.nights import Night
from txlite.ralph.page.document import render
from txlite.ralph.summary import Entry, Summary, Try
from txlite.store.nights import Figures
from txlite.system import clock

from .nights import make_showcase

BEGAN = 1_795_300_000.0
VOID = {"meta", "br", "hr", "img", "link", "input"}


def moment(seconds: float) -> str:
    return clock.to_text(BEGAN + seconds)


def make_try(
    number: int, start: int, end: float | None, outcome: str | None = DONE, worker: str = "worker-a", **more: Any
) -> Try:
    values = {"note": None, "report": f"workers/{number}.md", "commit": None, "parked": None, **more}
    return Try(number, worker, moment(start), None if end is None else moment(end), outcome, **values)


def spent(attempt: int, cost: int | None) -> tuple[Usage, ...]:
    return (Usage(attempt, AGENT_PART, "claude", cost=cost),)


def make_night(
    entries: list[Entry], length: float = 3600.0, ended: bool = True, remarks: list[str] | tuple[Any, ...] = ()
) -> Summary:
    loop = LoopRecord(
        "loop-1", "claude", moment(0), moment(length) if ended else None, "nothing was left to do", None, 5
    )
    night = Summary("/home/somebody/.txlite", [loop], list(entries), moment(length), list(remarks))
    return night._replace(goes_on=not ended)


def make_entry(
    number: int, tries: list[Try], status: str = "done", title: str | None = None, needs: str | None = None
) -> Entry:
    return Entry(f"tx-{number:08d}", title or f"task {number}", status, status, tries, None, needs)


class Reader(HTMLParser):
    """Reads a page, and complains where its tags do not balance."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[Any] = []
        self.words: list[str] = []
        self.bars: list[Any] = []
        self.feed(page)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
        found = dict(attributes)
        if "bar" in (found.get("class") or "").split() and "href" in found:
            left, width = re.search(r"left:([\d.]+)%;width:([\d.]+)%", found["style"]).groups()
            self.bars.append((float(left), float(width)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, (tag, self.open[-3:])
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.words.append(data)


class Page(unittest.TestCase):
    def test_it_stands_alone(self) -> None:
        page = render(make_night([make_entry(1, [make_try(1, 0, 60)])]))
        tags = {tag for tag, _ in Reader(page).tags}
        self.assertEqual(tags & {"script", "link", "img", "iframe", "object", "form", "base"}, set())
        self.assertIsNone(re.search(r"https?:|//\w|url\(|@import|javascript:", page))
        self.assertIn("default-src 'none'", page)

    def test_what_others_wrote_is_text(self) -> None:
        bad = "<script>alert(1)</script>\"' \x1b[31m \u202e \udc80 &amp;"
        tries = [make_try(1, 0, 9, FAILED, note=bad, parked=bad, worker=bad, report="workers/a\"'<b>.md")]
        page = render(make_night([make_entry(1, tries, "failed", bad, bad)], remarks=[bad]))
        page.encode()
        reader = Reader(page)
        self.assertNotIn("script", {tag for tag, _ in reader.tags})
        self.assertNotIn("\x1b", page)
        self.assertNotIn("\u202e", page)
        self.assertIn("\\x1b[31m", "".join(reader.words))
        shown = {tag for tag, _ in Reader(render(make_showcase())).tags}  # it has markup wherever markup can stand
        self.assertEqual(shown & {"script", "img", "iframe", "form"}, set())
        self.assertTrue(all(value is None or "<" not in value for _, found in reader.tags for value in found.values()))

    def test_every_task_and_attempt_is_there(self) -> None:
        entries = [
            make_entry(number, [make_try(2 * number, 60 * number, 60 * number + 30, FAILED, note=f"note {number}"),
                                make_try(2 * number + 1, 60 * number + 30, 60 * number + 60)])
            for number in range(20)
        ]  # fmt: skip
        words = "".join(Reader(render(make_night(entries))).words)
        for number in range(20):
            self.assertIn(f"tx-{number:08d}", words)
            self.assertIn(f"Attempt {2 * number + 1} ", words)
            self.assertIn(f"note {number}", words)

    def test_what_needs_a_person_comes_first(self) -> None:
        entries = [
            make_entry(1, [make_try(1, 0, 9)]),
            make_entry(2, [make_try(2, 9, 20, TIMEOUT)], "failed", "late", "x"),
        ]
        words = "".join(Reader(render(make_night(entries, remarks=["a remark"]))).words)
        self.assertIn("Needs a person: 2", words)
        self.assertLess(words.index("a remark"), words.index("Timeline"))
        self.assertIn("1 task done, 1 put aside", words)
        self.assertIn("Nothing needs a person", "".join(Reader(render(make_night(entries[:1]))).words))

    def test_ids_are_links_and_commands_stand_alone(self) -> None:
        entries = [make_entry(1, [make_try(1, 0, 9, FAILED)], "failed", needs="x")]
        remark = "tx-00000002 (two) waits for tx-00000001 (task 1): `txlite retry tx-00000001`"
        page = render(make_night(entries, remarks=[remark]))
        self.assertIn(
            'tx-00000002 (two) waits for <a href="#t0">tx-00000001</a> (task 1): <code>txlite retry tx-00000001</code>',
            page,
        )
        Reader(page)

    def test_what_landed_says_how_much_and_by_which_gate(self) -> None:
        commit = "c0ffee" + "0" * 34
        entry = make_entry(1, [make_try(1, 0, 9, commit=commit)])._replace(
            commit=commit, changes=DiffStat(2, 1204, 31), gate="make <test>"
        )
        other = make_entry(2, [make_try(2, 9, 20)])
        words = "".join(Reader(render(make_night([entry, other]))).words)
        self.assertIn("Landed: 1", words)
        self.assertIn("+1,204 \u221231 in 2 files", words)
        self.assertIn("Each passed its gate: make <test>", words)
        self.assertIn("c0ffee0000", words)
        self.assertIn("Other tasks: 1", words)
        two = [entry, entry._replace(task="tx-00000003", gate="true")]
        self.assertIn("gate: true", "".join(Reader(render(make_night(two))).words))

    def test_costs_that_are_not_known_are_not_nothing(self) -> None:
        def tell(*costs: int | None) -> str:
            tries = [
                make_try(number, number, number + 1, usages=spent(number, cost)) for number, cost in enumerate(costs)
            ]
            return "".join(Reader(render(make_night([make_entry(1, tries)]))).words)

        self.assertIn("Costunknown", tell(None, None))
        self.assertIn("Cost$3.10", tell(3_000_000, 100_000))
        self.assertIn("Costat least $3.10", tell(3_100_000, None))
        silent = make_entry(1, [make_try(1, 0, 9, usages=spent(1, 3_100_000)), make_try(2, 9, 20)])
        self.assertIn("Costat least $3.10", "".join(Reader(render(make_night([silent]))).words))
        self.assertIn("Cost$0.00", tell(0))
        self.assertIn("Costunder $0.01", tell(4_999))
        self.assertIn("Costat least $0.00", tell(4_999, None))

    def test_a_night_stands_beside_those_before_it(self) -> None:
        def before(days: int, hours: float, cost: int | None, commits: int = 4) -> Night:
            return Night(moment(-86400 * days), hours * 3600, Figures(9, 6, 5, commits, 7200.0, cost, 9))

        night = make_night([make_entry(1, [make_try(1, 0, 60, usages=spent(1, 2_000_000))])])
        own = Night(moment(0), 3600.0, Figures(1, 1, 1, 1, 60.0, 2_000_000, 1))
        earlier = (before(1, 2, 1_000_000), before(2, 4, None), before(3, 7, 5_000_000))
        words = "".join(Reader(render(night._replace(night=own, earlier=earlier))).words)
        for part in ("usually 4h00m", "usually $3.00", "usually 4", "This night and those before it"):
            self.assertIn(part, words)
        self.assertNotIn("usually", "".join(Reader(render(night._replace(night=own))).words))

    def test_what_runs_is_said_and_how_long_it_has_been_silent(self) -> None:
        tries = [make_try(1, 0, 9, FAILED, agent="claude"),
                 make_try(2, 9, None, None, agent="codex", level="high", silent=moment(2700))]  # fmt: skip
        entry = make_entry(1, tries, "active", "<i>a task</i>")
        words = "".join(Reader(render(make_night([entry], ended=False))).words)
        told = "<i>a task</i> attempt 2 · codex at high · for 59m51s · silent for 15m00s · report"
        self.assertIn(f"Running now: 1\n\n{told}txlite logs -f tx-00000001", words)
        self.assertIn("2 attempts: claude, then codex at high", words)
        self.assertNotIn("Running now", "".join(Reader(render(make_night([make_entry(1, tries[:1], "failed")]))).words))

    def test_one_that_was_killed_ended_with_its_last_attempt(self) -> None:
        night = make_night([make_entry(1, [make_try(1, 0, 600)])], ended=False)._replace(goes_on=False)
        words = "".join(Reader(render(night)).words)
        self.assertIn("(10m00s). It was killed: txlite ralph goes on with it.", words)
        limits = {"claude": (moment(7200), "usage <limit>")}
        words = "".join(Reader(render(night._replace(goes_on=True, limits=limits))).words)
        self.assertRegex(words, r"It still goes on\. claude pauses until \d\d:\d\d: usage <limit>\.")

    def test_each_agent_of_a_night_is_named_once(self) -> None:
        night = make_night([make_entry(1, [make_try(1, 0, 9)])])
        loops = [one._replace(agent="claude,codex", max_cost=20_000_000) for one in night.loops * 2]
        words = "".join(Reader(render(night._replace(loops=loops))).words)
        self.assertIn("Agents claude and codex, from", words)
        self.assertIn("at most $20.00", words)

    def test_who_does_not_see_the_drawing_meets_each_attempt_once(self) -> None:
        page = render(make_showcase())
        drawing = re.search(r'<div class="chart" aria-hidden="true">.*?</section>', page, re.S)
        assert drawing
        self.assertEqual(drawing[0].count("<a "), drawing[0].count('tabindex="-1"'))
        for number in range(1, 20):
            self.assertEqual(page.replace(drawing[0], "").count(f"<b>Attempt {number}</b>"), 1)

    def test_bars_lie_where_their_times_are(self) -> None:
        entries = [make_entry(1, [make_try(1, 0, 900)]), make_entry(2, [make_try(2, 1800, 3600)])]
        self.assertEqual(Reader(render(make_night(entries))).bars, [(0.0, 25.0), (50.0, 50.0)])

    def test_no_bar_lies_over_another(self) -> None:
        tries = [make_try(number, 7 * number, 7 * number + 30, worker=f"worker-{number}") for number in range(100)]
        page = render(make_night([make_entry(number, [one]) for number, one in enumerate(tries)], 730))
        lanes = re.findall(r'<div class="lane".*?</div>', page, re.S)
        self.assertLess(len(lanes), 10)
        for lane in lanes:
            bars = re.findall(r"left:([\d.]+)%;width:([\d.]+)%", lane)
            ends = [float(left) + float(width) for left, width in bars]
            self.assertTrue(all(end <= float(left) + 0.01 for end, (left, _) in zip(ends, bars[1:])))

    def test_what_goes_on_is_called_as_in_a_list(self) -> None:
        entry = make_entry(1, [make_try(1, 0, 9, INTERRUPTED)], "backlog")._replace(state="later")
        night = make_night([entry, entry._replace(state="ready"), make_entry(2, [make_try(2, 9, 20)])])
        page = render(night)
        self.assertIn("1 task done, 1 ready, 1 later", page)
        self.assertNotIn("backlog", page)
        self.assertEqual((night.counts, night.shown_counts["later"]), ({"backlog": 2, "done": 1}, 1))

    def test_a_running_one_a_point_and_a_clock_that_was_set(self) -> None:
        tries = [make_try(1, 0, None, None), make_try(2, 100, 100), make_try(3, 200, 150), make_try(4, 0, 10, LOST)]
        page = render(make_night([make_entry(1, tries, "active")], ended=False))
        words = "".join(Reader(page).words)
        self.assertIn("It still goes on", words)
        self.assertIn("lost with its worker", words)

    def test_nights_of_seconds_and_of_days(self) -> None:
        for length in (0.0, 1.0, 20.0, 60 * 3600.0, 90 * 86400.0):
            page = render(make_night([make_entry(1, [make_try(1, 0, length)])], length))
            self.assertLess(page.count('class="tick'), 12)

    def test_ten_thousand_attempts(self) -> None:
        tries = [
            make_try(number, number // 8 * 3, number // 8 * 3 + 2, worker=f"worker-{number % 8}", note="n" * 500)
            for number in range(10_000)
        ]
        night = make_night([make_entry(number, [one], title="t" * 300) for number, one in enumerate(tries)], 3800)
        began = time.process_time()
        page = render(night)
        self.assertLess(time.process_time() - began, 10)
        self.assertLess(len(page.encode()), 7_000_000)


if __name__ == "__main__":
    unittest.main()
