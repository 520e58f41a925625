"""Mutants of what keeps a database and its log together."""

from __future__ import annotations

from .mutant import Mutant

ORPHANS = "store.test_database.Orphans"
FOREIGN = "store.test_database.ForeignLogs"
COMES_BACK = f"{FOREIGN}.test_a_log_that_comes_back"
KEPT = f"{FOREIGN}.test_a_log_that_is_its_own_is_kept"
RESCUE = "doctor.test_doctor.Rescue"
CLONES = "home.test_location.Clones"

MUTANTS = (
    Mutant(
        "create-adopts-a-log", "store/create.py", "notice = _set_orphans_aside(path)", 'notice = ""',
        "a new database takes no log of another", (ORPHANS,),
    ),
    Mutant(
        "log-foreign-applied", "store/opening.py", "    if not is_disturbed(path):\n", "    if True:\n",
        "a log that is not the database's is set aside", (FOREIGN,),
    ),
    Mutant(
        "log-foreign-read", "store/opening.py", "        found = find_foreign(path)\n        if found:",
        "        found = find_foreign(path)\n        if False:",
        "who reads applies no log that is not the database's", (FOREIGN,),
    ),
    Mutant(
        "log-not-noted", "store/database.py", "            database._log.note()\n", "            pass\n",
        "which log belongs to the database is written down", (FOREIGN,),
    ),
    Mutant(
        "log-earlier-believed", "store/log_record.py", "uuid == record.uuid and salt in record.before", "False",
        "a log that was given up does not come back", (COMES_BACK,),
    ),
    Mutant(
        "log-of-another-database", "store/log_record.py", "        if uuid != record.uuid:\n", "        if False:\n",
        "another database's log is known", (f"{FOREIGN}.test_another_database",),
    ),
    Mutant(
        "log-of-a-later-state", "store/log_record.py", "    if last == since:\n", "    if True:\n",
        "a log is applied to no older file", (f"{FOREIGN}.test_a_backup_in_the_databases_place",),
    ),
    Mutant(
        "log-of-another-branch", "store/log_record.py", "    if last == since:\n        return True\n",
        "    if since:\n        return True\n",
        "a log is applied to no other branch", (f"{FOREIGN}.test_a_backup_of_another_branch",),
    ),
    Mutant(
        "log-unknown-refused", "store/log_record.py",
        "elif uuid == record.uuid and not _follows(salt, record.salt) and _is_older(path + LOG, path + RECORD):",
        "else:",
        "the log of a program that keeps no record is believed", (KEPT,),
    ),
    Mutant(
        "log-gone-is-a-bug", "store/log_record.py", "    except FileNotFoundError:  # taken away meanwhile",
        "    except NotADirectoryError:  # taken away meanwhile", "a log may go while somebody looks at it",
        (f"{FOREIGN}.test_a_log_that_goes_while_somebody_looks_is_none",),
    ),
    Mutant(
        "log-missing-unsaid", "store/log_record.py",
        "    return _own_state(path) in (None, (record.uuid, record.since))", "    return False",
        "a log that is gone is told", (COMES_BACK,),
    ),
    Mutant(
        "rescue-database-alone", "doctor/rescue.py", "[path] * os.path.lexists(path) + companions(path)",
        "[path] * os.path.lexists(path) or companions(path)",
        "database and log are moved together", (RESCUE,),
    ),
    Mutant(
        "rescue-of-a-sound-one", "doctor/rescue.py", "if path in files and _can_be_used(home):", "if False:",
        "a database that can be used is not moved", (RESCUE,),
    ),
    Mutant(
        "rescue-beside-workers", "doctor/rescue.py", "    if alive:\n", "    if False:\n",
        "a database that is in use is not moved", (RESCUE,),
    ),
    Mutant(
        "trust-tracked", "home/trust.py", "if tracked and not _is_trusted(home):", "if False:",
        "a home that came with a repository is refused", (CLONES,),
    ),
    Mutant(
        "trust-another-clone", "home/trust.py", '{status.st_dev}:{status.st_ino} ', "",
        "another clone at the same place is asked for again", (CLONES,),
    ),
    Mutant(
        "start-shortage-charged", "execution/executors/local.py", "NoRoomToStart(why) if _is_shortage(error) else ", "",
        "a start for which there is no room is no attempt", ("execution.test_limits.Processes",),
    ),
    Mutant(
        "report-without-room-for-its-place", "reports/header.py", "PLACE_ROOM if header.place else 0", "0",
        "the head of a report names the place, and keeps its length and its task",
        ("reports.test_report.Output.test_a_head_names_the_place_as_it_becomes_known",),
    ),
    Mutant(
        "doctor-step-of-a-job", "doctor/slurm.py", "if not (is_job and name in STEPS)", "",
        "who calls srun in a job is not warned", ("doctor.test_doctor.Slurm",),
    ),
)  # fmt: skip
