"""ralph: a loop that gives each queued task to a fresh agent; and what became of the last one."""

from __future__ import annotations

import os
import shlex

from .. import text
from ..agents.agent import Agent, find_agent
from ..agents.environment import build_command
from ..errors import Interrupted, NotFound, UsageError
from ..execution.guarded_process import Limits
from ..execution.supervisor import SupervisorSettings
from ..home import config, location, prompt_templates
from ..model import STATES, WORKERS
from ..ralph import loop
from ..ralph import page as timeline
from ..ralph import prompt as briefing
from ..ralph import summary as night
from ..ralph.trial import Policy
from ..reports import report
from ..store.new_tasks import check_command
from ..store.store import open_store
from ..system import clock
from ..system.atomic_file import AtomicFile
from ..view import output
from . import open_reading, value_of
from .run import Watch, attempts, workers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable
    from configparser import ConfigParser

    from ..store.store import Store

SECTION = "ralph"
AGENT = "claude"  # unless config.ini or --agent says another
HOUR = 3600.0


def configure(parser: ArgumentParser, verb: str) -> None:
    parser.epilog = (
        "Each option but --beside, --dry-run, --report and --json can stand in config.ini, in [ralph], with _ for -; "
        "there also `copy`, a path a line, and `setup`, a command: they make worktrees ready. A first Ctrl-C lets what "
        "runs finish, another gives it back. `txlite help ralph` has more."
    )
    add = parser.add_argument
    duration = value_of(text.parse_duration)
    add("--agent", metavar="NAME", help="claude, codex, or one of config.ini (claude)")
    add("--level", metavar="LEVEL", help="how hard it thinks (as the agent itself has it)")
    add("--workers", "-w", type=value_of(workers), metavar="N", help="how many at a time (1)")
    add("--verify", metavar="COMMAND", help="the gate: work counts only if it succeeds in the task's directory")
    add("--verify-timeout", type=duration, metavar="TIME", help="for the gate (10m)")
    add("--max-attempts", type=value_of(attempts), metavar="N", help="until a task is put aside (3)")
    add("--max-failures", type=value_of(_count), metavar="N", help="end when so many tasks fail in a row (5)")
    add("--max-tasks", type=value_of(_count), metavar="N", help="end when so many tasks have ended")
    add("--max-hours", type=value_of(_hours), metavar="H", help="claim nothing more after so many hours")
    add("--timeout", type=duration, metavar="TIME", help="for each attempt (2h)")
    add("--stall", type=duration, metavar="TIME", help="without output and without CPU time (20m)")
    add("--settle", type=duration, metavar="TIME", help="for an agent to exit after its result (60s)")
    add("--drain", type=duration, metavar="TIME", help="how long attempts may go on after the first signal")
    add("--kill-after", type=duration, metavar="TIME", help="between TERM and KILL (10s)")
    add("--idle-exit", type=duration, metavar="TIME", help="stay so long when there is nothing to do")
    add("--forever", action="store_true", help="stay until it is stopped")
    add("--worktrees", action="store_true", default=None, help="a working tree for each task (above one worker)")
    add("--no-worktrees", dest="worktrees", action="store_false", help="work in this working tree")
    add("--no-commit", action="store_true", help="leave git alone")
    add("--allow", action="append", metavar="PATTERN", help="files that may be committed though they look like secrets")
    add("--beside", action="store_true", help="though another loop works in this home")
    add("--dry-run", action="store_true", help="print what would be started for the next task, and start nothing")
    add("--report", action="store_true", help="what became of the last loop, and its page")
    add("--json", action="store_true", help="print one object at the end, and nothing else")


def _count(value: str) -> int:
    if not (value.isascii() and value.isdigit() and 0 < int(value) < 1 << 31):
        raise UsageError(f"{text.shorten(value, 40)!r}: give a whole number from 1")
    return int(value)


def _hours(value: str) -> float:
    """Seconds."""
    try:
        found = float(value) * HOUR
    except ValueError:
        found = 0.0
    if not 0 < found < 1e9:
        raise UsageError(f"{text.shorten(value, 40)!r} hours: give a number above 0, as 8 or 0.5")
    return found


