# For steps that take content.

# content BLOCKS REST: passes this much of stdin on, and takes no byte beyond. A dd without
# that option, which takes a short read for a block, ends before it reads: then it says so,
# passes on all that there is, and fails.
content() {
	case $1 in
	-)
		cat
		return
		;;
	0) ;;
	*) cut_off 65536 "$1" || return ;;
	esac
	[ "$2" = 0 ] || cut_off "$2" 1
}
cut_off() { dd bs="$1" count="$2" iflag=fullblock 2>/dev/null || uncut; }
uncut() {
	dd bs=1 count=0 iflag=fullblock </dev/null >/dev/null 2>&1 && return 1
	say uncut >&8
	cat
	return 1
}
