# One attempt at work: a step at a time, each only once it is asked for. The
# fence is taken already, and holds until this shell ends. Arguments: the first
# request. The others come on stdin, a line each.
#
# A request is STEP BLOCKS REST ARGUMENT..., in which lines are quoted for this
# shell. So much content follows the line: BLOCKS of 64 KiB and REST bytes, or,
# where BLOCKS is "-", all until stdin ends. A line that breaks off is no
# request.
#
# The answer is what the step says on stdout and stderr, and then a line on each
# that tells its end: on stdout "done" with the exit code, or "over" where
# no other request is taken. What a command of the user says is not looked at, so
# after "task" there are no such lines: the session ends with the exit code.

# ask STEP BLOCKS REST ARGUMENT...: does a step. Those that every deployment has, and that
# do nothing but what is written here, are done in this shell, which spares the host a
# process each: they return, or die, and that ends the session. The others get a shell of
# their own, as they may end it anywhere. Content that a step left unread must not be
# taken for requests; and what it cleans up where it dies is its own.
ask() {
	step=$1 blocks=$2 rest=$3 over=
	shift 3
	cleanup() { :; }
	case $step.$blocks.$rest in
	probe.0.0 | share.0.0 | switch.0.0 | prove.0.0 | clean.0.0 | look.0.0 | rollback.0.0)
		here=yes
		step_"$step" "$@" </dev/null
		status=$?
		here=
		;;
	*.0.0)
		(step_"$step" "$@") </dev/null 8>&-
		status=$?
		;;
	stage.0.*)
		# It takes so little by itself, or fails, and may have left it.
		here=yes
		step_stage "$@"
		status=$?
		here=
		;;
	*)
		whole=$(
			exec 3>&1 >&8
			{ content "$blocks" "$rest" 3>&- && printf "%s" whole >&3; } | step_"$step" "$@" 3>&- 8>&-
		)
		status=$?
		[ -n "$whole" ] || over=yes
		;;
	esac
	# What a command of the user left running is in this group: whoever comes next
	# must not find it at work, and end it. And clean is what attempts end with: so
	# the end of the session need not be asked for, and waited for.
	case $step in
	perform) exit "$status" ;;
	prepare | publish | clean) over=yes ;;
	esac
	# What was asked for along with a step is to be done only if that succeeded.
	[ "$status" = 0 ] || over=yes
	answer "$status"
}

# answer STATUS: tells how the step ended.
answer() {
	printf "%s" "${nl}slipway end$nl" >&2
	[ -n "$over" ] || {
		say done "$1"
		return
	}
	say over "$1"
	exit 0
}

# died STATUS: a step of this shell did.
died() {
	[ -n "$here" ] || return 0
	over=yes
	answer "$1"
}

here=
exec 8>&1
ask "$@"
while IFS= read -r request; do
	eval "ask $request"
done
exit 0
