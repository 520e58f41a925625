"""Mutants of `home`: what is trusted, and what would run as the user."""

from __future__ import annotations

from .mutant import Mutant

TRUST = "home.test_location.Trust"
CLONES = "home.test_location.Clones"
CACHE = "home.test_code_cache.ReadOnlyCopy"

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
        "home-of-a-clone", "home/trust.py", "if tracked and not _is_trusted(home):", "if False:",
        "a home that came with a repository is refused", (CLONES,),
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
    Mutant(
        "cache-of-another-source", "home/code_cache.py", "if data.startswith(head):", "if data:",
        "compiled code counts for its own source only",
        (f"{CACHE}.test_another_source_of_the_same_size_and_date_is_compiled_anew",),
    ),
    Mutant(
        "cache-that-others-write", "home/code_cache.py", " and not status.st_mode & 0o077", "",
        "a cache that others could write is left alone",
        (f"{CACHE}.test_a_cache_that_others_could_write_is_left_alone",),
    ),
    Mutant(
        "cache-that-can-be-exchanged", "home/code_cache.py",
        "if not _cannot_be_exchanged(os.path.dirname(directory)):", "if False:",
        "a cache that others could exchange is left alone",
        (f"{CACHE}.test_a_cache_that_others_could_write_is_left_alone",),
    ),
)  # fmt: skip
