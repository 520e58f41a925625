"""Mutants of `store`: how the database is opened, written, synced and closed, and which log belongs to it."""

from __future__ import annotations

from .mutant import Mutant

DATABASE = "store.test_database"
SHARING = f"{DATABASE}.Sharing"
LOCKED = f"{SHARING}.test_nothing_is_written_or_closed_but_under_the_lock_beside_it"
ROLLED_BACK = f"{SHARING}.test_what_raises_is_rolled_back"
REFUSALS = f"{DATABASE}.Refusals"
MODES = f"{DATABASE}.Beginning.test_only_we_may_read_it"
ASIDE = f"{DATABASE}.Orphans.test_what_is_moved_aside_is_synced_and_ours_alone"

MUTANTS = (
    Mutant(
        "database-begin-deferred", "store/database.py", "database.connection.execute(self._begin)",
        'database.connection.execute("BEGIN")',
        "who writes holds SQLite's lock from the start",
        (f"{SHARING}.test_who_writes_holds_sqlites_own_lock_from_the_start",),
    ),
    Mutant(
        "database-write-without-lock", "store/database.py",
        'self._lock = database._lock if begin == "BEGIN IMMEDIATE" else None', "self._lock = None",
        "every write happens under the lock beside the database", (LOCKED,),
    ),
    Mutant(
        "database-close-without-lock", "store/database.py",
        "        try:\n            lock.acquire()\n        except StoreUnavailable:\n",
        "        try:\n            raise StoreUnavailable\n        except StoreUnavailable:\n",
        "every close, which checkpoints, happens under the lock", (LOCKED,),
    ),
    Mutant(
        "database-not-rolled-back", "store/database.py",
        "if error is not None and database.connection.in_transaction:", "if False:",
        "what raises leaves nothing written", (ROLLED_BACK,),
    ),
    Mutant(
        "database-not-synced", "store/database.py", "            database._sync()\n", "            pass\n",
        "what was told is on the disk", (f"{DATABASE}.Durability",),
    ),
    Mutant(
        "log-successor-set-aside", "store/log_record.py", "not _follows(salt, record.salt) and ", "",
        "a power cut that takes the record of the last log takes nothing else",
        (f"{DATABASE}.ForeignLogs.test_one_whose_record_did_not_come_to_the_disk_is_kept",),
    ),
    Mutant(
        "database-sync-error-ignored", "store/database.py", "            raise StoreLost(\n",
        "            if False: raise StoreLost(\n",
        "a commit that may not last is told", (f"{DATABASE}.Durability",),
    ),
    Mutant(
        "database-replaced-unnoticed", "store/database.py", "                    database.check_file()\n",
        "                    pass\n",
        "nothing is written into a file that was replaced", (f"{SHARING}.test_a_replaced_file_is_noticed",),
    ),
    Mutant(
        "database-across-a-fork", "store/database.py", "        if os.getpid() != self._process:\n            raise",
        "        if False:\n            raise",
        "no connection is carried across a fork", (f"{SHARING}.test_a_connection_is_not_carried_across_a_fork",),
    ),
    Mutant(
        "database-foreign-keys-off", "store/opening.py", "PRAGMA foreign_keys = ON", "PRAGMA foreign_keys = OFF",
        "the schema's references hold", (ROLLED_BACK,),
    ),
    Mutant(
        "database-newer-is-used", "store/opening.py", "if version > schema.VERSION:", "if False:",
        "a newer database is refused untouched", (f"{REFUSALS}.test_newer_than_the_code",),
    ),
    Mutant(
        "database-of-any-program", "store/opening.py", "    if not ours:\n", "    if False:\n",
        "another program's database is refused", (f"{REFUSALS}.test_another_programs_database",),
    ),
    Mutant(
        "database-empty-file", "store/opening.py", "if not status.st_size:", "if False:",
        "an empty file is never ours", (f"{REFUSALS}.test_empty",),
    ),
    Mutant(
        "database-others-may-read", "store/create.py", "os.O_CLOEXEC, 0o600))", "os.O_CLOEXEC, 0o644))",
        "the database is 0600 before SQLite opens it", (MODES,),
    ),
    Mutant(
        "migration-version-seen-before", "store/opening.py",
        "    with without_foreign_keys(database.connection), database.writing() as connection:\n"
        "        refuse_beside_older(connection)\n        migrate(connection)",
        '    seen = database.pragma("user_version")\n    with database.writing() as connection:\n'
        '        connection.execute(f"PRAGMA user_version = {seen}")\n        migrate(connection)',
        "what another process migrated is not migrated again", (f"{DATABASE}.Migrations",),
    ),
    Mutant(
        "migration-beside-older", "store/opening.py", "        refuse_beside_older(connection)\n", "",
        "no run of an older version works on what it does not know", ("store.test_migrations.Groups",),
    ),
    Mutant(
        "migration-with-foreign-keys", "store/migrations.py", '"PRAGMA foreign_keys = OFF"', '"PRAGMA foreign_keys"',
        "a table that is made anew takes nothing with it", ("store.test_migrations.Jobs",),
    ),
    Mutant(
        "migration-leaves-foreign-keys-off", "store/migrations.py",
        '"PRAGMA foreign_keys = ON"', '"PRAGMA foreign_keys"',
        "the rules of the schema hold after it", ("store.test_migrations.Jobs",),
    ),
    Mutant(
        "backup-not-checked", "store/backup.py", "        _check_copy(new.draft)\n", "",
        "a copy that is not sound is not kept",
        ("store.test_backup.Backups.test_a_copy_that_is_not_sound_is_not_kept",),
    ),
    Mutant(
        "told-before-the-disk", "store/database.py", "                database._before_telling()\n",
        "                pass\n",
        "what others wrote is on the disk before it is told", ("store.test_durability.PowerCuts",),
    ),
    Mutant(
        "aside-not-synced", "store/set_aside.py", "    sync(aside)\n", "",
        "what is moved aside is on the disk before anything is made in its place", (ASIDE,),
    ),
    Mutant(
        "aside-others-may-enter", "store/set_aside.py", "os.mkdir(path, 0o700)", "os.mkdir(path, 0o755)",
        "what is moved aside is a home, and 0700", (ASIDE,),
    ),
)  # fmt: skip
