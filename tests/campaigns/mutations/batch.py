"""Mutants of the room `batch`: what keeps a name from being code, and what a batch is known by."""

from __future__ import annotations

from .mutant import Mutant

QUOTING = "batch.test_quoting.Quoting"
TYPED = "batch.test_typed.Typed"
RUN = "batch.test_typed.Run"
REFUSED = (f"{QUOTING}.test_where_a_value_cannot_be_made_safe_it_is_refused",)
ALONE = (f"{QUOTING}.test_a_value_is_no_syntax_where_it_stands_alone",)

MUTANTS = (
    Mutant(
        "value-in-single",
        "batch/quoting.py",
        "    return value.replace(\"'\", \"'\\\\''\")\n",
        "    return value\n",
        "a quote in a value ends no quotes",
        (f"{QUOTING}.test_values_come_out_as_they_were_wherever_they_stand",),
    ),
    Mutant(
        "value-in-double",
        "batch/quoting.py",
        '_ACTIVE.sub(r"\\\\\\1", value) if _ACTIVE.search(value) else value',
        "value",
        "in double quotes a value is no code",
        (f"{QUOTING}.test_values_come_out_as_they_were_wherever_they_stand",),
    ),
    Mutant(
        "value-reserved",
        "batch/quoting.py",
        " and value not in _RESERVED",
        "",
        "a value is no reserved word",
        ALONE,
    ),
    Mutant(
        "value-part-of-reserved",
        "batch/shell_line.py",
        "return quoting.quote_part if is_part else quoting.quote_alone",
        "return quoting.quote_alone",
        "two values together are no reserved word",
        ALONE,
    ),
    Mutant(
        "value-before-meaning",
        "batch/shell_line.py",
        "if is_behind_variable or after[:1] in _MAKES_A_MEANING:",
        "if is_behind_variable:",
        "a value before > is no descriptor",
        ALONE,
    ),
    Mutant(
        "value-behind-variable",
        "batch/shell_line.py",
        "_quote_behind_variable if is_behind_variable else quoting.quote_in_double",
        "quoting.quote_in_double",
        "a value is no part of a variable's name",
        (f"{QUOTING}.test_what_is_plain_around_it_does_not_matter",),
    ),
    Mutant(
        "case-in-substitution",
        "batch/shell_line.py",
        '.replace("\\\\\\n", "")',
        "",
        "a case that is cut in two is seen",
        REFUSED,
    ),
    Mutant(
        "number-of-another",
        "batch/shell_line.py",
        "(?<![\\w$])",
        "",
        "the number of a task becomes no part of another number or name",
        REFUSED,
    ),
    Mutant(
        "comment-after-substitution",
        "batch/shell_line.py",
        "(self._begins_word or self._has_just_begun)",
        "self._begins_word",
        "a comment that begins right behind $( is seen",
        REFUSED,
    ),
    Mutant(
        "placeholder-in-brackets",
        "batch/shell_line.py",
        "            self._in_brackets = True\n",
        "            pass\n",
        "nothing is filled in where bash calculates",
        REFUSED,
    ),
    Mutant(
        "linked-by-the-shorter",
        "batch/sources.py",
        "if length != lengths[0]:",
        "if False:",
        "linked sources have the same length",
        (f"{TYPED}.test_what_makes_no_sense_is_refused_in_a_line",),
    ),
    Mutant(
        "pattern-as-text",
        "batch/sources.py",
        "        if lost:\n",
        "        if False:\n",
        "a pattern that matched nothing is not run",
        (f"{TYPED}.test_a_pattern_that_matched_nothing_is_said_and_not_run",),
    ),
    Mutant(
        "options-of-the-template",
        "commands/run_words.py",
        "        place += 1 + values\n",
        "        place += 1\n",
        "the value of an option is no command",
        (f"{TYPED}.test_sources_and_how_they_are_put_together",),
    ),
    Mutant(
        "template-not-continued",
        "commands/run_batch.py",
        "REST if files is None else ANY",
        "None if files is None else ANY",
        "what is left of a template's arguments goes on",
        (f"{RUN}.test_what_is_left_goes_on_and_what_is_done_is_run_again",),
    ),
    Mutant(
        "template-like-a-file",
        "commands/run_batch.py",
        "REST if files is None else ANY",
        "ANY",
        "a template whose tasks are done is run again",
        (f"{RUN}.test_what_is_left_goes_on_and_what_is_done_is_run_again",),
    ),
)
