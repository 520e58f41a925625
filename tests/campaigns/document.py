"""A document about the launcher's scripts, taken at its word: every ```bash block in it is run as it stands.

    python3 tests/campaigns/document.py FILE

Each block runs with bash in a fresh directory, whose .mahirolab/ holds a copy of txlite/ and bin/, with the stand-in
for `codex` of the suite on PATH. Only what a document can but give as an example is put in as it really is: PIDs, the
moments in file names, and an end (timeout) for commands that have none. Which launches a block promises is read from
the block itself. After each block:

  its exit code, and one call of codex for each launch, with exactly its text and its level
  one report for each launch, in the directory of its type, with its final name, whose PID was printed; no TEMP left
  what the heading promises besides: how many at a time, what after what, retries, what is shown, what is cleaned up

After that, a hundred launches at once, and the blocks' cron line. Needs bash, GNU or BSD coreutils, ps, watch and
Linux. Prints a line for each block; exit 0 if all held, else 1, and the directories of what failed are kept.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, REPOSITORY)

from tests.case import running, wait_until  # noqa: E402
from tests.commands import case as suite  # noqa: E402

HOME = ".mahirolab"
LAUNCHER = "codex-worker-launcher.sh"
PATIENCE = 120  # seconds for a block
DAY = 86400
MANY = 100
EXAMPLE_STAMP = re.compile(r"\b\d{8}_\d{6}(?=_TEMP_)")
EXAMPLE_MONTH = re.compile(r"\b(\d{4})(-?)(\d{2})(?=[*/])")
EXAMPLE_PID = re.compile(r"(?<=ps -p )\d+|(?<=_)\d+(?=_\*)")
ENDLESS = re.compile(r"^(watch|tail -f)\b", re.M)
PRINTED_PID = re.compile(r"^PID: (\d+)$", re.M)
ROW = re.compile(r"^(waiting|running|done|failed|lost|cancelled) +(\d+) +(\w+) .*$", re.M)


class Block(NamedTuple):
    """One ```bash block of the document."""

    number: int
    heading: str
    text: str


class Launch(NamedTuple):
    """One launch that a block promises."""

    level: str
    type: str
    text: str


class Done(NamedTuple):
    """What became of a script."""

    code: int
    out: str


def read_blocks(path: str) -> list[Block]:
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        document = file.read()
    blocks: list[Block] = []
    heading = ""
    for title, language, text in re.findall(r"^#+ ([^\n]*)$|^```(\w*)\n(.*?)^```$", document, re.M | re.S):
        if language == "bash":
            blocks.append(Block(len(blocks) + 1, heading, text))
        heading = title or heading
    return blocks


def launches(block: Block) -> list[Launch]:
    """What a block launches, in the order in which it stands there; a loop over a list once for each of it."""
    text = block.text.replace("\\\n", " ")
    lists = {name: shlex.split(body) for name, body in re.findall(r"^(\w+)=\(\n(.*?)^\)", text, re.M | re.S)}
    loops = {f"${word}": lists[name] for word, name in re.findall(r'for (\w+) in "\$\{(\w+)\[@\]\}"', text)}
    found = []
    for line in text.splitlines():
        words = shlex.split(line, comments=True) if LAUNCHER in line else []
        if words:
            *names, task = (word for word in words[1:] if word != "&")
            level, type = (*names, *("low", "workers")[len(names) :])
            found += [Launch(level, type, task) for task in loops.get(task, [task])]
    return found


def expect(actual: object, wanted: object, what: str) -> None:
    if actual != wanted:
        raise AssertionError(f"{what}: {actual!r}, not {wanted!r}")


def require(condition: object, what: str) -> None:
    if not condition:
        raise AssertionError(what)


class Scene:
    """A fresh directory with a copy of txlite and the stand-in, in which one block runs."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self.root = os.path.realpath(tempfile.mkdtemp(prefix="txlite-document-"))
        self.directory = os.path.join(self.root, "project")
        self.home = os.path.join(self.directory, HOME)
        self.stand = os.path.join(self.root, "stand")
        os.mkdir(self.directory)
        suite.install(self.home)
        suite.install_codex(self.stand)
        self.go = os.path.join(self.root, "go")  # what codex waits for, where it is told to
        self.gate = f"wait_for {self.go}"
        self._scripts = 0

    def start(self, text: str, does: str = "") -> tuple[subprocess.Popen[bytes], str]:
        """A script that runs, and where its output goes: what it leaves in the background may write there later."""
        self._scripts += 1
        script = os.path.join(self.root, f"script-{self._scripts}")
        with open(script, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("TXLITE_", "PYTHON"))}
        environment.update(PATH=self.stand + os.pathsep + os.environ["PATH"], TXLITE_PYTHON=sys.executable)
        environment.update(CODEX_DOES=does, TERM="xterm", COLUMNS="200")
        with open(script + ".out", "wb") as out:
            process = subprocess.Popen(
                ["bash", script], cwd=self.directory, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        return process, script + ".out"

    def run(self, text: str, does: str = "", code: int = 0) -> Done:
        process, out = self.start(text, does)
        done = Done(process.wait(PATIENCE), read(out))
        expect(done.code, code, f"exit code, after {done.out!r}")
        return done

    def read_last(self) -> str:
        """All that the last script, and what it left behind, wrote until now."""
        return read(os.path.join(self.root, f"script-{self._scripts}.out"))

    def prepare(self, tasks: int, level: str = "low", type: str = "workers", does: str = "", code: int = 0) -> None:
        """So many launches before the block."""
        for number in range(tasks):
            self.run(f"./{HOME}/bin/{LAUNCHER} {level} {type} 'prepared {number}'", does, code)

    def launch_waiting(self) -> tuple[str, str]:
        """A launch whose codex runs until the gate is opened: its PID and its report's name."""
        _, out = self.start(f"exec ./{HOME}/bin/{LAUNCHER} 'a task that lasts'", self.gate)
        wait_until(lambda: self.calls() and PRINTED_PID.search(read(out)), "a launch")
        (report,) = (name for name in self.names() if "TEMP" in name)
        return PRINTED_PID.findall(read(out))[0], report

    def open_gate(self) -> None:
        with open(self.go, "w"):
            pass

    def settle(self) -> None:
        """Wait until all that was begun in the background has ended."""
        marks = (self.home, f"./{HOME}/bin/{LAUNCHER}", os.path.join(self.stand, "codex"))
        wait_until(lambda: not any(map(running, marks)), "the end of what runs in the background", PATIENCE)

    def calls(self) -> list[suite.Call]:
        return suite.read_calls(self.stand)

    def names(self, type: str = "workers") -> list[str]:
        directory = os.path.join(self.home, type)
        return sorted(os.listdir(directory)) if os.path.isdir(directory) else []

    def path(self, name: str, type: str = "workers") -> str:
        return os.path.join(self.home, type, name)

    def check_launches(self, wanted: list[Launch], out: str) -> None:
        """One call, and one report with its final name, for each launch."""
        calls = self.calls()
        expect(Counter((call.level, call.text) for call in calls), Counter((one.level, one.text) for one in wanted),
               "calls of codex")  # fmt: skip
        pids = []
        for type in ("workers", "research"):
            texts = [one.text for one in wanted if one.type == type]
            expect(len(self.names(type)), len(texts), f"reports in {type}")
            pids += [self._check_report(type, name, texts) for name in self.names(type)]
        expect(sorted(pids), sorted(map(int, PRINTED_PID.findall(out))), "PIDs printed and in the final names")

    def _check_report(self, type: str, name: str, texts: list[str]) -> int:
        final = suite.FINAL.fullmatch(name)
        if not final:
            raise AssertionError(f"{type}/{name} is no final name")
        content = read(self.path(name, type))
        require(any(f":** {text}\n" in content for text in texts), f"{type}/{name} is about another task")
        require("begins\n" in content, f"{type}/{name} lacks the output")
        return int(final[1])

    def fill_in(self, pid: str = "", report: str = "") -> str:
        """The block, with what it gives as an example put in as it really is."""
        text = self.block.text
        if pid:
            text = EXAMPLE_PID.sub(pid, text)
        if report:
            text = EXAMPLE_STAMP.sub(report[:15], text)
            text = EXAMPLE_MONTH.sub(lambda month: report[:4] + month[2] + report[4:6], text)
        return text


def read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def make_older(path: str, days: float) -> None:
    moment = time.time() - days * DAY
    os.utime(path, (moment, moment))


def run_whole(scene: Scene) -> None:
    """A block that waits for what it launched."""
    scene.run(scene.block.text)
    scene.settle()
    scene.check_launches(launches(scene.block), scene.read_last())


def run_detached(scene: Scene) -> None:
    """A block that ends while what it launched goes on."""
    wanted = launches(scene.block)
    scene.run(scene.block.text, scene.gate)
    wait_until(lambda: len(scene.calls()) == len(wanted), "all calls")
    require(not any(call.ended for call in scene.calls()), "a call ended before its time")
    expect(len([name for name in scene.names() if "_TEMP" in name]), len(wanted), "reports of what runs")
    scene.open_gate()
    scene.settle()
    scene.check_launches(wanted, scene.read_last())


def run_three_together(scene: Scene) -> None:
    wanted = launches(scene.block)
    scene.run(scene.block.text, f"meet {len(wanted)}; sleep 0.5")
    scene.check_launches(wanted, scene.read_last())
    expect(suite.most_at_once(scene.calls()), len(wanted), "calls at the same time")


def run_limited(scene: Scene) -> None:
    (limit,) = map(int, re.findall(r"^MAX_\w+=(\d+)$", scene.block.text, re.M))
    scene.run(scene.block.text, "sleep 2.5")
    scene.check_launches(launches(scene.block), scene.read_last())
    expect(suite.most_at_once(scene.calls()), limit, "calls at the same time")


def run_in_order(scene: Scene) -> None:
    wanted = launches(scene.block)
    scene.run(scene.block.text, f"[ $number -lt 3 ] || meet {len(wanted)}; sleep 0.5")
    scene.check_launches(wanted, scene.read_last())
    first, second, *others = scene.calls()
    expect([first.text, second.text], [one.text for one in wanted[:2]], "the first two")
    require(first.ended <= second.began and second.ended <= others[0].began, "the first two were not alone")
    expect(suite.most_at_once(others), len(others), "calls at the same time after that")


def run_retries(scene: Scene) -> None:
    (limit,) = map(int, re.findall(r"^MAX_\w+=(\d+)$", scene.block.text, re.M))
    done = scene.run(scene.block.text, "exit 7", code=1)
    scene.check_launches(launches(scene.block) * limit, done.out)
    expect(len(re.findall(r" 7$", done.out, re.M)), limit, "failures that the script saw")
    again = Scene(scene.block)
    done = again.run(scene.block.text, "[ $number -ge 2 ] || exit 7")
    again.check_launches(launches(scene.block) * 2, done.out)
    shutil.rmtree(again.root)


def watch_processes(scene: Scene) -> None:
    pid, _ = scene.launch_waiting()
    done = scene.run(scene.fill_in(pid))
    require(re.search(rf"^ *{pid} .*python", done.out, re.M), f"`ps` shows no worker {pid}: {done.out}")
    require(f"{scene.stand}/codex exec " in done.out, f"`ps` shows no codex: {done.out}")
    scene.open_gate()
    scene.settle()


def look_at_status(scene: Scene) -> None:
    scene.prepare(3)
    scene.prepare(2, level="high", type="research")
    scene.prepare(1, does="exit 3", code=3)
    pid, report = scene.launch_waiting()
    done = scene.run(scene.block.text)
    workers, latest, stats = _split_status(done.out)
    expect([row[0] for row in workers], ["running", "failed", "done", "done", "done"], "--workers")
    expect({row[2] for row in workers}, {"workers"}, "types of --workers")
    expect([row[2] for row in latest], ["workers"] * 2 + ["research"] * 2 + ["workers"], "--latest")
    expect((workers[0][1], workers[:3], latest[0][1]), (pid, [*latest[:2], latest[4]], pid), "PIDs")
    require(f"{HOME}/workers/{report}" in done.out, "the report of what runs is not shown")
    for words in ("1 running", "5 done", "1 failed", "2 research", "5 workers"):
        require(words in stats, f"--stats lacks {words!r}: {stats}")
    scene.open_gate()
    scene.settle()


def _split_status(out: str) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]], str]:
    """The rows of two tables, and the statistics after them."""
    _, first, second = out.split("STATE ", 2)
    second, mark, stats = second.partition("\ntasks:")
    return ROW.findall(first), ROW.findall(second), mark + stats


def follow_output(scene: Scene) -> None:
    pid, report = scene.launch_waiting()
    text = ENDLESS.sub(r"timeout 3 \1", scene.fill_in(report=report))
    process, out = scene.start(text)
    wait_until(lambda: "call 1 begins" in read(out), "live output in `tail -f`")
    scene.open_gate()
    expect(process.wait(PATIENCE), 124, "exit code, that of timeout")
    require(report in read(out).partition("call 1")[0], "`ls` does not show the report of what runs")
    require("call 1 ends" in read(out), "`tail -f` lost the end of the output")
    require(f"_{pid}_codex_task.md" in read(out), f"`watch` shows no final name: {read(out)!r}")
    scene.settle()


def clean_up(scene: Scene) -> None:
    scene.prepare(4)
    ages = dict(zip(scene.names(), (20, 8, 5, 1)))
    for name, days in ages.items():
        make_older(scene.path(name), days)
    bystanders = [scene.path("notes.md"), os.path.join(scene.home, "templates", "own.md")]
    for path in bystanders:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copy(scene.path(next(iter(ages))), path)
        make_older(path, 400)
    done = scene.run(scene.block.text)
    old, older, middle, new = ages
    expect(sorted(re.findall(r"^would (\w+) .*/(\w+\.md)$", done.out, re.M)),
           sorted([("delete", old), ("delete", older), ("compress", middle)]), "--dry-run")  # fmt: skip
    require(re.search(r"^deleted 2 reports \(.*\), compressed 1 \(", done.out, re.M), f"--age: {done.out}")
    require(done.out.endswith("\nnothing to clean up\n"), f"--compress-only after that: {done.out}")
    expect(scene.names(), sorted([middle + ".gz", new, "notes.md"]), "what is left")
    require(all(map(os.path.exists, bystanders)), "what is no report was touched")
    make_older(scene.path(new), 30)
    (only,) = (line for line in scene.block.text.splitlines() if "-only" in line)
    require(scene.run(only).out.startswith("compressed 1 report "), "--compress-only")
    expect(scene.names(), sorted([middle + ".gz", new + ".gz", "notes.md"]), "what is left after that")


def archive(scene: Scene) -> None:
    scene.prepare(3)
    old, *others = scene.names()
    make_older(scene.path(old), 40)
    scene.run(scene.fill_in(report=old))
    (name,) = scene.names()
    expect(name, "archive", "what is left")
    kept = [sorted(files) for _, _, files in os.walk(scene.path("archive")) if files]
    expect(kept, [others], "what is left in the archive")
    done = scene.run(f"set -e; cd {HOME}/bin; ./codex-status.sh; ./codex-cleanup.sh; ./codex-status.sh --stats")
    expect(len(ROW.findall(done.out)), 3, "attempts that status knows")
    expect([sorted(files) for _, _, files in os.walk(scene.path("archive")) if files], [others], "after cleanup")


def wait_for_name(scene: Scene) -> None:
    """A block that first polls for a report's final name, then launches and waits."""
    pid, _ = scene.launch_waiting()
    process, out = scene.start(scene.fill_in(pid))
    children = f"/proc/{process.pid}/task/{process.pid}/children"
    wait_until(lambda: read(children), "a pause between two looks")
    require(not PRINTED_PID.search(read(out)), "it did not wait")
    scene.open_gate()
    expect(process.wait(PATIENCE), 0, f"exit code, after {read(out)!r}")
    expect(sorted(call.text for call in scene.calls())[1:], [one.text for one in launches(scene.block)], "texts")
    expect(len([name for name in scene.names() if suite.FINAL.fullmatch(name)]), 2, "reports with their final names")
    scene.settle()


def run_from_cron(scene: Scene) -> None:
    scene.prepare(3)
    oldest, older, new = scene.names()
    for name, days in ((oldest, 15), (older, 13), (new, 1)):
        make_older(scene.path(name), days)
    (line,) = (line for line in scene.block.text.splitlines() if line and not line.startswith("#"))
    command = line.split(maxsplit=5)[5]
    environment = [f"HOME={scene.directory}", f"PATH={os.path.dirname(sys.executable)}:/usr/bin:/bin"]
    for wanted in ("deleted 1 report ", "nothing to clean up"):
        done = subprocess.run(["env", "-i", *environment, "sh", "-c", command], cwd=scene.directory, timeout=PATIENCE,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
        expect((done.returncode, done.stdout.decode()[: len(wanted)]), (0, wanted), "cleanup from cron")
    expect(scene.names(), sorted([older + ".gz", new]), "what is left")


def launch_many(scene: Scene) -> None:
    script = f'for n in $(seq {MANY}); do {HOME}/bin/{LAUNCHER} low workers "number $n" & p="$p $!"; done\n'
    scene.run(script + "for one in $p; do wait $one || exit; done")
    wanted = [Launch("low", "workers", f"number {number}") for number in range(1, MANY + 1)]
    scene.check_launches(wanted, scene.read_last())


# The beginning of a block's heading -> what is done with it, where that is not `run_whole`.
SCENARIOS: dict[str, Callable[[Scene], None]] = {
    "Pattern 1": run_three_together,
    "Pattern 2": run_three_together,
    "Pattern 3": run_detached,
    "Pattern 4": run_limited,
    "Pattern 5": run_in_order,
    "Pattern 6": run_retries,
    "Check Running": watch_processes,
    "Use codex-status": look_at_status,
    "Tail": follow_output,
    "Regular": clean_up,
    "Manual": archive,
    "1. ": run_detached,
    "3. ": run_detached,
    "4. ": wait_for_name,
    "5. ": run_from_cron,
}


def scenario(block: Block) -> Callable[[Scene], None]:
    found = next((play for heading, play in SCENARIOS.items() if block.heading.startswith(heading)), run_whole)
    require(found is not run_whole or launches(block), "the block launches nothing, and nobody knows what it promises")
    return found


def play(block: Block, choose: Callable[[Block], Callable[[Scene], None]]) -> bool:
    """Run one block and print how it went."""
    scene = Scene(block)
    began, failure = time.monotonic(), ""
    try:
        choose(block)(scene)
        require(not [name for type in os.listdir(scene.home) for name in _reports(scene, type) if "TEMP" in name],
                "a TEMP is left")  # fmt: skip
    except (AssertionError, ValueError, subprocess.TimeoutExpired) as error:
        failure = f"  {type(error).__name__}: {error}  ({scene.root})"
    scene.open_gate()
    took = time.monotonic() - began
    print(f"{'FAILED' if failure else 'ok':<7} {block.number:>2}  {took:5.1f} s  {block.heading}{failure}", flush=True)
    if not failure:
        shutil.rmtree(scene.root)
    return not failure


def _reports(scene: Scene, type: str) -> list[str]:
    directory = os.path.join(scene.home, type)
    return os.listdir(directory) if os.path.isdir(directory) else []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", metavar="FILE", help="the document, Markdown")
    parser.add_argument("--only", type=int, action="append", metavar="N", help="this block alone; may be repeated")
    args = parser.parse_args()
    blocks = [block for block in read_blocks(args.file) if not args.only or block.number in args.only]
    results = [play(block, scenario) for block in blocks]
    if not args.only:
        results.append(play(Block(len(blocks) + 1, f"{MANY} launches at once", ""), lambda _: launch_many))
    print(f"{sum(results)} of {len(results)} passed" if results else f"{args.file} has no such block")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
