"""Who may end background work besides us: the login manager, a batch system, a CI runner, a terminal.

`root` is where the system's files are looked up. Called by `diagnose`.
"""

from __future__ import annotations

import os
import re
import signal

from ..system.control_groups import find_own
from .machine import IS_LINUX, read
from .probe import LIMITED, OK, Check, Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIGURED = ("etc/systemd", "run/systemd", "usr/local/lib/systemd", "usr/lib/systemd")  # the first one wins
BATCH_SYSTEMS = {"SLURM_JOB_ID": "Slurm", "PBS_JOBID": "PBS", "LSB_JOBID": "LSF"}
RUNNERS = ("GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL", "BUILDKITE", "CI")
_TRUE = ("1", "yes", "y", "true", "t", "on")


def checks(root: str = "/") -> list[Check]:
    """Return the checks of who may end background work here."""
    logout = [Check("logout", lambda: check_logout(root))] if IS_LINUX else []
    rest = {"batch job": check_batch, "CI": check_runner}
    return [*logout, *(Check(name, look) for name, look in rest.items()), Check("terminal", check_terminal)]


def check_logout(root: str = "/") -> list[Finding]:
    """Tell what systemd-logind does with our processes when the user has logged out (logind.conf(5)).

    A session's processes are killed where KillUserProcesses says so, lingering or not. Those below the user's own
    manager end with it, unless the user lingers (loginctl(1)).
    """
    if not os.path.isdir(os.path.join(root, "run/systemd/system")):
        return [Finding("logout", OK, "no systemd-logind runs here that could end background work")]
    groups = find_own(root)
    group = groups.get("name=systemd") or groups.get("", "")
    user = _user()
    lingers = os.path.exists(os.path.join(root, "var/lib/systemd/linger", user))
    first = "" if lingers else f"`loginctl enable-linger {user}`, then "
    if re.search(r"/user@\d+\.service(/|$)", group):
        if lingers:
            return [Finding("logout", OK, "the user's manager, which runs this, stays after logout (lingering)")]
        found = "the user's manager, which runs this, stops at logout, and background work with it"
        return [Finding("logout", LIMITED, found, f"`loginctl enable-linger {user}`")]
    if not re.search(r"/session-[^/]+\.scope(/|$)", group):
        return [Finding("logout", OK, "outside of login sessions: logging out ends nothing")]
    if not _is_killed(read_settings(root), user):
        return [Finding("logout", OK, "background work stays after logout (KillUserProcesses=no)")]
    found = "background work is killed at logout (KillUserProcesses=yes in logind.conf)"
    advice = first + "start it, or tmux around it, by `systemd-run --user --scope COMMAND`"
    return [Finding("logout", LIMITED, found, advice)]


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _is_killed(settings: dict[str, str], user: str) -> bool:
    only, spared = (settings.get(name, "").split() for name in ("KillOnlyUsers", "KillExcludeUsers"))
    return settings["KillUserProcesses"].lower() in _TRUE and user not in spared and (not only or user in only)


def read_settings(root: str = "/") -> dict[str, str]:
    """Return the settings of systemd-logind: built in (which the comments of its file show), its file, its drop-ins."""
    settings = {"KillUserProcesses": "yes", "KillExcludeUsers": "root"}
    texts = [found for place in CONFIGURED if (found := read(root, f"{place}/logind.conf"))][:1]
    for part in texts:
        settings.update(re.findall(r"^#(Kill\w+)=(.*?)\s*$", part, re.M))
    drop_ins = {}
    for place in reversed(CONFIGURED):
        directory = os.path.join(root, place, "logind.conf.d")
        names = os.listdir(directory) if os.path.isdir(directory) else []
        drop_ins.update({name: f"{place}/logind.conf.d/{name}" for name in names if name.endswith(".conf")})
    for part in texts + [read(root, drop_ins[name]) for name in sorted(drop_ins)]:
        settings.update(re.findall(r"^\s*(Kill\w+)\s*=\s*(.*?)\s*$", part, re.M))
    return settings


def check_batch(environment: Mapping[str, str] = os.environ) -> list[Finding]:
    """Tell whether this is a job of a batch system, by the environment."""
    for name, system in BATCH_SYSTEMS.items():
        if environment.get(name):
            found = f"inside job {environment[name]} of {system}: all ends with it, at its time limit at the latest"
            advice = "let `run` be told before (Slurm: --signal=B:TERM@120, and `exec` it as the script's last line), "
            advice += "with --drain; the same command in the next job goes on"
            return [Finding("batch job", LIMITED, found, advice)]
    return []


def check_runner(environment: Mapping[str, str] = os.environ) -> list[Finding]:
    """Tell whether this is a job of a CI system, by the environment."""
    if not any(environment.get(name, "").lower() not in ("", "0", "false") for name in RUNNERS):
        return []
    found = "inside a CI job: the runner ends what is left in the background when the job, or a step, ends"
    return [Finding("CI", LIMITED, found, "stay in the foreground: `run`, `launch --wait`, or `wait` at the end")]


def check_terminal() -> list[Finding]:
    """Tell whether the end of the terminal is ignored (nohup(1))."""
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        return []
    return [Finding("terminal", OK, "SIGHUP is ignored (nohup): the end of the terminal does not stop a run")]
