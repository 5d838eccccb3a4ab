# decide FROM TO DEPLOYMENT: sets record, and what a rollback leaves and goes to, left
# and target; the target is empty where there is none. It fails where nothing is to be
# done.
decide() {
	record=$meta/rollback/$3
	left= target=
	{ read -r left target <"$record"; } 2>/dev/null
	if is_version "$target"; then
		# Decided before. What others switched to since stays.
		[ "${current:--}" = "$left" ] || [ "$current" = "$target" ]
	elif [ -n "$2" ]; then
		[ "$current" != "$2" ] || return 1
		[ -z "$1" ] || [ "$current" = "$1" ] || return 1
		left=${current:--} target=$2
	else
		[ "$current" = "$1" ] || return 1
		left=$1
		rollback_target "$1"
	fi
}