OPTIONS: dict[str, tuple[Callable[[str], object], object]] = {
    "agent": (str, AGENT),
    "level": (str, None),
    "workers": (workers, 1),
    "verify": (str, None),
    "verify_timeout": (text.parse_duration, 600.0),
    "max_attempts": (attempts, 3),
    "max_failures": (_count, 5),
    "max_tasks": (_count, None),
    "max_hours": (_hours, None),
    "timeout": (text.parse_duration, 7200.0),
    "stall": (text.parse_duration, 1200.0),
    "settle": (text.parse_duration, 60.0),
    "drain": (text.parse_duration, None),
    "kill_after": (text.parse_duration, 10.0),
    "idle_exit": (text.parse_duration, None),
}
FLAGS = ("forever", "worktrees", "no_commit")
LISTS = ("allow", "copy")


def run(args: Namespace) -> int:
    if args.report:
        return _report(args)
    home = location.locate(args.home)
    options = config.read(home)
    _complete(args, options)
    agent = find_agent(args.agent, options)
    if args.level is not None:
        agent.check_level(args.level)
    if args.verify is not None:
        check_command(args.verify, "the gate")
    with open_store(home) as store:
        return _dry_run(store, agent, args) if args.dry_run else _loop(store, agent, options, args)


def _complete(args: Namespace, options: ConfigParser) -> None:
    """What the command line does not say, from config.ini, or as it usually is."""
    config.check_options(options, SECTION, [*OPTIONS, *FLAGS, *LISTS, "setup"])
    for name, (parse, usual) in OPTIONS.items():
        if getattr(args, name) is None:
            said = config.option(options, name, "", SECTION)
            try:
                setattr(args, name, parse(said) if said else usual)
            except UsageError as error:
                raise UsageError(f"config.ini, [{SECTION}]: {name}: {error}") from error
    for name in FLAGS:
        if not getattr(args, name) and (name != "worktrees" or args.worktrees is None):
            setattr(args, name, _flag(options, name, getattr(args, name)))
    args.allow = [*(args.allow or ()), *config.option(options, "allow", "", SECTION).split("\n")]
    args.allow = [pattern.strip() for pattern in args.allow if pattern.strip()]
    args.copy = [path.strip() for path in config.option(options, "copy", "", SECTION).split("\n") if path.strip()]
    args.setup = config.option(options, "setup", "", SECTION) or None
    if args.forever and args.idle_exit is not None:
        raise UsageError("--forever and --idle-exit contradict each other: give one of them")


def _flag(options: ConfigParser, name: str, usual: bool | None) -> bool | None:
    said = config.option(options, name, "", SECTION)
    if said not in ("", "yes", "no"):
        raise UsageError(f"config.ini, [{SECTION}]: {name} is {said!r}: give yes or no")
    return said == "yes" if said else usual


def _dry_run(store: Store, agent: Agent, args: Namespace) -> int:
    ready = store.ready(limit=1, needs=("",))
    if not ready:
        output.say("nothing is ready")
        return 0
    task = ready[0]
    gate = task.verify or args.verify
    words = prompt_templates.read(store.home, WORKERS, briefing.TEMPLATE)
    prompt = briefing.write(words, store, task, gate, is_committed=not args.no_commit)
    argv, _ = build_command(agent, task, prompt, "PROMPT-FILE", args.level or "", in_loop=True)
    if args.json:
        output.print_json({"task": task.id, "directory": task.directory, "argv": argv, "gate": gate, "prompt": prompt})
        return 0
    print(f"task: {task.id}  {text.printable(task.title)}\ndirectory: {text.printable(task.directory or '')}")
    print(f"argv: {text.printable(shlex.join(argv))}\ngate: {text.printable(gate or 'none')}")
    if task.command is None:
        size = len(prompt.encode())
        print(f"prompt, as {agent.prompt}, {size:,} bytes:\n{text.printable_lines(prompt)}")
    return 0


