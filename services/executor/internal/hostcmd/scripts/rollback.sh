# Arguments: version to leave, version to go to or nothing, deployment.
from=$1 to=$2 deployment=$3
prepare
read_current
unchanged() {
	say unchanged "$current"
	exit 0
}
record=$meta/rollback/$deployment
left= target=
{ read -r left target <"$record"; } 2>/dev/null
if is_version "$target"; then
	# Decided before. What others switched to since stays.
	[ "${current:--}" = "$left" ] || [ "$current" = "$target" ] || unchanged
elif [ -n "$to" ]; then
	[ "$current" != "$to" ] || unchanged
	[ -z "$from" ] || [ "$current" = "$from" ] || unchanged
	left=${current:--} target=$to
else
	[ "$current" = "$from" ] || unchanged
	left=$from
	rollback_target "$from"
	[ -n "$target" ] || die 86 "no release before $from is left to go back to in $base"
fi
complete "$target" || die 85 "release $target is not complete in $base"
drift "$target"
put "$record" "$left $target"
[ "$left" = - ] || put "$meta/rolledback/$left" "$deployment"
if [ "$current" != "$target" ]; then
	[ -f "$meta/previous/$target" ] || remember "$target"
	point_at "$target"
fi
succeeded "$target" "$deployment"
[ "$left" = - ] || say rolledback "$left"
say current "$target"
