# The container that replace started is good: it runs from now on, and the others do not. They
# stay with their releases, stopped. Arguments: application path; name; deployment; seconds that
# a container has to end.
container_of "$@"
decided && [ -n "$new" ] || die 90 "the container is not there any more"
restarts_as_said "$new"
for id in $before; do
	container update --restart no "$id"
	stop "$id"
done
exit 0
