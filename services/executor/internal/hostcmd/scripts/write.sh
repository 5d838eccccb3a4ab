# For the steps that change something below the application path.

# prepare makes the directories, and sees that they can be written.
prepare() {
	dirs="releases .slipway/releases .slipway/manifests .slipway/since .slipway/previous .slipway/successful .slipway/rolledback .slipway/rollback .slipway/next .slipway/stage"
	set --
	for dir in $dirs; do
		[ -d "$base/$dir" ] || set -- "$@" "$base/$dir"
	done
	[ $# -eq 0 ] || try mkdir -p "$@"
	for dir in $dirs; do
		[ -w "$base/$dir" ] || die 87 "$base/$dir is not writable"
	done
	[ -w "$base" ] || die 87 "$base is not writable"
	place=$base
	[ -h "$base/current" ] || [ ! -e "$base/current" ] || die 89 "$base/current is in the way: it is not a link"
}

# cleared: the stage holds nothing but what a release that was staged leaves there, which
# is of no harm to the next one.
cleared() {
	[ ! -h "$meta/stage" ] || return 1
	for left in "$meta"/stage/* "$meta"/stage/tree/* "$meta"/stage/came/*; do
		case $left in
		*/stage/of | */stage/tree | */stage/came) ;;
		*/stage/bundle | */stage/shared) [ ! -s "$left" ] && [ ! -h "$left" ] || return 1 ;;
		*) [ ! -e "$left" ] && [ ! -h "$left" ] || return 1 ;;
		esac
	done
}

# remember VERSION: writes down what runs now as what ran before VERSION, and
# what ran before that. The whole list, as the records of two releases that
# were deployed in turns would only point at each other.
remember() {
	list=$current
	if [ -n "$current" ] && [ -f "$meta/previous/$current" ]; then
		while read -r older; do
			[ "$older" != "$1" ] && [ "$older" != "$current" ] && is_version "$older" && complete "$older" && list=$list$nl$older
		done <"$meta/previous/$current"
	fi
	if [ -s "$meta/previous/$1" ]; then
		write "$meta/next/previous" "$list"
		try mv -f "$meta/next/previous" "$meta/previous/$1"
	else
		write "$meta/previous/$1" "$list"
	fi
}

# point_at VERSION: current is the old link or the new one at every moment. The
# new one is moved into the directory where the old one is. Named as the target,
# the old one would be taken for the directory that it leads to: mv -T is meant
# for that, but busybox refuses it where the link leads to a directory.
point_at() {
	if [ ! -h "$base/current" ]; then
		try ln -s "releases/$1" "$base/current"
		return
	fi
	remove "$meta/next/current"
	try ln -s "releases/$1" "$meta/next/current"
	try mv -f "$meta/next/current" "$base/"
}

# succeeded VERSION DEPLOYMENT: it is the newest successful release now.
succeeded() {
	top=0 own=
	for mark in "$meta"/successful/*; do
		{ read -r number rest <"$mark"; } 2>/dev/null || continue
		case $number in
		"" | *[!0-9]*) continue ;;
		esac
		[ "$number" -gt "$top" ] && top=$number
		[ "$mark" = "$meta/successful/$1" ] && own="$number $rest"
	done
	[ "$own" = "$top $2" ] || note "$meta/successful/$1" "$((top + 1)) $2"
	remove "$meta/rolledback/$1"
}
