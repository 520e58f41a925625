"""Mutants of `cli` and `commands`, of what scripts for tx rely on, and of the copy of the code itself."""

from __future__ import annotations

from .mutant import Mutant

CACHE = "home.test_code_cache.ReadOnlyCopy"
COPIES = "home.test_installation.Copies"
JSON = "commands.test_cli.JsonErrors"
VERBS = "commands.test_queue.Verbs"
TX = "commands.test_tx_calls.TxCalls"

COPY = (
    Mutant(
        "code-cache-open",
        "home/code_cache.py",
        " and not status.st_mode & 0o077",
        "",
        "compiled code that others could read or write is not run",
        (f"{CACHE}.test_a_cache_that_others_could_write_is_left_alone",),
    ),
    Mutant(
        "code-cache-link",
        "home/code_cache.py",
        "status = os.lstat(own)",
        "status = os.stat(own)",
        "compiled code is not looked for behind a link",
        (f"{CACHE}.test_a_cache_that_others_could_write_is_left_alone",),
    ),
    Mutant(
        "code-cache-foreign",
        "home/code_cache.py",
        " and status.st_uid == os.geteuid()",
        "",
        "another user's compiled code is not run",
        (f"{CACHE}.test_a_cache_of_somebody_else_is_left_alone",),
    ),
    Mutant(
        "code-cache-exchanged",
        "home/code_cache.py",
        " and not shared",
        "",
        "compiled code that others could exchange is not run",
        (f"{CACHE}.test_a_cache_that_others_could_write_is_left_alone",),
    ),
    Mutant(
        "code-cache-of-another-source",
        "home/code_cache.py",
        "data.startswith(head)",
        "data.startswith(head[:8])",
        "compiled code is that of the source that is there",
        (f"{CACHE}.test_another_source_of_the_same_size_and_date_is_compiled_anew",),
    ),
    Mutant(
        "code-cache-stale",
        "home/code_cache.py",
        'head[8:] == date.to_bytes(4, "little")',
        "True",
        "a copy whose compiled code is out of date gets other",
        (f"{CACHE}.test_a_copy_with_its_own_compiled_code_needs_none",),
    ),
    Mutant(
        "pack-of-the-day",
        "home/installation.py",
        "zipfile.ZipInfo(os.path.relpath(place, directory))",
        "zipfile.ZipInfo.from_file(place, os.path.relpath(place, directory))",
        "the same code is packed as the same bytes",
        (f"{COPIES}.test_the_same_code_is_the_same_file",),
    ),
)

WORDS = (
    Mutant(
        "json-error-missing", "cli.py", "            print_error(error)\n", "            pass\n",
        "with --json an error is on stdout", (JSON,),
    ),
    Mutant(
        "json-error-second", "view/json_output.py", "if not _printed:", "if True:",
        "stdout is one value", (f"{JSON}.test_a_result_is_not_followed_by_another_object",),
    ),
    Mutant(
        "json-error-of-a-command", "cli.py", ': arguments.index("--") if "--" in arguments else None', ":",
        "--json behind -- is the command's", (f"{JSON}.test_without_json_and_behind_a_double_dash_stdout_is_empty",),
    ),
    Mutant(
        "active-of-a-stranger", "store/completion.py",
        "(token != hold.token if hold.held or token else hold.is_over())", "False",
        "active is said by who has the claim alone",
        (f"{VERBS}.test_who_has_claimed_a_task_may_call_it_active",
         f"{VERBS}.test_the_agent_of_a_task_may_call_it_active_and_nobody_else"),
    ),
    Mutant(
        "tx-usage-64", "cli.py", 'if name == "tx" and', "if False and",
        "wrong usage of tx exits with 1", (f"{TX}.test_wrong_usage_is_1_and_what_is_not_there_2",),
    ),
    Mutant(
        "tree-without-end", "commands/tree.py", "        if task.id not in seen:\n", "        if True:\n",
        "what stands twice in a tree is followed once", (f"{VERBS}.test_lists_in_a_persons_words",),
    ),
    Mutant(
        "slurm-options-unchecked", "commands/arguments.py", "    parse_options(value)\n    return value\n",
        "    return value\n",
        "options that break txlite are refused when a task is added", ("commands.test_slurm.Options",),
    ),
)  # fmt: skip

MUTANTS = (*COPY, *WORDS)
