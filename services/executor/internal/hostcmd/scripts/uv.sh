# The environment as uv makes it, of uv.lock where the release has one.
uv_lacks() {
	uv=$SLIPWAY_UV
	for candidate in "$(command -v uv)" "$HOME/.local/bin/uv" "$HOME/.cargo/bin/uv"; do
		[ -n "$uv" ] || [ ! -x "$candidate" ] || uv=$candidate
	done
	[ -x "$uv" ] || lack="${uv:-uv} is not installed (PATH is $PATH)"
}
uv_make() {
	clear_environment
	unset VIRTUAL_ENV
	set --
	[ -z "$SLIPWAY_INDEX" ] || set -- "$@" --default-index "$SLIPWAY_INDEX"
	[ -z "$SLIPWAY_FIND_LINKS" ] || set -- "$@" --find-links "$SLIPWAY_FIND_LINKS"
	[ -z "$SLIPWAY_OFFLINE" ] || set -- "$@" --offline
	[ -z "$SLIPWAY_REBUILD" ] || set -- "$@" --no-cache
	if [ -z "$SLIPWAY_REQUIREMENTS" ] && [ -f uv.lock ]; then
		[ -z "$SLIPWAY_INTERPRETER" ] || set -- "$@" --python "$SLIPWAY_INTERPRETER"
		export UV_PROJECT_ENVIRONMENT="$PWD/.venv"
		run "$uv" sync --frozen --no-dev --no-progress "$@"
		return
	fi
	find_requirements "uv.lock is not in the release, and "
	run "$uv" venv --no-progress ${SLIPWAY_INTERPRETER:+--python "$SLIPWAY_INTERPRETER"} ${SLIPWAY_OFFLINE:+--offline} .venv
	run "$uv" pip install --no-progress --python .venv/bin/python ${SLIPWAY_OFFLINE:+--no-index} "$@" -r "$requirements"
}
