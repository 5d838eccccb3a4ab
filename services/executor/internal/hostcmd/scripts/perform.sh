# A task of the user. Arguments: version of the release in which it runs, or
# nothing; deployment; mark, or nothing; user, or nothing; the script task.sh and
# its arguments. The environment comes on stdin.
version=$1 deployment=$2 mark=$3 user=$4
shift 4
place=.
if [ -n "$version" ]; then
	complete "$version" || die 85 "release $version is not complete in $base"
	place=$base/releases/$version
fi
ended=$meta/hooks/$deployment/$mark
if [ -n "$mark" ]; then
	if [ -f "$ended" ]; then
		say done "$mark"
		exit 0
	fi
	if [ ! -d "$meta/hooks/$deployment" ]; then
		try rm -rf "$meta/hooks"
		try mkdir -p "$meta/hooks/$deployment"
	fi
fi
inner=$1
shift
set -- sh -c "$inner" slipway-task "$version" "$@"
if [ -n "$user" ] && [ "$user" != "$(id -un)" ]; then
	need sudo
	set -- sudo -n -u "$user" -- "$@"
fi
# On stderr nothing that it says passes for a result of ours. What it leaves
# running does not hold the lock.
(cd "$place" && exec "$@") >&2 9>&-
status=$?
[ "$status" -eq 0 ] || die 90 "it ended with status $status"
[ -z "$mark" ] || put "$ended" ended
exit 0
