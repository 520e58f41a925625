#!/usr/bin/env python3
"""The page of a night in a real browser: as a file and as it is served, wide and narrow, in light and dark colours.

    python3 tests/campaigns/pages.py [--pictures DIR] [--short] [--seed S]

A night with markup wherever markup can stand is looked at with axe (axe-core, which npm brings into the campaign's own
directory; without it that part is skipped with a word): no violation, nothing wider than the screen, no script run, no
request refused, every control reached by the keyboard. Then a real loop works while its page is open: what is opened,
chosen and scrolled to stays so when the page changes, who does not see it is told what changed, a pause holds, and the
end of the server is said. Other pages get nothing. --pictures keeps what the browser shows.

Needs Chromium and git; --short looks at one size in two colours.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from harness import REPOSITORY, Scene, make_parser

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import Browser, find_browser

from tests.ralph.nights import make_showcase
from txlite.ralph.page.document import render

SIZES = ((1280, False), (390, True), (1280, True), (390, False))
AXE = "axe-core@4.14.1"  # this one: others have other rules
RULES = "wcag2a wcag2aa wcag21a wcag21aa wcag22aa best-practice".split()
FOUND = """axe.run(document, {runOnly: RULES, resultTypes: ["violations"]}).then(found => found.violations.map(one =>
    one.id + ": " + one.nodes.slice(0, 3).map(node => node.target.join(" ") + " " + node.failureSummary).join("; ")))"""
PATIENCE = 60.0  # seconds
RELEASED = "while ! test -e {0}; do sleep 0.05; done; echo {1} >> {1}"


class Campaign:
    """What is looked at, and with what."""

    def __init__(self, scene: Scene, pictures: str, sizes: tuple[tuple[int, bool], ...]) -> None:
        self.scene = scene
        self.pictures = pictures
        self.sizes = sizes
        self.browser = Browser()
        self.axe = self.bring_axe()
        self.looks = 0
        self.project = scene.path("project")

    def bring_axe(self) -> str:
        """The source of axe-core; "" where npm does not bring it."""
        try:
            words = ["npm", "install", "--silent", "--ignore-scripts", "--no-audit", "--prefix", self.scene.directory]
            subprocess.run([*words, AXE], check=True, timeout=180, capture_output=True)
            with open(self.scene.path("node_modules/axe-core/axe.min.js"), encoding="utf-8") as file:
                return file.read()
        except (OSError, subprocess.SubprocessError) as error:
            print(f"no axe-core came, and nothing is looked at with it: {error}", file=sys.stderr)
            return ""

    def blame(self, what: str) -> None:
        self.scene.violations.append(what)

    def look_at(self, name: str, address: str) -> None:
        """One page at every size."""
        for width, is_dark in self.sizes:
            where = f"{name} at {width} px, {'dark' if is_dark else 'light'}"
            self.browser.show(width, is_dark)
            self.browser.open(address)
            self.check_page(where)
            if self.pictures:
                os.makedirs(self.pictures, exist_ok=True)
                shade = "dark" if is_dark else "light"
                self.browser.photograph(os.path.join(self.pictures, f"{name}-{width}-{shade}.png"))
            self.check_axe(where, address)
            self.looks += 1

    def check_page(self, where: str) -> None:
        ask = self.browser.ask
        for complaint in self.browser.complaints():
            self.blame(f"{where}: {complaint}")
        if ask("document.documentElement.scrollWidth > innerWidth"):
            self.blame(f"{where}: it is wider than the screen: {ask('document.documentElement.scrollWidth')}")
        if ask("document.querySelectorAll('img, iframe, object, embed, form, link, [onload], [onerror]').length"):
            self.blame(f"{where}: markup of others became elements")
        if ask("document.title").startswith("run"):
            self.blame(f"{where}: a script of others ran")

    def check_axe(self, where: str, address: str) -> None:
        """What axe finds; it changes the page, which its policy forbids: it is opened anew without."""
        if not self.axe:
            return
        self.browser.call("Page.setBypassCSP", enabled=True)
        self.browser.open(address)
        self.browser.ask("document.querySelectorAll('details').forEach(one => one.open = true)")
        self.browser.ask(f"{self.axe}; 0")
        for violation in self.browser.ask(FOUND.replace("RULES", repr(RULES))):
            self.blame(f"{where}: axe: {violation}")
        self.browser.call("Page.setBypassCSP", enabled=False)

    def check_keys(self, address: str) -> None:
        """Every control is reached by Tab, in the order in which they stand, and can be seen when it is."""
        self.browser.open(address)
        controls = "Array.from(document.querySelectorAll('a[href]:not([tabindex]), summary, button'))" \
            ".filter(one => one.checkVisibility({contentVisibilityAuto: true}))"  # fmt: skip
        wanted = self.browser.ask(f"{controls}.length")
        reached: list[int] = []
        while len(reached) < wanted:
            self.browser.press("Tab")
            if not self.browser.ask("document.activeElement.matches('.scroll')"):  # which can be scrolled by keys
                reached.append(self.browser.ask(f"{controls}.indexOf(document.activeElement)"))
        if reached != list(range(wanted)):
            self.blame(f"{address}: Tab reaches {reached}, of {wanted} controls")

    def check_shown(self) -> None:
        """The night that has everything, over and going on."""
        for name, is_over in (("night", True), ("going", False)):
            path = self.scene.path(f"{name}.html")
            with open(path, "w", encoding="utf-8") as file:
                file.write(render(make_showcase(is_over)))
            self.look_at(name, f"file://{path}")
        self.check_keys(f"file://{path}")
        if self.browser.ask("document.scripts.length"):
            self.blame("the file holds a script")

    def run(self, *words: str) -> None:
        subprocess.run(words, cwd=self.project, env=self.scene.environment(), check=True, stdout=subprocess.DEVNULL)

    def txlite(self, *words: str) -> None:
        self.run(sys.executable, "-m", "txlite", *words)

    def release(self, number: int) -> None:
        with open(os.path.join(self.project, ".txlite", f"go{number}"), "w"):
            pass

    def check_served(self) -> None:
        """A loop works, and its page is open."""
        os.mkdir(self.project)
        script = """git init -q -b main; git config user.name A; git config user.email a@example.org
            echo .txlite > .gitignore; git add .; git commit -qm first"""
        self.run("sh", "-c", script)
        self.txlite("init")
        home = os.path.join(self.project, ".txlite")
        os.mkdir(os.path.join(home, "templates"))
        with open(os.path.join(home, "templates", "ralph-task.md"), "w") as file:
            file.write("{{TASK_DESCRIPTION}}\n")
        with open(os.path.join(home, "config.ini"), "w") as file:
            file.write("[agent scripted]\ncommand = sh {prompt}\nprompt = file\n")
        for number in range(4):
            title = f"task {number} <script>document.title='run'</script>"
            self.txlite("add", title, "-d", RELEASED.format(os.path.join(home, f"go{number}"), f"file{number}"))
        with open(self.scene.path("address"), "wb") as out:
            server = subprocess.Popen([sys.executable, "-m", "txlite", "page", "--serve"], cwd=self.project,
                                      env=self.scene.environment(), stdout=out)  # fmt: skip
        address = self.read_address()
        loop = self.scene.start([sys.executable, "-m", "txlite", "ralph", "--agent", "scripted", "--workers", "2",
                                 "--verify", "true"], "loop.log", self.project)  # fmt: skip
        try:
            self.check_other_pages(address)
            self.browser.show(1280, False)
            self.browser.open(address)
            self.browser.wait("document.querySelectorAll('#now li').length === 2", "two that run")
            self.check_changes()
            self.check_policy()
            for number in (1, 2, 3):
                self.release(number)
            loop.wait(PATIENCE)
            self.browser.wait("/4 tasks done/.test(document.querySelector('h1').textContent)", "the end of the night")
            self.check_page("the served page")
            self.look_at("served", address)
            self.check_keys(address)
            self.browser.open(address)
            server.send_signal(signal.SIGINT)
            if server.wait(PATIENCE) != 0:
                self.blame(f"the server ended with {server.returncode}")
            self.browser.wait("/No answer since/.test(document.getElementById('state').textContent)", "that it is gone")
        finally:
            for process in (server, loop):
                if process.poll() is None:
                    process.kill()
                process.wait()

    def read_address(self) -> str:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with open(self.scene.path("address")) as file:
                line = file.readline()
            if line.endswith("\n"):
                return line.strip()
            time.sleep(0.02)
        raise AssertionError("the server says no address")

    def check_changes(self) -> None:
        """What a person did stays, though the page changes; and it is said what changed."""
        ask, wait = self.browser.ask, self.browser.wait
        ask("document.querySelector('#t0 details').open = true; document.querySelector('#t1 summary').focus();"
            "document.body.style.minHeight = '5000px'; scrollTo(0, 300);"
            "window.kept = document.querySelector('#t1')")  # fmt: skip
        self.release(0)
        wait("/1 task done/.test(document.querySelector('h1').textContent)", "the first task's end")
        wait("/task 0.*: landed/.test(document.getElementById('news').textContent)", "what is said of it")
        for what, held in (("what was open", "document.querySelector('#t0 details').open"),
                           ("the focus", "document.activeElement === document.querySelector('#t1 summary')"),
                           ("the row itself", "window.kept === document.querySelector('#t1')"),
                           ("where it was scrolled to", "Math.abs(scrollY - 300) < 400 && scrollY > 0")):  # fmt: skip
            if not ask(held):
                self.blame(f"the page changed, and lost {what}")
        ask("document.getElementById('pause').click()")
        before = ask("document.getElementById('state').textContent")
        if not before.startswith("Paused"):
            self.blame(f"paused, it says {before}")
        ask("window.watched = 0; new MutationObserver(() => window.watched++).observe(document.querySelector('main'),"
            "{subtree: true, childList: true, attributes: true, characterData: true}); 0")  # fmt: skip
        time.sleep(5)
        if ask("window.watched"):
            self.blame("it changed though it was paused")
        ask("document.getElementById('pause').click()")

    def check_policy(self) -> None:
        """Even a script that got into the page could not run, ask elsewhere, or be made of text."""
        ask = self.browser.ask
        for what, attempt in (
            ("a script", "const made = document.createElement('script'); made.append('window.ran = 1');"
                         "document.body.append(made)"),
            ("a handler", "document.body.setAttribute('onclick', 'window.ran = 1'); document.body.click()"),
            ("markup", "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 1\">')"),
        ):  # fmt: skip
            ask(f"(() => {{ try {{ {attempt} }} catch (refused) {{}} }})()")
            if ask("window.ran"):
                self.blame(f"{what} ran that was put into the page")
        forbidden = ask(
            "new Promise(tell => { const heed = event => tell(event.effectiveDirective);"
            "document.addEventListener('securitypolicyviolation', heed, {once: true});"
            "fetch('http://127.0.0.1:9/').catch(() => 0); setTimeout(() => tell('nothing'), 3000) })"
        )
        if forbidden != "connect-src":
            self.blame(f"the page may ask elsewhere: {forbidden} was forbidden")
        del self.browser.events[:]

    def check_other_pages(self, address: str) -> None:
        """A page from elsewhere that knows the address cannot read it, nor show it within itself."""
        path = self.scene.path("other.html")
        with open(path, "w") as file:
            file.write(f"<!DOCTYPE html><title>other</title><iframe src='{address}'></iframe>")
        self.browser.open(f"file://{path}")
        if self.browser.ask(f"fetch('{address}').then(answer => answer.status, () => 0)"):
            self.blame("another page could ask for it")
        if self.browser.ask(f"fetch('{address}', {{mode: 'no-cors'}}).then(answer => answer.status, () => 0)"):
            self.blame("another page could ask for it without CORS")
        if self.browser.ask("(() => { try { return document.querySelector('iframe').contentDocument.title } catch (e) "
                            "{ return '' } })()"):  # fmt: skip
            self.blame("another page shows it within itself")


def main() -> int:
    """Run the campaign."""
    parser = make_parser(str(__doc__))
    parser.add_argument("--pictures", default="", metavar="DIR")
    parser.add_argument("--short", action="store_true")
    options = parser.parse_args()
    if not find_browser():
        print("no Chromium is here: pages are not looked at", file=sys.stderr)
        return 0
    os.chdir(REPOSITORY)
    scene = Scene("pages", options)
    campaign = Campaign(scene, options.pictures, SIZES[:2] if options.short else SIZES)
    try:
        campaign.check_shown()
        campaign.check_served()
    finally:
        campaign.browser.close()
    with_axe = "" if campaign.axe else ", without axe"
    return scene.conclude(scene.violations, f"{campaign.looks} looks at pages{with_axe}")


if __name__ == "__main__":
    sys.exit(main())
