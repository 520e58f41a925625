"""Mutants of what shells, service managers and people who shorten ids rely on."""

from __future__ import annotations

from .mutant import Mutant

COMPLETION = "commands.test_completion.Completion"
SERVICES = "docs.test_services.Services"
SHORT_IDS = "commands.test_short_ids.ShortIds"

MUTANTS = (
    Mutant(
        "completion-title",
        "commands/complete.py",
        "{text.shorten(title, TITLE)}",
        "{title}",
        "no title does anything to a shell or a terminal",
        (f"{COMPLETION}.test_what_is_asked_is_quick_and_silent",),
    ),
    Mutant(
        "completion-error",
        "commands/complete.py",
        "    except Exception:  #",
        "    except ValueError:  #",
        "who is typing is told of no error",
        (f"{COMPLETION}.test_what_is_asked_is_quick_and_silent",),
    ),
    Mutant(
        "service-of-no-bound",
        "commands/service.py",
        'verb == "ralph"',
        "False",
        "a loop that came to its bound is not begun again",
        (f"{SERVICES}.test_a_loop_that_came_to_its_bound_is_not_begun_again",),
    ),
    Mutant(
        "service-dollar",
        "execution/service_unit.py",
        '_quote(word, "$$")',
        "_quote(word)",
        "systemd puts in no variable where a word has a dollar",
        (f"{SERVICES}.test_a_unit_of_systemd",),
    ),
    Mutant(
        "short-id-titles",
        "store/tasks.py",
        "({text.shorten(title, 30)})",
        "",
        "of several ids that may be meant each is told with its title",
        (f"{SHORT_IDS}.test_of_several_all_are_named_with_their_titles",),
    ),
)
