# What a release needs to run, made in its directory. Arguments: application path;
# version; the script task.sh, and what it is told to run: make.sh and what that builds
# on. The environment comes on stdin. What it starts holds the lock, and ends with it.
at "$1"
version=$2 inner=$3
shift 3
complete "$version" || die 85 "release $version is not complete in $base"
place=$base
[ -d "$meta/prepared" ] || try mkdir -p "$meta/prepared"
(cd -P "$base/releases/$version" && exec sh -c "$inner" slipway-task "$version" "$@")
