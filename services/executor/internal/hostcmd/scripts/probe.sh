# Arguments: application path, version, digest.
for_release "$1" "$2" "$3"
# offer_base names a release that the next one can share files with, what runs or the
# newest, by version and sha256 of its manifest. Where tools are missing there is none.
offer_base() {
	for tool in find awk stat; do
		command -v "$tool" >/dev/null 2>&1 || return 0
	done
	offer "$current" && return 0
	set -- "$meta"/manifests/*
	[ -e "$1" ] || return 0
	# Earlier versions of Slipway have set the time of the manifest. Now it has that of its
	# bundle, which is the same for all, and older than any of those.
	for candidate in $(cd "$meta" && ls -t since/* manifests/* 2>/dev/null); do
		offer "${candidate##*/}" && return 0
	done
}
offer() {
	is_version "$1" && [ -f "$meta/manifests/$1" ] && complete "$1" || return 1
	read_digest "$1"
	[ -n "$listing" ] && say base "$1" "$listing"
}

prepare
read_current
[ -z "$current" ] || say current "$current"
if staged; then
	say staged yes
	return 0
fi
if begun; then
	unplace
	say begun yes
else
	vacate
fi
say staged no
! command -v zstd >/dev/null 2>&1 || say codec zstd
offer_base
