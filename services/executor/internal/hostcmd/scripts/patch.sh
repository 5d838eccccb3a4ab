# patch_up makes large files of the versions that the other release has, and of what came
# of them. What comes of it is held to the manifest like every file.
patch_up() {
	for recipe in "$tree"/.slipway/delta/*.how; do
		[ -f "$recipe" ] || continue
		{
			IFS= read -r old && IFS= read -r new && IFS= read -r mode || continue
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
