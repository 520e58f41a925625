#!/bin/sh
# [LEVEL] TOPIC: the same as codex-worker-launcher.sh, with web search and a report in research/ that is named after its
# topic.
here=$(readlink -f "$0" 2>/dev/null) || here=$0
exec "${here%/*}/txlite" --as codex-research.sh launch --agent codex --type research --by-topic --wait "$@"
