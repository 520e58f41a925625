"""What looks like a secret is in no commit, whoever made it."""

from __future__ import annotations

import unittest

from .case import RepositoryCase


class Secrets(RepositoryCase):
    def test_what_looks_like_a_secret_is_refused_and_named(self) -> None:
        task = self.add(
            "echo KEY=1 > .env; printf -- '-----BEGIN RSA PRIVATE KEY-----\\n' > notes; echo x > .env.sample"
        )
        self.ralph(code=1)
        note = self.last(task).note
        self.assertIn("look like secrets", note)
        self.assertIn(".env, notes", note)
        self.txlite("retry", task)
        self.ralph("--allow", ".env", "--allow", "not*")
        self.assertEqual(self.run_git("ls-files").split(), [".env", ".env.sample", "notes", "readme"])

    def test_a_secret_that_the_agent_committed_itself_is_one_too(self) -> None:
        task = self.add("echo KEY > id_rsa; git add -A -f id_rsa; git commit -qm mine")
        self.ralph(code=1)
        self.assertIn("id_rsa", self.last(task).note)
        self.assertEqual(self.log(), ["first"])

    def test_what_a_hook_adds_is_looked_at_for_secrets_too(self) -> None:
        self.hook("pre-commit", "test -e .env && exit 0; echo KEY > .env; echo more >> file; exit 1")
        task = self.add("echo x > file")
        self.ralph(code=1)
        self.assertIn("look like secrets", self.last(task).note)
        self.assertEqual(self.log(), ["first"])


if __name__ == "__main__":
    unittest.main()
