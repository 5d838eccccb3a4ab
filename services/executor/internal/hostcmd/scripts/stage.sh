# The bundle comes on stdin. Arguments: its sha256, its size, the deployment; whether
# it is the whole package, or what is left when files are linked from another release,
# or the rest of what an earlier command began; the sha256 of the manifest and how many
# lines it has, how many paths there are, and how many bytes all files have.
want=$1 size=$2 deployment=$3 how=$4 listed=$5 files=$6 paths=$7 unpacked=$8 codec=$9
need tar "$codec" sha256sum tee mkfifo
prepare
if staged; then
	say staged yes
	exit 0
fi
work=$meta/stage
tree=$work/tree/$version
manifest=$work/manifest
case $how in
rest)
	if ! begun; then
		say staged no
		say lacks all
		exit 0
	fi
	unplace
	try rm -f "$work/pipe"
	;;
*)
	vacate
	;;
esac
placed= kept=
cleanup() {
	[ -n "$kept" ] || rm -rf "$meta/stage"
	[ -z "$placed" ] || rm -rf "$base/releases/$version"
}
try mkdir -p "$tree"
said=$({ printf "%s" "$version $digest$nl" >"$work/of"; } 2>&1) || broken "$said"
if [ "$how" = whole ]; then
	take_in "$size" "$tree"
else
	take_in "$size" "$base"
fi
# What came before a connection broke need not come again. It counts for nothing
# until it is verified.
if [ "$tee" = 0 ] && [ "$got" != "$want" ]; then
	kept=yes
	die 83 "the bundle did not arrive as it was sent: $size bytes with sha256 $want were meant to, sha256 $got did"
fi
[ "$how" != whole ] || [ "$tar" = 0 ] || die 1 "unpacking failed (tee $tee, $codec $inflate, tar $tar)"
[ "$tee.$inflate" = 0.0 ] || die 1 "unpacking failed (tee $tee, $codec $inflate, tar $tar)"
said=$({ cat "$tree/.slipway/manifest" >"$manifest"; } 2>&1) || broken "$said"
# Its time tells later which files were written to since: from a moment ago on, as some
# tools look at whole seconds.
touch -d "@$(($(date +%s) - 2))" "$manifest" 2>/dev/null
[ "$how" = whole ] || patch_up
try rm -rf "$tree/.slipway"
if [ "$how" != whole ]; then
	copy_links
	verify
	if [ -z "$sound" ]; then
		say staged no
		exit 0
	fi
fi
say step verify

# To the disk before the marker: after a power cut, a release that counts as
# complete is complete. Where sync knows no -f, the file system decides.
sync -f "$tree" 2>/dev/null
placed=yes
try mv "$tree" "$base/releases/"
try mv -f "$manifest" "$meta/manifests/$version"
put "$meta/releases/$version" "digest=$digest${nl}manifest=$listed${nl}deployment=$deployment${nl}staged_at=$(date -u +%Y-%m-%dT%H:%M:%SZ)"
rm -rf "$meta/stage"
say step unpack
say staged yes
