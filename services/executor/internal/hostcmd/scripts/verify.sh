# verify: whether the tree is what its manifest says. For what did not come in one
# piece: each file is hashed where it lies. It sets sound to yes, or tells which lines
# of the manifest are missing or have another content, mode or owner, as results
# "lacks <from>-<to>", and removes those files; but the first large one that is too short
# is kept as part, and told as "cut <line> <bytes> <sha256>". "lacks all" is said where more is wrong
# than a few files. The owner is to be that of the manifest, which came with the rest.
#
# Whatever fails on the way, fewer lines are found good, never more.
verify() {
	sound=
	pick_hash "$unpacked"
	(
		cd "$tree" || exit
		find . -type f -exec $hash {} + >../../sums
		find ../../manifest . -exec stat -c "%a %u:%g %s %F/%n" {} + >../../paths
		cd ../.. && PATHS=$paths awk -f /dev/stdin >verdict
	) <<"END"
BEGIN {
	while ((getline line <"sums") > 0) sum[substr(line, 67)] = substr(line, 1, 64)
	while ((getline line <"paths") > 0) {
		split(line, word, " ")
		kind = substr(line, length(word[1] word[2] word[3]) + 4)
		path = substr(kind, index(kind, "/") + 1)
		if (path == "../../manifest") owner = word[2]
		else found++
		if (kind !~ /^regular/) continue
		is[path] = word[1] " " word[2]
		size[path] = word[3]
	}
	while ((getline line <"manifest") > 0) {
		lines++
		split(line, word, " ")
		path = substr(line, length(word[1] word[2]) + 69)
		if (sum[path] "" == word[3] "" && is[path] == word[1] " " owner) {
			good++
			continue
		}
		if (!cut && path in sum && size[path] >= 1048576 && size[path] + 0 < word[2] + 0) {
			cut = lines
			print "cut " lines " " size[path] " " sum[path]
			print path >"cut"
		} else print path >"differ"
		if (to && (lines == to + 1 || ranges > 4000)) {
			to = lines
			continue
		}
		if (to) print "lacks " from "-" to
		ranges++
		from = to = lines
	}
	if (to) print "lacks " from "-" to
	else if (found != ENVIRON["PATHS"]) print "lacks all"
	print "good " good + 0
}
END
	good= wrong=
	while read -r word value; do
		case $word in
		good) good=$value ;;
		lacks) say lacks "$value" && wrong=yes ;;
		cut) say cut "$value" ;;
		esac
	done <"$work/verdict"
	if [ -z "$wrong" ]; then
		[ "$good" = "$files" ] && sound=yes || say lacks all
	fi
	forget
}

# forget removes what differs: what takes its place must not be written into a file that
# another release shares.
forget() {
	if IFS= read -r path <"$work/cut" && mv -f "$tree/$path" "$work/part"; then
		rm -f "$work/cut"
	fi 2>/dev/null
	[ -f "$work/differ" ] || return 0
	set --
	while IFS= read -r path; do
		set -- "$@" "$tree/$path"
		[ $# -lt 100 ] || { rm -f "$@" && set --; }
	done <"$work/differ"
	[ $# -eq 0 ] || rm -f "$@"
	rm -f "$work/differ"
}
