# patch_up makes large files of the versions that the other release has, or of the part
# that came before a transfer was cut, and of what came of them now. What comes of it is held to the manifest like every file.
patch_up() {
	for recipe in "$came"/delta/*.how; do
		[ -f "$recipe" ] || continue
		{
			IFS= read -r old && IFS= read -r new && IFS= read -r mode || continue
			rm -f "$tree/$new"
			while read -r word offset bytes; do
				case $word in
				copy) piece "$base/$old" ;;
				take) piece "${recipe%.how}" ;;
				esac
			done >"$tree/$new"
		} <"$recipe"
		chmod "$mode" "$tree/$new"
		touch -r "${recipe%.how}" "$tree/$new"
	done 2>/dev/null
}
piece() { dd if="$1" bs=65536 skip="$offset" count="$bytes" iflag=skip_bytes,count_bytes </dev/null; }
