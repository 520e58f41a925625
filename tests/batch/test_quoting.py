"""No argument is ever code: what is filled in comes out as it was, and what cannot be filled in safely is refused."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import unittest

from txlite.batch.placeholder import Notation
from txlite.batch.template import read_line, read_prompt, read_words
from txlite.errors import UsageError

from ..case import SEED, Case
from . import fuzz

SHELLS = [shell for shell in ("dash", "bash", "sh") if shutil.which(shell)][:2]
NASTY = 'it\'s "$(touch pwned)" `touch pwned` \\ *;\n#'


class Quoting(Case):
    def run_in_shells(self, line: str) -> set[str]:
        """What the shells print for a line; nothing that was in a value may have been run."""
        found = set()
        for shell in SHELLS:
            done = subprocess.run([shell, "-c", line], cwd=self.directory, stdin=subprocess.DEVNULL,
                                  capture_output=True, timeout=60, check=False)  # fmt: skip
            self.assertFalse(os.path.exists(self.path("pwned")), f"{shell}: {line!r}")
            found.add(done.stdout.decode(errors="replace"))
        return found

    def test_values_come_out_as_they_were_wherever_they_stand(self) -> None:
        dice = random.Random(f"{SEED} known")
        for _ in range(120):
            line, says = fuzz.known(dice)
            value = fuzz.draw_value(dice)
            filled = read_line(line, Notation()).fill([value], 1)
            self.assertEqual(self.run_in_shells(filled), {says(value)}, f"{line!r} with {value!r}")

    def test_in_lines_without_sense_no_value_is_code(self) -> None:
        dice = random.Random(f"{SEED} junk")
        accepted = 0
        while accepted < 60:
            line = dice.choice((fuzz.junk, fuzz.mangle))(dice)
            try:
                template = read_line(line, Notation())
            except UsageError:
                continue
            accepted += 1
            self.run_in_shells(template.fill([dice.choice((*fuzz.ATTACKS, fuzz.draw_value(dice)))], 1))

    def test_where_a_value_cannot_be_made_safe_it_is_refused(self) -> None:
        for line, reason in (
            ("cat <<END\n{}\nEND", "here-document"),
            ("cat <\\\n<END\n{}\nEND", "cut after <"),
            ("echo `ls {}`", "`...`"),
            ("echo `ls '`' {}`", "`...`"),
            ("echo $'{}'", "$'...'"),
            ("echo $'\\'' {}", "$'...'"),
            ("echo $((1 + {}))", "$((...))"),
            ("echo $(({#} + {}))", "$((...))"),
            ("x=1; echo $(($x{#}))", "$((...))"),
            ("echo ${#} {}", "${...}"),
            ("echo $(\\\n(1 + {}))", "cut after $("),
            ("((x = {}))", "((...))"),
            ("echo $[{}]", "$[...]"),
            ("echo ${x:-{}}", "${...}"),
            ('echo "${x:-"a"}" {}', "${...}"),
            ("echo ${ echo a; } {}", "${...}"),
            ("a[{}]=1", "name[...]"),
            ("a[ {} ]=1", "name[...]"),
            ("echo # {}", "comment"),
            ("echo $(# it's\necho {})", "comment in $(...)"),
            ('echo "$(#\necho {})"', "comment in $(...)"),
            ('echo "$(\\\n#\necho {})"', "cut after $("),
            ("echo $(echo; # it's\necho {})", "comment in $(...)"),
            ("echo; # {}", "comment"),
            ('echo "\\{}"', "behind \\"),
            ("echo $(case {} in a) echo {};; esac)", "case"),
            ("echo $(ca\\\nse {} in a) echo {};; esac)", "case"),
            ("echo 'a {}", "nothing closes the '"),
            ('echo "a {}', 'nothing closes the "'),
            ("echo $(a {}", "nothing closes the $("),
            ("echo {%}", "slot"),
            ("echo {##}", "number of all tasks"),
            ("echo {= s/a/b/ =}", "Perl"),
            ("echo {0}", "counted from 1"),
        ):
            with self.subTest(line), self.assertRaisesRegex(UsageError, f"(?s){reason.translate(ESCAPES)}"):
                read_line(line, Notation())
        with self.assertRaisesRegex(UsageError, "behind \\$"):
            read_line("echo $,,", Notation(",,"))
        for bare in ("", "'", "$x", "a b", "{", "*"):
            with self.assertRaisesRegex(UsageError, "-I"):
                Notation(bare)

    def test_what_is_plain_around_it_does_not_matter(self) -> None:
        for line, said in (
            ("echo $((1 + 2)) ${x:-y} `echo z` {}", "3 y z a\n"),
            ('echo $(({#} + 2)) "$((7 % ({#} * 4)))" $(( {#} )){}', "3 3 1a\n"),
            ('printf %s "$(printf "$(printf %s "{}")")"', "a"),
            ("case {} in a) echo yes;; esac", "yes\n"),
            ("x=$#; echo $x#{}", "0#a\n"),
            ("(echo x)#it's\necho {}", "x\na\n"),
            ('x=1; echo $x{} "$x{}" {}>&1', "1a 1a a\n"),
            ("echo \\{} {}", "{} a\n"),
            ("echo '{print $1}' {a,b}{} {foo}", None),
        ):
            filled = read_line(line, Notation()).fill(["a"], 1)
            found = self.run_in_shells(filled)
            if said is not None:
                self.assertEqual(found, {said}, line)
        self.assertEqual(
            read_line("echo '{print $1}' {a,b}{.}", Notation()).fill(["x.y"], 1), "echo '{print $1}' {a,b}x"
        )

    def test_a_comment_begins_where_shells_see_one(self) -> None:
        for line, value in (("((1))#'\necho {}", "$(touch pwned)"), ("echo >f#'\n' {}", "x;touch pwned")):
            self.run_in_shells(read_line(line, Notation()).fill([value], 1))

    def test_a_value_is_no_syntax_where_it_stands_alone(self) -> None:
        for line, value, filled in (
            ("{} x", "PATH=.", "'PATH=.' x"),
            ("{}=x", "PATH", "'PATH'=x"),
            ("{} x", "if", "'if' x"),
            ("{1}{2}", "i f", "'i''f'"),
            ("w{} x", "hile", "w'hile' x"),
            ("echo {}>f", "2", "echo '2'>f"),
            ("{}() x", "ls", "'ls'() x"),
            ("echo {}", "a,b", "echo 'a,b'"),
            ("echo {}", "-n", "echo -n"),
            ("echo img{}.png", "01", "echo img01.png"),
        ):
            self.assertEqual(read_line(line, Notation()).fill(value.split(" "), 1), filled)

    def test_words_and_prompts(self) -> None:
        words = read_words(["printf", "<%s>", "{}", "a {.}'s", "{2/}"], Notation())
        self.assertEqual(self.run_in_shells(words.fill([NASTY, "b/c.d"], 1)),
                         {f"<{NASTY}><b/c.d><a {NASTY} b/c's><c.d>"})  # fmt: skip
        self.assertEqual(read_words(["gzip", "-k"], Notation()).fill(["a b", "c"], 1), "gzip -k 'a b' c")
        self.assertEqual(read_words(["find", ",,", "-exec", "wc", "{}", "+"], Notation(",,")).fill(["d"], 1),
                         "find d -exec wc '{}' +")  # fmt: skip
        self.assertEqual(read_prompt("Review {}, `{/}`", Notation()).fill([NASTY], 1), f"Review {NASTY}, `{NASTY}`")
        self.assertEqual(read_prompt("Review", Notation()).fill(["a b"], 1), "Review a b")

    def test_parts_of_a_name(self) -> None:
        template = read_prompt("{.}|{/}|{//}|{/.}|{#}", Notation())
        for name, filled in (
            ("a/b.c/d.e.f", "a/b.c/d.e|d.e.f|a/b.c|d.e"),
            ("a", "a|a|.|a"),
            (".x", "|.x|.|"),
            ("b/", "b/||.|"),
            ("/a", "/a|a|/|a"),
            ("/", "/||/|"),
            ("a/b.c/d", "a/b.c/d|d|a/b.c|d"),
            ("a\nb/c.d", "a\nb/c|c.d|a\nb|c"),
        ):
            self.assertEqual(template.fill([name], 7), f"{filled}|7")
        self.assertEqual(read_prompt("{-1} {2.} {1//} {3}", Notation()).fill(["a/b", "c.d"], 1), "c.d c a ")


ESCAPES = {ord(one): f"\\{one}" for one in ".$()[]{}'\"\\+?*|^"}

if __name__ == "__main__":
    unittest.main()
