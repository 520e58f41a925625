"""What the launcher's words may be: any text arrives byte for byte, and nothing in it is expanded or run."""

from __future__ import annotations

import os
import unittest

from .case import CrewCase

TEXTS = (
    'it\'s "quoted" \'\'"" and `id` $(touch pwned) $HOME ${PATH} $1 !! %s %d ; touch pwned | touch pwned &',
    r"{{START_TIME}} {{TASK_DESCRIPTION}} {{NO_SUCH_NAME}} {{ }} {0} %(x)s \1 \\ \n \x41 \$& $& @{[ `touch pwned` ]}",
    " one\n\n  two\n# three\n## Output\n\n~~~~~~~~~~~~~~~~\nfour\r\n\tfive\n",
    "日本語 / עברית / e\u0301 / \u200b\u202e\u2028 / 🦊👩\u200d🚀 / \U0010ffff / \x01\x07\x1b[31mred\x1b[0m\x7f",
    "workers",
)


PROBES = {  # what the words say -> what stands in the complaint
    ("turbo", "workers", "x"): "unknown level 'turbo'",
    ("turbo", "x"): "unknown level 'turbo'",
    ('low"; touch pwned; "', "workers", "x"): "unknown level",
    ("low", "../../x", "x"): "'../../x'",
    ("../../x", "x"): "'../../x'",
    ("",): "empty",
    (" \n",): "empty",
    ("high",): "missing",
    ("a", "b", "c", "d"): "4 words",
}


class Words(CrewCase):
    def test_any_text_arrives_byte_for_byte(self) -> None:
        launches = [self.begin('exec $LAUNCH low workers "$1"', text) for text in TEXTS]
        self.assertEqual([launch.wait(60) for launch in launches], [0] * len(TEXTS))
        wanted = {text.encode() for text in TEXTS}
        said = {text for text in wanted for call in self.calls() if call.stdin.startswith(text + b"\n\n# ")}
        self.assertEqual(said, wanted)
        self.assertEqual((len(self.calls()), len(self.pids())), (len(TEXTS), len(TEXTS)))
        self.assertFalse(os.path.exists(self.path("pwned")))

    def test_what_looks_like_a_template_is_not_expanded_in_the_task(self) -> None:
        self.sh("$LAUNCH 'started at {{START_TIME}} by {{WORKER_PID}}'")
        (call,), (report,) = self.calls(), self.reports().values()
        self.assertTrue(call.stdin.startswith(b"started at {{START_TIME}} by {{WORKER_PID}}\n\n# "))
        self.assertIn("started at {{START_TIME}} by {{WORKER_PID}}\n", report)
        self.assertNotIn(b"{{", call.stdin.partition(b"\n\n# ")[2].replace(b"{{START_TIME}} by {{WORKER_PID}}", b""))

    def test_a_megabyte_from_standard_input(self) -> None:
        text = "".join(f"{number}: ünï \\1 $HOME {{{{START_TIME}}}}\n" for number in range(30_000))
        self.assertGreater(len(text.encode()), 1 << 20)
        self.sh("$LAUNCH high workers -", stdin=text.encode())
        (call,) = self.calls()
        self.assertTrue(call.stdin.startswith(text.encode() + b"\n\n# "))
        self.assertEqual(call.level, "high")

    def test_a_first_word_that_is_a_level_is_one(self) -> None:
        self.sh('$LAUNCH high "lift the piano"')
        (call,) = self.calls()
        self.assertEqual((call.level, call.text, len(self.pids())), ("high", "lift the piano", 1))

    def test_wrong_words_are_refused_with_one_line_and_no_new_file(self) -> None:
        before = self.files()
        probes = {words: self.begin('exec $LAUNCH "$@"', *words) for words in PROBES}
        for words, launch in probes.items():
            with self.subTest(words):
                out, error = launch.communicate(timeout=60)
                self.assertEqual((launch.returncode, out, error.count(b"\n")), (64, b"", 1), error)
                self.assertIn(PROBES[words], error.decode())
        self.assertEqual(self.files(), before)

    def files(self) -> list[str]:
        return sorted(os.path.join(path, name) for path, _, names in os.walk(self.directory) for name in names)


if __name__ == "__main__":
    unittest.main()
