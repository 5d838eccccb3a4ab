# Arguments: version, digest, deployment.
version=$1 digest=$2 deployment=$3
prepare
complete "$version" || die 85 "release $version is not complete in $base"
read_digest "$version"
[ "$found" = "$digest" ] || die 84 "release $version is here with other content (digest $found)"
read_current
# Before the switch, and not once it is done: a repeat after a crash, on either
# side of the switch, leaves the record of what really ran before.
if [ "$current" != "$version" ]; then
	remember "$version"
	point_at "$version"
fi
succeeded "$version" "$deployment"
was=
{ read -r was <"$meta/previous/$version"; } 2>/dev/null
is_version "$was" && say previous "$was"
say current "$version"
