# What has to do with containers. Their labels are the truth:
#
#   slipway.place, slipway.application   whose it is: the application path, and its name
#   slipway.version, slipway.deployment  the release, and what the container was made for
#   slipway.restart                      its restart policy, once it is known to be good
#
# And below the application path:
#
#   .slipway/images/<version>            digest of the release, id of its image, the name that we gave it
#   .slipway/images/.names-<deployment>  what images were called, before another came in
#   .slipway/containers/<deployment>     the container that is to run, or "-" for the one that is made for
#                                        this deployment; and those that ran before

# docker_of DIRECTORY: we work for the application there. Sets docker, the client; site and
# sum, which tell it from others; images and containers, where the above is.
docker_of() {
	docker=$(command -v docker) || return 1
	# What a container is to have in its environment, and so the client, leads it nowhere else.
	export DOCKER_CONFIG="${DOCKER_CONFIG:-$HOME/.docker}"
	site=$(cd "$1" && pwd -P) || die 1 "$1 cannot be entered"
	sum=$(printf "%.10s" "$(printf "%s" "$site" | sha256sum)") images=$1/.slipway/images containers=$1/.slipway/containers
}

# image_id NAME
image_id() { "$docker" image inspect --format "{{.Id}}" "$1" 2>/dev/null; }
