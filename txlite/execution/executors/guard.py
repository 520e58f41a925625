"""The guard: what a job starts with on its node, a few lines for any POSIX shell, no Python needed there.

It runs nothing unless it can rename the attempt's ticket: so a job that starts late, was submitted twice, or is started
again by a site, does nothing. It leaves nothing on its node, found by the mark in /proc: not of an attempt that ended,
and, by a second process that notices the guard's own death at the end of a pipe, not of one whose guard was killed.
Only then does it write how the attempt ended, by rename. Composed by `ticket`.
"""

from __future__ import annotations

UNTAKEN = 96  # exit code of a guard that did not get the ticket

# The shell runs a trap once the command in the foreground has ended: `scancel --full` signals that one as well.
SCRIPT = r"""
t=$1 mark=$2 after=$3 daemons=$4 state=-
trap 'state=signalled' TERM
mv "$t" "$t.taken" 2>/dev/null || exit 96
node=$(uname -n)
find_left() { grep -lsz "^TXLITE_ATTEMPT=$mark\$" /proc/[0-9]*/environ; }
pause() { sleep 0.1 2>/dev/null || sleep 1; }
send() { for one in $left; do one=${one#/proc/}; kill "-$1" "${one%/environ}" 2>/dev/null; done; }
sweep() {
    end=$(($(date +%s) + $1)) signal=TERM
    while left=$(find_left); [ -n "$left" ]; do
        now=$(date +%s)
        if [ "$now" -ge "$end" ]; then send KILL; signal=; fi
        if [ "$now" -ge "$((end + 20))" ]; then state=unkillable; break; fi
        if [ -n "$signal" ]; then send TERM; signal=; fi
        pause
    done
}
finish() {
    for try in 1 2 3 4 5 6 7 8 9 10; do
        echo "$1 $node $state" 2>/dev/null > "$t.exit.new" && mv -f "$t.exit.new" "$t.exit" && break
        sleep 1
    done
}
mkfifo "$t.pipe" && exec 3<>"$t.pipe" && {
    trap '' TERM HUP
    (
        exec 4<"$t.pipe" 3>&-
        rm -f "$t.pipe"
        read -r nothing <&4
        [ -e "$t.exit" ] && exit
        [ "$daemons" = yes ] || sweep 0
        state=killed
        finish 137
    ) < /dev/null > /dev/null 2>&1 &
    trap 'state=signalled' TERM
    trap - HUP
}
in=/dev/null
[ -e "$t.in" ] && in=$t.in
sh "$t.taken" < "$in" > "$t.out" 2>&1 3>&-
code=$?
[ "$daemons" = yes ] || sweep "$after"
finish "$code"
exit "$code"
"""
