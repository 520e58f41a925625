"""Makes the pictures of README, from real runs: `python3 -m tests.docs.pictures`, into .github/assets/.

    run.svg       `run --from` in a terminal, then `status`: a film
    ralph.svg     a short night, and what `ralph` says at its end: a film
    night.png     the page about that night, as a browser shows it

Needs tmux, git and Chromium. What stands in the terminal is asked of tmux, with its colours, and drawn as text, each
line for as long as it stood there.
"""

from __future__ import annotations

import glob
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from html import escape
from typing import NamedTuple

from txlite.text import columns

from ..case import PATIENCE, ROOT, wait_until

ASSETS = os.path.join(ROOT, ".github", "assets")
COLUMNS, CELL, LINE, EDGE = 112, 8.43, 19, 16  # characters; pixels of a character, a line, the margin
PLAIN, GROUND = "#e3e7eb", "#15181c"  # colours of what has none, and behind it
HOLD = 8.0  # seconds that a film stands still at its end
COLOURS = {31: "#f2938a", 32: "#71c79d", 33: "#dab45e", 34: "#8bb8f5", 35: "#d3a4ea", 36: "#7fd0d6", 90: "#8a939c"}
RENDER = """for figure in $(seq 1 $((1$2 % 5 + 1))); do echo "chapter $2, figure $figure"; sleep 1; done; sleep 0.5
[ $2 != 03 ] || { echo "chapter 03: figure 5 refers to a table that is not there"; exit 1; }
"""
JOBS = "".join(f"./render chapter {number:02d}\n" for number in range(1, 25))
# Title, seconds, what is done, what is said at the end, US dollars, exit code.
TASKS = (
    ("Make the parser accept tabs", 2.0, "seq 48 >> parser", "Tabs count as eight columns.", 0.84, 0),
    ("Refuse a file that ends within a string", 3.0, "seq 21 > strings", "It is refused.", 1.12, 0),
    ("Name the line in every error", 1.5, "seq 17 >> errors", "Each error has its line.", 0.47, 0),
    ("Release notes", 1.0, "echo notes > NEWS", "I do not know what is released: no tag is there.", 0.31, 1),
    ("Mention tabs in the manual", 2.5, "seq 9 > manual", "The manual has a section on tabs.", 0.29, 0),
    ("Measure the lexer", 1.0, "seq 60 > measure", "It reads 40 MB a second.", 0.66, 0),
)
AGENT = "[agent claude]\ncommand = sh {prompt}\nprompt = file\nloop =\ntalk =\nbudget =\nresults = claude\n"
EVENT = """{"type":"result","subtype":"success","is_error":false,"result":"%s","total_cost_usd":%s,"num_turns":9,\
"usage":{"input_tokens":81000,"output_tokens":4200}}"""


class Frame(NamedTuple):
    """What stands in a terminal, from a moment on."""

    time: float  # seconds
    screen: str


