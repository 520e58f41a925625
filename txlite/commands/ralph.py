"""ralph: a loop that gives each queued task to a fresh agent; and what became of the last one."""

from __future__ import annotations

from functools import partial

from ..agents.agent import describe_agent, find_agent, find_others
from ..agents.environment import build_command
from ..agents.roster import Roster, read_roster
from ..errors import Interrupted, NotFound
from ..execution.bounds import read_limits, read_reserve
from ..execution.executor import Limits
from ..execution.hooks import read_hooks, start_hooks, told_by_run
from ..execution.places import check_place, move_agent, read_place
from ..execution.supervisor_settings import SupervisorSettings
from ..home import config, location, prompt_templates
from ..model import describe_agent as describe_by
from ..ralph import loop, preflight, prompt, summary
from ..ralph.agent_choice import AgentChoice
from ..ralph.ladder import CLIMB, Ladder, read_ladder
from ..ralph.loop_settings import LoopSettings
from ..ralph.options import LoopOptions, find_reviewer, merge_options
from ..reports import report
from ..store.new_tasks import check_command
from ..text import parse_duration, parse_money
from ..view.attempts import print_absence
from ..view.json_output import print_json
from ..view.loop_summary import print_plan, show_summary
from ..view.objects.loops import loop_plan_object
from ..view.run_progress import show_loop
from ..view.terminal import check_said, say, say_aside
from ..view.waiting import print_left
from . import open_reading, open_writing
from .arguments import add_place, duration, parse_attempts, parse_count, parse_hours, parse_workers, value_of
from .run_admission import add_limits, add_reserve
from .run_hooks import add_hooks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable

    from ..execution.hook_call import HookCommands
    from ..home.config import Settings
    from ..ralph.loop_settings import Reviewer
    from ..store.store import Store
    from ..view.run_progress import RunProgress


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.epilog = (
        "Each option but --beside, --dry-run, --report and --json can stand in config.ini, in [ralph] (those for "
        "places, limits and hooks in [txlite]), with _ for -; there also `copy`, a path a line, and `setup`, a "
        "command: they make worktrees ready. A first Ctrl-C lets what runs finish, another gives it back. `txlite "
        "help ralph` has more."
    )
    _add_agents(parser)
    add_place(parser.add_argument_group("where"))
    _add_rules(parser)
    _add_attempt_limits(parser)
    _add_ends(parser)
    add_hooks(parser.add_argument_group("who is told"))
    add = parser.add_argument
    add("--beside", action="store_true", help="though another loop works in this home")
    add("--dry-run", action="store_true", help="print what would be started for the next task, and start nothing")
    add("--report", action="store_true", help="what became of the last loop that began anything, and its page")
    add("--json", action="store_true", help="print one object at the end, and nothing else")


