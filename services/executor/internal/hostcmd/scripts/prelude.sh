# What every command starts with, after tools.sh.
LC_ALL=C
export LC_ALL
unset CDPATH TAR_OPTIONS GZIP
[ -n "${HOME-}" ] && cd "$HOME" 2>/dev/null || die 87 "the home directory ${HOME-} cannot be entered"
