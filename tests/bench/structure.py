#!/usr/bin/env python3
"""The structure of the package in figures: rooms, arrows between them, sizes, and what should be nowhere.

    python3 tests/bench/structure.py             of this checkout
    python3 tests/bench/structure.py DIR         of another copy of the package, such as an older version's
    python3 tests/bench/structure.py --check     exits with 1 where a bound is passed

Cyclomatic complexity counts 1 for a function and 1 more for each branch, loop, handler, condition, comprehension,
`assert` and further operand of `and` and `or` (McCabe 1976, as radon counts it).
"""

from __future__ import annotations

import argparse
import ast
import os
import sys
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple, Union

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMPLEXITY = 12  # of a function, at most
MEMBERS = 20  # of a class, at most: methods and properties
FACADES = {"Store"}  # which has the methods that users know
Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]
Module = tuple[str, ...]
BRANCHES = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.Assert)


class Package(NamedTuple):
    """The modules of a package: place -> syntax tree and number of lines."""

    trees: dict[Module, ast.Module]
    lines: dict[Module, int]


def read(directory: str) -> Package:
    """Read the package that lies in `directory`."""
    package = Package({}, {})
    for around, _, names in sorted(os.walk(directory)):
        place = () if around == directory else tuple(os.path.relpath(around, directory).split(os.sep))
        for name in sorted(names):
            if name.endswith(".py"):
                with open(os.path.join(around, name), encoding="utf-8") as file:
                    source = file.read()
                module = (*place, name[:-3])
                package.trees[module] = ast.parse(source)
                package.lines[module] = source.count("\n")
    return package


def room_of(module: Module) -> str:
    """A module outside of any room is one of its own."""
    return module[0] if len(module) > 1 else f"{module[0]}.py"


def arrows(package: Package) -> set[tuple[Module, Module]]:
    """Which module imports which, wherever in it."""
    found: set[tuple[Module, Module]] = set()
    for module, tree in package.trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level:
                base = module[: len(module) - node.level] + tuple((node.module or "").split(".") if node.module else ())
                for alias in node.names:
                    places = [(*base, alias.name), base, (*base, "__init__")]
                    found.update((module, place) for place in [p for p in places if p in package.trees][:1])
    return found


def functions(package: Package) -> Iterable[tuple[Module, Function]]:
    for module, tree in package.trees.items():
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield module, node


def classes(package: Package) -> Iterable[tuple[Module, ast.ClassDef]]:
    for module, tree in package.trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                yield module, node


def complexity(function: Function) -> int:
    """Count the ways through a function; one that stands inside it counts for itself."""
    count, pending = 1, list(ast.iter_child_nodes(function))
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        count += isinstance(node, BRANCHES)
        if isinstance(node, ast.BoolOp):
            count += len(node.values) - 1
        elif isinstance(node, ast.comprehension):
            count += 1 + len(node.ifs)
        pending += ast.iter_child_nodes(node)
    return count


def members(node: ast.ClassDef) -> int:
    return sum(isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)) for part in node.body)


def find_circles(pairs: set[tuple[str, str]]) -> list[str]:
    """Name what is left when each room that imports none of the others left is taken away, again and again."""
    left = {room for pair in pairs for room in pair}
    while True:
        free = {room for room in left if not any(one == room and other in left for one, other in pairs)}
        if not free:
            return sorted(left)
        left -= free


def undocumented(package: Package) -> list[str]:
    """Name the public functions, classes and methods that have no docstring."""
    found: list[str] = []
    for module, tree in package.trees.items():
        find_undocumented(".".join(module), tree, found)
    return found


def find_undocumented(name: str, scope: ast.AST, found: list[str]) -> None:
    for node in ast.iter_child_nodes(scope):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            if not ast.get_docstring(node):
                found.append(f"{name}.{node.name}")
            if isinstance(node, ast.ClassDef):
                find_undocumented(f"{name}.{node.name}", node, found)
        elif isinstance(node, (ast.If, ast.Try)):
            find_undocumented(name, node, found)


def spread(numbers: Iterable[int]) -> str:
    ordered = sorted(numbers)
    return f"median {ordered[len(ordered) // 2]}, p90 {ordered[len(ordered) * 9 // 10]}, max {ordered[-1]}"


def length(node: Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def find_faults(package: Package) -> list[str]:
    """Name all that passes a bound."""
    counted = Counter(node.name for _, node in classes(package))
    faults = [f"class {name} stands {count} times" for name, count in counted.items() if count > 1]
    faults += [
        f"{'.'.join(module)}.{node.name}: complexity {complexity(node)}, at most {COMPLEXITY}"
        for module, node in functions(package)
        if complexity(node) > COMPLEXITY
    ]
    faults += [
        f"{'.'.join(module)}.{node.name}: {members(node)} members, at most {MEMBERS}"
        for module, node in classes(package)
        if members(node) > MEMBERS and node.name not in FACADES
    ]
    return faults + [f"{name} has no docstring" for name in undocumented(package)]


def show(package: Package) -> None:
    """Print the figures."""
    rooms = Counter(room_of(module) for module in package.trees if module[-1] != "__init__")
    print("modules in each room:", ", ".join(f"{room} {count}" for room, count in rooms.most_common()))
    between = {(one, other) for one, other in arrows(package) if room_of(one) != room_of(other)}
    pairs = {(room_of(one), room_of(other)) for one, other in between}
    inside = len(arrows(package)) - len(between)
    print(f"arrows: {len(pairs)} from room to room ({len(between)} imports); {inside} imports inside rooms")
    print("rooms in a circle:", ", ".join(find_circles(pairs)) or "none")
    print("lines of a file:", spread(package.lines.values()), f"({sum(package.lines.values()):,} in all)")
    print("lines of a function:", spread(length(node) for _, node in functions(package)))
    print("complexity of a function:", spread(complexity(node) for _, node in functions(package)))
    print("members of a class:", spread(members(node) for _, node in classes(package)))
    print("longest files:", ", ".join(named_sizes(package)))


def named_sizes(package: Package) -> list[str]:
    longest = sorted(package.lines.items(), key=lambda item: -item[1])[:6]
    return [f"{'/'.join(module)} {count}" for module, count in longest]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("directory", nargs="?", default=os.path.join(ROOT, "txlite"))
    parser.add_argument("--check", action="store_true", help="exit with 1 where a bound is passed")
    args = parser.parse_args()
    package = read(args.directory)
    show(package)
    faults = find_faults(package)
    print("\n".join(["beyond a bound:", *(f"  {fault}" for fault in faults)] if faults else ["every bound is kept"]))
    return 1 if args.check and faults else 0


if __name__ == "__main__":
    sys.exit(main())
