# What install.sh kept is there again. Arguments: application path, deployment; the
# directory and the name of the file.
at "$1"
kept=$meta/init/$2 file=$3/$4 new=$3/.$4.slipway
[ -d "$kept" ] || exit 0
if [ ! -f "$kept/was" ]; then
	try rm -f "$file"
	exit 0
fi
cleanup() { rm -f "$new"; }
try cp "$kept/was" "$new"
try chmod 644 "$new"
try mv -f "$new" "$file"
exit 0
