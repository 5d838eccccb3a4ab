# A task of the user. Arguments: application path; version of the release in which it
# runs, or nothing; deployment; mark, or nothing; user, or nothing; the script task.sh
# and its arguments. The environment comes on stdin.
at "$1"
version=$2 deployment=$3 mark=$4 user=$5
shift 5
place=.
if [ -n "$version" ]; then
	complete "$version" || die 85 "release $version is not complete in $base"
	place=$base/releases/$version
fi
ended=$meta/hooks/$deployment/$mark
if [ -n "$mark" ]; then
	if [ -f "$ended" ]; then
		say ran "$mark"
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
# That it ended well is written before it runs, and only named afterwards.
[ -z "$mark" ] || write "${ended%/*}/.new" ended
# From here to the end of the session both streams are its own, so that nothing
# that it says passes for a word of ours: what came of it, the exit code tells.
# What it leaves running does not hold the lock.
say task
say task >&2
(cd "$place" && exec "$@") 9>&-
status=$?
[ "$status" -ne 0 ] || [ -z "$mark" ] || mv -f "${ended%/*}/.new" "$ended" >/dev/null 2>&1
exit "$status"
