# Has what a release needs to run be made, by the first of SLIPWAY_RUNTIMES that the
# host has. Runs in the directory of the release, where that is for good: what is made may
# hold its path. Each of them is three functions: NAME_lacks sets lack to what is not
# on the host; NAME_make makes it, and ends the step where that fails; NAME_made says
# whether it is there, whole.
#
# The marker has the runtime, what stands for all that it was told (SLIPWAY_OPTIONS has that of
# each, as NAME=DIGEST), and made, or making: what lies there then is worth nothing. A release
# keeps its runtime.
meta=../../.slipway version=${PWD##*/}
marker=$meta/prepared/$version
was= options= state=
{ read -r was options state <"$marker"; } 2>/dev/null

# run COMMAND...: it succeeds, or the step ends.
run() {
	"$@" && return
	status=$?
	! full || die 82 "${1##*/} ended with status $status: $free KiB are free"
	die 90 "${1##*/} ended with status $status"
}

# as_asked: it was made in the way that is asked for, or that is all the same.
as_asked() {
	[ -z "$SLIPWAY_AS_IT_WAS" ] || return 0
	case " $SLIPWAY_OPTIONS " in
	*" $was=$options "*) ;;
	*) return 1 ;;
	esac
}

# due: it is to be made anew, which this deployment has not done.
due() {
	[ -n "$SLIPWAY_REBUILD" ] || return 1
	which= by=
	{ read -r which by <"$meta/rebuilt"; } 2>/dev/null
	[ "$which $by" != "$version $SLIPWAY_DEPLOYMENT" ]
}

# choose sets runtime or, where the host has none, what is missing.
choose() {
	runtime=
	for candidate in $SLIPWAY_RUNTIMES; do
		[ "$candidate" != "$was" ] || runtime=$candidate
	done
	missing=
	for candidate in ${runtime:-$SLIPWAY_RUNTIMES}; do
		lack= runtime=$candidate
		"${candidate}_lacks"
		if [ -z "$lack" ]; then
			missing=
			return
		fi
		missing="$missing${missing:+; }$lack"
	done
}

if [ "$state" = made ] && "${was}_made" 2>/dev/null; then
	if as_asked && ! due; then
		say prepared "$was" before
		exit 0
	fi
	if [ "$(readlink ../../current)" = "releases/$version" ]; then
		as_asked ||
			die 84 "release $version runs, and was prepared in another way ($was): what runs is never taken away, so this needs a version of its own"
		# A container keeps the image that it was made of.
		[ "$was" = docker ] ||
			die 84 "release $version runs: what it needs is not made anew under it, so this needs a version of its own"
	fi
fi
choose
[ -z "$missing" ] || die 88 "$missing"
told=" $SLIPWAY_OPTIONS "
told=${told#*" $runtime="}
told=${told%% *}
put "$marker" "$runtime $told making"
"${runtime}_make" >&2
"${runtime}_made" || die 1 "what $runtime made does not work"
# To the disk before the marker, as it is with releases.
sync -f . 2>/dev/null
put "$marker" "$runtime $told made"
[ -z "$SLIPWAY_REBUILD" ] || put "$meta/rebuilt" "$version $SLIPWAY_DEPLOYMENT"
say prepared "$runtime"
