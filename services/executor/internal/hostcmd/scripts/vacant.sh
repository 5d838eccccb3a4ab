# For the steps before a switch.

# for_release PATH VERSION DIGEST: the step is about this one.
for_release() {
	at "$1"
	version=$2 digest=$3
}

# staged: the release is here, complete, with this content. With other content
# the step ends: a version is one content, and what runs is never written over.
staged() {
	if complete "$version"; then
		read_digest "$version"
		[ "$found" = "$digest" ] && return 0
		die 84 "release $version is here with other content (digest $found)"
	fi
	[ "$base/current" -ef "$base/releases/$version" ] &&
		die 84 "$base/releases/$version runs, but Slipway did not put it there"
	return 1
}

# begun: an attempt that did not end has left a part of this very release.
begun() {
	[ ! -h "$meta/stage" ] && [ -d "$meta/stage/tree/$version" ] || return 1
	of=
	{ read -r of <"$meta/stage/of"; } 2>/dev/null
	[ "$of" = "$version $digest" ]
}

# vacate removes what attempts that did not end well left behind.
vacate() {
	its=
	{ read -r its of <"$meta/stage/of"; } 2>/dev/null
	! is_version "$its" || complete "$its" || remove "$meta/manifests/$its" "$meta/since/$its"
	cleared || {
		remove "$meta/stage"
		try mkdir "$meta/stage"
	}
	unplace
}

# unplace removes what is in the place of the release and does not count as one: the
# marker before what it stands for.
unplace() {
	for left in "$meta/releases/$version" "$meta/prepared/$version" "$meta/manifests/$version" "$meta/since/$version" "$base/releases/$version"; do
		remove "$left"
	done
}
