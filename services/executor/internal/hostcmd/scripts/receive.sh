# How a bundle comes in: in one pass, and unpacked as it arrives. One that is the whole
# package is hashed as well; of any other, each file is hashed where it lies.

# pick_hash BYTES: hash is sha256sum, or openssl where it is there and so much is to
# be hashed that the time it takes to start is won back several times.
pick_hash() {
	hash=sha256sum
	[ "$1" -gt 4000000 ] && openssl version >/dev/null 2>&1 && hash="openssl dgst -sha256 -r"
}

# take_in SIZE DIRECTORY: unpacks stdin in the directory. It sets got, the sha256 of
# what came, if that is asked for, and tee, inflate and tar, each the status of its end;
# or ends the step, where the disk is full.
take_in() {
	into=$2
	pick_hash "$1"
	got= tee=0 inflate=0 tar= overfull=
	if [ "$blocks" = 0 ]; then
		take_whole
	else
		take_as_it_comes
	fi
	if [ -n "$overfull" ] || { [ "$tar" != 0 ] && full; }; then
		free_kb "$base"
		die 82 "unpacking release $version left $free KiB free in $base"
	fi
}

# pass_over reads what is not needed, where the session does not.
pass_over() { [ "$blocks" != 0 ] || content 0 "$rest" >/dev/null; }

# take_whole: what is small is kept first, and unpacked once it is known to be what was
# sent: that takes the fewest processes. The file is for nobody else to read, as some of
# what is in it may not be, and is emptied in the end.
take_whole() {
	bundle=$work/bundle
	remove "$bundle"
	said=$(umask 077 && exec dd bs="$rest" count=1 iflag=fullblock 2>&1 >"$bundle") || case $said in
	*"No space left on device"* | *"uota exceeded"*)
		overfull=yes
		return
		;;
	*) uncut >>"$bundle" ;;
	esac
	say step transfer
	[ -z "$hashed" ] || got=$($hash <"$bundle")
	got=${got%% *}
	[ "$got" = "${hashed:+$want}" ] || {
		empty
		return
	}
	said=$(open_whole 2>&1)
	tar=$?
	[ -z "$said" ] || overfull=$(printf "%s" "$said$nl" | complaints 3>&1)
	empty
}
# No special builtin: where one cannot write, some shells end.
empty() { printf "" >"$bundle"; }
open_whole() {
	exec <"$bundle"
	cd "$into" || return
	[ "$codec" != none ] || exec tar -xpf -
	"$codec" -dc | tar -xpf -
}

# take_as_it_comes: tee gives the bytes to tar, and on fd 4 to the hash. How each of them
# ended comes back as words on fd 3, as a disk that is full has no room for them. fd 5 is
# this command's stdout.
take_as_it_comes() {
	exec 5>&1
	words=$(
		exec 3>&1
		if [ -n "$hashed" ]; then
			{ { receive | open_up; } 2>&1 >/dev/null | complaints >&3; } 4>&1 | $hash
		else
			open_up 2>&1 >/dev/null | complaints >&3
			say step transfer >&5
		fi
	)
	set -f
	for word in $words; do
		case $word in
		tee=*) tee=${word#*=} ;;
		inflate=*) inflate=${word#*=} ;;
		tar=*) tar=${word#*=} ;;
		full=*) overfull=yes ;;
		*) [ ${#word} -ne 64 ] || got=$word ;;
		esac
	done
	set +f
}
open_up() {
	case $codec in
	none) unpack ;;
	*) inflate | unpack ;;
	esac
}
ended() {
	printf "%s" "$1=$2$nl" >&3
	[ "$1$2" != tee0 ] || say step transfer >&5
}
receive() {
	tee /proc/self/fd/4
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
	[ "$status" -eq 0 ] || [ -n "$hashed" ] || cat >/dev/null
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
