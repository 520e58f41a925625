"""launch: a background worker for one task."""

from __future__ import annotations

import sys

from ..errors import Interrupted, UsageError
from ..execution import presence
from ..execution.hooks import read_hooks
from ..execution.launch import LaunchInterrupted, launch
from ..execution.launch_order import explain, order
from ..execution.stopping import Target, stop_attempts, wait_for
from ..home import config, location
from ..home.prompt_templates import BY_TYPE
from ..model import LEVELS, WORKERS
from ..view.attempts import describe_end, print_ended, print_explanation, print_launched
from ..view.follow import follow
from ..view.terminal import output_writer, say_aside
from . import open_reading, open_writing, settle
from .arguments import duration, parse_width, read_stdin, value_of
from .run_admission import add_limits
from .run_hooks import add_hooks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from ..execution.launch_order import LaunchOrder
    from ..execution.launched import Launched

AGENT = "codex"  # unless config.ini or --agent says another


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.usage = f"{parser.prog} [options] [LEVEL] [TYPE] TASK"
    parser.epilog = (
        f"LEVEL is one of {', '.join(LEVELS)}. TYPE is the directory of the report below home: workers, research, "
        "review, or any plain name. TASK is - for standard input."
    )
    parser.add_argument("words", nargs="*", help="[LEVEL] [TYPE] TASK")
    parser.add_argument("--level", metavar="LEVEL", help="how hard to think (low; for research medium)")
    parser.add_argument("--type", metavar="TYPE", help="the directory of the report (workers)")
    parser.add_argument("--agent", metavar="NAME", help="codex, claude, shell, or one of config.ini (codex)")
    parser.add_argument("--template", metavar="NAME", help="the form of the report (that of the type)")
    parser.add_argument("--by-topic", action="store_true", help="name the report after the task's words")
    parser.add_argument("--timeout", type=duration, metavar="TIME", help="90, 10s, 5m, 2h")
    parser.add_argument("--kill-after", type=duration, default=10.0, metavar="TIME", help="from TERM to KILL (10s)")
    parser.add_argument(
        "--max-parallel", type=value_of(parse_width), metavar="N", help="wait until fewer than N launched tasks run"
    )
    add_limits(parser)
    add_hooks(parser, is_one=True)
    parser.add_argument("--wait", action="store_true", help="stay until it has ended; exit as it did")
    parser.add_argument("--foreground", action="store_true", help="the same, show its output, and Ctrl-C stops it")
    parser.add_argument("--dry-run", "-d", action="store_true", help="print what would be started, and start nothing")
    parser.add_argument("--json", action="store_true", help="print an object")
    parser.add_argument("--quiet", "-q", action="store_true", help="print the task's id and nothing else")


def run(args: Namespace) -> int:
    """Start a background worker and print who it is; with --wait return its task's exit code."""
    level, type, words = _understand(args)
    home = location.locate(args.home)
    agent = args.agent or config.option(config.read(home), "agent", AGENT)
    if words == "-":
        words = read_stdin("the task")
    wanted = order(
        home, words, agent, level, type, args.template, args.timeout, args.kill_after, args.max_parallel,
        args.by_topic, args.max_memory, args.nice,
    )  # fmt: skip
    if args.dry_run:
        print_explanation(explain(wanted), args.json)
        return 0
    wanted = wanted._replace(hooks=read_hooks(vars(args), config.read(home)))
    settle(args)
    if args.foreground:
        return _stay_before(args, home, wanted)
    launched = launch(home, wanted)
    if not args.wait:
        print_launched(launched, args.json, args.quiet)
        return 0
    return _stay_beside(args, launched)


def _understand(args: Namespace) -> tuple[str | None, str, str]:
    """Level, type and task, from one to three words and the options."""
    *names, task = args.words or [""]
    if not args.words or (len(args.words) == 1 and task in LEVELS):
        raise UsageError(f"the task is missing: `{args.prog} [LEVEL] [TYPE] TASK`, with the task in quotes")
    if len(names) > 2:
        raise UsageError(f"{len(args.words)} words where at most three are understood: put the task in quotes")
    if len(names) == 1 and (names[0] in BY_TYPE or (args.level is not None and names[0] not in LEVELS)):
        names.insert(0, args.level)
    level, type = (*names, None, None)[:2]
    level, type = _agree("--level", level, args.level), _agree("--type", type, args.type)
    return level, WORKERS if type is None else type, task


def _agree(option: str, word: str | None, given: str | None) -> str | None:
    """What a word says, or else an option."""
    if word is not None and given not in (None, word):
        raise UsageError(f"{option} {given} and {word!r} contradict each other: give one of them")
    return given if word is None else word


def _stay_beside(args: Namespace, launched: Launched) -> int:
    """Wait for its end, and leave it alone when we are interrupted."""
    target = Target(launched.task, launched.task, launched.attempt)
    try:
        if not args.json:
            print_launched(launched, False, args.quiet)
        with open_reading(args) as store:
            ended = wait_for(store, [target])[target]
            print_ended(store, [(target, ended)], args.json, args.quiet)
    except KeyboardInterrupt:
        raise Interrupted(f"{launched.task} goes on in the background: `txlite wait {launched.task}`") from None
    return ended.code


def _stay_before(args: Namespace, home: str, wanted: LaunchOrder) -> int:
    """Launch it and show its output until its end; stop it when we are stopped."""
    import signal

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    launched = None
    try:
        launched = launch(home, wanted)
        target = Target(launched.task, launched.task, launched.attempt)
        with open_reading(args) as store:
            ended = follow(store, target, output_writer(not sys.stdout.isatty()))
    except LaunchInterrupted as error:
        return _stop(args, error.launched)
    except KeyboardInterrupt:
        if launched is None:
            raise Interrupted("interrupted before it began") from None
        return _stop(args, launched)
    except BrokenPipeError:
        if launched is None:
            raise
        return _stop(args, launched)  # nobody reads on
    if ended.code:
        report = ended.status and ended.status.report
        say_aside(f"{launched.task} {describe_end(ended)}: {report or 'no report'}")
    return ended.code


def _stop(args: Namespace, launched: Launched) -> int:
    with open_writing(args) as store:
        attempt = presence.attempt(store, launched.attempt)
        if attempt and not attempt.is_over:
            stop_attempts(store, [attempt], say_aside)
    raise Interrupted(f"{launched.task} was stopped") from None
