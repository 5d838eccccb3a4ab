# drift VERSION: sets drifted to how many files of a release are gone, or were written to
# since it was staged and have another content now. Releases may share files, so that
# what was written to in one is changed in others. Only what has a later time than when it
# began to come is hashed. Where tools or the manifest are missing, nothing is known of any.
# What gave way to something that all releases share is not gone.
drift() {
	drifted=0
	[ -f "$meta/manifests/$1" ] && command -v awk >/dev/null 2>&1 && command -v find >/dev/null 2>&1 || return 0
	# Earlier versions of Slipway have set the time of the manifest.
	since=since/$1
	[ -f "$meta/$since" ] || since=manifests/$1
	as_staged "$1" && return
	lines=$(
		cd "$base/releases/$1" || exit
		LISTED=../../.slipway/manifests/$1
		export LISTED
		find . -type f ! -newer "../../.slipway/$since" -print -o -type f -exec sha256sum {} + | awk -f /proc/self/fd/3 3<<"END"
/^[.]/ { here[$0] }
!/^[.]/ {
	path = substr($0, 67)
	here[path]
	sum[path] = substr($0, 1, 64)
}
END {
	while ((getline line <ENVIRON["LISTED"]) > 0) {
		split(line, word, " ")
		path = substr(line, length(word[1] word[2]) + 69)
		if (!(path in here)) print "gone " path
		else if (path in sum && sum[path] "" != word[3] "") print "changed"
	}
}
END
	)
	[ -n "$lines" ] || return 0
	while IFS= read -r line; do
		case $line in
		"gone "*) gave_way "$1" "${line#gone ./}" && continue ;;
		esac
		drifted=$((drifted + 1))
	done <<END
$lines
END
	[ "$drifted" = 0 ] || say drifted "$1" "$drifted"
}

# as_staged VERSION: no file was written to since, and no directory either, as happens to
# that of which a file is taken away. It spares most releases the look at each file. A
# find that cannot tell complains, and that counts as a change.
as_staged() {
	[ -z "$(find "$base/releases/$1" -type f -newer "$meta/$since" -print -o -type d -cnewer "$meta/releases/$1" -print 2>&1)" ]
}

# gave_way VERSION PATH: it lies where the release leads to what is below shared/.
gave_way() {
	below=$2 above=
	while :; do
		above=$above/${below%%/*}
		[ -h "$base/releases/$1$above" ] && [ "$base/releases/$1$above" -ef "$base/shared$above" ] && return 0
		[ "$below" != "${below#*/}" ] || return 1
		below=${below#*/}
	done
}
