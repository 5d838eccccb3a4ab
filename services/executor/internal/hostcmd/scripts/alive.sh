# Whether a process has run for SLIPWAY_FOR seconds: the one that SLIPWAY_PIDFILE
# names, or any that has SLIPWAY_PATTERN in its program or one of its arguments. Runs as
# a task, so it is told by its environment.

# age PID: sets ago, in seconds, where it runs. Linux counts 100 ticks a second for
# everybody who asks.
age() {
	{ read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
	set -f
	set -- ${line##*") "}
	set +f
	[ "$1" != Z ] && [ "$1" != X ] || return 1
	read -r up rest </proc/uptime
	ago=$((${up%.*} - ${20} / 100))
}
if [ -n "$SLIPWAY_PIDFILE" ]; then
	pids=
	{ read -r pids rest <"$SLIPWAY_PIDFILE"; } 2>/dev/null
	case $pids in
	"" | *[!0-9]*)
		echo "$SLIPWAY_PIDFILE names no process"
		exit 1
		;;
	esac
else
	# Arguments end with NUL. Where grep does not know -z it may see but the first.
	pids=$(grep -lzF -e "$SLIPWAY_PATTERN" /proc/[0-9]*/cmdline 2>/dev/null) || [ $? -eq 1 ] ||
		pids="$pids $(grep -lF -e "$SLIPWAY_PATTERN" /proc/[0-9]*/cmdline 2>/dev/null)"
fi
oldest=
for pid in $pids; do
	pid=${pid#/proc/}
	age "${pid%/cmdline}" || continue
	[ "$ago" -lt "$SLIPWAY_FOR" ] || exit 0
	[ -n "$oldest" ] && [ "$oldest" -ge "$ago" ] || oldest=$ago
done
if [ -n "$oldest" ]; then
	echo "the process has run for $oldest seconds, not for $SLIPWAY_FOR"
else
	echo "no such process runs"
fi
exit 1
