# A link by which what runs is found elsewhere, too. Arguments: application path; the
# link, a name in there or an absolute path; what it leads to in the release, or
# nothing, for the release itself.
at "$1"
link=$2
case $link in
/*) to=$(cd -P "$base" && pwd)/current ;;
*) to=current link=$base/$link ;;
esac
[ -z "$3" ] || to=$to/$3
dir=${link%/*}/
case ${link##*/} in
current | releases | shared | .slipway)
	[ ! "$dir" -ef "$base/" ] || die 89 "$link is not for links of the user"
	;;
esac
[ "$(readlink "$link" 2>/dev/null)" != "$to" ] || exit 0
[ -h "$link" ] || [ ! -e "$link" ] || die 89 "$link is in the way: it is not a link"
place=$dir
next=$dir.slipway-next
remove "$next"
try mkdir -p "$next"
try ln -s "$to" "$next/${link##*/}"
# As current is moved: what the old link leads to is no directory to move it into.
try mv -f "$next/${link##*/}" "$dir"
remove "$next"
