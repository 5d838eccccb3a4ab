# Arguments: version, deployment.
prepare
read_current
[ "$current" != "$1" ] || succeeded "$1" "$2"
exit 0
