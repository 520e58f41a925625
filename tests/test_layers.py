"""The map in docs/architecture.md is true: rooms import downwards only, and SQL stands only where it may."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Iterator, Mapping, Set
from typing import Any

from .case import ROOT

PACKAGE = os.path.join(ROOT, "txlite")
SQL = re.compile(
    r"\b(SELECT .* FROM|INSERT (OR \w+ )?INTO|UPDATE \w+ SET|DELETE FROM|CREATE (TABLE|INDEX|TRIGGER))\b", re.S
)
Module = tuple  # of the names of rooms and module
OPEN_TO_ALL = {"errors", "model", "text", "version"}
FRONT = {"__init__", "__main__", "cli"}  # they stand in front of the house, and may enter every room


def rooms() -> dict[str, set[str]]:
    """The table: room -> the rooms that it may import."""
    with open(os.path.join(PACKAGE, "docs", "architecture.md")) as file:
        rows = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|$", file.read(), re.M)
    return {room: set(re.findall(r"`(\w+)`", others)) for room, others in rows}


def modules() -> dict[Module, ast.Module]:
    """(room, ..., name) -> syntax tree, for every module; a package stands for its __init__."""
    found: dict[Module, ast.Module] = {}
    for directory, _, names in sorted(os.walk(PACKAGE)):
        place = tuple(os.path.relpath(directory, PACKAGE).split(os.sep)) if directory != PACKAGE else ()
        for name in sorted(names):
            if name.endswith(".py"):
                with open(os.path.join(directory, name), encoding="utf-8") as file:
                    found[(*place, name[:-3])] = ast.parse(file.read())
    return found


def imported(module: Module, tree: ast.Module, known: dict[Module, ast.Module]) -> Iterator[Module]:
    """The modules of the package that a module imports, wherever in it; fails on what a copy could not import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                check_standard(module, alias.name)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            check_standard(module, node.module)
        elif isinstance(node, ast.ImportFrom):
            base = module[: len(module) - node.level] + tuple(node.module.split(".") if node.module else ())
            for alias in node.names:
                places: list[Module] = [(*base, alias.name), base, (*base, "__init__")]
                for place in places:
                    if place in known:
                        yield place
                        break
                else:
                    raise AssertionError(f"{'.'.join(module)} imports {alias.name}, which is not there")


def check_standard(module: Module, name: str) -> None:
    assert name.split(".")[0] in STANDARD.split(), f"{'.'.join(module)} imports {name}: is it of the standard library?"


# What the package uses of the standard library. Python 3.9 does not list its own modules; later ones judge this list.
STANDARD = """__future__ _thread argparse array atexit base64 bisect builtins calendar codecs collections configparser
    contextlib csv ctypes curses datetime errno fcntl fnmatch functools gc grp gzip hashlib heapq hmac html http
    importlib io itertools json locale marshal math multiprocessing operator os pickle pkgutil plistlib pwd pydoc
    re resource secrets select shlex shutil signal socketserver sqlite3 stat string struct subprocess sys
    tempfile termios textwrap threading time traceback types typing unicodedata urllib uuid zipfile zlib"""


def find_circle(arrows: Mapping[Any, Set[Any]]) -> list[Any] | None:
    """A way along the arrows (node -> nodes) that comes back to its beginning, or None."""
    done: set[Any] = set()
    way: list[Any] = []

    def walk(node: Any) -> list[Any] | None:
        if node in way:
            return [*way[way.index(node) :], node]
        if node in done:
            return None
        way.append(node)
        for following in sorted(arrows.get(node, ())):
            found = walk(following)
            if found:
                return found
        done.add(way.pop())
        return None

    return next(filter(None, map(walk, sorted(arrows))), None)


