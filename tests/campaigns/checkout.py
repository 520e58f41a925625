"""What campaigns on loops share: a repository with a gate that really checks it, and how it is read afterwards."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

GATE = r'''
"""The gate: modules compile, the sums of the data are right, nothing is half merged."""
import os, sys

top = os.path.dirname(os.path.abspath(__file__))
for name in sorted(os.listdir(top + "/src")):
    with open(top + "/src/" + name) as file:
        compile(file.read(), name, "exec")
for name in sorted(os.listdir(top + "/data")):
    with open(top + "/data/" + name) as file:
        *numbers, total = [int(line.split()[-1]) for line in file]
    if sum(numbers) != total:
        sys.exit(name + ": the sum is wrong")
with open(top + "/ledger.txt") as file:
    for line in file:
        if not line.startswith("job"):
            sys.exit("ledger.txt: " + line)
'''


class Checkout(Protocol):
    """A campaign with a repository."""

    top: str
    environment: dict[str, str]

    def git(self, *words: str, top: str = "", code: int | None = 0) -> str:
        """What git prints there."""

    def path(self, name: str) -> str:
        """The path of a file of the campaign's own."""


class Commit(NamedTuple):
    """A commit of the base branch."""

    id: str
    parents: str
    message: str


def read_tree(campaign: Checkout, ref: str) -> dict[str, str]:
    """The files of a commit, and what they hold."""
    listing = campaign.git("ls-tree", "-rz", "--full-tree", ref).split("\0")
    entries = [(line.partition("\t")[2], line.split()[2]) for line in listing if line]
    texts = read_blobs(campaign, [blob for _, blob in entries])
    return {path: texts[blob] for path, blob in entries}


def read_blobs(campaign: Checkout, ids: Iterable[str]) -> dict[str, str]:
    wanted = sorted(set(ids))
    out = subprocess.run(
        ["git", "cat-file", "--batch"], cwd=campaign.top, env=campaign.environment, check=True,
        input="".join(one + "\n" for one in wanted).encode(), stdout=subprocess.PIPE,
    ).stdout  # fmt: skip
    found, place = {}, 0
    while place < len(out):
        end = out.index(b"\n", place)
        name, kind, size = out[place:end].split()
        text = out[end + 1 : end + 1 + int(size)]
        if kind == b"blob":
            found[name.decode()] = text.decode("utf-8", "replace")
        place = end + 2 + int(size)
    return found


def judge_commits(checkout: Checkout, commits: Iterable[Commit]) -> Iterator[str]:
    """The gate, at every commit, in a clone: where it is red."""
    clone = checkout.path("clone")
    checkout.git("clone", "-q", "--no-local", checkout.top, clone)
    for commit in commits:
        checkout.git("checkout", "-q", "--detach", commit.id, top=clone)
        done = subprocess.run([sys.executable, "-IS", "check.py"], cwd=clone, stderr=subprocess.PIPE, check=False)
        if done.returncode:
            words = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            yield f"the gate is red at {commit.id[:10]} ({commit.message.strip()}): {words}"
