# copy_links gives the tree inodes of its own where the file system can share content
# below files: what is written to one release in place then stays in that release.
# Elsewhere files that did not change are one inode in two releases.
copy_links() {
	[ "$how" = linked ] && [ ! -e "$meta/uncloned" ] || return 0
	cp --reflink=always "$manifest_at" "$work/shared" 2>/dev/null || {
		{ printf "" >"$meta/uncloned"; } 2>/dev/null
		return 0
	}
	if cp -a --reflink=always "$work/tree" "$work/copy" 2>/dev/null; then
		try rm -rf "$work/tree"
		try mv "$work/copy" "$work/tree"
	else
		try rm -rf "$work/copy"
	fi
}
