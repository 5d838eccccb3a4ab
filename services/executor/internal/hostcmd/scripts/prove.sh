# Arguments: application path, version, deployment.
at "$1"
prepare
read_current
[ "$current" != "$2" ] || succeeded "$2" "$3"
return 0
