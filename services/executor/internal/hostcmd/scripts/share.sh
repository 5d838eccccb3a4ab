# What releases share. Arguments: application path, version, then file or dir and a path,
# again and again. A file must be there; a directory is made.
at "$1"
version=$2
shift 2
complete "$version" || die 85 "release $version is not complete in $base"
prepare
tree=$base/releases/$version

missing() {
	lacks=
	while [ $# -ge 2 ]; do
		[ "$1" = dir ] || [ -e "$base/shared/$2" ] || lacks="$lacks $2"
		shift 2
	done
	[ -n "$lacks" ]
}

# share KIND PATH: the place in the release leads to the one in shared. What the
# package has there gives way, moved aside first: if the release runs, there is
# something else in its place a moment later.
share() {
	rest=$2 above=$tree up=../../
	while [ "$rest" != "${rest#*/}" ]; do
		above=$above/${rest%%/*} rest=${rest#*/} up=../$up
		[ ! -h "$above" ] || die 87 "$above is a link, so nothing below it can be shared"
		[ -d "$above" ] || try mkdir "$above"
	done
	[ "$1" = file ] || [ -d "$base/shared/$2" ] || try mkdir -p "$base/shared/$2"
	[ "$(readlink "$tree/$2" 2>/dev/null)" != "${up}shared/$2" ] || return 0
	remove "$meta/next/aside"
	if [ -e "$tree/$2" ] || [ -h "$tree/$2" ]; then
		try mv "$tree/$2" "$meta/next/aside"
	fi
	try ln -s "${up}shared/$2" "$tree/$2"
}

! missing "$@" || die 91 "not in $base/shared:$lacks"
while [ $# -ge 2 ]; do
	share "$1" "$2"
	shift 2
done
remove "$meta/next/aside"
return 0
