"""Mutants of what comes out of a run: outputs, results, and the end before all is done."""

from __future__ import annotations

from .mutant import Mutant

OUTPUTS = "view.test_task_output.Outputs"
RESULTS = "view.test_results_file.Results"
HALTS = "execution.test_halt.Halts"
ENDS = "view.test_progress.Ends"

MUTANTS = (
    Mutant(
        "done-and-not-printed",
        "store/batches.py",
        ".union(untold)",
        "",
        "what a killed run had not printed the same command prints, also where all was done",
        ("view.test_task_output.Outputs.test_a_batch_that_is_done_goes_on_where_not_all_was_printed",),
    ),
    Mutant(
        "results-of-others-unread",
        "view/results_file.py",
        "            with suppress(Error):  # what is no row is not ours\n                self._read()\n",
        "",
        "runs that share a table write no row twice",
        ("view.test_results_file.Results",),
    ),
    Mutant(
        "output-of-the-last-occurrence",
        "view/task_output.py",
        " and not self._store.ends.comes_again(seq):",
        ":",
        "the output of each occurrence is printed",
        ("view.test_task_output.Outputs",),
    ),
    Mutant(
        "output-printed-stays",
        "view/output_piece.py",
        "            remove(self._path)",
        "            pass",
        "what is printed is not printed again",
        (f"{OUTPUTS}.test_each_comes_whole_with_its_stderr_on_stderr_and_all_that_is_said_there",),
    ),
    Mutant(
        "output-out-of-order",
        "view/task_output.py",
        "if self._form.keeps_order and not is_over:",
        "if False:",
        "outputs come in the order of the tasks",
        (f"{OUTPUTS}.test_order_is_that_of_the_tasks_and_only_the_last_attempt_is_printed_with_its_tag",),
    ),
    Mutant(
        "output-left-behind",
        "view/task_output.py",
        "        attempts = kept_attempts(self._store.home)\n",
        "        attempts: list[int] = []\n",
        "what a killed run had not printed the next one prints",
        (f"{OUTPUTS}.test_what_a_killed_run_had_not_printed_the_next_one_prints",),
    ),
    Mutant(
        "output-of-others",
        "view/task_output.py",
        "return self._lock is not None and batch == self._batch.id",
        "return True",
        "a run prints what is of its own batch",
        (f"{OUTPUTS}.test_of_two_runs_each_prints_what_is_of_its_own_batch",),
    ),
    Mutant(
        "output-not-whole",
        "reports/outputs.py",
        "outcome = FAILED if result.outcome == DONE else result.outcome",
        "outcome = result.outcome",
        "what cannot be kept whole did not succeed",
        (f"{OUTPUTS}.test_what_cannot_be_kept_whole_did_not_succeed",),
    ),
    Mutant(
        "output-blocks-the-run",
        "view/outlet.py",
        "if not self._poll.poll(max(until - clock.monotonic(), 0.0) * 1000):",
        "if False:",
        "a slow reader does not keep a run from being stopped",
        (f"{OUTPUTS}.test_a_slow_reader_does_not_keep_a_run_from_being_stopped",),
    ),
    Mutant(
        "output-held-by-a-lost-reader",
        "view/outlet.py",
        "                self.is_lost = True\n",
        "                raise\n",
        "a reader who goes away stops no work",
        (f"{OUTPUTS}.test_a_reader_who_goes_away_stops_no_work",),
    ),
    Mutant(
        "output-tags-where-it-was-cut",
        "view/output_piece.py",
        '(self._tag if was_at_start else b"")',
        "self._tag",
        "a tag stands at the beginning of a line only",
        ("view.test_task_output.Lines",),
    ),
    Mutant(
        "results-twice",
        "view/results_file.py",
        "if (end.task, end.ended) not in self._known:",
        "if True:",
        "no row is written twice",
        (RESULTS,),
    ),
    Mutant(
        "results-torn",
        "view/results_file.py",
        "                os.ftruncate(self._file.fileno(), end)\n",
        "                pass\n",
        "a torn row is mended",
        (RESULTS,),
    ),
    Mutant(
        "results-left-out",
        "view/results_file.py",
        "            self._add(store.ends.of_batch(batch))\n",
        "            pass\n",
        "rows that a kill left out are added",
        (RESULTS,),
    ),
    Mutant(
        "results-of-anything",
        "view/results_file.py",
        "if is_first and not line.startswith(self._beginning[: len(line)]):",
        "if False:",
        "a file of another kind is left alone",
        (RESULTS,),
    ),
    Mutant(
        "halt-begins-one-more",
        "execution/sources.py",
        "asks = not is_leaving and result.outcome in self._outcomes",
        "asks = False",
        "nothing is begun after the end that decides",
        (f"{HALTS}.test_nothing_is_begun_after_the_end_that_decides",),
    ),
    Mutant(
        "halt-share-of-one",
        "execution/halt.py",
        "known * self._rule.bound / 100",
        "self._rule.bound / 100",
        "a share is of all tasks",
        (HALTS,),
    ),
    Mutant(
        "bar-of-one-at-a-time",
        "view/pace.py",
        "return each * left / at_a_time",
        "return each * left",
        "what is left takes as long as so many at a time need",
        (ENDS,),
    ),
)
