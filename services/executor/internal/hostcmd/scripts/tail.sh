# The end of a file. Changes nothing, takes no lock. Arguments: the file, from the
# application path on or absolute; lines; bytes.
case $1 in
/*) file=$1 ;;
*) file=$base/$1 ;;
esac
[ -f "$file" ] || die 92 "$file"
[ -r "$file" ] || die 87 "$file may not be read"
need tail sed
tail -n "$2" "$file" | tail -c "$3" | sed "s/^/slipway line /"
