# The image of a release, under a name of ours: made as SLIPWAY_FROM says (build, load, pull)
# of SLIPWAY_SOURCE.
docker_lacks() {
	if ! docker_of ../..; then
		lack="docker is not installed (PATH is $PATH)"
	elif ! said=$("$docker" version --format "{{.Server.Version}}" 2>&1); then
		lack="docker does not answer: $said"
	elif [ "$SLIPWAY_RUNTIMES" != docker ] && [ "$SLIPWAY_FROM" != pull ] && [ ! -e "$SLIPWAY_SOURCE" ]; then
		lack="the release has no $SLIPWAY_SOURCE for docker"
	fi
}
docker_made() {
	docker_of ../.. || return 1
	its= id= tag=
	{ read -r its id tag <"$images/$version"; } 2>/dev/null
	[ -n "$id" ] && [ "$its" = "$(digest_of_release)" ] && [ "$(image_id "$tag")" = "$id" ]
}
docker_make() {
	[ -d "$images" ] || try mkdir -p "$images"
	digest=$(digest_of_release)
	names=$images/.names-$SLIPWAY_DEPLOYMENT
	# In a form that docker takes: slipway/<application>:<version>-<digest>.<place>
	called=$(printf "%s" "$SLIPWAY_APPLICATION" | tr -cs a-z0-9 -)
	tag=slipway/${called%-}:$(printf "%.64s" "$version" | tr + _)-$(printf "%.12s" "$digest").$sum
	[ "$SLIPWAY_FROM" = pull ] || [ -e "$SLIPWAY_SOURCE" ] || die 92 "$SLIPWAY_SOURCE is not in the release"
	"image_$SLIPWAY_FROM"
	id=$(image_id "$tag") || die 1 "docker has no image $tag"
	put "$images/$version" "$digest $id $tag"
}

digest_of_release() {
	while IFS="=" read -r key value; do
		[ "$key" != digest ] || printf "%s" "$value"
	done <"$meta/releases/$version"
}

image_build() {
	run "$docker" image build ${SLIPWAY_REBUILD:+--no-cache} --label "slipway.place=$site" --label "slipway.application=$SLIPWAY_APPLICATION" --label "slipway.version=$version" --tag "$tag" --file "./$SLIPWAY_SOURCE" "./$SLIPWAY_CONTEXT"
}

image_load() {
	remember_names
	if [ -d "$SLIPWAY_SOURCE" ]; then # the package is the archive, and was unpacked
		said=$(tar -cf - -C "./$SLIPWAY_SOURCE" . | "$docker" image load)
	else
		said=$("$docker" image load --input "./$SLIPWAY_SOURCE")
	fi || die 90 "docker ended with status $?"
	came= count=0
	while IFS= read -r line; do
		case $line in
		"Loaded image"*": "*) came=${line##*": "} count=$((count + 1)) ;;
		esac
	done <<END
$said
END
	[ "$count" -eq 1 ] || die 90 "the archive $SLIPWAY_SOURCE has $count images, and not one"
	call_ours "$came"
}

image_pull() {
	source=$SLIPWAY_SOURCE
	case $source in
	*"{{version}}"*) source=${source%%"{{version}}"*}$version${source#*"{{version}}"} ;;
	esac
	remember_names
	run "$docker" image pull "$source"
	call_ours "$source"
}

# remember_names: what images are called, before another comes in.
remember_names() {
	[ -f "$names" ] || put "$names" "$("$docker" image ls --no-trunc --format "{{.Repository}}:{{.Tag}} {{.ID}}")"
}

# call_ours NAME: the image has our name. What it came by means again what it did before, or
# nothing: whoever removes our name removes the image.
call_ours() {
	run "$docker" image tag "$1" "$tag"
	was=
	while read -r known id; do
		[ "$known" != "$1" ] || was=$id
	done <"$names"
	case $1.$was in
	sha256:*) ;;
	*.) "$docker" image rm --no-prune "$1" >/dev/null ;;
	*) run "$docker" image tag "$was" "$1" ;;
	esac
	remove "$names"
}
