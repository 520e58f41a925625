#!/bin/sh
# What waits, runs, and has ended.
here=$(readlink -f "$0" 2>/dev/null) || here=$0
exec "${here%/*}/txlite" --as codex-status.sh status "$@"
