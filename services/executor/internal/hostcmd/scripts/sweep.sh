# Removes the containers and images of releases that are not here any more. Of each release the
# newest container stays. Arguments: application path; name; deployment.
container_of "$1" "$2" "$3" 0
ours
kept=" "
for id in $found; do
	kept="$kept$id "
done
for marker in "$meta"/releases/*; do
	newest "${marker##*/}"
	kept="$kept$found "
done
ours --all
for id in $found; do
	case $kept in
	*" $id "*) ;;
	*) container rm --force "$id" ;;
	esac
done
for record in "$images"/*; do
	[ -f "$record" ] && [ ! -f "$meta/releases/${record##*/}" ] || continue
	its= id= tag=
	{ read -r its id tag <"$record"; } 2>/dev/null
	# Somebody else may use it. Then it is tried again.
	[ "$(image_id "$tag")" != "$id" ] || "$docker" image rm "$tag" >/dev/null || continue
	remove "$record"
done
for note in "$containers"/* "$images"/.names-*; do
	[ "$note" = "$mine" ] || remove "$note"
done
exit 0
