# The bundle comes on stdin. Arguments: its sha256, its size, the deployment.
want=$1 size=$2 deployment=$3
need tar gzip sha256sum tee mkfifo
prepare
if staged; then
	say staged yes
	exit 0
fi
vacate
work=$meta/stage/$token
tree=$work/tree/$version
placed=
cleanup() {
	rm -rf "$meta/stage"
	[ -z "$placed" ] || rm -rf "$base/releases/$version"
}
try mkdir -p "$tree"
try mkfifo "$work/pipe"

# One pass: tee gives the bytes to sha256sum, through the fifo, and to tar. How
# each of them ended comes back as words on fd 3, as a disk that is full has no
# room for them. fd 5 is this command's stdout.
ended() {
	printf "%s" "$1=$2$nl" >&3
	[ "$1$2" != tee0 ] || say step transfer >&5
}
receive() {
	tee "$work/pipe"
	ended tee $?
}
# What gzip does not understand is read on all the same: the hash of everything
# tells a bundle that was damaged from a tar that failed.
inflate() {
	gzip -dc
	status=$?
	ended gzip "$status"
	[ "$status" -ne 1 ] || cat >/dev/null
}
# Not tar -C: GNU tar takes backslashes in its argument for escapes.
unpack() {
	cd "$tree" && tar -xf -
	ended tar $?
}
hashed() {
	read -r hash rest
	printf "%s" "hash=$hash$nl"
}
# The first complaints of the tools go to stderr. A full disk ends it: with
# nobody to complain to, tar does not try one file after another.
complaints() {
	shown=0
	while IFS= read -r line; do
		case $line in
		*"No space left on device"* | *"uota exceeded"* | *"Wrote only"* | *"hort write"*)
			printf "%s" "full=yes$nl"
			return
			;;
		esac
		shown=$((shown + 1))
		[ "$shown" -gt 5 ] || printf "%s" "$line$nl" >&2
	done
}
exec 5>&1
words=$(
	exec 3>&1
	sha256sum <"$work/pipe" | hashed >&3 &
	{ receive | inflate | unpack; } 2>&1 >/dev/null | complaints >&3
	wait
)
got= tee= gzip= tar= overfull=
for word in $words; do
	case $word in
	hash=*) got=${word#*=} ;;
	tee=*) tee=${word#*=} ;;
	gzip=*) gzip=${word#*=} ;;
	tar=*) tar=${word#*=} ;;
	full=*) overfull=yes ;;
	esac
done
if [ -n "$overfull" ] || { [ "$tar" != 0 ] && full; }; then
	die 82 "unpacking release $version left $(free_kb "$base") KiB free in $base"
fi
[ "$tee" != 0 ] || [ "$got" = "$want" ] ||
	die 83 "the bundle did not arrive as it was sent: $size bytes with sha256 $want were meant to, sha256 $got did"
[ "$tee.$gzip.$tar" = 0.0.0 ] || die 1 "unpacking failed (tee $tee, gzip $gzip, tar $tar)"
say step verify

# To the disk before the marker: after a power cut, a release that counts as
# complete is complete. Where sync knows no -f, the file system decides.
sync -f "$tree" 2>/dev/null
placed=yes
try mv "$tree" "$base/releases/"
put "$meta/releases/$version" "digest=$digest${nl}deployment=$deployment${nl}staged_at=$(date -u +%Y-%m-%dT%H:%M:%SZ)"
rm -rf "$meta/stage"
say step unpack
say staged yes
