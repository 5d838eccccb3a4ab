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
	hash=sha256sum
	if [ "$unpacked" -gt 4000000 ] && command -v openssl >/dev/null 2>&1; then
		hash="openssl dgst -sha256 -r"
	fi
	listed_by=find
	compare
	if nothing; then # a find that lacks an option
		listed_by=stat
		compare
	fi
	if nothing; then # an openssl that is of no use
		hash=sha256sum
		compare
	fi
	good= wrong=
	while read -r word value; do
		case $word in
		good) good=$value ;;
		lacks) say lacks "$value" && wrong=yes ;;
		cut) say cut "$value" ;;
		esac
	done <<END
$verdict
END
	if [ -z "$wrong" ]; then
		[ "$good" = "$files" ] && sound=yes || say lacks all
	fi
	forget
}

# nothing: compare has hashed no file, not even the manifest.
nothing() {
	case $verdict in
	"hashed 0$nl"*) rm -f "$work/cut" "$work/differ" ;;
	*) return 1 ;;
	esac
}

# compare sets verdict to what it finds: how many files were hashed, and what verify tells.
# find has written out what it printed when it runs a program.
compare() {
	verdict=$(
		cd "$tree" || exit
		set -- -printf "%m %U:%G %s %y/%p$nl"
		if [ "$listed_by" = stat ]; then
			set -- -exec stat -c "%a %u:%g %s %F/%n" {} +
		else
			exec 2>/dev/null
		fi
		find "../../../manifests/$version" . "$@" -type f -exec $hash {} + |
			{ cd ../.. && LISTED=../manifests/$version PATHS=$paths awk -f /proc/self/fd/3 3<<"END"; }
length($1) >= 64 {
	hashed++
	sum[substr($0, 67)] = substr($0, 1, 64)
	next
}
{
	kind = substr($0, length($1 $2 $3) + 4)
	path = substr(kind, index(kind, "/") + 1)
	if (path == "../../" ENVIRON["LISTED"]) owner = $2
	else found++
	if (kind !~ /^(regular|f)/) next
	is[path] = $1 " " $2
	size[path] = $3
}
END {
	print "hashed " hashed + 0
	while ((getline line <ENVIRON["LISTED"]) > 0) {
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
	)
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
