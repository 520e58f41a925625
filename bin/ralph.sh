#!/bin/sh
# RALPH: the same as `txlite ralph`.
here=$(readlink -f "$0" 2>/dev/null) || here=$0
exec "${here%/*}/txlite" --as ralph.sh ralph "$@"