class Terminal:
    """A shell in a terminal of its own, which is typed into and looked at."""

    def __init__(self, directory: str, lines: int, width: int = COLUMNS) -> None:
        self.directory = directory
        self.tmux = ["tmux", "-S", os.path.join(directory, "tmux"), "-f", "/dev/null"]
        path = os.pathsep.join([os.path.join(ROOT, "bin"), os.environ["PATH"]])
        settings = {"PATH": path, "PS1": "$ ", "TXLITE_PYTHON": sys.executable, "TERM": "screen-256color",
                    "GIT_CONFIG_GLOBAL": "/dev/null", "HISTFILE": "/dev/null", "HOME": directory}  # fmt: skip
        words = [f"{name}={value}" for name, value in settings.items()]
        shell = shlex.join(["env", "-i", "LC_ALL=C.UTF-8", *words, "bash", "--norc", "--noprofile"])
        place = os.path.join(directory, "project")
        self.call("new-session", "-d", "-x", str(width), "-y", str(lines), "-c", place, shell)
        wait_until(lambda: self.screen().startswith("$"), "the prompt")

    def call(self, *words: str) -> str:
        """Run a command of tmux; what it prints."""
        return subprocess.run([*self.tmux, *words], check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout

    def type(self, line: str) -> None:
        """Type a line, and Enter."""
        self.call("send-keys", "-l", line)
        self.call("send-keys", "Enter")

    def screen(self, *colours: str) -> str:
        """Return what stands in the terminal; with "-e", its colours are there as escape sequences."""
        return self.call("capture-pane", "-p", *colours).rstrip().replace(self.directory, "/home/you")

    def film(self, line: str) -> list[Frame]:
        """Type a line, and look until the shell asks for the next; what stood there, and from when on."""
        began, frames = time.monotonic(), [Frame(0.0, self.screen("-e"))]
        self.type(line)
        while time.monotonic() - began < PATIENCE:
            screen, plain = self.screen("-e"), self.screen()
            if screen != frames[-1].screen:
                frames.append(Frame(time.monotonic() - began, screen))
            if plain.endswith("\n$") and line in plain:
                return frames
            time.sleep(0.2)
        raise AssertionError(f"{line} goes on and on: {plain}")

    def close(self) -> None:
        """End it."""
        self.call("kill-server")


def join(films: list[list[Frame]], pause: float = 3.0) -> list[Frame]:
    """Return one film of several, with a pause before each but the first."""
    joined: list[Frame] = []
    for film in films:
        start = joined[-1].time + pause if joined else 0.0
        joined += [Frame(start + frame.time, frame.screen) for frame in film]
    return joined


def draw(film: list[Frame]) -> str:
    """Return an SVG that plays a film again and again; where nothing moves it shows the end."""
    screens = [split(frame.screen.removesuffix("\n$")) for frame in film]
    times = [*(frame.time for frame in film), film[-1].time + HOLD]
    height = max(map(len, screens))
    rows = "\n".join(draw_row([lines[row] if row < len(lines) else "" for lines in screens], times, row)
                     for row in range(height))  # fmt: skip
    width, tall = round(COLUMNS * CELL + 2 * EDGE), height * LINE + 2 * EDGE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {tall}" width="{width}" height="{tall}">\n'
        '<style>text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; '
        "fill: #e3e7eb; white-space: pre }</style>\n"
        f'<rect width="{width}" height="{tall}" rx="8" fill="#15181c"/>\n{rows}\n</svg>\n'
    )


def draw_row(lines: list[str], times: list[float], row: int) -> str:
    """Return the texts that stand in one row, each for as long as it stands there."""
    drawn, first = [], 0
    for number, line in enumerate(lines):
        if number + 1 < len(lines) and lines[number + 1] == line:
            continue
        if line:
            shown = play(times[first] / times[-1], times[number + 1] / times[-1])
            hidden = ' visibility="hidden"' if number + 1 < len(lines) else ""
            place = f'x="{EDGE}" y="{EDGE + 14 + LINE * row}"'
            drawn.append(f"<text {place}{hidden}>{draw_line(line)}{shown}</text>")
        first = number + 1
    return "\n".join(drawn)


def play(start: float, end: float) -> str:
    """Return what lets a text be seen between two moments, given as parts of the film."""
    steps = [("visible" if start == 0 else "hidden", 0.0), ("visible", start), ("hidden", end)]
    steps = [step for step in steps if step[1] < 1 and (step[1] > 0 or step is steps[0])]
    if len(steps) == 1:
        return ""
    values, moments = ";".join(value for value, _ in steps), ";".join(f"{moment:.4f}" for _, moment in steps)
    return (f'<animate attributeName="visibility" calcMode="discrete" dur="FILM" repeatCount="indefinite" '
            f'values="{values}" keyTimes="{moments}"/>')  # fmt: skip


def split(screen: str) -> list[str]:
    """Return the lines of a screen, each with the SGR codes that are in force at its beginning."""
    lines, codes = [], ""
    for line in screen.split("\n"):
        lines.append(codes + line)
        codes = "".join(re.findall(r"\x1b\[[\d;]*m", lines[-1])).rpartition("\x1b[0m")[2]
    return lines


def stretches(line: str) -> Iterator[tuple[int, str, dict[str, str]]]:
    """Yield the parts of a line, ASCII or not, each with the column where it begins, and its attributes."""
    column = 0
    style: dict[str, str] = {}
    for words, codes in re.findall(r"([^\x1b]*)(?:\x1b\[([\d;]*)m|$|\x1b\S)", line):
        for part in filter(None, re.split(r"([^\x00-\x7f]+)", words)):
            yield column, part, {**style, "fill": GROUND} if "reverse" in style else dict(style)
            column += columns(part)
        choose_style([int(code or 0) for code in codes.split(";")] if codes else [], style)


