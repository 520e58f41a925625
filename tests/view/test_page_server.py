"""The page that is served: for who knows its address, on this machine; and nobody else's page gets at it."""

from __future__ import annotations

import base64
import errno
import hashlib
import http.client
import os
import re
import signal
import socket
import struct
import threading
import unittest
from unittest import mock

import txlite
from txlite.store.loop_attempts import Choice
from txlite.view.page_access import FORBIDDEN, FOUND, MOVED, NO_SUCH_METHOD, UNKNOWN, PageAccess
from txlite.view.page_keeper import KeptPage, PageKeeper

from ..case import Case, wait_until

Answer = tuple[int, dict[str, str], str]


class Access(unittest.TestCase):
    def setUp(self) -> None:
        self.access = PageAccess()
        self.way = "/" + self.access.address(80).split("/", 3)[3]

    def judge(self, target: str = "", method: str = "GET", **headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.access.judge(method, target or self.way, {"host": "127.0.0.1:80", **named})

    def test_who_knows_the_address_is_let_in(self) -> None:
        self.assertEqual(
            (self.judge(), self.judge(self.way + "reports/1"), self.judge(self.way + "?a=b")), (FOUND,) * 3
        )
        self.assertEqual(self.judge(self.way[:-1]), MOVED)
        self.assertNotEqual(self.way, "/" + PageAccess().address(80).split("/", 3)[3])
        for wrong in ("/", "//", "/x/", self.way[:-2] + "/", self.way[:-1] + "x/", "/" + self.way, "x", "*", "/\udcff/",
                      f"http://127.0.0.1:80{self.way}", self.way.upper(), "/%2e%2e/"):  # fmt: skip
            self.assertEqual(self.judge(wrong), UNKNOWN, wrong)

    def test_other_names_and_pages_are_not(self) -> None:
        for host in ("localhost", "localhost:8040", "LOCALHOST:1", "127.0.0.1"):
            self.assertEqual(self.judge(host=host), FOUND, host)
        for host in ("", "evil.example", "evil.example:80", "127.0.0.1.evil.example", "127.0.0.2:80", "[::1]:80"):
            self.assertEqual(self.judge(host=host), FORBIDDEN, host)
        for origin in ("null", "http://evil.example", "http://127.0.0.1:81", "https://127.0.0.1:80", ""):
            self.assertEqual(self.judge(origin=origin), FORBIDDEN, origin)
        self.assertEqual(self.judge(origin="http://127.0.0.1:80", sec_fetch_site="same-origin"), FOUND)
        for site in ("cross-site", "same-site"):
            self.assertEqual(self.judge(sec_fetch_site=site, sec_fetch_mode="no-cors"), FORBIDDEN)
            self.assertEqual(
                self.judge(sec_fetch_site=site, sec_fetch_mode="navigate", sec_fetch_dest="iframe"), FORBIDDEN
            )
            self.assertEqual(
                self.judge(sec_fetch_site=site, sec_fetch_mode="navigate", sec_fetch_dest="document"), FOUND
            )

    def test_it_is_read_only(self) -> None:
        self.assertEqual(self.judge(method="HEAD"), FOUND)
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
            self.assertEqual(self.judge(method=method), NO_SUCH_METHOD)
            self.assertEqual(self.judge("/x/", method=method), UNKNOWN)


class Kept(unittest.TestCase):
    def test_a_page_that_cannot_be_made_ends_nothing(self) -> None:
        over = threading.Event()
        answers: list[KeptPage | None] = []

        def look() -> txlite.store.store.Store:
            if any(answers):
                raise KeyboardInterrupt
            raise OSError(errno.EMFILE, "Too many open files")

        def ask() -> None:
            while not over.is_set():
                answers.append(keeper.ask())

        keeper = PageKeeper(look)
        asking = threading.Thread(target=ask, daemon=True)
        with mock.patch.multiple("txlite.view.page_keeper", YOUNG=0.05, SHARE=0.0, PATIENCE=0.2):
            asking.start()
            with self.assertRaises(KeyboardInterrupt):
                keeper.keep()
            over.set()
            asking.join(60)
        self.assertIn("too many files are open", "".join(one.error for one in answers if one))


class Served(Case):
    def begin(self, *options: str) -> str:
        """Serve it; the address."""
        self.process = self.start("page", "--serve", *options)
        assert self.process.stdout
        return self.process.stdout.readline().decode().strip()

    def ask(self, address: str, method: str = "GET", **headers: str) -> Answer:
        host, way = re.fullmatch(r"http://([^/]+)(/.*)", address).groups()
        connection = http.client.HTTPConnection(host, timeout=60)
        try:
            connection.request(method, way, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()
        finally:
            connection.close()

    def make_night(self, title: str = "<script>alert(1)</script>", report: str = "workers/1.md") -> int:
        """A loop that goes on, with one attempt and its report; the attempt."""
        with txlite.open(self.home) as store:
            store.add(title)
            if not store.loops.newest():
                store.loops.begin("loop-1", "claude", None, None)
            claim_next = store.loop_attempts.claim_next
            assignment = claim_next("by hand", [txlite.model.Lane("prompt")], lambda task: Choice("claude"), "loop-1")
            assert assignment
            attempt = assignment.claim.token
            os.makedirs(os.path.join(self.home, "workers"), exist_ok=True)
            with open(os.path.join(self.home, "workers", "1.md"), "w") as file:
                file.write("<b>its report</b>\n")
            result = txlite.store.attempts.Result("done", report=report)
            store.assignments.finish(attempt, result, 1)
            return attempt

    def test_it_is_served_as_it_is_now_and_ends_by_ctrl_c(self) -> None:
        txlite.open(self.home).close()
        address = self.begin()
        status, headers, page = self.ask(address)
        self.assertEqual((status, "No loop has run here yet" in page), (200, True))
        script = re.search(r"<script>(.*)</script>", page, re.S)
        assert script
        allowed = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
        policy = headers["content-security-policy"]
        self.assertIn(f"script-src 'sha256-{allowed}';", policy)
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn("unsafe-eval", policy)
        self.assertEqual((headers["referrer-policy"], headers["cache-control"]), ("no-referrer", "no-store"))
        self.assertEqual(self.ask(address, If_None_Match=headers["etag"])[::2], (304, ""))
        attempt = self.make_night()
        page = wait_until(lambda: (found := self.ask(address)[2]) and "1 task done" in found and found, "the night")
        self.assertIn("&lt;script&gt;alert(1)", page)
        self.assertIn(f'href="reports/{attempt}"', page)
        status, headers, report = self.ask(f"{address}reports/{attempt}")
        self.assertEqual((status, report), (200, "<b>its report</b>\n"))
        self.assertEqual(headers["content-type"], "text/plain; charset=utf-8")
        self.assertEqual((headers["x-content-type-options"], "sandbox" in headers["content-security-policy"]),
                         ("nosniff", True))  # fmt: skip
        self.assertEqual(self.ask(address, "HEAD")[::2], (200, ""))
        with open(self.path("secret"), "w"):
            pass
        away = [self.make_night("away", report) for report in ("../secret", __file__)]
        wait_until(lambda: "3 tasks done" in self.ask(address)[2], "the others")
        self.assertEqual([self.ask(f"{address}reports/{one}")[0] for one in (attempt, *away)], [200, 404, 404])
        for line in (b"GET /", f"GET {address[address.index('/', 7):]} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode()):
            with socket.create_connection(("127.0.0.1", int(address.split(":")[2].split("/")[0])), 60) as connection:
                connection.sendall(line)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # it breaks off
        self.assertEqual(self.ask(address)[0], 200)
        self.process.send_signal(signal.SIGINT)
        out, error = self.process.communicate(timeout=60)
        self.assertEqual((self.process.returncode, out), (0, b""))
        self.assertEqual(error.decode(), "txlite: the page updates itself until Ctrl-C\n")

    def test_who_does_not_know_it_gets_nothing(self) -> None:
        txlite.open(self.home).close()
        port = ""

        def begin_at_a_port() -> str:
            nonlocal port
            with socket.socket() as taken:
                taken.bind(("127.0.0.1", 0))
                taken.listen()
                port = str(taken.getsockname()[1])
                self.txlite("page", "--serve", "--port", port, code=1)
                self.assertIn(f"port {port} is taken", self.errors)
            return self.begin("--port", port)

        address = wait_until(begin_at_a_port, "a port that nobody else takes at that moment")
        self.assertTrue(address.startswith(f"http://127.0.0.1:{port}/"))
        root = f"http://127.0.0.1:{port}/"
        for way, status in ((root, 404), (root + "favicon.ico", 404), (address[:-2] + "/", 404), (address[:-1], 301),
                            (address + "reports/1", 404), (address + "reports/../../tasks.db", 404)):  # fmt: skip
            self.assertEqual(self.ask(way)[0], status, way)
        for method in ("POST", "DELETE"):
            status, headers, _ = self.ask(address, method)
            self.assertEqual((status, headers["allow"]), (405, "GET, HEAD"))
        self.assertEqual(self.ask(address, Host="evil.example")[0], 403)
        self.assertEqual(self.ask(address, Origin="http://evil.example")[0], 403)
        for line in (
            b"GET / HTTP/9.9\r\n\r\n",
            b"<script>\r\n\r\n",
            b"GET /<b> HTTP/1.0\r\n\r\n",
            b"BREW / HTTP/1.0\r\n\r\n",
            b"GET /%s/ HTTP/1.0\r\nHost: evil.example\r\nHost: 127.0.0.1\r\n\r\n" % address.split("/")[3].encode(),
        ):
            with socket.create_connection(("127.0.0.1", int(port)), 60) as connection:
                connection.sendall(line)
                answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
            self.assertRegex(
                answer.split(b"\r\n")[0] if answer.startswith(b"HTTP") else answer, rb"40[0-9]|501|505|This could"
            )
            self.assertNotIn(b"<b>", answer)
            self.assertNotIn(b"<script>", answer)
        self.process.kill()
        self.process.wait()

    def test_what_is_wrong_is_said_at_once(self) -> None:
        self.txlite("page", code=2)
        for port in ("0", "65536", "x", "-1"):
            self.txlite("page", "--serve", "--port", port, code=64)
        txlite.open(self.home).close()
        self.txlite("page", "--port", "8040", code=64)
        self.assertIn("give --serve, too", self.errors)
        self.txlite("page", code=2)
        self.assertIn("there was no loop in this home", self.errors)
        self.make_night()
        with open(os.path.join(self.home, "loops"), "w"):
            self.txlite("page", code=69)
        self.assertRegex(self.errors, r"/loops/\d+_\d+\.html could not be written: ")


if __name__ == "__main__":
    unittest.main()
