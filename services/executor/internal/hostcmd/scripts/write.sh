# For the steps that change something below the application path.

# prepare makes the directories, and sees that they can be written.
prepare() {
	for dir in releases .slipway/releases .slipway/manifests .slipway/previous .slipway/successful .slipway/rolledback .slipway/rollback .slipway/next; do
		[ -d "$base/$dir" ] || try mkdir -p "$base/$dir"
		[ -w "$base/$dir" ] || die 87 "$base/$dir is not writable"
	done
	[ -w "$base" ] || die 87 "$base is not writable"
	place=$base
	[ -h "$base/current" ] || [ ! -e "$base/current" ] || die 89 "$base/current is in the way: it is not a link"
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
	put "$meta/previous/$1" "$list"
}

# point_at VERSION: current is the old link or the new one at every moment. The
# new one is moved into the directory where the old one is. Named as the target,
# the old one would be taken for the directory that it leads to: mv -T is meant
# for that, but busybox refuses it where the link leads to a directory.
point_at() {
	try rm -f "$meta/next/current"
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
	[ "$own" = "$top $2" ] || put "$meta/successful/$1" "$((top + 1)) $2"
	try rm -f "$meta/rolledback/$1"
}
