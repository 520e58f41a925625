"""Two examples for each verb: what one wants, and what is typed for it.

Each is run by a test as it stands, in a shell. Shown by `--help` and in the reference; imported only there.
"""

from __future__ import annotations

# verb -> (what one wants, what is typed). The ids stand for any.
EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "add": (
        ("a command, here and with this shell's MODE", "txlite add --env MODE -- make test"),
        ("a prompt, which waits for another task", 'txlite add "Mention tabs in the manual" --after tx-7gn7ogx0'),
    ),
    "update": (
        ("it comes sooner", "txlite update tx-7gn7ogx0 --score 9"),
        ("nobody takes it until it is in the backlog again", "txlite update tx-7gn7ogx0 --status blocked"),
    ),
    "edit": (
        ("its command, rank and bounds, in your editor", "txlite edit tx-7gn7ogx0"),
        ("by another editor, this once", "EDITOR='sed -i s/true/false/' txlite edit tx-7gn7ogx0"),
    ),
    "delete": (
        ("gone, with its history", "txlite delete tx-7gn7ogx0"),
        ("and all tasks below it", "txlite delete tx-7gn7ogx0 --cascade"),
    ),
    "dep": (
        ("the first waits for the second", "txlite dep block tx-7gn7ogx0 tx-1e9wq2vn"),
        ("what it waits for, and what that waits for", "txlite dep tree tx-7gn7ogx0"),
    ),
    "block": (
        ("the first waits for the second", "txlite block tx-7gn7ogx0 tx-1e9wq2vn"),
        ("and what it waits for now", "txlite block tx-7gn7ogx0 tx-1e9wq2vn && txlite dep tree tx-7gn7ogx0"),
    ),
    "unblock": (
        ("the first no longer waits for the second", "txlite unblock tx-7gn7ogx0 tx-1e9wq2vn"),
        ("and is it ready now?", "txlite unblock tx-7gn7ogx0 tx-1e9wq2vn && txlite ready"),
    ),
    "run": (
        ("a command a line, four at a time; again: what is left of it", "txlite run -j 4 --from jobs.txt"),
        ("one for each file, as GNU parallel does it", "txlite run -j 4 'gzip -k {}' ::: *.txt"),
    ),
    "launch": (
        ("an agent in the background", 'txlite launch --agent claude medium "Explain in NOTES.md what this does"'),
        ("a command, until its end", "txlite launch --agent shell --wait 'make test'"),
    ),
    "ralph": (
        (
            "until the morning, each work judged; codex goes on while claude is limited",
            'txlite ralph --agent claude,codex --verify "make test" --max-hours 9',
        ),
        ("what the next agent would be told", "txlite ralph --agent claude --dry-run"),
    ),
    "worker": (
        ("in another terminal: it takes what needs a GPU, too", "txlite worker start --name ada --capabilities gpu"),
        ("all leave when they have finished", "txlite worker stop --all"),
    ),
    "slurm": (
        ("a job that runs what is queued, 16 at a time", "txlite slurm script -j 16 --slurm '--time=8:00:00 -c16'"),
        ("the same for a file of commands, to be given to sbatch", "txlite slurm script --from jobs.txt > night.sh"),
    ),
    "status": (
        ("what waits and runs, and what ended last", "txlite status"),
        ("how much of everything", "txlite status --stats"),
    ),
    "top": (
        ("follow what goes on here", "txlite top"),
        ("and in another home", "txlite --home jobs/.txlite top"),
    ),
    "list": (
        ("what went wrong", "txlite list --status failed,blocked"),
        ("for a program", "txlite list --limit 20 --json"),
    ),
    "show": (
        ("why did it fail?", "txlite show tx-7gn7ogx0"),
        ("for a program", "txlite show tx-7gn7ogx0 --json"),
    ),
    "logs": (
        ("its output, until it ends", "txlite logs -f tx-7gn7ogx0"),
        ("byte for byte", "txlite logs --raw tx-7gn7ogx0 > build.log"),
    ),
    "page": (
        ("written as the night is now", "txlite page"),
        ("in a browser, as the night goes on", "txlite page --serve"),
    ),
    "history": (
        ("who did what, last", "txlite history --limit 20"),
        ("what became of one task", "txlite history tx-7gn7ogx0"),
    ),
    "events": (
        ("what happened, and what happens, for a program", "txlite events --follow --since 0 --json"),
        ("the last one, with its number", "txlite events --limit 1"),
    ),
    "tree": (
        ("a task and its parts", "txlite tree tx-7gn7ogx0"),
        ("for a program", "txlite tree tx-7gn7ogx0 --json"),
    ),
    "children": (
        ("the parts of a task", "txlite children tx-7gn7ogx0"),
        ("for a program", "txlite children tx-7gn7ogx0 --json"),
    ),
    "ready": (
        ("what would be taken next", "txlite ready --limit 1"),
        ("take it, in one step, for a program", "txlite ready --claim me --json"),
    ),
    "claims": (
        ("who holds what", "txlite claims"),
        ("holders that went away", "txlite claims --expired"),
    ),
    "wait": (
        ("and exit as it did", "txlite wait tx-7gn7ogx0"),
        ("for all that waits or runs, at most an hour", "txlite wait --all --timeout 1h"),
    ),
    "stop": (
        ("end it, with all that it started", "txlite stop tx-7gn7ogx0"),
        ("end all that was launched", "txlite stop --all"),
    ),
    "cancel": (
        ("it will not run, or is stopped", "txlite cancel tx-7gn7ogx0"),
        ("two of them", "txlite cancel tx-7gn7ogx0 tx-1e9wq2vn"),
    ),
    "retry": (
        ("all that failed", "txlite retry --failed"),
        ("one, and run it", "txlite retry tx-7gn7ogx0 && txlite run"),
    ),
    "reset": (
        ("as if it had never run", "txlite reset tx-7gn7ogx0"),
        ("two of them", "txlite reset tx-7gn7ogx0 tx-1e9wq2vn"),
    ),
    "done": (
        ("it was done by hand", "txlite done tx-7gn7ogx0"),
        ("though somebody holds it", "txlite done tx-7gn7ogx0 --force"),
    ),
    "fail": (
        ("put aside", "txlite fail tx-7gn7ogx0"),
        ("and why", 'txlite fail tx-7gn7ogx0 --reason "no network here"'),
    ),
    "switch": (
        ("it comes next", "txlite switch tx-7gn7ogx0"),
        ("two change places", "txlite switch tx-7gn7ogx0 tx-1e9wq2vn"),
    ),
    "say": (
        ("to claude, which runs; else to the next attempt", 'txlite say tx-7gn7ogx0 "leave the old API as it is"'),
        ("at length", "txlite say tx-7gn7ogx0 - < remarks.md"),
    ),
    "attach": (
        ("go on where its agent stopped, and give it back", "txlite attach tx-7gn7ogx0"),
        ("what would be typed for that", "txlite attach tx-7gn7ogx0 --dry-run"),
    ),
    "group": (
        ("at most two downloads at a time", "txlite group downloads --workers 2"),
        ("which are full, or paused?", "txlite group"),
    ),
    "pause": (
        ("what runs goes on, nothing new begins", "txlite pause"),
        ("for an hour", "txlite pause && sleep 1h && txlite resume"),
    ),
    "resume": (
        ("go on", "txlite resume"),
        ("and what goes on?", "txlite resume && txlite status"),
    ),
    "scale": (
        ("the run that goes on has eight workers", "txlite scale 8"),
        ("fewer, while others need the machine", "txlite scale 1"),
    ),
    "review": (
        ("what waits for you", "txlite review"),
        ("and all of it lands", "txlite approve $(txlite review --quiet)"),
    ),
    "approve": (
        ("its work lands, as RALPH lands it", "txlite approve tx-7gn7ogx0"),
        ("and what came of it, for a program", "txlite approve tx-7gn7ogx0 --json"),
    ),
    "reject": (
        ("its next attempt goes on, and is told why", 'txlite reject tx-7gn7ogx0 "tests are missing"'),
        ("for a program", 'txlite reject tx-7gn7ogx0 "tests are missing" --json'),
    ),
    "diff": (
        ("what a task changed", "txlite diff tx-7gn7ogx0"),
        ("as a patch", "txlite diff tx-7gn7ogx0 > tx-7gn7ogx0.patch"),
    ),
    "claim": (
        ("take it, for half an hour", "txlite claim tx-7gn7ogx0 me"),
        ("for longer", "txlite claim tx-7gn7ogx0 me --lease 2h"),
    ),
    "claim:release": (
        ("give it back", "txlite claim:release tx-7gn7ogx0 me"),
        ("the same, in two words", "txlite claim release tx-7gn7ogx0 me"),
    ),
    "claim:renew": (
        ("begin its lease again", "txlite claim:renew tx-7gn7ogx0 me"),
        ("the same, in two words", "txlite claim renew tx-7gn7ogx0 me"),
    ),
    "mcp": (
        ("whether it is there, as a client asks", """echo '{"jsonrpc":"2.0","id":1,"method":"ping"}' | txlite mcp"""),
        ("for agents that may add commands, too", "txlite mcp --allow-commands < /dev/null"),
    ),
    "prime": (
        ("where agents of this project read it", "txlite prime >> AGENTS.md"),
        ("your own words instead", "mkdir -p .txlite/templates && txlite prime > .txlite/templates/prime.md"),
    ),
    "init": (
        ("in this directory", "txlite init"),
        ("elsewhere", "txlite --home jobs/.txlite init"),
    ),
    "doctor": (
        ("before a night on a new machine", "txlite doctor"),
        ("stop a script where something is broken", "txlite doctor > doctor.txt || exit 1"),
    ),
    "cleanup": (
        ("what it would do", "txlite cleanup --dry-run"),
        ("all older than a month, without a question", "txlite cleanup --age 30 --force"),
    ),
    "reconcile": (
        ("after a crash, without a run", "txlite reconcile"),
        ("and what is ready again", "txlite reconcile && txlite ready"),
    ),
    "export": (
        ("for version control", "txlite export tasks.jsonl"),
        ("the boxes of a list ticked whose tasks are done", "txlite export --list PLAN.md"),
    ),
    "import": (
        ("all of it, or nothing", "txlite import tasks.jsonl"),
        ("a Markdown list, a PRD, beads' issues: what is new in it", "txlite import PLAN.md"),
    ),
    "sync": (
        ("to tasks.jsonl in home", "txlite sync export"),
        ("from it, after a git pull", "txlite sync import"),
    ),
    "backup": (
        ("while others work", "txlite backup tasks-backup.db"),
        ("one a day", 'txlite backup "tasks-$(date +%F).db"'),
    ),
    "service": (
        ("a run that stays, with four workers", "txlite service -- run -j 4 > txlite.service"),
        ("the same for macOS", "txlite service --launchd -- run -j 4 > txlite.plist"),
    ),
    "completion": (
        ("in this shell", 'eval "$(txlite completion bash)"'),
        ("where zsh finds it, if $fpath has this directory", "txlite completion zsh > _txlite"),
    ),
    "man": (
        ("read it", "txlite man | man -l -"),
        ("keep it", "txlite man > txlite.1"),
    ),
    "pack": (
        ("one file for another machine", "txlite pack txlite.pyz"),
        ("and see that it runs", "txlite pack txlite.pyz && ./txlite.pyz --version"),
    ),
}


def write_examples(verb: str, name: str) -> list[str]:
    """Return the lines that show a verb's examples: what one wants as a comment, then what is typed.

    name: how we were called; a script of ours stands for a verb, and those that launch for their agent, too.
    """
    shown = EXAMPLES[verb]
    if name.endswith(".sh"):
        before = "txlite launch --agent claude" if verb == "launch" else f"txlite {verb}"
        shown = tuple((wish, typed.replace(before, name)) for wish, typed in shown if before in typed)
    return [line for wish, typed in shown for line in (f"# {wish}", typed)]
