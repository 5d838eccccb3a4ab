# drift VERSION: sets drifted to how many files of a release are gone, or were written to
# since it was staged and have another content now. Releases may share files, so that
# what was written to in one is changed in others. Only what has a later time than the
# manifest is hashed. Where tools or the manifest are missing, nothing is known of any.
# What gave way to something that all releases share is not gone.
drift() {
	drifted=0
	[ -f "$meta/manifests/$1" ] && command -v awk >/dev/null 2>&1 && command -v find >/dev/null 2>&1 || return 0
	drifted=$(
		(cd "$base/releases/$1" && LISTED=../../.slipway/manifests/$1 awk -f /dev/stdin) <<"END" | count_drift "$1"
BEGIN {
	while (("find . -type f" | getline line) > 0) here[line]
	while (("find . -type f -newer $LISTED -exec sha256sum {} +" | getline line) > 0) sum[substr(line, 67)] = substr(line, 1, 64)
	while ((getline line <ENVIRON["LISTED"]) > 0) {
		split(line, word, " ")
		path = substr(line, length(word[1] word[2]) + 69)
		if (!(path in here)) print "gone " path
		else if (path in sum && sum[path] "" != word[3] "") print "changed"
	}
}
END
	)
	[ "${drifted:-0}" = 0 ] || say drifted "$1" "$drifted"
}

count_drift() {
	count=0
	while IFS= read -r line; do
		case $line in
		"gone "*) gave_way "$1" "${line#gone ./}" && continue ;;
		esac
		count=$((count + 1))
	done
	printf "%s" "$count"
}

# gave_way VERSION PATH: it lies where the release leads to what is below shared/.
gave_way() {
	left=$2 at=
	while :; do
		at=$at/${left%%/*}
		[ -h "$base/releases/$1$at" ] && [ "$base/releases/$1$at" -ef "$base/shared$at" ] && return 0
		[ "$left" != "${left#*/}" ] || return 1
		left=${left#*/}
	done
}
