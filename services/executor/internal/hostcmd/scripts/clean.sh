# Argument: how many successful releases stay.
keep=$1
prepare
read_current
# A link that is not ours may lead anywhere, into a release too.
[ -n "$current" ] || [ ! -h "$base/current" ] || exit 0
try rm -rf "$meta/stage"

by_last_switch() {
	for mark in "$meta"/successful/*; do
		complete "${mark##*/}" || continue
		{ read -r number rest <"$mark"; } 2>/dev/null && printf "%s" "$number ${mark##*/}$nl"
	done
}
target=
[ -z "$current" ] || rollback_target "$current"
kept=" $current $target "
set -- $(by_last_switch | sort -rn | head -n "$keep")
while [ $# -ge 2 ]; do
	kept="$kept$2 "
	shift 2
done

# The marker first: what is half removed never counts as complete. rm follows
# no link. What Slipway would not have made (files, links, other names) stays.
for dir in "$base"/releases/*; do
	version=${dir##*/}
	is_version "$version" || continue
	case $kept in
	*" $version "*) continue ;;
	esac
	[ -f "$meta/releases/$version" ] || { [ -d "$dir" ] && [ ! -h "$dir" ]; } || continue
	try rm -f "$meta/releases/$version"
	try rm -rf "$dir"
	say removed "$version"
done
for mark in "$meta"/releases/* "$meta"/manifests/* "$meta"/previous/* "$meta"/successful/* "$meta"/rolledback/*; do
	[ -d "$base/releases/${mark##*/}" ] || rm -f "$mark"
done
# A rollback is repeated soon or never, so of these the latest are enough.
ls -t "$meta/rollback" | tail -n +65 | while IFS= read -r old; do
	rm -f "$meta/rollback/$old"
done
exit 0
