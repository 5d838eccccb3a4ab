# Changes nothing, takes no lock. Argument: the application path.
at "$1"
read_current
if [ -n "$current" ]; then
	say current "$current"
	if complete "$current"; then
		say state complete
		drift "$current"
	elif [ -d "$base/current" ]; then
		say state incomplete
	else
		say state dangling
	fi
	rollback_target "$current"
	[ -z "$target" ] || say previous "$target"
elif [ -h "$base/current" ]; then
	say state foreign
elif [ -e "$base/current" ]; then
	say state blocked
else
	say state none
fi
for mark in "$meta"/releases/*; do
	version=${mark##*/}
	complete "$version" || continue
	read_digest "$version"
	say release "$version" "$found"
done
exit 0
