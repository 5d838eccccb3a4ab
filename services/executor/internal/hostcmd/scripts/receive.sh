# How a bundle comes in: in one pass, hashed and unpacked as it arrives.

# pick_hash BYTES: hash is sha256sum, or openssl where it is there and so much is to
# be hashed that the time it takes to start is won back several times.
pick_hash() {
	hash=sha256sum
	[ "$1" -gt 4000000 ] && openssl version >/dev/null 2>&1 && hash="openssl dgst -sha256 -r"
}

# take_in SIZE DIRECTORY: unpacks stdin in the directory. It sets got, the sha256 of
# what came, and tee, inflate and tar, each the status of its end; or ends the step,
# where the disk is full.
#
# tee gives the bytes to the hash, through the fifo, and to tar. How each of them
# ended comes back as words on fd 3, as a disk that is full has no room for them. fd 5
# is this command's stdout.
take_in() {
	into=$2
	pick_hash "$1"
	try mkfifo "$work/pipe"
	exec 5>&1
	words=$(
		exec 3>&1
		$hash <"$work/pipe" | hashed >&3 &
		{ receive | inflate | unpack; } 2>&1 >/dev/null | complaints >&3
		wait
	)
	got= tee= inflate= tar= overfull=
	for word in $words; do
		case $word in
		hash=*) got=${word#*=} ;;
		tee=*) tee=${word#*=} ;;
		inflate=*) inflate=${word#*=} ;;
		tar=*) tar=${word#*=} ;;
		full=*) overfull=yes ;;
		esac
	done
	if [ -n "$overfull" ] || { [ "$tar" != 0 ] && full; }; then
		die 82 "unpacking release $version left $(free_kb "$base") KiB free in $base"
	fi
}
ended() {
	printf "%s" "$1=$2$nl" >&3
	[ "$1$2" != tee0 ] || say step transfer >&5
}
receive() {
	tee "$work/pipe"
	ended tee $?
}
# What cannot be unpacked is read on all the same: the hash of everything tells a
# bundle that was damaged from a tar that failed.
inflate() {
	"$codec" -dc
	status=$?
	ended inflate "$status"
	[ "$status" -ne 1 ] || cat >/dev/null
}
# Not tar -C: GNU tar takes backslashes in its argument for escapes. -p, as modes
# are compared later, and the umask of the login is not known then.
unpack() {
	cd "$into" && tar -xpf -
	status=$?
	ended tar "$status"
	[ "$status" -eq 0 ] || [ "$how" = whole ] || cat >/dev/null
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
