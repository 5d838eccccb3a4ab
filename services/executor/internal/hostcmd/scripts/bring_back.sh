# What ran before replace runs again, and what that started does not; and current leads
# where it did before the switch. Arguments: application path; name; deployment; seconds that
# a container has to end; version that was switched to.
container_of "$1" "$2" "$3" "$4"
version=$5
prepare
if decided; then
	if [ -n "$new" ]; then
		container update --restart no "$new"
		stop "$new"
	fi
	for id in $before; do
		restarts_as_said "$id"
		container start "$id"
	done
fi
read_current
record=$meta/rollback/$deployment
left= target=
{ read -r left target <"$record"; } 2>/dev/null
if [ "$current" = "$version" ] && [ "$target" = "$version" ]; then
	if [ "$left" = - ]; then
		remove "$base/current"
	else
		complete "$left" || die 85 "release $left is not complete in $base"
		point_at "$left"
		remove "$meta/rolledback/$left"
	fi
	read_current
fi
[ -z "$new" ] || [ "$chosen" != - ] || container rm --force "$new"
remove "$mine"
[ -z "$current" ] || say current "$current"
