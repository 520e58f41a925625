#!/bin/sh
# Deletes and compresses old reports.
here=$(readlink -f "$0" 2>/dev/null) || here=$0
exec "${here%/*}/txlite" --as codex-cleanup.sh cleanup "$@"