def draw_line(line: str) -> str:
    """Return a line's text, a tspan for each stretch that has a colour or is bold; what stands behind characters that
    are not as wide as others is put at its place."""
    drawn, is_at_its_place = [], True
    for column, part, style in stretches(line):
        places = [column] if not is_at_its_place else []
        if columns(part) != len(part):  # each at its own place
            places = [column + columns(part[:number]) for number in range(len(part))]
        if places:
            style["x"] = " ".join(f"{EDGE + CELL * one:.1f}" for one in places)
        style.pop("reverse", None)
        shown = "".join(f' {name}="{value}"' for name, value in sorted(style.items(), reverse=True))
        drawn.append(f"<tspan{shown}>{escape(part)}</tspan>" if shown else escape(part))
        is_at_its_place = part.isascii()
    return "".join(drawn)


def draw_ground(line: str, top: float) -> str:
    """Return the light ground behind what is in reverse video, for a line whose upper edge is there."""
    return "".join(
        f'<rect x="{EDGE + CELL * column:.1f}" y="{top:.1f}" width="{CELL * columns(part):.1f}" height="{LINE}" '
        f'fill="{PLAIN}"/>'
        for column, part, style in stretches(line) if style.get("fill") == GROUND
    )  # fmt: skip


def choose_style(codes: list[int], style: dict[str, str]) -> None:
    """Change attributes as these SGR codes ask for it."""
    for code in codes:
        if code == 0:
            style.clear()
        elif code in (27, 39):
            style.pop("fill" if code == 39 else "reverse", None)
        elif code == 1:
            style["font-weight"] = "bold"
        elif code == 2:
            style["opacity"] = "0.65"
        elif code == 7:
            style["reverse"] = ""
        elif COLOURS.get(code) or COLOURS.get(code - 60):
            style["fill"] = COLOURS.get(code) or COLOURS[code - 60]


def save(name: str, film: list[Frame]) -> None:
    """Write a film."""
    with open(os.path.join(ASSETS, name), "w", encoding="utf-8") as file:
        file.write(draw(film).replace('dur="FILM"', f'dur="{film[-1].time + HOLD:.1f}s"'))


def record_run(directory: str) -> None:
    """A batch, while it goes on and at its end."""
    place = os.path.join(directory, "project")
    for name, content in (("jobs.txt", JOBS), ("render", RENDER)):
        with open(os.path.join(place, name), "w") as file:
            file.write(content)
    os.chmod(os.path.join(place, "render"), 0o755)
    terminal = Terminal(directory, 24)
    lines = "txlite run --workers 4 --max-attempts 2 --from jobs.txt", "txlite status --latest 4"
    save("run.svg", join(list(map(terminal.film, lines))))
    terminal.close()


def record_night(directory: str) -> None:
    """A short night: the terminal, and the page."""
    place = os.path.join(directory, "project")
    prepare = f"""git init -q -b main; git config user.name You; git config user.email you@example.org
        printf 'test:\\n\\t@sleep 0.3\\n' > Makefile; git add Makefile; git commit -qm first
        {shlex.quote(os.path.join(ROOT, "bin", "txlite"))} init
        mkdir .txlite/templates; echo '{{{{TASK_DESCRIPTION}}}}' > .txlite/templates/ralph-task.md"""
    subprocess.run(prepare, shell=True, cwd=place, check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(place, ".txlite", "config.ini"), "w") as file:
        file.write(AGENT)
    for title, seconds, script, said, dollars, code in TASKS:
        event = shlex.quote(EVENT % (said, dollars))
        words = ["add", "--quiet", title, "-d", f"sleep {seconds}; {script}; echo {event}; exit {code}"]
        subprocess.run([os.path.join(ROOT, "bin", "txlite"), *words], cwd=place, check=True, stdout=subprocess.DEVNULL)
    terminal = Terminal(directory, 34)
    save("ralph.svg", terminal.film('txlite ralph --agent claude --verify "make test" --workers 3 --max-attempts 2'))
    terminal.close()
    (page,) = glob.glob(os.path.join(place, ".txlite", "loops", "*.html"))
    photograph(page, os.path.join(ASSETS, "night.png"), directory)


def photograph(page: str, picture: str, profile: str) -> None:
    """Write what a browser shows of a page."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    words = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=880,1330",
             f"--user-data-dir={profile}/browser", f"--screenshot={picture}", f"file://{page}"]  # fmt: skip
    subprocess.run([browser, *words], check=True, stderr=subprocess.DEVNULL, timeout=120)


def main() -> None:
    """Make all pictures anew."""
    os.makedirs(ASSETS, exist_ok=True)
    for record in (record_run, record_night):
        with tempfile.TemporaryDirectory(prefix="night-") as directory:
            os.mkdir(os.path.join(directory, "project"))
            record(directory)


if __name__ == "__main__":
    main()
