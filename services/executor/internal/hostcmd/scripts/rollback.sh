# Arguments: application path, version to leave, version to go to or nothing,
# deployment.
at "$1"
from=$2 to=$3 deployment=$4
prepare
read_current
decide "$from" "$to" "$deployment" || {
	say unchanged "$current"
	return 0
}
[ -n "$target" ] || die 86 "no release before $from is left to go back to in $base"
complete "$target" || die 85 "release $target is not complete in $base"
drift "$target"
note "$record" "$left $target"
[ "$left" = - ] || note "$meta/rolledback/$left" "$deployment"
if [ "$current" != "$target" ]; then
	[ -s "$meta/previous/$target" ] || remember "$target"
	point_at "$target"
fi
succeeded "$target" "$deployment"
[ "$left" = - ] || say rolledback "$left"
say current "$target"