class Layers(unittest.TestCase):
    rooms: dict[str, set[str]]
    modules: dict[Module, ast.Module]
    arrows: dict[Module, set[Module]]

    @classmethod
    def setUpClass(cls) -> None:
        cls.rooms = rooms()
        cls.modules = modules()
        assert cls.rooms and cls.modules, "an empty table proves nothing"
        cls.arrows = {module: set(imported(module, tree, cls.modules)) for module, tree in cls.modules.items()}

    def test_every_module_is_in_a_room_of_the_table(self) -> None:
        places = {module[0] for module in self.modules}
        self.assertEqual(places - OPEN_TO_ALL - FRONT, set(self.rooms))
        for room in self.rooms:
            self.assertTrue(ast.get_docstring(self.modules[(room, "__init__")]), f"{room}/ does not say what it knows")

    @unittest.skipIf(sys.version_info < (3, 10), "this Python does not list its modules")
    def test_what_is_used_is_of_the_standard_library(self) -> None:
        self.assertLessEqual(set(STANDARD.split()), getattr(sys, "stdlib_module_names", set()))

    def test_each_room_has_tests_and_tests_have_a_room(self) -> None:
        tests = os.path.join(ROOT, "tests")
        tested = {name for name in os.listdir(tests) if os.path.exists(os.path.join(tests, name, "__init__.py"))}
        self.assertEqual(tested - {"docs", "slurm", "stand_ins"}, set(self.rooms))

    def test_rooms_import_downwards_only(self) -> None:
        self.assertIsNone(find_circle(self.rooms))
        for module, others in self.arrows.items():
            room = module[0]
            if room in FRONT:
                continue
            may = self.rooms.get(room, {"system"}) | {room} | ({"errors"} if room == "system" else OPEN_TO_ALL)
            for other in others:
                self.assertIn(other[0], may, f"{'.'.join(module)} imports {'.'.join(other)}")

    def test_inside_a_room_is_no_circle(self) -> None:
        for room in self.rooms:
            inside = {
                module: {other for other in others if other[0] == room}
                for module, others in self.arrows.items()
                if module[0] == room
            }
            self.assertIsNone(find_circle(inside), room)

    def test_a_search_for_circles_finds_one(self) -> None:
        self.assertEqual(find_circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}), ["b", "c", "b"])

    def test_sql_stands_in_the_store_only(self) -> None:
        places = {
            module[0]
            for module, tree in self.modules.items()
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.search(node.value)
        }
        self.assertEqual(places, {"store"})

    def test_it_parses_on_the_oldest_python(self) -> None:
        for module in self.modules:
            with open(os.path.join(PACKAGE, *module) + ".py", encoding="utf-8") as file:
                ast.parse(file.read(), feature_version=(3, 4) if module == ("__main__",) else (3, 9))

    def test_nothing_is_imported_that_quick_commands_do_not_need(self) -> None:
        dear = {"typing", "dataclasses", "pathlib", "logging", "tempfile"}
        bare = "import argparse, json, sqlite3, sys; argparse.ArgumentParser(); print(*sys.modules)"
        needed = subprocess.run([sys.executable, "-I", "-S", "-c", bare], capture_output=True, text=True, check=True)
        code = f"import sys; sys.path.insert(0, {ROOT!r}); from txlite.cli import main; main(sys.argv[1:])"
        code += "; print(*sys.modules, file=sys.stderr)"
        with tempfile.TemporaryDirectory(prefix="txlite-test-") as home:
            command = [sys.executable, "-I", "-S", "-c", code, "--home", home]
            subprocess.run([*command, "add", "a task"], capture_output=True, check=True)
            for words, said, more in (
                (["ready", "--json"], "a task", {"ctypes", "subprocess", "multiprocessing"}),
                (["run", "--", "true"], "1 done", {"hashlib", "multiprocessing.connection"}),
            ):
                if words[0] == "run" and sys.platform != "linux":
                    continue  # workers are spawned
                found = subprocess.run([*command, *words], capture_output=True, text=True, check=False, env={})
                self.assertIn(said, found.stdout)
                new = set(found.stderr.splitlines()[-1].split()) - set(needed.stdout.split())
                self.assertEqual(new & (dear | more), set(), words)


if __name__ == "__main__":
    unittest.main()
