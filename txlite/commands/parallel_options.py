"""What GNU parallel has and `run` has not: for each option what does the same here, or that nothing does.

Imported only where such an option was given. The page `txlite help parallel` has them in a table.
"""

from __future__ import annotations

from ..errors import UsageError

# options -> what to do instead
OTHERS = {
    "-X -m --xargs --context-replace": "give so many arguments to each command with -N",
    "-L -l --max-lines": "give so many arguments to each command with -N",
    "-s --max-chars -x --exit --show-limits": "give so many arguments to each command with -N",
    "--pipe --spreadstdin --pipe-part --pipepart --block --block-size --recstart --recend --cat --fifo --round-robin "
    "--roundrobin --tee --regexp --remove-rec-sep --rrs":
        "cut the input with split(1), and give the parts with :::",
    "-S --sshlogin --slf --sshloginfile --onall --nonall --transfer --transferfile --return --cleanup --trc --basefile "
    "--bf --controlmaster --sshdelay --filter-hosts --limit --sql --sqlmaster --sqlworker --sqlandworker":
        "other machines are reached by --executor slurm, or by ssh in the command",
    "--shuf": "shuffle the arguments before: shuf FILE | txlite run ...",
    "--delay": "begin the command with sleep",
    "--resume --resume-failed": "type the same line again: it goes on where it stopped",
    "--joblog": "--results FILE.csv has a row for each task; type the same line again, and it goes on",
    "--res --files": "--results FILE.jsonl says where the report of each task is; it holds its output",
    "--tmux --tmuxpane --fg --bg --open-tty --tty -p --interactive":
        "`txlite logs -f ID` follows the output of a task",
    "--semaphore --id --wait --st --semaphoretimeout":
        "queue the command with `txlite add --group NAME`: a group of one is a lock",
    "--header --csv": "name columns by their number: --colsep, {1}, {2}; tail -n +2 leaves out the first line",
    "--rpl --plus -U --parens --er --extensionreplace --basenamereplace --bnr --dirnamereplace --dnr --seqreplace "
    "--slotreplace": 'let the shell do it: x={}; ... "${x%%.*}"',
    "--replace -i": "-I TEXT says what stands for an argument",
    "--trim": "columns of --colsep are trimmed; else let the command do it",
    "-E -e --eof": "cut the arguments before: sed '/END/,$d' FILE | txlite run ...",
    "--arg-sep --arg-file-sep": "the marks are ::: and ::::",
    "--wd --workdir": "go there first: cd DIR && txlite run ...",
    "-t -v --verbose --cmd": "--dry-run shows the commands, and `txlite list` those that are queued",
    "-u --ungroup --lb --line-buffer --linebuffer":
        "--output prints what a task wrote when it has ended; `txlite logs -f ID` follows one",
    "--tagstring --ctag --ctagstring": "--tag puts the arguments before each line",
    "--termseq --term-seq": "see `txlite help guide` on signals: --kill-after is the time between TERM and KILL",
    "--shebang --hashbang --shebang-wrap --embed --session --parset": "write a script that calls txlite run",
    "--shellquote --shell-quote": "values are quoted anyway: --dry-run shows how",
    "--will-cite --bibtex --citation --no-notice --gnu --tollef": "leave it out: nothing here asks for it",
    "-J --profile --plain --record-env": "put what you repeat into a script",
    "--compress --compress-program --tmpdir --tempdir --files0":
        "output is kept in reports, in home; `txlite cleanup` compresses them",
    "--halt-on-error": "--halt",
    "--memsuspend": "--memfree keeps tasks from beginning, and --max-memory ends one that takes too much",
    "--noswap": "--memfree says how much memory must be free",
    "-D --dr --number-of-cpus --number-of-cores --number-of-threads --use-cores-instead-of-threads --min-version":
        "`txlite doctor` tells what this machine has",
}  # fmt: skip


def refuse(word: str) -> None:
    """Raise UsageError where a word is one of these options."""
    name = word.partition("=")[0]
    for names, instead in OTHERS.items():
        for known in names.split():
            if name == known or (len(known) == 2 and word.startswith(known) and not word.startswith("--")):
                raise UsageError(f"{known} of GNU parallel is not here: {instead} (`txlite help parallel`)")
