# A file that others read takes the place of what was there. It comes on stdin.
# Arguments: application path, deployment; the directory and the name of the file; its
# sha256.
at "$1"
deployment=$2 dir=$3 name=$4 want=$5
need sha256sum cmp
prepare
try mkdir -p "$base/shared/log"
[ -d "$dir" ] || die 87 "$dir is not there, or is no directory"
new=$dir/.$name.slipway
cleanup() { rm -f "$new"; }
said=$({ cat >"$new"; } 2>&1) || broken "$dir: $said"
got=$(sha256sum <"$new")
[ "${got%% *}" = "$want" ] || die 83 "$name did not arrive as it was sent"
# What was there first is kept for the deployment, so that a repeat does not take what
# it wrote itself for that.
kept=$meta/init/$deployment
if [ ! -d "$kept" ]; then
	try rm -rf "$meta/init"
	try mkdir -p "$meta/init/.new"
	[ ! -f "$dir/$name" ] || try cp "$dir/$name" "$meta/init/.new/was"
	try mv "$meta/init/.new" "$kept"
fi
if [ -f "$kept/was" ]; then
	while IFS= read -r line || [ -n "$line" ]; do
		case $line in
		"["*) say section "$line" ;;
		esac
	done <"$kept/was"
fi
if cmp -s "$new" "$dir/$name"; then
	rm -f "$new"
	exit 0
fi
try chmod 644 "$new"
try mv -f "$new" "$dir/$name"
exit 0
