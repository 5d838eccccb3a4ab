# Tells what runs, and what a rollback would go to and how that was prepared. Arguments: those
# of rollback.
at "$1"
read_current
[ -z "$current" ] || say current "$current"
decide "$2" "$3" "$4" && [ -n "$target" ] || return 0
say target "$target"
made=
{ read -r made rest <"$meta/prepared/$target"; } 2>/dev/null
[ -z "$made" ] || say prepared "$made" before
