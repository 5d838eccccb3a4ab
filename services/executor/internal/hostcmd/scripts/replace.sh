# Has the container of a release run in the place of those that do, and waits until it is healthy.
# What ran is stopped at most, so that bring_back can start it. Arguments: application path; name;
# deployment; seconds that a container has to end; version; yes, if a container of this
# release that is there will do; stop_first or start_first; seconds that it is to run where
# it does not tell how it is, or - to wait for nothing; restart policy; number of options; these; what the container
# runs. Its environment comes on stdin, as the shell exports it.
container_of "$1" "$2" "$3" "$4"
version=$5 again=$6 order=$7 settle=$8 restart=$9
shift 9
exports=$(cat)
case $exports in
*"# whole") ;;
*) exit 1 ;; # the connection broke
esac
[ -d "$containers" ] || try mkdir -p "$containers"
if ! decided; then
	chosen=-
	if [ "$again" = yes ]; then
		newest "$version"
		chosen=${found:--}
	fi
	list=$chosen
	ours
	for id in $found; do
		[ "$id" = "$chosen" ] || list=$list$nl$id
	done
	put "$mine" "$list"
	decided
fi

# create OPTIONS OPTION... ARGUMENT...: sets new. Until it is known to be good, nobody starts it
# again: that it ended is to be seen.
create() {
	options=$1
	shift
	its= id=
	{ read -r its id tag <"$images/$version"; } 2>/dev/null
	[ -n "$id" ] || die 85 "there is no image of release $version"
	for word; do
		shift
		[ "$options" -ne 0 ] || set -- "$@" "$id"
		set -- "$@" "$word"
		options=$((options - 1))
	done
	[ "$options" -ne 0 ] || set -- "$@" "$id"
	set -- "$docker" container create --name "$name" --restart no --label "slipway.place=$site" --label "slipway.application=$application" --label "slipway.version=$version" --label "slipway.deployment=$deployment" --label "slipway.restart=$restart" "$@"
	# The environment of the container is the last that this shell has to do with.
	new=$(eval "$exports" && exec "$@") || die 90 "docker container create ended with status $?"
}

# sick WHAT: it is not what it is to be.
sick() {
	"$docker" container logs --tail 20 "$new" 2>&1 | tail -c 600 >&2
	die 93 "the container $1"
}
now() { read -r up rest </proc/uptime && printf "%s" "${up%.*}"; }

[ -n "$new" ] || create "$@"
if [ "$order" = stop_first ]; then
	for id in $before; do
		stop "$id"
	done
fi
container start "$new"
began=$(now)
while :; do
	state=$("$docker" container inspect --format "{{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}} {{.State.ExitCode}}" "$new") || die 90 "docker container inspect failed"
	set -- $state
	case $settle.$1.$2 in
	-.running.*) exit 0 ;;
	*.running.healthy) exit 0 ;;
	*.running.unhealthy)
		"$docker" container inspect --format "{{range .State.Health.Log}}{{.Output}}{{end}}" "$new" | tail -c 300 >&2
		sick "is not healthy"
		;;
	*.running.starting) ;;
	*.running.none) [ $(($(now) - began)) -lt "$settle" ] || exit 0 ;;
	*) sick "ended with status $3" ;;
	esac
	sleep 0.2 2>/dev/null || sleep 1
done
