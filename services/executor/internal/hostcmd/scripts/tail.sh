# The end of a file. Changes nothing, takes no lock. Arguments: the application path; the
# file, from there on or absolute; lines; bytes.
at "$1"
case $2 in
/*) file=$2 ;;
*) file=$base/$2 ;;
esac
[ -f "$file" ] || die 92 "$file"
[ -r "$file" ] || die 87 "$file may not be read"
need tail sed
tail -n "$3" "$file" | tail -c "$4" | sed "s/^/slipway line /"
