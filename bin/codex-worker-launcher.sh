#!/bin/sh
# [LEVEL] [TYPE] TASK: a background worker for codex. Stays until the task has ended, and exits as it did.
here=$(readlink -f "$0" 2>/dev/null) || here=$0
exec "${here%/*}/txlite" --as codex-worker-launcher.sh launch --agent codex --wait "$@"
