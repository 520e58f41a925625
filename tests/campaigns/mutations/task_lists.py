"""Mutants of task lists."""

from __future__ import annotations

from .mutant import Mutant

MARKDOWN = "task_lists.test_markdown.Markdown"
SAID = f"{MARKDOWN}.test_what_a_list_says"
WRONG = f"{MARKDOWN}.test_what_is_wrong_is_named_with_its_line"
AGAIN = f"{MARKDOWN}.test_again_adds_what_is_new"
PRDS = "task_lists.test_json_forms.Prds"
BEADS = "task_lists.test_json_forms.Beads"

MUTANTS = (
    Mutant(
        "list-box-in-code", "task_lists/markdown.py", "None if self._fence or fence else self._find_box(line)",
        "self._find_box(line)", "a box in a block of code is no task", (SAID,),
    ),
    Mutant(
        "list-box-in-indented-code", "task_lists/markdown.py",
        "if box and (self._open or _width(box[1]) < CODE) else None", "",
        "a box in an indented block of code is no task", (SAID,),
    ),
    Mutant(
        "list-words-as-fence", "task_lists/markdown.py", "(?!`)(?!.*`)", "",
        "code within a line is no block of code", (SAID,),
    ),
    Mutant(
        "list-hidden-without-a-word", "task_lists/markdown.py", "    reader.end()\n", "",
        "tasks behind a block of code without an end are not left out without a word",
        (f"{MARKDOWN}.test_what_is_wrong_is_named_with_its_line",),
    ),
    Mutant(
        "list-ticked-beside-its-box", "task_lists/markdown.py", 'place = len(text) - len(text.lstrip("\\ufeff"))',
        'place, text = 0, text.lstrip("\\ufeff")', "a box is ticked where it stands, whatever the file begins with",
        (f"{MARKDOWN}.test_any_text_is_read_or_refused_and_ticked_in_its_boxes_only",),
    ),
    Mutant(
        "list-cycle-taken", "task_lists/settled.py", "            if self._is_strict or not loose:\n",
        "            if not loose:\n", "a list with a cycle through parts is refused", (WRONG,),
    ),
    Mutant(
        "list-whole-before-parts", "task_lists/settled.py", "                parts[parent].append(number)\n",
        "                pass\n", "a task waits for its parts", (SAID,),
    ),
    Mutant(
        "list-ambiguous-name", "task_lists/settled.py", "        if len(many) > 1:\n", "        if False:\n",
        "a name that two have is refused", (WRONG,),
    ),
    Mutant(
        "list-by-whole-path", "task_lists/reading.py",
        "return real if below == os.pardir or below.startswith(os.pardir + os.sep) else below", "return real",
        "a list in another clone is the same list", (AGAIN,),
    ),
    Mutant(
        "list-known-added-again", "store/listed.py",
        'if not connection.execute(FIND, (one["id"],)).fetchone()]', "]",
        "a list that is imported again adds what is new", (AGAIN,),
    ),
    Mutant(
        "list-new-part-unheeded", "store/listed.py", "                    link(connection, seq, new[blocker])\n",
        "                    pass\n", "what is here waits for its new parts, too", (AGAIN,),
    ),
    Mutant(
        "list-written-unreadable", "commands/task_lists.py", "replace=True, mode=mode)", "replace=True)",
        "a list keeps its mode", (f"{MARKDOWN}.test_boxes_are_ticked_and_nothing_else_changes",),
    ),
    Mutant(
        "list-copied-over-another", "commands/task_lists.py", "if not there or not there <= {", "if False and {",
        "only a copy of a list takes the place of one", (f"{MARKDOWN}.test_boxes_are_ticked_and_nothing_else_changes",),
    ),
    Mutant(
        "export-over-another-file", "commands/transfer.py", "        _check_target(args.file)\n", "        pass\n",
        "an export takes the place of an export alone",
        ("store.test_export.Exports.test_a_file_is_written_whole_or_not_at_all",),
    ),
    Mutant(
        "prd-ticked-elsewhere", "task_lists/json_places.py", "        found[key] = Placed(value, place, end)\n",
        "        found.setdefault(\"passes\", Placed(value, place, end))\n",
        "of a PRD `passes` is set and nothing else", (f"{PRDS}.test_passes_is_set_and_nothing_else",),
    ),
    Mutant(
        "beads-deleted-taken", "task_lists/beads.py", 'facts.get("status") == "tombstone" or ', "",
        "what beads deleted is no task", (f"{BEADS}.test_what_issues_say",),
    ),
    Mutant(
        "beads-closed-at-no-time", "task_lists/beads.py",
        """'"closed"' + ("" if "closed_at" in facts else ',"closed_at":"{now}"')""", """'"closed"'""",
        "an issue is closed with its time", (f"{BEADS}.test_they_are_closed_and_nothing_else_changes",),
    ),
)  # fmt: skip
