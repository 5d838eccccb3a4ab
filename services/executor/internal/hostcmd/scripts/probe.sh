# Argument: KiB that the unpacked release will take.
need_kb=$1
prepare
read_current
[ -z "$current" ] || say current "$current"
if staged; then
	say staged yes
	exit 0
fi
vacate
say staged no
free=$(free_kb "$base")
[ -n "$free" ] || exit 0
say free_kb "$free"
[ "$free" -ge "$need_kb" ] || die 82 "$base has $free KiB free, the release takes $need_kb KiB"
