# Arguments: a command of the user, then names and values for its environment.
command=$1
shift
while [ $# -gt 1 ]; do
	export "$1=$2"
	shift 2
done
unset LC_ALL
# On stderr nothing that it says passes for a result of ours. What it leaves
# running does not hold the lock.
sh -c "$command" </dev/null >&2 9>&-
status=$?
[ "$status" -eq 0 ] || die 90 "it ended with status $status"
exit 0
