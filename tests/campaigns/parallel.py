#!/usr/bin/env python3
"""What is written for GNU parallel, run with it and with `txlite run`, side by side on the same files.

    python3 tests/campaigns/parallel.py                 all lines, with a table
    python3 tests/campaigns/parallel.py --short         every eighth of them
    python3 tests/campaigns/parallel.py --only TEXT     those that hold TEXT

Each line is one that its manual, tutorial or examples show, or says the same of other files; it is run twice, in two
directories that are alike, once with the real `parallel`, once with `txlite run` in its place. Compared are what stood
on stdout, the files that are there afterwards, and whether it succeeded. Each line has a verdict that is expected:
`same`; `differs`, and why; `not here`, and a word of the error that says so. Exit code 1 where another one came out.
Needs GNU parallel; the suite runs a few of the lines (tests/batch/test_parallel.py).
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from typing import NamedTuple

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SAME, DIFFERS, NOT_HERE = "same", "differs", "not here"
PATIENCE = 60.0

NASTY = ("my file.txt", "it's.txt", 'say "hi".txt', "$(touch pwned).txt", "`touch pwned`.txt", "-n.txt",
         "new\nline.txt", "back\\slash.txt", "star*.txt", "a;touch pwned;.txt", "tab\t.txt", "é.txt", "#.txt", "~.txt",
         "x&y.txt")  # fmt: skip
FILES = {
    "abc": "A\nB\nC\n", "def": "D\nE\nF\n", "abc0": "A\0B\0C\0", "abc_": "A_B_C_", "table.tsv": "f1\tf2\nA\tB\nC\tD\n",
    "pairs.csv": "a , b\nc,d\n", "gaps": "1\n\n2\n", "jobs": "echo one\necho two three\n", "dir/a.b.c": "", "dir/d": "",
    "numbers": "1\n2\n3\n4\n5\n6\n7\n",
}  # fmt: skip


class Line(NamedTuple):
    """One line for a shell, and what is to come out of it."""

    typed: str
    verdict: str = SAME
    why: str = ""  # of what differs; of what is not here a word of the error


UNEQUAL = "unequal lengths are an error; there the shorter begins anew, or the rest is dropped"
QUOTES = "between quotes a value is what it is; there it gets quotes of its own, which stay"
PATTERN = "what looks like a pattern that matched nothing is said, and not run"

LINES = (
    # Sources
    Line("parallel echo ::: A B C"),
    Line("parallel -k echo ::: A B C"),
    Line("parallel -a abc echo"),
    Line("cat abc | parallel echo"),
    Line("parallel echo < abc"),
    Line("parallel -k echo ::: A B C ::: D E F"),
    Line("parallel -k -a abc -a def echo"),
    Line("cat abc | parallel -k -a - -a def echo"),
    Line("cat abc | parallel -k echo :::: - def"),
    Line("parallel -k echo ::: A B C :::: def"),
    Line("parallel --link -k echo ::: A B C ::: D E F"),
    Line("parallel --xapply -k echo {1} {2} :::: abc def"),
    Line("parallel --link -k echo ::: A B C D E ::: F G", DIFFERS, UNEQUAL),
    Line("parallel -k echo :::: abc :::+ G H I :::: def"),
    Line("parallel -k echo :::: abc ::: G H I ::::+ def"),
    Line("parallel -k echo ::: A B C D E :::+ F G", DIFFERS, UNEQUAL),
    Line("parallel -k -d _ echo :::: abc_"),
    Line("parallel -k -d '\\0' echo :::: abc0"),
    Line("parallel -k -0 echo :::: abc0"),
    Line("parallel -k echo x{}x :::: gaps"),
    Line("parallel -k --no-run-if-empty echo < gaps"),
    Line("parallel -k -r echo < gaps"),
    Line("parallel -k echo :::"),
    Line("parallel -k ::: 'echo one' 'echo two; echo three'"),
    Line("parallel -k :::: jobs"),
    Line("parallel -k < jobs", DIFFERS, "without a command, run works on the queue: --from -"),
    Line("parallel echo :::: gone"),
    Line("parallel --arg-sep ,, echo ,, A B C", NOT_HERE, "the marks are"),
    Line("parallel --arg-file-sep // echo ::: A // abc", NOT_HERE, "the marks are"),
    Line("parallel -E stop echo ::: A B stop C", NOT_HERE, "cut the arguments before"),
    Line("parallel --shuf echo ::: 1 2 3", NOT_HERE, "shuf FILE"),
    # Placeholders
    Line("parallel -k echo {} ::: dir/a.b.c plain"),
    Line("parallel -k echo {.} ::: dir/a.b.c plain dir.d/x .hidden"),
    Line("parallel -k echo {/} ::: dir/a.b.c plain /x dir/"),
    Line("parallel -k echo {//} ::: dir/a.b.c plain /x dir/sub/"),
    Line("parallel -k echo {/.} ::: dir/a.b.c plain .hidden"),
    Line("parallel -k echo {#} {} ::: A B C"),
    Line("parallel -k echo {1} and {2} ::: A B ::: C D"),
    Line("parallel -k echo /={1/} //={1//} /.={1/.} .={1.} ::: A/B.C D/E.F"),
    Line("parallel -k echo 1={1} 2={2} 3={3} -1={-1} -2={-2} -3={-3} ::: A B ::: C D ::: E F"),
    Line("parallel -k echo {-1.} {-1/} {2//} ::: A/B.C ::: D/E.F"),
    Line("parallel -I ,, echo ,, ::: A/B.C"),
    Line("parallel -I ,, echo ,, {} ::: A"),
    Line("parallel -k echo {foo} '\"{print\"' ::: z"),
    Line("SHELL=/bin/bash parallel -k 'echo {a,b}{}' ::: z", DIFFERS, "the shell is sh, and not $SHELL: no {a,b}"),
    Line("parallel -k echo {3} ::: A ::: B", DIFFERS, "a source that is not there is an error, and not empty"),
    Line("parallel -j2 echo {%} ::: A B", NOT_HERE, "the slot of a job"),
    Line("parallel echo {##} ::: A B", DIFFERS, "{##} is refused; there it is text without --plus"),
    Line("parallel echo '{= s:\\.[^.]+$::; =}' ::: foo.tar.gz", NOT_HERE, "Perl"),
    Line("parallel --rpl '{..} s:\\.[^.]+$::' echo '{..}' ::: a.b.c", NOT_HERE, "let the shell do it"),
    Line("parallel --plus echo {..} ::: a.b.c", NOT_HERE, "let the shell do it"),
    Line("parallel --seqreplace ,, echo ,, ::: A", NOT_HERE, "let the shell do it"),
    # Columns, and several at a time
    Line("parallel -k --colsep '\\t' echo 1={1} 2={2} :::: table.tsv"),
    Line("parallel -k -C , echo {2}-{1} :::: pairs.csv"),
    Line("parallel -k -C , echo {} :::: pairs.csv"),
    Line("parallel -k --colsep ' +' echo {3} {1} ::: 'a  b c'"),
    Line("parallel -k -a table.tsv --colsep '\\t' echo -o {2} -i {1}"),
    Line("parallel -k -C , echo {1}{2}{3}. :::: pairs.csv"),
    Line("parallel --header : --colsep '\\t' echo {f1} :::: table.tsv", NOT_HERE, "name columns by their number"),
    Line("parallel --trim r echo pre-{}-post ::: ' A '", NOT_HERE, "columns of --colsep are trimmed"),
    Line("parallel -k -N3 echo ::: A B C D E F G H"),
    Line("parallel -k -N3 echo 1={1} 2={2} 3={3} ::: A B C D E F G H"),
    Line("parallel -k -N2 cp {1} {2} ::: abc copy1 def copy2"),
    Line("parallel -k -n2 echo x{}y ::: A B C D"),
    Line("parallel -k -N2 echo x{}y ::: A B C D", DIFFERS, "x and y are not repeated for each argument"),
    Line("parallel -N0 echo foo ::: 1 2 3", NOT_HERE, "whole number from 1"),
    Line("parallel -j1 -m echo ::: 1 2 3 4", NOT_HERE, "-N"),
    Line("parallel -X echo pre-{}-post ::: A B", NOT_HERE, "-N"),
    Line("cat numbers | parallel --xargs echo", NOT_HERE, "-N"),
    Line("parallel -L2 echo :::: numbers", NOT_HERE, "-N"),
    # Commands
    Line("parallel -k gzip --best ::: abc def && ls"),
    Line("parallel 'cat {} | wc -l > {}.count' ::: abc def"),
    Line("parallel \"sort -r {} >{.}.sorted\" ::: abc def"),
    Line("parallel cat {} '>' {}.copy ::: abc def"),
    Line("parallel cp {} {.}_{#} ::: abc"),
    Line("parallel -k 'echo -n {}\" \"; wc -l < {}' ::: abc def"),
    Line("find . -type f -name 'a*' | sort | parallel -k 'a={}; name=${a##*/}; echo \"$name\"'"),
    Line("parallel 'mv {} \"$(echo {} | tr a-z A-Z)\"' ::: abc def"),
    Line("parallel -k 'if [ ! -e {} ] ; then echo {}; fi' ::: abc gone"),
    Line("parallel -k '[ -f {1}{2} ] || echo {1}{2} does not exist' ::: a ab d ::: bc ef"),
    Line("parallel 'mkdir {.}.d; cd {.}.d && cp ../{} copy' ::: abc def"),
    Line("parallel -k 'case {} in A) echo first;; *) echo other;; esac' ::: A B"),
    Line("parallel -k -q printf '%s|%s\\n' 'a  b' ::: C D"),
    Line("parallel -k -q awk '{print $1 \" \" FILENAME}' ::: abc def"),
    Line("parallel -k awk \"'{print \\$1}'\" ::: abc def"),
    Line("parallel -k perl -e \\''print \"@ARGV\\n\"'\\' ::: This works, too"),
    Line("parallel -k echo '$MYVAR' {} ::: a b"),
    Line("parallel -k echo {1}{2}{3} ::: 0 1 ::: 0 1 ::: 0 1"),
    Line("parallel -j1 echo {} '>>' log ::: 3 1 2 && cat log"),
    Line("parallel touch pict{}.jpg ::: 01 02 03"),
    Line("parallel -k 'echo {}; echo {} >&2' ::: a b"),
    Line("parallel exit ::: 1 0"),
    Line("parallel false ::: a"),
    Line("parallel -k --tag echo foo-{} ::: A B C"),
    Line("parallel -k --tag 'echo foo; echo bar' ::: A ::: B"),
    Line("parallel --tagstring {}-bar echo foo-{} ::: A", NOT_HERE, "--tag puts"),
    Line("parallel --dry-run -k echo {} ::: A B C"),
    Line("parallel --dryrun -k echo {2} {1} ::: A B ::: C"),
    Line("parallel -k --bar echo ::: A B"),
    Line("parallel -k --eta --progress echo ::: A B"),
    Line("parallel -P2 -k echo ::: A B"),
    Line("parallel --jobs 2 -k echo ::: A B"),
    Line("parallel -j200% -k echo ::: A B"),
    Line("parallel --timeout 1 'echo {}; sleep {}' ::: 0 20"),
    Line("parallel -j1 -k --halt now,fail=1 'echo {}; exit {}' ::: 0 0 1 2"),
    Line("parallel -j1 -k --halt soon,fail=1 'echo {}; exit {}' ::: 0 0 1 2"),
    Line("parallel -j1 -k --halt now,success=1 'echo {}; exit {}' ::: 1 0 2"),
    Line("parallel -j1 --retries 2 'echo x >> tries; exit 1' ::: a", DIFFERS, "--retries counts those after the first"),
    Line("parallel --env MYVAR -k echo '$MYVAR' ::: a"),
    Line("MYVAR=there parallel -k 'echo $MYVAR' {} ::: a"),
    Line("parallel -k echo '#' {} ::: a", NOT_HERE, "in a comment"),
    Line("parallel --memfree 1k -k echo ::: free"),
    Line("parallel --load 10000% -k echo ::: idle"),
    Line("parallel --nice 5 -k 'nice;:' ::: a"),
    Line("parallel --joblog log exit ::: 0 1", NOT_HERE, "--results FILE.csv"),
    Line("parallel --resume --joblog log exit ::: 0 1", NOT_HERE, "goes on where it stopped"),
    Line("parallel --results out echo ::: A", DIFFERS, "--results writes a file, and no directory"),
    Line("parallel --files echo ::: A", NOT_HERE, "--results"),
    Line("parallel --delay 1 echo ::: A", NOT_HERE, "sleep"),
    Line("parallel -u echo ::: A", NOT_HERE, "--output"),
    Line("parallel --line-buffer echo ::: A", NOT_HERE, "--output"),
    Line("parallel --tmux echo ::: A", NOT_HERE, "logs -f"),
    Line("parallel --interactive echo ::: A", NOT_HERE, "logs -f"),
    Line("parallel --verbose echo ::: A", NOT_HERE, "--dry-run"),
    Line("parallel --noswap echo ::: A", NOT_HERE, "--memfree"),
    Line("parallel --workdir dir pwd ::: A", NOT_HERE, "cd DIR"),
    Line("parallel -S server echo ::: A", NOT_HERE, "--executor slurm"),
    Line("parallel --sshlogin s1,s2 echo ::: A", NOT_HERE, "--executor slurm"),
    Line("parallel --onall -S s1 echo ::: A", NOT_HERE, "--executor slurm"),
    Line("parallel --semaphore --id x echo ::: A", NOT_HERE, "--group"),
    Line("cat numbers | parallel --pipe wc -l", NOT_HERE, "split(1)"),
    Line("parallel --pipepart --block 1M -a numbers wc", NOT_HERE, "split(1)"),
    Line("parallel --shellquote ::: 'a b'", NOT_HERE, "quoted anyway"),
    Line("parallel --citation", NOT_HERE, "leave it out"),
    # Names
    Line("parallel -0 -k wc -c {} ::: ./nasty/*"),
    Line("parallel -0 -k wc -c ::: ./nasty/*"),
    Line("parallel -0 -k -q wc -c ::: ./nasty/*"),
    Line("parallel -k wc -c ::: ./nasty/*", DIFFERS, "a typed argument may have a line end; there that needs -0"),
    Line("cd nasty && parallel -0 -k 'wc -c -- {} | sed s/^/:/' ::: *"),
    Line("cd nasty && parallel -0 'cat -- {} > ../{/.}.out' ::: *"),
    Line("find nasty -type f -print0 | sort -z | parallel -k -0 wc -c {}"),
    Line("find nasty -type f -print0 | sort -z | parallel -0 'a={}; cp \"$a\" \"$a.copy\"'"),
    Line("parallel -0 'x=$(basename {}); echo \"$x\" > ./dir/\"$x\"' ::: ./nasty/*"),
    Line("parallel -k --dry-run echo '\"{}\"' ::: 'a b'", DIFFERS, QUOTES),
    Line("parallel -k echo \"'{}'\" ::: 'a b' \"it's\"", DIFFERS, QUOTES),
    Line("parallel -k 'echo \"{}\"' ::: 'a  b'", DIFFERS, QUOTES),
    Line("parallel -k echo ::: 'none*.x'", DIFFERS, PATTERN),
    Line("parallel -k echo {} ::: '*/!#$' 'a|b' '~' '' ' '", DIFFERS, PATTERN),
    Line("printf '%s\\n' '*/!#$' 'a|b' '~' '' ' ' '$x' '\\' | parallel -k printf '\"<%s>\\n\"' {}"),
    Line("parallel -k 'cat <<E\n{}\nE' ::: a", NOT_HERE, "here-document"),
    Line("parallel -k 'echo `echo {}`' ::: a", NOT_HERE, "write $(...)"),
)  # fmt: skip


class Outcome(NamedTuple):
    """What came out of a line."""

    stdout: bytes
    files: dict[str, bytes]
    succeeded: bool
    code: int
    stderr: str


def make_place(place: str) -> None:
    """The files that lines are about."""
    os.makedirs(os.path.join(place, "nasty"))
    os.makedirs(os.path.join(place, "dir"))
    for name, text in FILES.items():
        write(os.path.join(place, name), text)
    for name in NASTY:
        write(os.path.join(place, "nasty", name), name)


def write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)


def make_tools(directory: str) -> str:
    """A `parallel` that is txlite."""
    tools = os.path.join(directory, "tools")
    os.mkdir(tools)
    path = os.path.join(tools, "parallel")
    call = f"exec {shlex.join([sys.executable, '-m', 'txlite', 'run'])} --output --max-attempts 1"
    write(path, f'#!/bin/sh\n{call} "$@"\n')
    os.chmod(path, 0o755)
    return tools


def run_line(line: str, place: str, tools: str, home: str) -> Outcome:
    """Run a line in a place of its own."""
    make_place(place)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TXLITE_", "PARALLEL"))}
    path = os.pathsep.join(filter(None, [tools, os.environ["PATH"]]))
    environment = {**kept, "PATH": path, "HOME": home, "SHELL": "/bin/sh", "PYTHONPATH": REPOSITORY, "MYVAR": "my own",
                   "TXLITE_HOME": f"{place}.home", "LC_ALL": "C.UTF-8"}  # fmt: skip
    done = subprocess.run(["bash", "-c", line], cwd=place, env=environment, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=PATIENCE, check=False)  # fmt: skip
    stderr = done.stderr.decode(errors="replace")
    return Outcome(done.stdout, read_files(place), not done.returncode, done.returncode, stderr)


def read_files(place: str) -> dict[str, bytes]:
    """The files of a place, by their names; of compressed ones only that they are there."""
    found = {}
    for directory, _, names in os.walk(place):
        for name in names:
            path = os.path.join(directory, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, place)] = b"" if name.endswith(".gz") else file.read()
    return found


def judge(line: Line, real: Outcome, ours: Outcome) -> tuple[str, str]:
    """The verdict, and what is to be seen of it."""
    if "pwned" in ours.files or "nasty/pwned" in ours.files:
        return "DANGEROUS", "a name was run"
    if ours.code in (64, 2) and line.verdict == NOT_HERE:
        said = ours.stderr.strip().splitlines()
        return (NOT_HERE, said[-1]) if said and line.why in said[-1] else ("other error", ours.stderr[-200:])
    is_ordered = " -k" in line.typed or "-j1" in line.typed
    outputs = [one.stdout if is_ordered else b"".join(sorted(one.stdout.splitlines(True))) for one in (real, ours)]
    if outputs[0] != outputs[1]:
        return (
            DIFFERS,
            f"{outputs[0][:60]!r} there, {outputs[1][:60]!r} here {ours.stderr[-150:] if not outputs[1] else ''}",
        )
    if real.files != ours.files:
        return DIFFERS, f"files {sorted(set(real.files.items()) ^ set(ours.files.items()))[:2]}"
    if real.succeeded != ours.succeeded:
        return DIFFERS, f"exit {real.code} there, {ours.code} here {ours.stderr[-150:]}"
    return SAME, ""


def compare(lines: tuple[Line, ...], directory: str, show: bool = True) -> list[str]:
    """Run lines twice each; return what came out other than expected."""
    tools, wrong = make_tools(directory), []
    home = os.path.join(directory, "home")
    os.makedirs(os.path.join(home, ".parallel"))
    write(os.path.join(home, ".parallel", "will-cite"), "")
    for number, line in enumerate(lines):
        real = run_line(line.typed, os.path.join(directory, f"{number}.real"), "", home)
        ours = run_line(line.typed, os.path.join(directory, f"{number}.ours"), tools, home)
        verdict, seen = judge(line, real, ours)
        if verdict != line.verdict:
            wrong.append(f"{line.typed}: {verdict}, not {line.verdict}: {seen}")
        if show:
            told = seen if line.verdict == NOT_HERE else line.why or seen
            mark = "ok " if verdict == line.verdict else "NOT"
            print(f"{mark}  {verdict:9}  {line.typed!r}", *([f"{'':14} {told}"] if told else []), sep="\n", flush=True)
    return wrong


def main() -> int:
    """Compare, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--only", default="", metavar="TEXT", help="lines that hold this")
    parser.add_argument("--short", action="store_true", help="every eighth line")
    options = parser.parse_args()
    if not shutil.which("parallel"):
        print("GNU parallel is not installed: nothing was compared")
        return 1
    chosen = tuple(line for line in LINES[:: 8 if options.short else 1] if options.only in line.typed)
    with tempfile.TemporaryDirectory(prefix="txlite-parallel-") as directory:
        wrong = compare(chosen, directory)
    counts = ", ".join(f"{sum(line.verdict == one for line in chosen)} {one}" for one in (SAME, DIFFERS, NOT_HERE))
    print("".join(f"WRONG: {one}\n" for one in wrong), end="")
    print(f"{'FAILED (' + str(len(wrong)) + ')' if wrong else 'ok'}: {len(chosen)} lines: {counts} expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
