"""Boot id, monotonic deadlines, UTC text.

Wall-clock times are text in UTC with milliseconds ("2025-10-24T15:00:00.000Z"): they sort as they
stand and need no parsing. What must not follow a clock that is set uses monotonic seconds, which all
processes of one boot share (clock_gettime(2)); the boot id says whether two readings may be compared. Used by every
room.
"""

from __future__ import annotations

import os
import time
from functools import lru_cache

monotonic = time.monotonic


@lru_cache(8)  # a busy worker asks many times within one second
def _by_utc(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


@lru_cache(8)
def _by_wall_clock(form: str, seconds: int) -> str:
    return time.strftime(form, time.localtime(seconds))


def to_text(seconds: float) -> str:
    """Return UTC text for `seconds` since the epoch."""
    whole = int(seconds)
    return f"{_by_utc(whole)}.{int((seconds - whole) * 1000):03d}Z"


def now(later: float = 0.0) -> str:
    """Return UTC text of this moment, or of `later` seconds from it."""
    return to_text(time.time() + later)


def to_seconds(text: str) -> float:
    """Return the seconds since the epoch for what `to_text` wrote. Raises ValueError for any other text."""
    from datetime import datetime  # strptime takes thirty times as long

    if not text.endswith("Z"):
        raise ValueError(text)
    return datetime.fromisoformat(text[:-1] + "+00:00").timestamp()


def to_local(text: str) -> str:
    """Return what `to_text` wrote as this machine's wall clock shows it, with its offset: 2025-10-24 15:00:00 +0200."""
    return _to_local(text[:19] + "Z")


@lru_cache(8)
def _to_local(text: str) -> str:
    return _by_wall_clock("%Y-%m-%d %H:%M:%S %z", int(to_seconds(text)))


def parse_local(text: str) -> str:
    """Return UTC text for a time as a person writes it, by this machine's clock, or with a Z at its end in UTC.

    Known are 15:00 (the next one), 2025-10-24, 2025-10-24T15:00 and 2025-10-24 15:00:00. Raises ValueError for others.
    """
    import calendar

    to_seconds = calendar.timegm if text.endswith("Z") else time.mktime
    plain = text.rstrip("Z").replace(" ", "T")
    for form in ("%H:%M", "%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"):
        try:
            parsed = time.strptime(plain, form)
        except ValueError:
            continue
        if form != "%H:%M":
            return to_text(float(to_seconds(parsed)))
        today = time.gmtime() if text.endswith("Z") else time.localtime()
        seconds = float(to_seconds(time.struct_time((*today[:3], *parsed[3:5], 0, 0, 0, -1))))
        return to_text(seconds if seconds > time.time() else seconds + 86400)
    raise ValueError(text)


def stamp(text: str = "") -> str:
    """Return local time, of this moment or of what `to_text` wrote, as names carry it: YYYYMMDD_HHMMSS."""
    return _by_wall_clock("%Y%m%d_%H%M%S", int(to_seconds(text) if text else time.time()))


_host = ""


def host() -> str:
    """Return this machine's name, as it was when this process first asked."""
    global _host
    if not _host:
        _host = os.uname().nodename
    return _host


_boot = ""


def boot() -> str:
    """Return an id of this boot of this kernel: readings of `monotonic` under one id are comparable."""
    global _boot
    if not _boot:
        _boot = _linux_boot() or _darwin_boot() or f"{host()}-{int(time.time() - monotonic()) // 60}"
    return _boot


def has_passed(host_then: str, boot_then: str, deadline: float, expected: str) -> bool:
    """Say whether a deadline is over that was set on this host under this boot id: by monotonic time on the same boot,
    at once after a reboot of the same host, and for another host by the wall clock, when it was expected (UTC text)."""
    if boot_then == boot():
        return monotonic() >= deadline
    return host_then == host() or now() >= expected


def _linux_boot() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""


def _darwin_boot() -> str:
    import subprocess

    try:
        return subprocess.run(
            ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"], check=False, capture_output=True, text=True, timeout=5
        ).stdout.strip()
    except OSError:
        return ""
