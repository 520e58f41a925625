"""A worktree for each task: how it is made, and how its work comes to the base branch."""

from __future__ import annotations

import os
import unittest

from ..case import PATIENCE, ROOT, wait_until
from .case import WorktreesCase


class Worktrees(WorktreesCase):
    def test_each_task_has_its_own_and_the_history_is_one_line(self) -> None:
        tasks = [self.add(f"pwd > where-{number}; sleep 0.1; echo {number} > file-{number}") for number in range(6)]
        super().ralph("--workers", "3")
        self.assertEqual([self.status_of(task) for task in tasks], ["done"] * 6)
        self.assertEqual(len(self.log()), 7)
        self.assertEqual(self.run_git("rev-list", "--merges", "main"), "")
        for number, task in enumerate(tasks):
            self.assertEqual(self.read(f"where-{number}").strip(), os.path.join(self.home, "worktrees", task))
        self.assert_clean()
        self.assertEqual((self.left(), self.run_git("branch", "--format=%(refname:short)")), ([], "main\n"))

    def test_what_an_agent_commits_itself_becomes_one_commit(self) -> None:
        task = self.add("echo 1 > one; git add -A; git commit -qm 'half'; echo 2 > two")
        self.ralph()
        self.assertEqual(self.log(), [f"Complete {task}: a task", "first"])

    def test_what_lies_outside_of_a_sparse_checkout_is_committed_or_parked_too(self) -> None:
        for name in ("in/one", "out/two"):
            self.write(name, "x\n")
        self.commit("directories")
        self.run_git("sparse-checkout", "set", "in")
        done, failed = (self.add(f"mkdir -p out; echo y > out/{name}; echo y >> in/one", name) for name in ("a", "b"))
        self.ralph("--verify", "test -e out/a", code=1)
        self.assertEqual((self.status_of(done), self.status_of(failed), self.left()), ("done", "failed", []))
        changed = "show", "--format=", "--name-only"
        self.assertEqual(self.run_git(*changed, "main").split(), ["in/one", "out/a"])
        self.assertEqual(self.run_git(*changed, f"refs/txlite/parked/{failed}/2").split(), ["in/one", "out/b"])
        self.assert_clean()

    def test_files_are_copied_and_a_setup_command_is_run(self) -> None:
        self.write(".gitignore", "local\nmade\n")
        self.commit("ignore")
        self.write("local/settings", "x\n")
        self.configure("[ralph]\ncopy = local\nsetup = cp local/settings made\n")
        task = self.add("cat made > seen")
        self.ralph()
        self.assertEqual((self.status_of(task), self.read("seen")), ("done", "x\n"))
        self.configure("[ralph]\nsetup = echo broken; exit 3\n")
        other = self.add("true")
        self.ralph(code=1)
        self.assertEqual(self.last(other).note, "the setup command failed: exit 3")

    def test_what_an_agent_adds_there_outlives_the_worktree(self) -> None:
        task = self.add(
            "txlite add second -d true; mkdir deep; cd deep; txlite add third -d true", directory=self.directory
        )
        self.ralph("--max-tasks", "1")
        directories = [one.directory for one in self.store().list() if one.id != task]
        self.assertEqual(directories, [self.directory] * 2)

    def test_a_task_runs_in_its_own_directory_of_the_worktree(self) -> None:
        self.write("sub/dir/file", "x\n")
        self.commit("sub")
        task = self.add("pwd > where", "sub", directory=self.path("sub/dir"))
        self.ralph()
        self.assertEqual(self.read("sub/dir/where").strip(), os.path.join(self.home, "worktrees", task, "sub/dir"))

    def test_a_worktree_without_its_git_does_not_reach_the_users_tree(self) -> None:
        self.write("readme", "the user's\n")
        self.write("draft", "the user's\n")
        gone = self.add("rm -rf .git; echo x > file; git add -A; git commit -qm x")
        pruned = self.add(f"rm -rf .git; git -C {self.directory} worktree prune; git switch -c mine; echo x > file")
        told = self.ralph(code=1)
        self.assertEqual([self.status_of(task) for task in (gone, pruned)], ["failed", "failed"])
        self.assertEqual((self.read("readme"), self.read("draft")), ("the user's\n", "the user's\n"))
        self.assertEqual((self.run_git("symbolic-ref", "--short", "HEAD"), self.log()), ("main\n", ["first"]))
        self.assertTrue(os.path.exists(os.path.join(self.home, "config.ini")))
        self.assertRegex(told, rf"worktrees/{gone}\s+is still there")  # its path may fill a line
        self.assertEqual(self.run_git("diff", "--cached", "--name-only"), "")

    def test_a_tree_in_which_an_attempt_works_is_left_alone(self) -> None:
        first = self.add("touch started; while ! test -e go; do sleep 0.05; done; rm started go; exit 1", "in place")
        loop = self.start("ralph", "--agent", "scripted", "--no-worktrees", "--max-attempts", "1")
        wait_until(lambda: os.path.exists(self.path("started")), "the agent in the tree")
        loop.kill()
        loop.wait()
        os.unlink(self.path("started"))
        second = self.add("echo x > file", "apart")
        other = self.start("ralph", "--agent", "scripted", "--worktrees", "--max-tasks", "1")
        wait_until(lambda: self.status_of(second) == "done", "the one that is apart")
        self.write("go", "")
        wait_until(lambda: self.status_of(first) == "failed", "the one in the tree")
        other.wait(PATIENCE)
        self.ralph()
        self.assertEqual(self.log()[0], f"Complete {second}: apart")
        self.assertEqual(self.read("file"), "x\n")

    def test_what_is_copied_must_be_ignored(self) -> None:
        self.write("draft", "x\n")
        self.configure("[ralph]\ncopy = draft\n")
        self.ralph(code=64)
        self.assertIn("draft is not ignored by git", self.errors)

    def test_cancelled_too_late(self) -> None:
        os.chmod(
            self.write(".git/hooks/post-merge", f"#!/bin/sh\ntxlite cancel $(cat {self.path('.txlite/it')})\n"), 0o755
        )
        task = self.add("echo x > file")
        self.write(".txlite/it", task)
        self.environment["PATH"] = os.path.join(ROOT, "bin") + ":" + self.environment["PATH"]
        self.ralph()
        self.assertEqual((self.status_of(task), self.log()[0]), ("done", f"Complete {task}: a task"))


