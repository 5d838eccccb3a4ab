# verify: whether the tree is what its manifest says. For what did not come in one
# piece: each file is hashed where it lies. It sets sound to yes, or tells which lines
# of the manifest are missing or have another content, mode or owner, as results
# "lacks <from>-<to>", and removes those files: what takes their place must not be
# written into a file that another release shares. "lacks all" is said where more is
# wrong than a few files.
#
# Whatever fails on the way, fewer lines are found good, never more.
verify() {
	sound=
	work=$(cd "$work" && pwd) || die 1 "$meta/stage cannot be entered"
	pick_hash "$unpacked"
	(
		cd "$tree" || exit
		find . -type f -exec $hash {} + >"$work/sums"
		find . -type f -exec stat -c "%a %u:%g %n" {} + >"$work/modes"
		find . | wc -l >"$work/paths"
	)
	owner=$(stat -c "%u:%g" "$manifest")
	(cd "$work" && OWNER=$owner awk -f /dev/stdin >verdict) <<"END"
BEGIN {
	while ((getline line <"sums") > 0) sum[substr(line, 67)] = substr(line, 1, 64)
	while ((getline line <"modes") > 0) {
		split(line, word, " ")
		path = substr(line, length(word[1] word[2]) + 3)
		mode[path] = word[1] " " word[2]
	}
	while ((getline line <"manifest") > 0) {
		lines++
		split(line, word, " ")
		path = substr(line, length(word[1] word[2]) + 69)
		if (sum[path] "" == word[3] "" && mode[path] == word[1] " " ENVIRON["OWNER"]) {
			good++
			continue
		}
		print path >"differ"
		if (to && (lines == to + 1 || ranges > 4000)) {
			to = lines
			continue
		}
		if (to) print "lacks " from "-" to
		ranges++
		from = to = lines
	}
	if (to) print "lacks " from "-" to
	print "good " good + 0
}
END
	good= wrong=
	while read -r word value; do
		case $word in
		good) good=$value ;;
		lacks) say lacks "$value" && wrong=yes ;;
		esac
	done <"$work/verdict"
	read -r found <"$work/paths"
	if [ "$good" = "$files" ] && [ "$((found))" = "$paths" ]; then
		sound=yes
	elif [ -z "$good" ] || [ -z "$wrong" ]; then
		say lacks all
	fi
	[ -f "$work/differ" ] || return 0
	set --
	while IFS= read -r path; do
		set -- "$@" "$tree/$path"
		[ $# -lt 100 ] || { rm -f "$@" && set --; }
	done <"$work/differ"
	[ $# -eq 0 ] || rm -f "$@"
	rm -f "$work/differ"
}
