# drift VERSION: sets drifted to how many files of a release are gone, or were written to
# since it was staged and have another content now. Releases may share files, so that
# what was written to in one is changed in others. Only what has a later time than the
# manifest is hashed. Where tools or the manifest are missing, nothing is known of any.
drift() {
	drifted=0
	[ -f "$meta/manifests/$1" ] && command -v awk >/dev/null 2>&1 && command -v find >/dev/null 2>&1 || return 0
	drifted=$(
		cd "$base/releases/$1" && LISTED=../../.slipway/manifests/$1 awk -f /dev/stdin <<"END"
BEGIN {
	while (("find . -type f" | getline line) > 0) here[line]
	while (("find . -type f -newer $LISTED -exec sha256sum {} +" | getline line) > 0) sum[substr(line, 67)] = substr(line, 1, 64)
	while ((getline line <ENVIRON["LISTED"]) > 0) {
		split(line, word, " ")
		path = substr(line, length(word[1] word[2]) + 69)
		if (!(path in here) || path in sum && sum[path] "" != word[3] "") changed++
	}
	print changed + 0
}
END
	)
	[ "${drifted:-0}" = 0 ] || say drifted "$1" "$drifted"
}
