#!/bin/sh
# [LEVEL] TOPIC: the same as codex-worker-launcher.sh, with web search and a report in research/.
here=$(readlink -f "$0" 2>/dev/null) || here=$0
exec "${here%/*}/txlite" launch --agent codex --type research --wait "$@"
