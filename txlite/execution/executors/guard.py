"""The guard: what a job starts with on its node, a few lines for any POSIX shell, no Python needed there.

It runs nothing unless it can rename the attempt's ticket: so a job that starts late, was submitted twice, or is started
again by a site, does nothing. It leaves nothing on its node, found by the mark in /proc: not of an attempt that ended,
and not of one whose guard was killed: a second process, which is in no session, group or tree of the job, notices that
at the end of a pipe. (Where Slurm tracks a job's processes by their parents, what was left by a guard's death, or had
left its parent, lives on though the job is over; where it tracks them by a cgroup, nothing does.) Only then is it
written how the attempt ended, by rename. What runs by a ticket has the mark from its first moment, and keeps the pipe
open until then. Composed by `ticket`.
"""

from __future__ import annotations

UNTAKEN = 96  # exit code of a guard that did not get the ticket
PIPE = 3  # descriptor that is open while the guard lives, and what runs by the ticket has not begun

# Of both processes; without single quotes. What is not needed for each job is not run for each: a process costs a
# millisecond of its node. `find_left` is for a subshell. `look` looks again before it takes it that nobody is left: who
# is just becoming another program has no environment for a moment.
FUNCTIONS = r"""
find_left() { exec grep -lszxF "TXLITE_ATTEMPT=$mark" /proc/[0-9]*/environ; }
pause() { sleep 0.1 2>/dev/null || sleep 1; }
send() { for one in $left; do one=${one#/proc/}; kill "-$1" "${one%/environ}" 2>/dev/null; done; }
look() { left=$(find_left); [ -n "$left" ] || left=$(find_left); }
sweep() {
    look
    [ -n "$left" ] || return
    end=$(($(date +%s) + $1)) signal=TERM
    while [ -n "$left" ]; do
        now=$(date +%s)
        if [ "$now" -ge "$end" ]; then send KILL; signal=; fi
        if [ "$now" -ge "$((end + 20))" ]; then state=unkillable; break; fi
        if [ -n "$signal" ]; then send TERM; signal=; fi
        pause
        look
    done
}
finish() {
    for try in 1 2 3 4 5 6 7 8 9 10; do
        echo "$1 $node $state" 2>/dev/null > "$t.exit.new" && mv -f "$t.exit.new" "$t.exit" && break
        sleep 1
    done
}
"""
# That of the second: who recorded the end has removed what was taken before what was written of it.
WATCH = r"""
t=$1 mark=$2 node=$3 daemons=$4 state=killed
read -r nothing <&4
[ -e "$t.exit" ] && exit
[ -e "$t.taken" ] || exit
[ "$daemons" = yes ] || sweep 0
finish 137
"""
# The shell runs a trap once the command in the foreground has ended: `scancel --full` signals that one as well.
SCRIPT = (
    f"""
functions='{FUNCTIONS}'
watch='{WATCH}'
"""
    + r"""
t=$1 mark=$2 after=$3 daemons=$4 state=- alone=
trap 'state=signalled' TERM
mv "$t" "$t.taken" 2>/dev/null || exit 96
read -r node 2>/dev/null < /proc/sys/kernel/hostname || node=$(uname -n)
eval "$functions"
mkfifo "$t.pipe" && exec 3<>"$t.pipe" && {
    trap '' TERM HUP
    (
        exec 4<"$t.pipe" 3>&- < /dev/null > /dev/null 2>&1
        command -v setsid > /dev/null && alone=setsid
        $alone sh -c "$functions$watch" txlite-guard "$t" "$mark" "$node" "$daemons" &
    )
    trap 'state=signalled' TERM
    trap - HUP
}
in=/dev/null
[ -e "$t.in" ] && in=$t.in
TXLITE_ATTEMPT=$mark sh "$t.taken" < "$in" > "$t.out" 2>&1
code=$?
[ "$daemons" = yes ] || sweep "$after"
finish "$code"
exit "$code"
"""
)
