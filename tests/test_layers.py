"""The floors hold, imports are relative or of the standard library, and SQL stands only where it may."""

import ast
import os
import re
import sys
import unittest

from .case import ROOT

PACKAGE = os.path.join(ROOT, "txlite")
SQL = re.compile(
    r"\b(SELECT .* FROM|INSERT (OR \w+ )?INTO|UPDATE \w+ SET|DELETE FROM|CREATE (TABLE|INDEX|TRIGGER))\b", re.S
)
SQL_MODULES = {
    "schema",
    "dependencies",
    "tasks",
    "claims",
    "outcomes",
    "attempts",
    "workers",
    "batches",
    "launches",
    "trials",
    "edits",
    "standings",
    "arrivals",
    "transfer",
    "inspection",
    "store",
}
OPENS_A_DATABASE = {"creation"}  # which enters the home's row, as it makes the file


def floors():
    """The map in the package's docstring: module -> (floor, place on it)."""
    with open(os.path.join(PACKAGE, "__init__.py")) as file:
        text = ast.get_docstring(ast.parse(file.read()))
    found, floor = {}, -1
    for line in text[text.index("\n0  errors") :].splitlines() if "\n0  errors" in text else text.splitlines():
        match = re.match(r"\s*(?:(\d)  )?\s*((?:\w+/?)(?:, \w+)*)(?:  +\S|$)", line)
        if match and (match[1] or floor >= 0):
            floor = int(match[1]) if match[1] else floor
            for name in match[2].rstrip("/").split(", "):
                found[name] = (floor, len(found))
    return found


def modules():
    """name -> syntax tree, for every module; those of commands/ as commands.NAME."""
    for directory, prefix in ((PACKAGE, ""), (os.path.join(PACKAGE, "commands"), "commands.")):
        for name in sorted(os.listdir(directory)):
            if name.endswith(".py"):
                with open(os.path.join(directory, name)) as file:
                    yield prefix + name[:-3], ast.parse(file.read())


def imported(name, tree):
    """The names of the package's modules that a module imports, wherever in it; fails on a foreign import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                assert alias.name.split(".")[0] in standard_library(), f"{name} imports {alias.name}"
        elif isinstance(node, ast.ImportFrom):
            if not node.level:
                assert node.module.split(".")[0] in standard_library(), f"{name} imports from {node.module}"
            elif node.module:
                yield node.module.split(".")[0]
            else:
                yield from (alias.name for alias in node.names if alias.name not in ("open_reading", "open_writing"))


def standard_library():
    known = getattr(sys, "stdlib_module_names", None)
    return known or {name.split(".")[0] for name in sys.modules} | set(OLD_NAMES.split())


# What the package uses, for Python 3.9, which does not list its own modules.
OLD_NAMES = """argparse array bisect calendar collections configparser contextlib ctypes difflib errno fcntl fnmatch gc
    grp gzip hashlib heapq html importlib io json multiprocessing os pwd re resource runpy select shlex shutil signal
    sqlite3 stat string subprocess sys tempfile textwrap threading time traceback types typing urllib uuid zipapp
    zlib"""


class Layers(unittest.TestCase):
    def test_every_module_is_on_the_map(self):
        names = {name.split(".")[0] for name, _ in modules()} - {"__init__", "__main__"}
        self.assertEqual(names, set(floors()))

    def test_a_module_imports_only_from_below(self):
        places = floors()
        for name, tree in modules():
            own = name.split(".")[0]
            if own in ("__init__", "__main__"):
                continue
            for other in imported(name, tree):
                if own == "commands" and other not in places:
                    continue  # another verb of the same family
                self.assertLess(places[other], places[own], f"{name} imports {other}, which is not below it")

    def test_sql_stands_only_where_it_may(self):
        for name, tree in modules():
            if name in SQL_MODULES | OPENS_A_DATABASE:
                continue
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    self.assertIsNone(SQL.search(node.value), f"SQL in {name}: {node.value!r}")

    def test_it_parses_on_the_oldest_python(self):
        for name, _ in modules():
            path = os.path.join(PACKAGE, *name.split(".")) + ".py"
            with open(path) as file:
                ast.parse(file.read(), feature_version=(3, 9))
        with open(os.path.join(PACKAGE, "__main__.py")) as file:
            ast.parse(file.read(), feature_version=(3, 4))

    def test_nothing_is_imported_that_a_reading_command_does_not_need(self):
        import subprocess

        code = "import sys; from txlite.cli import main; main(['ready', '--json', '--home', '/nonexistent/home'])"
        code += "; print(*sys.modules, file=sys.stderr)"
        found = subprocess.run([sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {ROOT!r}); {code}"],
                               capture_output=True, text=True, check=True)  # fmt: skip
        dear = {"typing", "subprocess", "multiprocessing", "dataclasses", "pathlib", "logging", "tempfile", "ctypes"}
        self.assertEqual(dear & set(found.stderr.split()), set())


if __name__ == "__main__":
    unittest.main()
