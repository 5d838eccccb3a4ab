# The environment as Python itself makes it.
fallback_lacks() {
	python=${SLIPWAY_INTERPRETER:-python3}
	if ! command -v "$python" >/dev/null 2>&1; then
		lack="$python is not installed (PATH is $PATH)"
	elif ! "$python" -c "import venv, ensurepip" >/dev/null 2>&1; then
		lack="$python cannot make environments: venv or ensurepip is not installed (Debian has them in python3-venv)"
	fi
}
fallback_make() {
	find_requirements ""
	clear_environment
	set --
	[ -z "$SLIPWAY_INDEX" ] || set -- "$@" --index-url "$SLIPWAY_INDEX"
	[ -z "$SLIPWAY_FIND_LINKS" ] || set -- "$@" --find-links "$SLIPWAY_FIND_LINKS"
	[ -z "$SLIPWAY_OFFLINE" ] || set -- "$@" --no-index
	[ -z "$SLIPWAY_REBUILD" ] || set -- "$@" --no-cache-dir
	run "$python" -m venv .venv
	run .venv/bin/python -m pip install --disable-pip-version-check --no-input "$@" -r "$requirements"
}
