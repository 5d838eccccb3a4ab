# One step at a time on a host, and none of a token that was overtaken.
# Arguments: installation, token, seconds to wait for the lock.
#
# The lock is an flock on fd 9. Children inherit it, so it outlives this shell
# for as long as something works for it. A newer token does not wait for that:
# it kills the holder's process group. sshd gives every command a session, so
# the group is this command and nothing else.
installation=$1 token=$2 patience=$3
shift 3
need flock

# newer A B: decimals without leading zeros, of any length.
newer() { [ ${#1} -gt ${#2} ] || { [ ${#1} -eq ${#2} ] && [ "$1" ">" "$2" ]; }; }

# look_up PID: sets group and started (clock ticks since boot) of a process.
look_up() {
	{ read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
	set -f
	set -- ${line##*") "}
	set +f
	[ $# -ge 20 ] || return 1
	group=$3 started=${20}
}

# holds_lock GROUP: some process of it has the lock file as its fd 9.
holds_lock() {
	for entry in /proc/[0-9]*; do
		look_up "${entry#/proc/}" || continue
		[ "$group" = "$1" ] && [ "$entry/fd/9" -ef .slipway/lock ] && return 0
	done
	return 1
}

# evict kills who holds the lock, if that is an older or equal token of this
# installation. The start time tells the holder from a stranger that was given
# its pid since. A leader that is gone may have left children behind: then one
# of them has the lock.
evict() {
	{ read -r h_installation h_token h_group h_started <.slipway/holder; } 2>/dev/null || return 0
	case $h_token.$h_group.$h_started in
	*[!0-9.]* | *..* | .* | *.) return 0 ;;
	esac
	[ "$h_installation" = "$installation" ] || return 0
	newer "$h_token" "$token" && die 80 "token $token is superseded by $h_token, which is at work here"
	[ "$h_group" -gt 1 ] && [ "$h_group" != "$my_group" ] || return 0
	if look_up "$h_group"; then
		[ "$started" = "$h_started" ] || return 0
	else
		holds_lock "$h_group" || return 0
	fi
	kill -9 "-$h_group" 2>/dev/null && say evicted "$h_token"
}

look_up $$ || die 1 "/proc/$$/stat cannot be read; Slipway needs a Linux host"
my_group=$group my_start=$started
[ "$my_group" = $$ ] || { my_start=0 && look_up "$my_group" && my_start=$started; }

[ -d .slipway/fence ] || try mkdir -p .slipway/fence
{ printf "" >>.slipway/lock; } 2>/dev/null || {
	said=$({ printf "" >>.slipway/lock; } 2>&1) || broken "$said"
}
exec 9>>.slipway/lock
patience=$((patience * 10))
while :; do
	flock -n 9
	case $? in
	0) break ;;
	1) evict ;;
	*) die 1 "flock failed on $HOME/.slipway/lock" ;;
	esac
	[ "$patience" -gt 0 ] || die 81 "another command holds $HOME/.slipway/lock"
	if sleep 0.1 2>/dev/null; then
		patience=$((patience - 1))
	else
		sleep 1
		patience=$((patience - 10))
	fi
done

seen=0
{ read -r seen <".slipway/fence/$installation"; } 2>/dev/null
case $seen in
"" | *[!0-9]*) seen=0 ;;
esac
newer "$seen" "$token" && die 80 "token $token is superseded by $seen"
[ "$seen" = "$token" ] || note ".slipway/fence/$installation" "$token"
write .slipway/holder "$installation $token $my_group $my_start"
