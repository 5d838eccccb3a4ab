# The layout below the application path.
#
#   releases/<version>/             what was unpacked, or is being where it is small
#   current -> releases/<version>   what runs
#   shared/                         what releases share, by links in them
#   .slipway/releases/<version>     the release is complete: digest, manifest, deployment
#   .slipway/manifests/<version>    its files: mode, size, sha256 and path
#   .slipway/since/<version>        written before they came, or the rest of them: what is newer was written to here
#   .slipway/prepared/<version>     how what it needs to run was made, or is being made; see make.sh
#   .slipway/rebuilt                which version was last prepared anew by request, and for which deployment
#   .slipway/previous/<version>     what ran before it was switched to, newest first
#   .slipway/successful/<version>   it was switched to, and good; a number that rises with each switch
#   .slipway/rolledback/<version>   it was rolled back from, and not switched to since
#   .slipway/rollback/<deployment>  what that rollback or switch decided: version left, target
#   .slipway/uncloned               the file system cannot share content below files
#   .slipway/stage/tree/<version>/  being unpacked
#   .slipway/stage/came/            what came with it: what files are made of
#   .slipway/stage/bundle           a small package as it came, while it is unpacked; emptied then
#   .slipway/stage/of               what it will be, or was: version, digest
#   .slipway/hooks/<deployment>/    which hooks of the last deployment ended well
#   .slipway/init/<deployment>/was  the file that the last init has replaced, if there was one
#   .slipway/next/current           the link on its way to be current

# at PATH: the application path is this one.
at() {
	base=$1
	case $base in
	/*) ;;
	*) base=./$base ;;
	esac
	meta=$base/.slipway
}

is_version() {
	case $1 in
	"" | [!A-Za-z0-9]* | *[!A-Za-z0-9._+-]*) return 1 ;;
	esac
}

# complete VERSION: it was verified, unpacked and moved into place. A marker is written
# at once; one without content is none.
complete() { [ -s "$meta/releases/$1" ] && [ -d "$base/releases/$1" ] && [ ! -h "$base/releases/$1" ]; }

# usable VERSION: a rollback may pick it.
usable() { complete "$1" && [ -f "$meta/successful/$1" ] && [ ! -f "$meta/rolledback/$1" ]; }

# read_digest VERSION: sets found, the digest of its package; staged_by, a deployment;
# and listing, the sha256 of its manifest, empty where it has none.
read_digest() {
	found= listing= staged_by=
	while IFS="=" read -r key value; do
		[ "$key" = digest ] && found=$value
		[ "$key" = manifest ] && listing=$value
		[ "$key" = deployment ] && staged_by=$value
	done <"$meta/releases/$1"
}

# read_current sets current to the version that runs; empty when there is none
# or the link leads elsewhere. The shell finds out by itself where a link leads, if
# something is there.
read_current() {
	current=
	[ -h "$base/current" ] || return 0
	if cd -P "$base/current" 2>/dev/null; then
		current=$PWD
		cd "$HOME" && cd -P "$base" && current=${current#"${PWD%/}/"}
		cd "$HOME" || die 87 "the home directory $HOME cannot be entered"
	else
		current=$(readlink "$base/current")
	fi
	case $current in
	releases/*) current=${current#releases/} ;;
	*) current= ;;
	esac
	is_version "$current" || current=
}

# rollback_target VERSION: sets target to what a rollback from it goes to.
rollback_target() {
	target=
	[ -f "$meta/previous/$1" ] || return 0
	while read -r candidate; do
		if is_version "$candidate" && [ "$candidate" != "$1" ] && usable "$candidate"; then
			target=$candidate
			return 0
		fi
	done <"$meta/previous/$1"
}
