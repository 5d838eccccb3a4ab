# mark_since: the time of a file of ours tells later which files of the release were written
# to on this host: see drift.sh. So it is written before any of them is here; and where
# seconds alone may count, it is set back, or what is written in the same second is missed.
mark_since() {
	write "$since_at" ""
	! in_seconds || set_back
}
set_back() {
	touch -d "2 seconds ago" "$since_at" 2>/dev/null || touch -d "@$(($(date +%s) - 2))" "$since_at" 2>/dev/null
}

# check_since FILE: it sets it back as well where the file system keeps seconds alone: where a
# file that was written last is no newer.
check_since() { [ "$1" -nt "$since_at" ] || set_back; }

# in_seconds: the find here may look at whole seconds, as that of busybox does, which is a link,
# or one file under many names, or in the shell itself. What the shell would run is heard
# by way of the file, as another one takes a process.
in_seconds() {
	finder=
	{ command -v find >"$since_at" && read -r finder <"$since_at"; } 2>/dev/null
	case $finder in
	*/*) ;;
	*) return 0 ;;
	esac
	[ ! -h "$finder" ] || return 0
	for other in sed xargs; do
		[ ! "$finder" -ef "${finder%/*}/$other" ] || return 0
	done
	return 1
}
