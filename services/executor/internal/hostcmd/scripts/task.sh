# Runs as the user of a task, in the directory where it is to run. Arguments: the
# version of the release that lies there, or nothing; how many variables there are;
# command or script; and which. The environment comes on stdin: names, each with the
# number of lines of its value, and these. Nobody but this script has names that begin
# so. Where the connection breaks before all are here, nothing runs.
SLIPWAY_nl="
"
unset LC_ALL
[ -z "$1" ] || export SLIPWAY_RELEASE="$PWD"
SLIPWAY_left=$2
while [ "$SLIPWAY_left" -gt 0 ]; do
	SLIPWAY_left=$((SLIPWAY_left - 1))
	IFS= read -r SLIPWAY_name && IFS= read -r SLIPWAY_lines || exit 1
	SLIPWAY_value=
	while IFS= read -r SLIPWAY_line || exit 1; do
		SLIPWAY_value=$SLIPWAY_value$SLIPWAY_line
		SLIPWAY_lines=$((SLIPWAY_lines - 1))
		[ "$SLIPWAY_lines" -gt 0 ] || break
		SLIPWAY_value=$SLIPWAY_value$SLIPWAY_nl
	done
	export "$SLIPWAY_name=$SLIPWAY_value"
done
exec </dev/null
[ "$3" = script ] || exec sh -c "$4"
[ ! -x "./$4" ] || exec "./$4"
exec sh "./$4"
