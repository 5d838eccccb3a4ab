# What every command starts with. No single quote and no backslash in any of
# these scripts: Quote would have to escape them, and the wire text would be
# hard to read.
set -u
LC_ALL=C
export LC_ALL
unset CDPATH TAR_OPTIONS GZIP
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
	exit "$code"
}
cleanup() { :; }

# need TOOL...
need() {
	for tool; do
		command -v "$tool" >/dev/null 2>&1 || die 88 "$tool is not installed (PATH is $PATH)"
	done
}

# try COMMAND...: it succeeds, or the step ends with the reason.
try() { said=$("$@" 2>&1) || broken "$said"; }

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

# free_kb DIRECTORY: prints the KiB that are free, or nothing when unknown.
free_kb() { df -Pk "$1" 2>/dev/null | free_column; }

# The number before the percentage, as device names may hold spaces.
free_column() {
	read -r line
	read -r line || return 0
	last=
	set -f
	for word in $line; do
		case $word in
		*%) break ;;
		esac
		last=$word
	done
	set +f
	case $last in
	"" | *[!0-9]*) ;;
	*) printf "%s" "$last" ;;
	esac
}

# Some shells report a failed write without its reason, so look at the disk.
place=.
full() {
	free=$(free_kb "$place")
	[ -n "$free" ] && [ "$free" -lt 128 ]
}

# put FILE TEXT: the file has the text, whole, or is what it was. ".new" is no
# version and no installation id, so it is no other file either.
put() {
	said=$({ printf "%s" "$2$nl" >"${1%/*}/.new"; } 2>&1) || broken "${1%/*}: $said"
	try mv -f "${1%/*}/.new" "$1"
}

[ -n "${HOME-}" ] && cd "$HOME" 2>/dev/null || die 87 "the home directory ${HOME-} cannot be entered"
