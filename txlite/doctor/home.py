"""What home itself holds, but for the database: trust, config.ini, agents, templates.

Nothing is changed. Called by `diagnose`.
"""

from __future__ import annotations

import os
import stat
from functools import partial

from ..agents.agent import BUILT_IN, SHELL, describe_agent, is_installed
from ..errors import Error, UsageError
from ..execution import bounds, places
from ..home import config, location, prompt_templates, trust
from ..model import WORKERS
from ..reports import report
from . import filesystem
from .probe import BROKEN, LIMITED, OK, Check, Finding, found_error


def checks(home: str, place: str | None) -> list[Check]:
    """Return the checks of home, but for its database.

    place: where home's file system can be written, if anywhere.
    """
    return [
        Check("home", partial(check_home, home, place)),
        Check("writing", partial(check_writing, home, place)),
        Check("config.ini", partial(check_configuration, home)),
        Check("agents", partial(check_agents, home)),
        Check("templates", partial(check_templates, home)),
    ]


def check_home(home: str, place: str | None) -> list[Finding]:
    """See whether it is there and may be trusted, or could be made."""
    if not os.path.lexists(home):
        around = filesystem.nearest_directory(home)
        if place != around:
            found = f"{home} is not there and cannot be made: {around} cannot be written"
            return [Finding("home", BROKEN, found, "give another with --home")]
        try:
            trust.check_place(home)
        except Error as error:
            return [found_error("home", error)]
        return [Finding("home", OK, f"{home} is not there yet: the first command that writes makes it")]
    if not os.path.isdir(home):
        return [Finding("home", BROKEN, f"{home} is not a directory", "give another with --home")]
    try:
        location.check_home(home)
    except Error as error:
        return [found_error("home", error)]
    mode = stat.S_IMODE(os.stat(home).st_mode)
    more = ": others may see which reports there are" if mode & 0o055 else ""
    return [Finding("home", OK, f"{home} is yours alone to write (mode {mode:04o}{more})")]


def check_writing(home: str, place: str | None) -> list[Finding]:
    """See whether a home that is there can be written."""
    if place == home or not os.path.isdir(home):
        return []
    advice = "change its rights, or give another with --home"
    return [Finding("writing", BROKEN, f"{home} cannot be written: commands can only read", advice)]


def check_configuration(home: str) -> list[Finding]:
    """Read config.ini, and what is set there for all commands."""
    settings_path = os.path.join(home, "config.ini")
    try:
        settings = config.read(home)
        if not settings.sections:
            return [Finding("config.ini", OK, "none, or empty: all is as built in")]
        config.read_synchronous(home)
        report.read_cap(settings)
        config.check_options(settings, "ralph")
        places.check_settings(settings)
        bounds.check_settings(settings)
        if config.option(settings, "agent", ""):
            describe_agent(config.option(settings, "agent", ""), settings)
    except UsageError as error:
        found = str(error).removeprefix(f"{settings_path}, ")
        return [Finding("config.ini", BROKEN, found, f"mend {settings_path}")]
    except Error as error:
        return [found_error("config.ini", error)]
    return [Finding("config.ini", OK, "understood")]


def check_agents(home: str) -> list[Finding]:
    """See whether each agent can be run: those that are configured must be there; the built-in ones need not."""
    try:
        settings = config.read(home)
    except Error:
        return []  # said already
    configured = config.agents(settings)
    findings, here, missing = [], [SHELL], []
    for name in sorted({*BUILT_IN, *configured}):
        try:
            found = describe_agent(name, settings)
        except UsageError as error:
            said = str(error).removeprefix(f"{settings.path}, ")
            findings.append(Finding("agent", BROKEN, said, f"mend [agent {name}] of {settings.path}"))
            continue
        if is_installed(found):
            here.append(name)
        elif name in configured:
            said = f"{name}: its command {found.argv[0]!r} is not on PATH"
            findings.append(Finding("agent", LIMITED, said, f"install it, or mend [agent {name}] of config.ini"))
        else:
            missing.append(name)
    more = f"; not installed: {', '.join(missing)}" if missing else ""
    return [Finding("agents", OK, ", ".join(here) + more), *findings]


def check_templates(home: str) -> list[Finding]:
    """Read each template, home's own and the built-in ones."""
    directory = os.path.join(home, "templates")
    own = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    names = {name[:-3] for name in own if name.endswith(".md")} | set(prompt_templates.BY_TYPE.values())
    readers = {name: partial(prompt_templates.read, home, WORKERS, name) for name in names}
    readers[prompt_templates.LOOP] = partial(prompt_templates.read_for_loop, home)
    readers[prompt_templates.REVIEW] = partial(prompt_templates.read_for_review, home)
    findings = []
    for name in sorted(readers):
        try:
            readers[name]()
        except Error as error:
            findings.append(found_error("template", error))
    return findings or [Finding("templates", OK, ", ".join(sorted(readers)))]
