# What uv and fallback have in common: the environment .venv in the release.
uv_made() { [ -x .venv/bin/python ] && .venv/bin/python -c ""; }
fallback_made() { uv_made; }

# clear_environment removes what is no environment, or not the one that is asked for.
clear_environment() {
	! grep -qF " ./.venv/" "$meta/manifests/$version" 2>/dev/null ||
		die 84 "the package brings .venv itself, where its environment would be made"
	remove .venv
}

# find_requirements WHAT-ELSE-IS-MISSING: requirements is the file of that name.
find_requirements() {
	requirements=${SLIPWAY_REQUIREMENTS:-requirements.txt}
	[ -f "$requirements" ] || die 92 "$1$requirements is not in the release"
}
