#!/bin/sh
# [LEVEL] TASK: codex in the foreground, recorded as every task. --dry-run shows what would run.
here=$(readlink -f "$0" 2>/dev/null) || here=$0
exec "${here%/*}/txlite" --as codex-exec.sh launch --agent codex --foreground "$@"
