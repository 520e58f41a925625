"""Makes the pictures of what a terminal shows: `python3 -m tests.docs.screens`, into .github/assets/.

    top.svg                  `top` in 80 columns, with 5,000 tasks
    screens-80-5.svg ...     `top`, `status`, `list` and a run's bar, below each other: in 80 and in 200 columns, with 5
                             and with 5,000 tasks, in colour and (-plain) without

Needs tmux. The screens are those of real runs in tmux; what stands there is asked of it, with its colours, and drawn as
text. Ids are drawn by a seed; times and PIDs are those of the day.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

from ..case import ROOT, wait_until
from .pictures import ASSETS, CELL, EDGE, GROUND, LINE, PLAIN, Terminal, draw_ground, draw_line, split

SEED = "screens"
LONG = """for step in $(seq 1 400); do echo "page $step of 400: $(( step % 7 )) figures"; sleep 0.5; done"""
TITLES = ("render the index", "日本語の索引を作る", "render the list of figures, with captions in two languages")
FILL = """import sys, txlite
many, long, *titles = sys.argv[1:]
many, done = int(many), int(many) * 2 // 5
fails = "echo 'figure 5 is missing' >&2; exit 2"
def chapter(number, score):
    command = fails if number % 300 == 7 else "true"
    return {"title": f"render chapter {number:04d}", "command": command, "score": score}
with txlite.open(".txlite") as store:
    store.add_many([*(chapter(number, 2) for number in range(done)),
                    *({"title": title, "command": long, "score": 1} for title in titles),
                    *(chapter(number, 0) for number in range(done, many))])
    if many < 10:
        store.add_many([chapter(7, 2)])
    proof = store.add("Read the proofs, and list what is wrong")
    if many > 10:
        store.add("print it", command="true", after=[proof])
"""


def fill(place: str, tasks: int) -> None:
    """Make a home with so many tasks in a project."""
    environment = {**os.environ, "PYTHONPATH": ROOT, "TXLITE_SEED": SEED}
    titles = TITLES if tasks > 10 else TITLES[:2]
    many = tasks - len(titles) - 3 if tasks > 10 else 0
    subprocess.run([sys.executable, "-c", FILL, str(many), LONG, *titles], cwd=place, env=environment, check=True)
    later = [os.path.join(ROOT, "bin", "txlite"), "add", "--quiet", "--at", "+9h", "clean up", "--", "true"]
    subprocess.run(later, cwd=place, env=environment, check=True)


class Stage:
    """A project in which a run goes on, and a terminal beside it."""

    def __init__(self, directory: str, tasks: int) -> None:
        place = os.path.join(directory, "project")
        os.mkdir(place)
        fill(place, tasks)
        self.terminal = Terminal(directory, 24, 80)
        self.terminal.type("clear; exec txlite run --workers 3 --max-attempts 1")
        self.call("new-window", "-c", place, "-e", f"HOME={directory}", self.shell(directory))
        wait_until(lambda: self.look(1).startswith("$"), "the prompt")
        wait_until(lambda: self.look(0).count(" figures") >= 2, "the run to be at its long tasks", 120)

    def shell(self, directory: str) -> str:
        path = os.pathsep.join([os.path.join(ROOT, "bin"), os.environ["PATH"]])
        return (f"env -i LC_ALL=C.UTF-8 PATH='{path}' PS1='$ ' TXLITE_PYTHON={sys.executable} TERM=screen-256color "
                f"HOME={directory} HISTFILE=/dev/null bash --norc --noprofile")  # fmt: skip

    def call(self, *words: str) -> str:
        return self.terminal.call(*words)

    def look(self, window: int, *options: str) -> str:
        """What stands in a window."""
        return self.call("capture-pane", "-p", "-t", f":{window}", *options).rstrip()

    def resize(self, columns: int, lines: int) -> None:
        for window in (0, 1):
            self.call("resize-window", "-t", f":{window}", "-x", str(columns), "-y", str(lines))

    def show(self, line: str, mark: str, is_whole: bool = False) -> str:
        """Type a line; the screen once that stands there; is_whole: q leaves it."""
        self.call("send-keys", "-t", ":1", "-l", f"clear; {line}")
        self.call("send-keys", "-t", ":1", "Enter")
        wait_until(lambda: mark in self.look(1) and (is_whole or self.look(1).endswith("\n$")), line)
        time.sleep(3.5 if is_whole else 0.2)  # it has looked twice, so that it knows what each tree uses
        screen = self.look(1, "-e")
        if is_whole:
            self.call("send-keys", "-t", ":1", "q")
            wait_until(lambda: self.look(1).endswith("$"), "the prompt")
            return screen
        return f"$ {line}\n" + screen.removesuffix("\n$")

    def record(self, columns: int, is_plain: bool) -> list[str]:
        """The four screens."""
        before = "NO_COLOR=1 " if is_plain else ""
        self.resize(columns, 24 if columns < 100 else 40)
        screens = [
            self.show(f"{before}txlite top", "q quit", is_whole=True),
            self.show(f"{before}txlite status", "goes on with"),
            self.show(f"{before}txlite list", "STATE"),
        ]
        time.sleep(0.3)
        return [*screens, "$ txlite run --workers 3 --max-attempts 1\n" + self.look(0, *([] if is_plain else ["-e"]))]

    def close(self) -> None:
        self.call("kill-server")


def draw(screens: list[str], columns: int) -> str:
    """Return an SVG of screens, one below the other."""
    lines = [line for screen in screens for line in [*split(screen), "", None]][:-2]
    width, rows, drawn = round(columns * CELL + 2 * EDGE), 0.0, []
    for line in lines:
        if line is None:
            drawn.append(f'<path d="M0 {EDGE + LINE * (rows - 0.5):.1f}h{width}" stroke="#3a4048"/>')
        elif line:
            top = EDGE + LINE * rows
            drawn.append(f'{draw_ground(line, top)}<text x="{EDGE}" y="{top + 14:.1f}">{draw_line(line)}</text>')
        rows += 1 if line is not None else 0.3
    tall = round(rows * LINE + 2 * EDGE)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {tall}" width="{width}" height="{tall}">\n'
        '<style>text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; '
        f"fill: {PLAIN}; white-space: pre }}</style>\n"
        f'<rect width="{width}" height="{tall}" rx="8" fill="{GROUND}"/>\n' + "\n".join(drawn) + "\n</svg>\n"
    )


def save(name: str, picture: str) -> None:
    with open(os.path.join(ASSETS, name), "w", encoding="utf-8") as file:
        file.write(picture)


def main() -> None:
    """Make all of them anew."""
    for tasks in (5, 5000):
        with tempfile.TemporaryDirectory(prefix="screens-") as directory:
            stage = Stage(directory, tasks)
            for columns in (80, 200):
                for is_plain in (False, True):
                    screens = stage.record(columns, is_plain)
                    save(f"screens-{columns}-{tasks}{'-plain' * is_plain}.svg", draw(screens, columns))
                    if (tasks, columns, is_plain) == (5000, 80, False):
                        save("top.svg", draw(screens[:1], columns))
            stage.close()


if __name__ == "__main__":
    main()
