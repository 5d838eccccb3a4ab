# For the steps about the containers of an application.

# container_of PATH APPLICATION DEPLOYMENT STOP: the step is about this one. A container is
# given STOP seconds to end.
container_of() {
	at "$1"
	docker_of "$base" || die 88 "docker is not installed (PATH is $PATH)"
	mine=$containers/$3 name=$2-$3-$sum application=$2 deployment=$3 stop=$4
}

# container WHAT...: a command of docker about containers; it succeeds, or the step ends.
container() {
	said=$("$docker" container "$@" 2>&1 >/dev/null) || die 90 "docker container $1: $said"
}

# ours OPTION...: sets found to the ids of the containers of this application, the newest first.
ours() {
	found=$("$docker" container ls --no-trunc --quiet --filter "label=slipway.place=$site" "$@") || die 90 "docker container ls ended with status $?"
}

# newest VERSION: sets found to the id of the newest container of a release, if there is one.
newest() {
	ours --all --filter "label=slipway.version=$1"
	found=${found%%"$nl"*}
}

# decided: sets new to the container that is to run, empty where it is not there, and
# before to those that ran.
decided() {
	new= before= chosen=
	[ -f "$mine" ] || return 1
	while read -r id; do
		if [ -z "$chosen" ]; then
			chosen=$id
		else
			before="$before $id"
		fi
	done <"$mine"
	new=$chosen
	[ "$chosen" != - ] || new=$("$docker" container inspect --format "{{.Id}}" "$name" 2>/dev/null)
	return 0
}

# restarts_as_said CONTAINER: it does, from now on, what its label says.
restarts_as_said() {
	for policy in no on-failure unless-stopped; do
		ours --all --filter "id=$1" --filter "label=slipway.restart=$policy"
		[ -z "$found" ] || container update --restart "$policy" "$1"
	done
}
stop() { container stop --time "$stop" "$1"; }
