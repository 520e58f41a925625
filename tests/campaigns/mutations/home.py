"""Mutants of `home`: what is trusted. (The copy of the code: `commands`.)"""

from __future__ import annotations

from .mutant import Mutant

TRUST = "home.test_location.Trust"
CLONES = "home.test_location.Clones"

MUTANTS = (
    Mutant(
        "home-of-others", "home/location.py", "if status.st_uid != os.geteuid():", "if False:",
        "a home of another user is refused", (f"{TRUST}.test_homes_of_others",),
    ),
    Mutant(
        "home-that-others-write", "home/location.py", "status.st_mode & stat.S_IWOTH or", "False or",
        "a home that others may write is refused", (f"{TRUST}.test_homes_that_others_can_write",),
    ),
    Mutant(
        "home-config-of-others", "home/config.py", "    check_trust(path)\n", "    pass\n",
        "a config.ini that others may write is refused", (TRUST,),
    ),
    Mutant(
        "home-others-may-enter", "home/location.py", "os.makedirs(home, 0o700, exist_ok=True)",
        "os.makedirs(home, 0o755, exist_ok=True)",
        "home is 0700", ("store.test_database.Beginning.test_only_we_may_read_it",),
    ),
    Mutant(
        "home-in-anothers-directory", "home/trust.py", "if owner not in (os.geteuid(), 0) and not _is_trusted(home):",
        "if False:",
        "a new home in another user's directory is refused", (f"{TRUST}.test_a_new_home_in_another_users_directory",),
    ),
    Mutant(
        "home-trusted-by-its-place", "home/trust.py", 'f"{status.st_dev}:{status.st_ino} "', 'f""',
        "another clone at the same place is asked for again", (CLONES,),
    ),
    Mutant(
        "home-trusted-by-others", "home/trust.py", "if status.st_uid != os.geteuid() or status.st_mode & 0o022:",
        "if False:",
        "nobody else says what is trusted", (CLONES,),
    ),
)  # fmt: skip
