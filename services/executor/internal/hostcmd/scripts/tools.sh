# What all scripts say and do things with. No single quote and no backslash in any
# of them: Quote would have to escape them, and the wire text would be hard to read.
set -u
nl="
"

# say KEY VALUE...: a result line for Parse.
say() { printf "%s" "slipway $*$nl"; }

# die CODE MESSAGE...: the codes are those of errors.go.
die() {
	code=$1
	shift
	cleanup
	printf "%s" "slipway: $*$nl" >&2
	died "$code"
	exit "$code"
}
cleanup() { :; }
died() { :; }

# need TOOL...
need() {
	for tool; do
		command -v "$tool" >/dev/null 2>&1 || die 88 "$tool is not installed (PATH is $PATH)"
	done
}

# try COMMAND...: it succeeds, or the step ends with the reason. That is asked for only
# then, by another go, as to hear it takes a shell more.
try() { "$@" >/dev/null 2>&1 || said=$("$@" 2>&1) || broken "$said"; }

# broken WHAT-THE-TOOL-SAID: ends the step with the code that fits.
broken() {
	case $1 in
	*"No space left on device"* | *"uota exceeded"*)
		die 82 "$1" ;;
	*"Permission denied"* | *"Read-only file system"* | *"Operation not permitted"* | *"Not a directory"* | *"File exists"* | *"irectory nonexistent"*)
		die 87 "$1" ;;
	*"nvalid option"* | *"nrecognized option"* | *"nknown option"*)
		die 88 "a tool here lacks an option: $1" ;;
	esac
	full && die 82 "$1"
	die 1 "$1"
}

# free_kb DIRECTORY: sets free to the KiB that are free, or to nothing when unknown:
# the number before the percentage, as device names may hold spaces.
free_kb() {
	free=$(df -Pk "$1" 2>/dev/null)
	set -f
	set -- ${free#*"$nl"}
	set +f
	free=
	for word; do
		case $word in
		*%) break ;;
		esac
		free=$word
	done
	case $free in
	*[!0-9]*) free= ;;
	esac
}

# Some shells report a failed write without its reason, so look at the disk.
place=.
full() {
	free_kb "$place"
	[ -n "$free" ] && [ "$free" -lt 128 ]
}

# write FILE TEXT: the file begins anew, with the text. Why it cannot is asked for
# only then, as that takes a process.
write() {
	{ printf "%s" "$2$nl" >"$1"; } 2>/dev/null && return
	said=$({ printf "%s" "$2$nl" >"$1"; } 2>&1) || broken "${1%/*}: $said"
}

# put FILE TEXT: the file has the text, whole, or is what it was. ".new" is no
# version and no installation id, so it is no other file either.
put() {
	write "${1%/*}/.new" "$2"
	try mv -f "${1%/*}/.new" "$1"
}

# note FILE LINE: this is its first line, or it is what it was: one write over the old
# line, which is never cut off first, and no process. What is left of a longer one
# comes after it; who reads such a file reads one line.
note() {
	{ printf "%s" "$2$nl" 1<>"$1"; } 2>/dev/null && return
	said=$({ printf "%s" "$2$nl" 1<>"$1"; } 2>&1) || broken "${1%/*}: $said"
}

# remove PATH...: those that are there. Mostly none is, and no process is needed.
remove() {
	for path; do
		shift
		if [ -e "$path" ] || [ -h "$path" ]; then
			set -- "$@" "$path"
		fi
	done
	[ $# -eq 0 ] || try rm -rf "$@"
}
