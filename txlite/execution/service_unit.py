"""What has a run go on as a service of the user: a unit of systemd, or an agent of launchd.

It starts with the machine or the session, is started again when it crashed (a loop that ends by itself, at a bound of
money or of failures, is not: each start has all of that again), and has the time to stop that a run takes which lets
what runs finish. Composed for the verb `service`; the forms are those of systemd.service(5), its siblings, and
launchd.plist(5).
"""

from __future__ import annotations

from ..errors import Error, Interrupted, UsageError
from ..system.named_tuple import NamedTuple

SPARE = 20.0  # seconds that a run takes to end when nothing runs any more

_UNIT = """\
# {description}: give it to systemd, as a unit of your own, by
#
#     mkdir -p ~/.config/systemd/user
#     txlite service > ~/.config/systemd/user/{name}.service
#     systemctl --user daemon-reload
#     systemctl --user enable --now {name}
#
# `loginctl enable-linger` has it run while you are not logged in; `journalctl --user -u {name} -f` shows what it says,
# `systemctl --user stop {name}` lets what runs finish for {drain:g} seconds. PATH is that of the shell that made this.
[Unit]
Description={description}

[Service]
Type=exec
WorkingDirectory={directory}
Environment={path}
ExecStart={call}
KillMode=mixed
TimeoutStopSec={stop:.0f}
SuccessExitStatus={interrupted}
Restart=on-failure
RestartSec=10
RestartPreventExitStatus={final}
Delegate=yes

[Install]
WantedBy=default.target
"""


class ServiceOrder(NamedTuple):
    """What a service is to do."""

    name: str
    argv: list[str]
    directory: str
    home: str
    path: str  # PATH, for what it runs
    drain: float  # seconds for which what runs may finish
    kill_after: float  # seconds between TERM and KILL
    is_bounded: bool  # whether it is over when it ends by itself: begun again, it would have all of its bounds again

    @property
    def stop(self) -> float:
        """How long it may take to stop."""
        return self.drain + self.kill_after + SPARE


def compose_unit(order: ServiceOrder) -> str:
    """Return the unit of systemd. Raises UsageError for what no line of it can hold."""
    directory = order.directory.replace("%", "%%")
    if "\n" in directory or directory != directory.strip():
        raise UsageError(f"{order.directory!r} cannot stand in a unit of systemd: run it in another directory")
    return _UNIT.format(
        name=order.name, description=f"txlite in {directory}", drain=order.drain, directory=directory,
        path=_quote(f"PATH={order.path}"), call=" ".join(_quote(word, "$$") for word in order.argv), stop=order.stop,
        interrupted=Interrupted.exit_code,
        final=f"{Error.exit_code} {UsageError.exit_code}" if order.is_bounded else UsageError.exit_code,
    )  # fmt: skip


def _quote(word: str, dollar: str = "$") -> str:
    """A word as systemd.syntax(7) has it; `dollar`: what stands for one, which in a command begins a variable."""
    escaped = "".join(
        {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "%": "%%", "$": dollar}.get(one, one) for one in word
    )
    return f'"{escaped}"'


def compose_plist(order: ServiceOrder) -> str:
    """Return the property list of launchd."""
    import os
    import plistlib

    log = os.path.join(order.home, "service.log")
    return plistlib.dumps({
        "Label": order.name,
        "ProgramArguments": order.argv,
        "WorkingDirectory": order.directory,
        "EnvironmentVariables": {"PATH": order.path},
        "RunAtLoad": True,
        "KeepAlive": {"Crashed": True, **({} if order.is_bounded else {"SuccessfulExit": False})},
        "ThrottleInterval": 10,
        "ExitTimeOut": int(order.stop),
        "StandardOutPath": log,
        "StandardErrorPath": log,
    }, sort_keys=False).decode()  # fmt: skip
