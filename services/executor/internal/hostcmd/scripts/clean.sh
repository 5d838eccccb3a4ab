# Arguments: application path, how many successful releases stay, whether the way back is
# spared (spare or -), and any releases that do not stay.
at "$1"
keep=$2 way=$3
shift 3
prepare
read_current
# A link that is not ours may lead anywhere, into a release too.
[ -n "$current" ] || [ ! -h "$base/current" ] || return 0
cleared || remove "$meta/stage"

# discard VERSION: the marker first, so that what is half removed never counts as
# complete. rm follows no link.
discard() {
	try rm -f "$meta/releases/$1"
	try rm -rf "$base/releases/$1"
	say removed "$1"
}
# What is unwanted goes first, so that the way back leads past it; but for the way back of
# what may yet be taken back.
target=
[ "$way" != spare ] || [ -z "$current" ] || rollback_target "$current"
for version; do
	[ "$version" != "$current" ] && [ -f "$meta/releases/$version" ] || continue
	case $version in
	"$target") say spared "$version" ;;
	*) discard "$version" ;;
	esac
done

# last_before NUMBER: sets newest to the release whose last switch has the highest
# number below, or any number where none is given, and number to that.
last_before() {
	newest= number=
	for mark in "$meta"/successful/*; do
		{ read -r its rest <"$mark"; } 2>/dev/null || continue
		case $its in
		"" | *[!0-9]*) continue ;;
		esac
		[ -z "$1" ] || [ "$its" -lt "$1" ] || continue
		[ -z "$number" ] || [ "$its" -gt "$number" ] || continue
		complete "${mark##*/}" && newest=${mark##*/} number=$its
	done
}
target= number=
[ -z "$current" ] || rollback_target "$current"
kept=" $current $target "
while [ "$keep" -gt 0 ]; do
	last_before "$number"
	[ -n "$newest" ] || break
	kept="$kept$newest "
	keep=$((keep - 1))
done

# What Slipway would not have made (files, links, other names) stays.
for dir in "$base"/releases/*; do
	version=${dir##*/}
	is_version "$version" || continue
	case $kept in
	*" $version "*) continue ;;
	esac
	[ -f "$meta/releases/$version" ] || { [ -d "$dir" ] && [ ! -h "$dir" ]; } || continue
	discard "$version"
done
set --
for mark in "$meta"/releases/* "$meta"/manifests/* "$meta"/since/* "$meta"/previous/* "$meta"/successful/* "$meta"/rolledback/* "$meta"/prepared/*; do
	[ -d "$base/releases/${mark##*/}" ] || set -- "$@" "$mark"
done
remove "$@"
# A rollback is repeated soon or never, so of these the latest are enough.
set -- "$meta"/rollback/*
[ $# -gt 64 ] || return 0
ls -t "$meta/rollback" | tail -n +65 | while IFS= read -r old; do
	rm -f "$meta/rollback/$old"
done
return 0
