# A link at the top of the release to the file that is run of it: SLIPWAY_LINK to
# SLIPWAY_FILE or, where that is empty, the only one whose name ends with SLIPWAY_SUFFIX.
# With SLIPWAY_RUNS it can be executed.
entry_lacks() { :; }
entry_made() { [ -f "$SLIPWAY_LINK" ] && { [ -z "$SLIPWAY_RUNS" ] || [ -x "$SLIPWAY_LINK" ]; }; }
entry_make() {
	file=$SLIPWAY_FILE
	[ -n "$file" ] || find_entry
	[ -f "$file" ] || die 92 "$file is not in the release"
	[ -z "$SLIPWAY_RUNS" ] || [ -x "./$file" ] || try chmod 755 "./$file"
	[ "$file" != "$SLIPWAY_LINK" ] || return 0
	[ -h "$SLIPWAY_LINK" ] && [ ! -d "$SLIPWAY_LINK" ] || [ ! -e "$SLIPWAY_LINK" ] ||
		die 84 "$SLIPWAY_LINK is in the package already, so no link to $file can have its name"
	remove "$meta/next/entry"
	try mkdir -p "$meta/next"
	try ln -s -- "$file" "$meta/next/entry"
	try mv -f "$meta/next/entry" "./$SLIPWAY_LINK"
}
find_entry() {
	others=
	for candidate in *"$SLIPWAY_SUFFIX"; do
		[ -f "$candidate" ] && [ ! -h "$candidate" ] || continue
		others="$others${file:+ $file}" file=$candidate
	done
	[ -n "$file" ] || die 92 "there is no file *$SLIPWAY_SUFFIX at the top of the release"
	[ -z "$others" ] || die 92 "more than one file could be run, so which must be said:$others $file"
}
