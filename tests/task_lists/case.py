"""What the tests of task lists share: a list is imported, and told by the titles of its tasks."""

from __future__ import annotations

import io
from typing import Any

from txlite.errors import UsageError
from txlite.task_lists.reading import Arriving, read

from ..case import Case


class ListCase(Case):
    def write(self, name: str, text: str) -> str:
        with open(self.path(name), "w", encoding="utf-8", newline="") as file:
            file.write(text)
        return name

    def take(self, name: str, text: str | None = None, **options: Any) -> str:
        """Import a list, written first if its text is given; what is said."""
        if text is not None:
            self.write(name, text)
        return self.txlite("import", name, **options)

    def refuse(self, name: str, text: str, line: int, *words: str) -> None:
        """It is refused with these words, naming the line."""
        with self.assertRaises(UsageError) as caught:
            arriving = Arriving(io.BytesIO(text.encode()), name)
            read(arriving.text(), arriving.form, name, name, self.store().resolve)
        self.assertRegex(str(caught.exception), rf"^{name}, line {line}: .*: nothing was imported$")
        for word in words:
            self.assertIn(word, str(caught.exception))

    def told(self) -> dict[str, tuple[str, str | None, list[str]]]:
        """Title -> status, the title of the parent, those of what it waits for."""
        store = self.store()
        tasks = store.list()
        title = {one.id: one.title for one in tasks}
        relations = store.relations(tasks)
        return {
            one.title: (
                one.status,
                title[one.parent] if one.parent else None,
                sorted(title[each] for each in relations[one.id].blocked_by),
            )
            for one in tasks
        }

    def finish(self, *titles: str) -> None:
        """These are done."""
        store = self.store()
        for one in store.list():
            if one.title in titles:
                store.done(one.id)
