"""Mutants of `ralph.page` and of who serves it: what others wrote is text, and other pages get nothing."""

from __future__ import annotations

from .mutant import Mutant

ACCESS = "view.test_page_server.Access"
SERVED = "view.test_page_server.Served"
PAGE = "ralph.test_page.Page"
REVIEWED = "ralph.test_summary.ReviewedNight"
SHOWN = "ralph.test_summary.Shown"

MUTANTS = (
    Mutant(
        "page-title-as-markup", "ralph/page/tables.py", "<bdi>{safe(entry.title, 240 if night.is_long else 100)}</bdi>",
        "<bdi>{entry.title}</bdi>",
        "what others wrote is text", (PAGE,),
    ),
    Mutant(
        "page-reason-as-markup", "ralph/page/needs.py", "<pre>{escape(printable_lines(words))}</pre>",
        "<pre>{printable_lines(words)}</pre>",
        "what others wrote is text", (PAGE,),
    ),
    Mutant(
        "page-unknown-cost-is-none", "reports/costs.py",
        "    if cost is None or not (cost or is_whole):\n        return UNKNOWN",
        "    if cost is None or not (cost or is_whole):\n        return \"$0.00\"",
        "what an agent does not say is unknown", (PAGE,),
    ),
    Mutant(
        "page-part-of-the-cost-is-all", "ralph/costs.py",
        "    costs += [None for usages in attempts if not usages]\n", "",
        "what is known in part is the least", (PAGE,),
    ),
    Mutant(
        "summary-of-all-reviews", "view/loop_needs.py", " for entry in reviews[:REVIEWS]]", " for entry in reviews]",
        "of very many reviews the summary lists the first",
        (f"{SHOWN}.test_of_very_many_reviews_the_first_are_listed",),
    ),
    Mutant(
        "summary-wide", "view/loop_needs.py", "wrap(line, width() - len(others)) if", "[line] if",
        "no line of the summary is wider than the terminal", (f"{SHOWN}.test_lines_fit_and_commands_are_whole",),
    ),
    Mutant(
        "verdict-on-other-work", "ralph/summary.py",
        " if stands or last.attempt == self.tries[-1].attempt else None", "",
        "a verdict is told of the work that it is about",
        (f"{SHOWN}.test_a_verdict_on_work_that_was_done_anew_is_not_told_of_it",),
    ),
    Mutant(
        "page-reviews-of-other-nights-forgotten", "ralph/remarks.py",
        " if review.task not in known]", " if False]",
        "what waits for a person is told until it is judged", (REVIEWED,),
    ),
    Mutant(
        "night-not-as-the-task-is", "store/nights.py", "    ELSE t.status = 'done' END",
        "    ELSE {_ENDED_WELL} END", "a night's figures say what its tasks say", (REVIEWED,),
    ),
    Mutant(
        "page-of-an-idle-loop", "ralph/nights.py",
        "if store.nights.count(ids).attempts or not present.isdisjoint(ids):", "if ids:",
        "a loop that began nothing does not take the place of the night",
        ("ralph.test_summary.Morning.test_a_loop_that_began_nothing_does_not_take_the_place_of_the_night",),
    ),
    Mutant(
        "page-ended-by-a-shortage", "view/page_keeper.py", "except (Error, OSError, MemoryError) as problem:",
        "except Error as problem:", "a page that cannot be made ends nothing",
        ("view.test_page_server.Kept.test_a_page_that_cannot_be_made_ends_nothing",),
    ),
    Mutant(
        "page-tells-who-has-gone", "view/page_server.py", "isinstance(problem, (OSError, MemoryError))", "False",
        "nothing is said of a browser that has gone",
        (f"{SERVED}.test_it_is_served_as_it_is_now_and_ends_by_ctrl_c",),
    ),
    Mutant(
        "page-for-any-name", "view/page_access.py", "host.rpartition(\":\")[0] not in NAMES and host not in NAMES",
        "not host",
        "a name that was pointed here gets nothing", (ACCESS,),
    ),
    Mutant(
        "page-for-any-origin", "view/page_access.py",
        "    if headers.get(\"origin\", f\"http://{host}\").lower() != f\"http://{host}\":\n        return False\n", "",
        "another page gets nothing", (ACCESS,),
    ),
    Mutant(
        "page-within-another", "view/page_access.py", " and headers.get(\"sec-fetch-dest\") == \"document\"", "",
        "no page is shown within another", (ACCESS,),
    ),
    Mutant(
        "page-without-token", "view/page_access.py", "return hmac.compare_digest(given, self._token.encode())",
        "return bool(given)",
        "who does not know the address gets nothing", (ACCESS,),
    ),
    Mutant(
        "page-for-any-method", "view/page_access.py", "if method not in METHODS:", "if False:",
        "the page can only be read", (ACCESS,),
    ),
    Mutant(
        "page-any-report", "view/page_server.py", "page.reports.get(int(named[1])) if named and page else None",
        "place",
        "only reports of the night are served", (SERVED,),
    ),
    Mutant(
        "page-report-from-anywhere", "view/page_keeper.py", "    return not os.path.isabs(report) and", "    return",
        "only what lies in home is served", (SERVED,),
    ),
    Mutant(
        "page-report-as-page", "view/page_server.py", "\"text/plain; charset=utf-8\", f\"{ALONE}; sandbox\")",
        "\"text/html; charset=utf-8\", f\"{ALONE}; sandbox\")",
        "a report is text", (SERVED,),
    ),
    Mutant(
        "page-any-script", "view/page_server.py", "script-src 'sha256-{_OWN}'", "script-src 'unsafe-inline'",
        "only our script runs", (SERVED,),
    ),
)  # fmt: skip
