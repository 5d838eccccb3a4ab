# Sourced by what makes sure that Debian packages are there.

export PATH="$PATH:/usr/sbin:/sbin"
missing=()

# need <package> <why> <test...>
need() {
	local package=$1 why=$2
	shift 2
	if ! "$@" >/dev/null 2>&1; then
		missing+=("$package")
		echo "missing: $package ($why)"
	fi
}

# install_missing installs what need found to be missing, as root on Debian; elsewhere it says so, and fails.
install_missing() {
	if ((${#missing[@]} == 0)); then
		return
	fi
	if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
		echo "install them, or run this as root on Debian: apt-get install ${missing[*]}" >&2
		exit 1
	fi

	# The tests start daemons of their own: keep the package from starting one for the machine.
	local policy=/usr/sbin/policy-rc.d
	if [[ ! -e $policy ]]; then
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod +x "$policy"
		# shellcheck disable=SC2064 # what it is now
		trap "rm -f $policy" EXIT
	fi
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -q
	apt-get install -qy --no-install-recommends "${missing[@]}"
}
