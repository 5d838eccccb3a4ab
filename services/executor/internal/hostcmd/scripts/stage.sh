# The bundle comes on stdin. Arguments: application path, version, digest; the bundle's
# sha256, its size, the deployment; whether it is the whole package, or that with each file
# in its place, or what is left when files are linked from another release, or the rest of
# what an earlier command began; the KiB that are to be free for it, or 0 where that is not
# looked at; the sha256 of the manifest and how many lines it has, how many paths there are, and how many
# bytes all files have; how it is compressed.
for_release "$1" "$2" "$3"
shift 3
want=$1 size=$2 deployment=$3 how=$4 need_kb=$5
shift 5
listed=$1 files=$2 paths=$3 unpacked=$4 codec=$5
need tar sha256sum tee
[ "$codec" = none ] || need "$codec"
prepare
if staged; then
	pass_over
	say staged yes
	return 0
fi
work=$meta/stage
tree=$work/tree/$version
came=$work/came manifest_at=$meta/manifests/$version since_at=$meta/since/$version
case $how in
rest)
	if ! begun; then
		pass_over
		say staged no
		say lacks all
		return 0
	fi
	unplace
	remove "$came" "$tree/.slipway"
	;;
*)
	vacate
	;;
esac
if [ "$need_kb" != 0 ]; then
	free_kb "$base"
	[ -z "$free" ] || [ "$free" -ge "$need_kb" ] || {
		vacate
		# Where parts are in the way, or a file is made of others, all of it may fit.
		case $how in
		linked | rest)
			pass_over
			say staged no
			say lacks all
			return 0
			;;
		esac
		die 82 "$base has $free KiB free, the release takes $need_kb KiB"
	}
fi
placed= kept= hashed=
case $how in
whole) hashed=yes ;;
plain)
	# It is unpacked in its place, where nothing counts before it is marked. But what a
	# link leads to does count, though it was gone.
	if [ -h "$base/current" ] && [ ! -e "$base/current" ]; then
		read_current
		[ "$current" != "$version" ] || die 1 "current leads to release $version, which is gone: it cannot be unpacked there"
	fi
	hashed=yes placed=yes
	tree=$base/releases/$version
	;;
esac
cleanup() {
	[ -n "$kept" ] || rm -rf "$meta/stage" "$manifest_at" "$since_at"
	[ -z "$placed" ] || rm -rf "$base/releases/$version" "$manifest_at" "$since_at"
}
write "$work/of" "$version $digest"
mark_since
if [ "$how" = whole ]; then
	try mkdir -p "$tree"
	take_in "$size" "$tree"
else
	take_in "$size" "$base" # tar makes the directories
fi
# What came before a connection broke need not come again. It counts for nothing
# until it is verified.
if [ -n "$hashed" ]; then
	if [ "$tee" = 0 ] && [ "$got" != "$want" ]; then
		kept=yes
		die 83 "the bundle did not arrive as it was sent: $size bytes with sha256 $want were meant to, sha256 $got did"
	fi
	[ "$tee.$inflate.$tar" = 0.0.0 ] || die 1 "unpacking failed (tee $tee, $codec $inflate, tar $tar)"
elif [ "$inflate" != 0 ] || [ ! -f "$manifest_at" ]; then
	kept=yes
	die 83 "the bundle of $size bytes did not arrive as it was sent ($codec $inflate, tar $tar)"
fi
if [ "$how" = whole ]; then
	try mv -f "$tree/.slipway/manifest" "$manifest_at"
	remove "$tree/.slipway"
fi
if [ -z "$hashed" ]; then
	patch_up
	copy_links
	verify
	if [ -z "$sound" ]; then
		say staged no
		return 0
	fi
fi
say step verify

# To the disk before the marker: after a power cut, a release that counts as
# complete is complete. Where sync knows no -f, the file system decides.
sync -f "$tree" 2>/dev/null
if [ -z "$placed" ]; then
	placed=yes
	try mv "$tree" "$base/releases/"
fi
write "$meta/releases/$version" "digest=$digest${nl}manifest=$listed${nl}deployment=$deployment"
check_since "$meta/releases/$version"
# What is left is for the next one, but for what would be in its way.
remove "$came/delta"
[ ! -s "$work/shared" ] || remove "$work/shared"
say step unpack
say staged yes
