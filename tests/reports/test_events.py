"""What agents wrote, as it came: kept up to a bound, followed through each cut, gone with the report."""

from __future__ import annotations

import os
import random
import unittest

import txlite
from txlite.reports.events import CUT_LENGTH, EventLog, EventReader, events_path, has_events, read_events

from ..case import SEED
from .case import ReportsCase, make_older

LINES = [b'{"n": %d, "words": "%s"}\n' % (number, b"x" * (number * 7 % 60)) for number in range(400)]


class Kept(ReportsCase):
    def setUp(self) -> None:
        super().setUp()
        self.file = events_path(self.home, 7)

    def kept(self) -> bytes:
        return b"".join(read_events(self.home, 7))

    def test_all_of_it_below_the_cap(self) -> None:
        log = EventLog(self.file, 1 << 20)
        self.assertFalse(has_events(self.home, 7))
        for line in LINES:
            log.write(line)
        log.close()
        self.assertEqual(self.kept(), b"".join(LINES))
        self.assertEqual(os.stat(self.file).st_mode & 0o777, 0o600)

    def test_beyond_the_cap_the_ends_stay_and_lines_are_whole(self) -> None:
        log = EventLog(self.file, 4096)
        for line in LINES:
            log.write(line)
            self.assertLessEqual(os.path.getsize(self.file), 4096)
        log.close()
        kept = self.kept().splitlines(keepends=True)
        cuts = [line for line in kept if line.startswith(b'{"type": "txlite"')]
        self.assertEqual(len(cuts), 1)
        place, missing = kept.index(cuts[0]), int(cuts[0].split()[3].rstrip(b"}"))
        self.assertEqual(kept[:place], LINES[:place])
        self.assertEqual(kept[place + 1 :], LINES[place + 1 - len(kept) :])
        self.assertEqual(sum(map(len, kept)) - CUT_LENGTH + missing, sum(map(len, LINES)))
        self.assertGreater(min(place, len(kept) - place), 10)

    def test_a_follower_reads_each_byte_once_or_is_told_how_much_it_missed(self) -> None:
        chance = random.Random(f"{SEED} events")
        for pace in (0.9, 0.3, 0.03, 0.0):
            log, reader, got = EventLog(self.file, 2048), EventReader(self.file), b""
            for line in LINES:
                log.write(line)
                if chance.random() < pace:
                    got += reader.read()
            log.close()
            got += b"".join(reader.read_all())
            reader.close()
            rest, place = got.splitlines(keepends=True), 0
            for line in rest:
                if line.startswith(b'{"type": "txlite"'):
                    continue
                self.assertIn(line, LINES[place:], "in order, and once")
                place = LINES.index(line) + 1
            self.assertEqual(place, len(LINES), "to the end")
            cuts = [line for line in rest if line.startswith(b'{"type": "txlite"')]
            self.assertEqual(bool(cuts), len(rest) - len(cuts) < len(LINES), pace)
            self.assertFalse(pace == 0.9 and cuts)
            os.unlink(self.file)

    def test_a_directory_that_cannot_be_written_ends_what_is_kept_and_nothing_else(self) -> None:
        with open(os.path.join(self.home, "events"), "w"):
            pass
        log = EventLog(self.file, 4096)
        log.write(b"{}\n")
        log.write(b"{}\n")
        log.close()
        self.assertTrue(log.trouble)

    def test_cleanup_takes_them_with_their_reports(self) -> None:
        for attempt, days in ((1, 1), (2, 4), (3, 9)):
            log = EventLog(events_path(self.home, attempt), 4096)
            log.write(b"{}\n" * 100)
            log.close()
            make_older(events_path(self.home, attempt), days)
        self.assertIn("events/2.jsonl", self.txlite("cleanup", "--dry-run"))
        self.assertRegex(self.txlite("cleanup"), r"^deleted 0 reports \(300 B\), compressed 0 \(saved \d+ B\)\n$")
        self.assertEqual(sorted(os.listdir(os.path.join(self.home, "events"))), ["1.jsonl", "2.jsonl.gz"])
        self.assertEqual(b"".join(read_events(self.home, 2)), b"{}\n" * 100)
        self.assertEqual(self.txlite("cleanup"), "nothing to clean up\n")

    def test_cleanup_leaves_alone_what_runs(self) -> None:
        with txlite.open(self.home) as store:
            attempt = store.claim(store.add("a task").id, "somebody").token
        path = events_path(self.home, attempt)
        log = EventLog(path, 4096)
        log.write(b"{}\n")
        make_older(path, 9)
        self.assertEqual(self.txlite("cleanup"), "nothing to clean up\n")
        self.assertTrue(os.path.exists(path))
        log.close()


if __name__ == "__main__":
    unittest.main()