class Landing(WorktreesCase):
    def test_a_conflict_gives_the_task_back_and_the_next_attempt_is_told(self) -> None:
        self.write(
            ".txlite/templates/ralph-task.md",
            "cat > told-$TXLITE_TOKEN <<'END'\n{{LAST_ATTEMPT}}\nEND\n{{TASK_DESCRIPTION}}",
        )
        script = f"n=$(cat readme); {self.meet()}; echo $n $TXLITE_TASK > readme"
        tasks = [self.add(script) for _ in range(2)]
        super().ralph("--workers", "2", "--max-attempts", "3")
        self.assertEqual([self.status_of(task) for task in tasks], ["done"] * 2)
        self.assertEqual(sorted(self.read("readme").split()), sorted(["one", *tasks]))
        told = "".join(self.read(name) for name in os.listdir(self.directory) if name.startswith("told-"))
        self.assertIn("it conflicts with what main has now, in readme", told)
        self.assertEqual(self.run_git("rev-list", "--merges", "main"), "")

    def test_the_gate_is_asked_again_after_a_rebase(self) -> None:
        tasks = [self.add(f"{self.meet()}; echo x > file-$TXLITE_TASK") for _ in range(2)]
        super().ralph("--workers", "2", "--verify", "test $(ls file-* | wc -l) -lt 2", code=1)
        self.assertEqual(sorted(self.status_of(task) for task in tasks), ["done", "failed"])
        failed = next(task for task in tasks if self.status_of(task) == "failed")
        self.assertIn("(after the rebase onto main)", self.last(failed).note)
        self.assertEqual(self.parked(), [f"refs/txlite/parked/{failed}/{self.last(failed).id}"])

    def test_what_came_into_a_worktree_after_its_commit_keeps_it(self) -> None:
        tasks = [self.add(f"{self.meet()}; echo x > file-$TXLITE_TASK") for _ in range(2)]
        after_the_rebase = "git log -1 --format=%s | grep -q first || echo nowhere else > left"
        told = super().ralph("--workers", "2", "--verify", after_the_rebase)
        self.assertEqual([self.status_of(task) for task in tasks], ["done"] * 2)
        self.assertEqual(len(self.left()), 1)
        place = os.path.join(".txlite/worktrees", self.left()[0])
        self.assertEqual(self.read(os.path.join(place, "left")), "nowhere else\n")
        self.assertIn(f"{place} stays: not committed: left", "".join(self.reports().values()))
        self.assertRegex(told, r"is\s+still\s+there")

    def test_work_that_changes_what_is_changed_in_the_base_is_held_back(self) -> None:
        self.write("readme", "the user's\n")
        self.write("draft", "a draft\n")
        tasks = [self.add("echo 0 > zero"), self.add("echo 1 > readme"), self.add("grep 1 readme && echo 2 > two")]
        told = self.ralph()
        self.assertEqual([self.status_of(task) for task in tasks], ["done"] * 3)
        self.assertEqual((self.log(), self.read("readme")), ([f"Complete {tasks[0]}: a task", "first"], "the user's\n"))
        self.assertRegex(" ".join(told.split()), "committed \\(readme\\): txlite-base/main .* lacks 2 commits of ")
        self.run_git("checkout", "-q", "readme")
        self.add("echo 3 > three")
        self.assertNotIn("lacks", self.ralph())
        self.assertEqual((len(self.log()), self.read("draft")), (5, "a draft\n"))
        self.assertEqual(self.run_git("branch", "--format=%(refname:short)"), "main\n")

    def test_a_tree_on_another_branch_is_left_alone(self) -> None:
        task = self.add(f"git -C {self.directory} switch -qc mine; echo 1 > one")
        self.ralph()
        self.assertEqual(self.run_git("symbolic-ref", "--short", "HEAD"), "mine\n")
        self.assertEqual(self.log("main")[0], f"Complete {task}: a task")
        self.assertFalse(os.path.exists(self.path("one")))

    def test_a_base_that_somebody_rebases_is_left_alone(self) -> None:
        self.write("readme", "two\n")
        self.commit("second")
        self.environment["GIT_SEQUENCE_EDITOR"] = "sed -i s/^pick/edit/"
        self.run_git("rebase", "-q", "-i", "HEAD~1")
        task = self.add("echo x > file")
        self.ralph(code=1)
        self.assertIn("is on no branch", self.errors)
        self.run_git("rebase", "--abort")
        self.ralph()
        self.assertEqual(self.log()[0], f"Complete {task}: a task")

    def test_a_users_file_that_is_in_the_way_stays(self) -> None:
        self.write(".gitignore", "local\n")
        self.commit("ignore")
        self.write("local", "the user's\n")
        task = self.add(": > .gitignore; echo of the task > local")
        told = self.ralph()
        self.assertEqual((self.status_of(task), self.read("local")), ("done", "the user's\n"))
        self.assertIn("txlite-base/main", told)

    def test_after_the_base_branch_went_its_own_way(self) -> None:
        task = self.add("echo 1 > one")
        self.ralph(
            "--verify",
            f"cd {self.directory}; test -e users || {{ echo u > users; git add users; git commit -qm users; }}",
        )
        self.assertEqual(self.log(), [f"Complete {task}: a task", "users", "first"])


if __name__ == "__main__":
    unittest.main()
