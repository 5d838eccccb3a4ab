# Arguments: application path, version, digest, deployment, proven or tried.
at "$1"
version=$2 digest=$3 deployment=$4 how=$5
prepare
complete "$version" || die 85 "release $version is not complete in $base"
read_digest "$version"
[ "$found" = "$digest" ] || die 84 "release $version is here with other content (digest $found)"
read_current
record=$meta/rollback/$deployment
# Before the switch, and not once it is done: a repeat after a crash, on either
# side of the switch, leaves the records of what really ran before.
if [ "$current" != "$version" ]; then
	# What this deployment staged was compared a moment ago.
	[ "$staged_by" = "$deployment" ] || drift "$version"
	remember "$version"
	note "$record" "${current:--} $version"
	point_at "$version"
fi
[ "$how" = tried ] || succeeded "$version" "$deployment"
left=
{ read -r left target <"$record"; } 2>/dev/null
[ -z "$left" ] || say previous "${left#-}"
say current "$version"
