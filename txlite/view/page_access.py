"""Who may see the page that is served: only who knows its address, in a browser that was not led there by another page.

The port is open to every program of this machine, and a browser follows any page that names it. So the address holds a
token; and what is asked must be meant for this machine by name, for a page of another name may have been pointed to it
(DNS rebinding), and must not come from another page. Used by `page_server`.
"""

from __future__ import annotations

import hmac
import secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

HOST = "127.0.0.1"
NAMES = (HOST, "localhost")
FOUND, MOVED, FORBIDDEN, UNKNOWN, NO_SUCH_METHOD = 200, 301, 403, 404, 405
METHODS = ("GET", "HEAD")


class PageAccess:
    """The address of a served page, and what may be asked there."""

    def __init__(self) -> None:
        self._token = secrets.token_urlsafe(24)

    def address(self, port: int) -> str:
        """Return what is typed into a browser."""
        return f"http://{HOST}:{port}/{self._token}/"

    def judge(self, method: str, target: str, headers: Mapping[str, str]) -> int:
        """Return the status with which a request is answered; FOUND: it may see what `place` says.

        target: as the request has it. headers: of the request; their names are looked up in lower case.
        """
        host = headers.get("host", "").lower()
        if host.rpartition(":")[0] not in NAMES and host not in NAMES:
            return FORBIDDEN
        if not self._knows_token(target):
            return UNKNOWN
        if method not in METHODS:
            return NO_SUCH_METHOD
        if not _is_from_here(headers, host):
            return FORBIDDEN
        return FOUND if self._split(target)[1] else MOVED

    def place(self, target: str) -> str:
        """Return what is asked for, below the page's address: "" for the page itself."""
        return self._split(target)[2]

    def _knows_token(self, target: str) -> bool:
        given = self._split(target)[0].encode("utf-8", "surrogateescape")
        return hmac.compare_digest(given, self._token.encode())

    @staticmethod
    def _split(target: str) -> tuple[str, str, str]:
        """Its first part, the slash behind that, and the rest without what a form would add."""
        return target.partition("?")[0][1:].partition("/") if target.startswith("/") else ("", "", "")


def _is_from_here(headers: Mapping[str, str], host: str) -> bool:
    """Whether our page asks, or a person who typed or followed the address; no other page, and nothing within one."""
    if headers.get("origin", f"http://{host}").lower() != f"http://{host}":
        return False
    site = headers.get("sec-fetch-site", "none")
    is_opened = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return site in ("none", "same-origin") or is_opened