def _loop(store: Store, agent: Agent, options: ConfigParser, args: Namespace) -> int:
    rules = loop.find_rules(
        store, args.workers, args.worktrees, not args.no_commit, args.allow, args.copy, args.setup
    )  # fmt: skip
    words = prompt_templates.read(store.home, WORKERS, briefing.TEMPLATE)
    policy = Policy(
        loop.new_name(), rules, words, args.level or "", args.verify, args.verify_timeout, args.settle
    )  # fmt: skip
    limits = Limits(args.timeout, args.kill_after, args.stall)
    settings = SupervisorSettings(args.workers, agent, args.max_attempts, limits, report.read_cap(options), args.drain)
    idle_exit = None if args.forever else args.idle_exit or 0.0
    bounds = loop.Bounds(args.max_tasks, args.max_hours, args.max_failures, idle_exit)
    counts = store.count()
    progress = output.Progress(counts.get("backlog", 0) + counts.get("active", 0), 0, quiet=args.json)
    watch = Watch(store, progress)
    ours = loop.Loop(store, settings, policy, bounds, watch.look)
    watch.heed, watch.workers = ours.heed, ours.supervisor.worker_ids
    try:
        ours.run(args.beside)
        watch.look()
    finally:
        progress.end()
        found = night.look(store)
        if found and found.loops[-1].id == ours.id:
            _show(found, args.json)
    if ours.is_interrupted:
        raise Interrupted("interrupted: `txlite ralph` goes on where it stopped")
    open_ones = [entry for entry in found.entries if entry.status not in ("done", "cancelled")] if found else []
    return 1 if open_ones or store.batches.stuck() else 0


def _report(args: Namespace) -> int:
    with open_reading(args) as store:
        found = night.look(store)
    if found is None:
        raise NotFound("there was no loop in this home: `txlite ralph` starts one")
    _show(found, args.json)
    return 0


def _show(found: night.Summary, as_json: bool) -> None:
    """What became of a night, as text or an object, and as a page."""
    page = _write_page(found)
    if as_json:
        output.print_json({**_night_object(found), "page": page})
        return
    first = found.loops[-1]
    to = clock.to_local(found.ended) if found.ended else "now"
    took = text.duration(night.seconds(found.started, found.ended))
    output.say(f"{first.agent}, from {clock.to_local(found.started)} to {to} ({took}): {first.reason or 'goes on'}")
    output.print_table(
        (
            entry.status,
            entry.task,
            f"{len(entry.tries)} attempt{'s' if len(entry.tries) > 1 else ''}",
            text.duration(entry.duration),
            (entry.commit or "")[:10],
            entry.title,
        )
        for entry in found.entries
    )
    if any(entry.needs for entry in found.entries) or found.remarks:
        output.say("needs a person:")
    for entry in found.entries:
        if entry.needs:
            output.say(text.printable(f"  {entry.task}  {text.shorten(entry.title, 60)}: {entry.needs}"))
            if entry.tries[-1].report:
                output.say(f"    {found.home}/{entry.tries[-1].report}")
    for remark in found.remarks:
        output.say(text.printable(f"  {remark}"))
    output.say(", ".join(f"{found.counts[state]} {state}" for state in STATES if state in found.counts) or "no tasks")
    output.say(f"page: {page}")


def _night_object(found: night.Summary) -> dict[str, object]:
    return {
        "loops": [_camel(one._asdict()) for one in found.loops],
        "startedAt": found.started,
        "endedAt": found.ended,
        "reason": found.loops[-1].reason,
        "counts": found.counts,
        "tasks": [
            {
                "id": entry.task,
                "title": entry.title,
                "status": entry.status,
                "commit": entry.commit,
                "needs": entry.needs,
                "duration": round(entry.duration, 3),
                "attempts": [_camel(one._asdict()) for one in entry.tries],
            }
            for entry in found.entries
        ],
        "remarks": found.remarks,
    }


def _camel(fields: dict[str, object]) -> dict[str, object]:
    """With the keys that other commands use."""
    names = {"started": "startedAt", "ended": "endedAt", "max_tasks": "maxTasks", "max_failures": "maxFailures"}
    return {names.get(name, name): value for name, value in fields.items()}


def _write_page(found: night.Summary) -> str:
    """The page about it, named after its beginning; its path."""
    directory = os.path.join(found.home, loop.PAGES)
    os.makedirs(directory, 0o700, exist_ok=True)
    stamp = clock.to_local(found.started).replace("-", "").replace(":", "").replace(" ", "_")
    path = os.path.join(directory, f"{stamp}.html")
    with AtomicFile(path, replace=True) as new, open(new.draft, "w", encoding="utf-8") as file:
        file.write(timeline.render(found))
    return path
