"""From where the launcher's scripts work: through a link, from a copy that is no home or cannot be written."""

from __future__ import annotations

import os
import shutil
import subprocess
import unittest
from typing import Any

from ..case import without_privileges
from ..commands.case import CrewCase, install


class Places(CrewCase):
    def test_through_a_symbolic_link_from_another_directory(self) -> None:
        os.makedirs(self.path("elsewhere/tools"))
        os.symlink("../../.crew/bin/codex-worker-launcher.sh", self.path("elsewhere/tools/launch"))
        os.symlink("tools/launch", self.path("elsewhere/l"))
        self.sh('cd elsewhere && ./l "mow the lawn"')
        (call,) = self.calls()
        self.assertEqual((call.text, call.directory), ("mow the lawn", self.path("elsewhere")))
        self.assertEqual((len(self.pids()), sorted(os.listdir(self.path("elsewhere")))), (1, ["l", "tools"]))

    def test_a_copy_without_a_dot_that_cannot_be_written(self) -> None:
        install(self.path("kit"), shutil.copy2)
        self.addCleanup(subprocess.run, ["chmod", "-R", "u+w", self.path("kit")], check=True)
        subprocess.run(["chmod", "-R", "a-w", self.path("kit")], check=True)
        self.launch_from("../kit", preexec_fn=without_privileges)

    def test_a_copy_on_a_medium_that_cannot_be_written(self) -> None:
        mounting = ["unshare", "--mount", "mount", "--bind", self.home, self.home]
        if not shutil.which("unshare") or subprocess.run(mounting, stderr=subprocess.DEVNULL).returncode:
            self.skipTest("mounting is not allowed here")
        inside = f"mount --bind {self.home} {self.home} && mount -o remount,bind,ro {self.home} && eval"
        self.launch_from("../.crew", ["unshare", "--mount", "sh", "-c", f'{inside} "$1"', "sh"])

    def launch_from(self, copy: str, before: list[str] | tuple[str, str] = ("sh", "-c"), **options: Any) -> None:
        """A launch in the project, from a copy that cannot be written: it goes well, and the project gets the home."""
        os.mkdir(self.path("project"))
        script = f"""! touch {copy}/probe 2>&1 || exit
            {copy}/bin/codex-worker-launcher.sh "oil the gate" && {copy}/bin/codex-status.sh"""
        out = self.sh('exec "$@"', *before, script, cwd=self.path("project"), **options)
        self.assertRegex(out, r"\ndone .* oil the gate ")
        self.home = self.path("project/.txlite")
        self.assertEqual((self.texts(), len(self.pids())), (["oil the gate"], 1))

    def test_no_codex_is_said_at_once_and_leaves_no_file(self) -> None:
        os.remove(os.path.join(self.stand, "codex"))
        environment = {**self.environment, "PATH": os.path.dirname(shutil.which("readlink")) + ":/usr/bin:/bin"}
        names = ("codex-worker-launcher.sh", "codex-exec.sh", "codex-research.sh")
        for launch in [self.begin(f"exec .crew/bin/{name} 'ring the bell'", env=environment) for name in names]:
            _, error = launch.communicate(timeout=60)
            self.assertEqual(launch.returncode, 64)
            self.assertRegex(error, rb"^txlite: .*'codex' is not installed.*: install it, or .*\n$")
        self.assertEqual(sorted(os.listdir(self.home)), ["bin", "txlite"])


if __name__ == "__main__":
    unittest.main()
