"""Messages between a supervisor and a worker: whole or not at all, and nobody waits for the other."""

from __future__ import annotations

import os
import select
import unittest

from txlite.system.channel import Channel


class Channels(unittest.TestCase):
    def setUp(self) -> None:
        (one, two), (three, four) = os.pipe(), os.pipe()
        self.here, self.there = Channel(one, four), Channel(three, two)
        self.addCleanup(self.here.close)
        self.addCleanup(self.there.close)

    def test_messages_come_whole_and_in_order(self) -> None:
        self.assertEqual(self.there.receive(), [])
        long = b"x" * (select.PIPE_BUF * 2)
        for message in (b"one", b"", long):
            self.assertTrue(self.here.send(message))
        self.assertEqual(self.there.receive(), [b"one", b"", long[: select.PIPE_BUF - 1]])
        self.assertTrue(self.there.send(b"back"))
        self.assertEqual(self.here.receive(), [b"back"])

    def test_what_nobody_reads_is_not_sent_and_keeps_nobody(self) -> None:
        sent = 0
        while self.here.send(b"%d" % sent + b"." * 4000):
            sent += 1
        heard: list[bytes] = []
        while more := self.there.receive():
            heard += more
        self.assertEqual([int(message.strip(b".")) for message in heard], list(range(sent)))
        self.assertTrue(self.here.send(b"there is room again"))

    def test_the_last_words_come_before_the_end(self) -> None:
        self.there.send(b"farewell")
        self.there.close()
        self.assertFalse(self.here.send(b"?"))
        self.assertEqual(self.here.receive(), [b"farewell"])
        with self.assertRaises(EOFError):
            self.here.receive()
        self.here.close()
        self.assertFalse(self.here.send(b"?"))


if __name__ == "__main__":
    unittest.main()
