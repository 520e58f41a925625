"""What the tests of refusals share: a home with a task, whose database stays as it is, byte for byte."""

from __future__ import annotations

import os

from ..case import Case


class DatabaseCase(Case):
    """A home with a task in it."""

    def setUp(self) -> None:
        super().setUp()
        self.txlite("add", "x")
        self.database = os.path.join(self.home, "tasks.db")

    def assert_refused(self, word: str) -> None:
        with open(self.database, "rb") as file:
            before = file.read()
        for verb in (("list",), ("add", "y"), ("run",)):
            self.txlite(*verb, code=69)
            self.assertIn(word, self.errors)
        with open(self.database, "rb") as file:
            self.assertEqual(file.read(), before)

    def write(self, data: bytes) -> None:
        with open(self.database, "wb") as file:
            file.write(data)