def _add_agents(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("by whom").add_argument
    add(
        "--agent",
        metavar="NAME,...",
        help="claude, codex, one of config.ini; several: the first that can work (claude)",
    )
    add("--level", metavar="LEVEL", help="how hard it thinks (as the agent itself has it)")
    add(
        "--escalate", nargs="?", const=CLIMB, metavar="RUNG,...",
        help="after failed attempts: LEVEL, AGENT or AGENT:LEVEL for each; alone: a level higher each time",
    )  # fmt: skip
    add("--reviewer", metavar="AGENT[:LEVEL]", help="who reviews what passed its gate, in worktrees")
    add("--no-reviewer", dest="reviewer", action="store_const", const="", help="nobody, whatever config.ini says")
    add("--workers", "-w", type=value_of(parse_workers), metavar="N", help="how many at a time (1)")


def _add_rules(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("what counts as done, and where it goes").add_argument
    add("--verify", metavar="COMMAND", help="the gate: work counts only if it succeeds in the task's directory")
    add("--verify-timeout", type=duration, metavar="TIME", help="for the gate (10m)")
    add("--worktrees", action="store_true", default=None, help="a working tree for each task (above one worker)")
    add("--no-worktrees", dest="worktrees", action="store_false", help="work in this working tree")
    add("--no-commit", action="store_true", help="leave git alone")
    add("--review", action="store_true", default=None, help="what passed waits for you, in worktrees: `txlite review`")
    add("--no-review", dest="review", action="store_false", help="it does not, whatever config.ini says")
    add("--allow", action="append", metavar="PATTERN", help="files that may be committed though they look like secrets")


def _add_attempt_limits(parser: ArgumentParser) -> None:
    limits = parser.add_argument_group("how much each attempt may take, and when one begins")
    add = limits.add_argument
    add("--max-attempts", type=value_of(parse_attempts), metavar="N", help="until a task is put aside (3)")
    add("--timeout", type=duration, metavar="TIME", help="for each attempt (2h)")
    add("--stall", type=duration, metavar="TIME", help="without output and without CPU time (20m)")
    add("--settle", type=duration, metavar="TIME", help="for an agent to exit after its result (60s)")
    add_limits(limits)
    add_reserve(limits)


def _add_ends(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("when it ends").add_argument
    add("--max-failures", type=value_of(parse_count), metavar="N", help="end when so many tasks fail in a row (5)")
    add("--max-tasks", type=value_of(parse_count), metavar="N", help="end when so many tasks have ended")
    add("--max-cost", type=value_of(parse_money), metavar="USD", help="end when its attempts have cost so much")
    add("--max-hours", type=value_of(parse_hours), metavar="H", help="claim nothing more after so many hours")
    add("--idle-exit", type=duration, metavar="TIME", help="stay so long when there is nothing to do")
    add("--forever", action="store_true", help="stay until it is stopped")
    add("--drain", type=duration, metavar="TIME", help="how long attempts may go on after the first signal")
    add("--kill-after", type=duration, metavar="TIME", help="between TERM and KILL (10s)")


READERS: dict[str, Callable[[str], object]] = {
    "agent": str,
    "level": str,
    "escalate": str,
    "reviewer": str,
    "workers": parse_workers,
    "verify": str,
    "verify_timeout": parse_duration,
    "max_attempts": parse_attempts,
    "max_failures": parse_count,
    "max_tasks": parse_count,
    "max_hours": parse_hours,
    "max_cost": parse_money,
    "timeout": parse_duration,
    "stall": parse_duration,
    "settle": parse_duration,
    "drain": parse_duration,
    "kill_after": parse_duration,
    "idle_exit": parse_duration,
}  # of what can stand in config.ini, too


def run(args: Namespace) -> int:
    """Work until a loop ends, or tell of the last one; return 1 where tasks are left."""
    if args.report:
        return _report(args)
    home = location.locate(args.home)
    settings = config.read(home)
    options = merge_options(vars(args), settings, READERS)
    roster = read_roster(options.agent, settings, describe_agent if args.dry_run else find_agent)
    place = read_place(args.executor, args.slurm, settings)
    if options.level is not None:
        for agent in roster.agents:
            agent.check_level(options.level)
    ladder = read_ladder(options.escalate, roster, settings)
    words = prompt_templates.read_for_review(home)
    reviewer = find_reviewer(options.reviewer, settings, words, partial(move_agent, place=place))
    if options.max_cost:
        roster = preflight.check_cost(roster, ladder, reviewer)
    if options.verify is not None:
        check_command(options.verify, "the gate")
    with open_writing(args) as store:
        if args.dry_run:
            return _dry_run(store, roster, options, ladder, settings, args.json)
        commands = read_hooks(vars(args), settings)
        check_place(store.home, place, settings, lambda words: None if args.json else say(words))
        limits = Limits(options.timeout, options.kill_after, options.stall)
        limits = read_limits(limits, vars(args), settings, place)
        roster = roster.moved(partial(move_agent, place=place))
        supervised = SupervisorSettings(
            options.workers, roster, options.max_attempts, limits, report.read_cap(settings), options.drain,
            place=place, reserve=read_reserve(vars(args), settings, place),
        )  # fmt: skip
        return _loop(store, supervised, options, ladder, reviewer, commands, args)


def _report(args: Namespace) -> int:
    with open_reading(args) as store:
        found = summary.look(store)
    if found is None:
        raise NotFound("there was no loop in this home: `txlite ralph` starts one")
    show_summary(found, args.json)
    return 0


def _dry_run(
    store: Store, roster: Roster, options: LoopOptions, ladder: Ladder, settings: Settings, as_json: bool
) -> int:
    choice = AgentChoice(roster, ladder, options.level or "", store.loops.limits_of(roster.names))
    ready = store.ready(limit=1, needs={lane.needs for lane in roster.lanes})
    if not ready:
        say("nothing is ready")
        return 0
    task = ready[0]
    agent, level = roster.find(choice.choose(task).agent), choice.choose(task).level
    others = find_others(agent, settings)
    gate = task.verify or options.verify
    words = prompt_templates.read_for_loop(store.home)
    told = prompt.write(words, store, task, gate, is_committed=not options.no_commit, by=describe_by(agent.name, level))
    argv, _ = build_command(agent, task, told, "PROMPT-FILE", level, in_loop=True, listens=agent.listens(in_loop=True))
    if as_json:
        print_json(loop_plan_object(task, argv, gate, told, others))
        return 0
    if others is not None:
        print_absence(agent.name, others)
    print_plan(task, argv, gate, agent.prompt, told)
    return 0


def _loop(
    store: Store, settings: SupervisorSettings, options: LoopOptions, ladder: Ladder, reviewer: Reviewer | None,
    commands: HookCommands, args: Namespace,
) -> int:  # fmt: skip
    rules = preflight.find_rules(
        store, options.workers, options.worktrees, not options.no_commit, options.allow, options.copy, options.setup,
        options.review, reviewer is not None,
    )  # fmt: skip
    words = prompt_templates.read_for_loop(store.home)
    policy = LoopSettings(
        loop.new_name(), rules, words, options.level or "", ladder, options.verify, options.verify_timeout,
        options.settle, reviewer,
    )  # fmt: skip
    idle_exit = None if options.forever else options.idle_exit or 0.0
    bounds = loop.Bounds(options.max_tasks, options.max_hours, options.max_failures, idle_exit, options.max_cost)
    reviewed_by = reviewer.agent.name if reviewer else ""
    progress = show_loop(store, settings.roster, policy.loop, args.json, reviewed_by)
    own, say = told_by_run(policy.loop, None), say_aside if args.json else progress.tell
    unclean = preflight.tell_unclean(rules, store.home)
    if unclean:
        say(unclean)
    with start_hooks(commands, store, policy.loop, own, say, settings.roster.lanes, idle_exit != 0) as hooks:
        ours = loop.Loop(store, settings, policy, bounds, hooks.beside(progress.look), progress.tell)
        return _supervise(store, ours, progress, args)


def _supervise(store: Store, ours: loop.Loop, progress: RunProgress, args: Namespace) -> int:
    progress.listeners.append(ours.heed)
    progress.workers = ours.supervisor.worker_ids
    progress.lacks_room, progress.find_hold = ours.supervisor.lacks_room, ours.supervisor.hold
    try:
        ours.run(args.beside)
        progress.look()
    finally:
        progress.end()
        found = summary.look(store, newest=True)
        if found and found.loops[-1].id == ours.id:
            show_summary(found, args.json)
    if not args.json:
        print_left(store)
    check_said()
    if ours.is_interrupted:
        where = f" --executor {args.executor}" if args.executor else ""
        raise Interrupted(f"interrupted: `txlite ralph{where}` goes on where it stopped")
    return 1 if (found and found.is_unfinished) or store.batches.stuck() else 0
