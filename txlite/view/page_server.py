"""The page of the night, served to browsers of this machine: it updates itself, and changes nothing.

Only GET and HEAD are answered, and only who knows the address is (`page_access`). What is sent tells the browser what
it may do: run the one script of ours, ask here for the page again, and nothing else. Used by the command `page`.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import re
import socketserver
import sys
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler

from ..errors import Refused, record_bug
from ..ralph.page.document import SCRIPT
from ..reports.archive import open_report
from ..text import printable
from .page_access import FORBIDDEN, FOUND, HOST, METHODS, MOVED, NO_SUCH_METHOD, UNKNOWN, PageAccess
from .page_keeper import PageKeeper
from .terminal import say_aside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..store.store import Store

SLOW = 10.0  # seconds for a request to come
CHUNK = 1 << 16  # bytes
WAITING = 64  # connections that wait to be taken
_OWN = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
ALONE = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
POLICY = (
    f"{ALONE}; style-src 'unsafe-inline'; script-src 'sha256-{_OWN}'; connect-src 'self'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
WORDS = {
    FORBIDDEN: "This address is for a browser of this machine, and for no other page.",
    UNKNOWN: "There is nothing here: open the address that `txlite page --serve` printed.",
    NO_SUCH_METHOD: "The page can be read, and nothing else.",
    503: "The page could not be made now.",
}
_REPORT = re.compile(r"reports/([0-9]{1,18})", re.ASCII)


def serve(look: Callable[[], Store], port: int, announce: Callable[[str], None]) -> None:
    """Serve the page until an exception ends it: a KeyboardInterrupt.

    look: opens the home's database. port: 0 for any that is free. announce: is told the address. Raises Refused where
    the port is not to be had.
    """
    keeper, access = PageKeeper(look), PageAccess()
    server = _listen(port, partial(PageRequest, keeper, access))
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        announce(access.address(server.server_address[1]))
        try:
            keeper.keep()
        finally:
            server.shutdown()


def _listen(port: int, answer: Any) -> PageListener:
    server = PageListener((HOST, port), answer, bind_and_activate=False)
    try:
        server.server_bind()
        server.server_activate()
    except OSError as error:
        server.server_close()
        if error.errno == errno.EADDRINUSE:
            raise Refused(f"port {port} is taken: give another --port, or none for any that is free") from error
        raise Refused(f"port {port}: {error.strerror}: give another --port, or none for any that is free") from error
    return server


class PageListener(socketserver.ThreadingTCPServer):
    """Takes connections, each with a thread of its own."""

    allow_reuse_address = daemon_threads = True
    request_queue_size = WAITING

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a browser that has gone, nor where there is no room for one more; a bug of ours is told."""
        problem = sys.exc_info()[1]
        if not isinstance(problem, (OSError, MemoryError)) and type(problem) is not RuntimeError:  # no thread
            say_aside(str(record_bug("page --serve")))


class PageRequest(BaseHTTPRequestHandler):
    """One request. What it answers never repeats what it was asked."""

    timeout = SLOW

    def __init__(self, keeper: PageKeeper, access: PageAccess, *args: Any) -> None:
        self._keeper = keeper
        self._access = access
        super().__init__(*args)

    def do_GET(self) -> None:
        """Answer a request of any method."""
        headers = {name.lower(): ", ".join(self.headers.get_all(name, ())) for name in self.headers}
        status = self._access.judge(self.command, self.path, headers)
        if status == MOVED:
            self._begin(MOVED, "text/plain; charset=utf-8", ALONE, {"Location": f"{self.path.partition('?')[0]}/"})
        elif status != FOUND:
            self.send_error(status)
        elif self._access.place(self.path):
            self._send_report(self._access.place(self.path))
        else:
            self._send_page(headers.get("if-none-match"))

    do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_TRACE = do_CONNECT = do_GET

    def _send_page(self, known: str | None) -> None:
        page = self._keeper.ask()
        if page is None or page.error:
            self.send_error(503, page and page.error)
        elif known == page.tag:
            self._begin(304, None, POLICY, {"ETag": page.tag})
        else:
            more = {"ETag": page.tag, "Content-Length": str(len(page.content))}
            self._begin(FOUND, "text/html; charset=utf-8", POLICY, more)
            self._write(page.content)

    def _send_report(self, place: str) -> None:
        named = _REPORT.fullmatch(place)
        page = self._keeper.ask() if named else None
        path = page.reports.get(int(named[1])) if named and page else None
        try:
            if path is None:
                return self.send_error(UNKNOWN)
            with open_report(path) as report:
                self._begin(FOUND, "text/plain; charset=utf-8", f"{ALONE}; sandbox")
                while self.command != "HEAD" and self._write(report.read(CHUNK)):
                    pass
        except OSError:
            self.send_error(UNKNOWN)

    def _write(self, content: bytes) -> int:
        return self.wfile.write(content) if self.command != "HEAD" else 0

    def _begin(self, status: int, kind: str | None, policy: str, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, "Content-Security-Policy": policy, **(more or {})}.items():
            self.send_header(name, value)
        if kind:
            self.send_header("Content-Type", kind)
        self.end_headers()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer that it cannot be had: a line of ours, whatever was asked."""
        words = message if code == 503 and message else WORDS.get(code, "This could not be understood.")
        more = {"Allow": ", ".join(METHODS)} if code == NO_SUCH_METHOD else None
        self._begin(code, "text/plain; charset=utf-8", ALONE, more)
        self._write(f"{printable(words)}\n".encode())

    def version_string(self) -> str:
        """Return what is told of the program that answers."""
        return "txlite"

    def log_message(self, *args: object) -> None:
        """Say nothing: the terminal is the person's."""
