package hostcmd

import (
	"strconv"
	"time"
)

// The tasks that are Slipway's own. Their text is constant; what varies is in their
// environment.

// systemctl restarts a unit. A login that is not root needs sudo for those of the
// system. Its own systemd is found even where no session of PAM says where.
const systemctl = `if [ "$SLIPWAY_SCOPE" = user ]; then
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"
exec systemctl --user restart -- "$SLIPWAY_UNIT"
fi
[ "$(id -u)" != 0 ] || exec systemctl restart -- "$SLIPWAY_UNIT"
exec sudo -n systemctl restart -- "$SLIPWAY_UNIT"`

// RestartUnit is the task that has systemd restart a unit: of the system, or of the
// login.
func RestartUnit(unit string, ofLogin bool) Task {
	scope := "system"
	if ofLogin {
		scope = "user"
	}
	return Task{Command: systemctl, Environment: []Variable{{"SLIPWAY_UNIT", unit}, {"SLIPWAY_SCOPE", scope}}}
}

// FindPattern is the task that succeeds where a process that has the pattern in its
// program, or in one of its arguments, has run for so long, in whole seconds.
func FindPattern(pattern string, during time.Duration) Task {
	return find("", pattern, during)
}

// FindPidfile is the same for the process that a file names.
func FindPidfile(pidfile string, during time.Duration) Task {
	return find(pidfile, "", during)
}

func find(pidfile, pattern string, during time.Duration) Task {
	return Task{Command: aliveScript, Environment: []Variable{
		{"SLIPWAY_PIDFILE", pidfile}, {"SLIPWAY_PATTERN", pattern}, {"SLIPWAY_FOR", strconv.Itoa(int(during / time.Second))},
	}}
}

// runText runs a script that is no file of the release, in the directory of the release.
// The kernel finds what it is for, by its first line.
const runText = `text=$SLIPWAY_TEXT file=$PWD/../../.slipway/script
unset SLIPWAY_TEXT
umask 077
rm -f "$file" && printf "%s" "$text" >"$file" && chmod 700 "$file" || exit
umask 022
case $text in
"#!"*) "$file" ;;
*) sh "$file" ;;
esac
status=$?
rm -f "$file"
exit "$status"`

// RunText is the task that runs the text of a script. What it is not told in its first
// line is for sh.
func RunText(text string) Task {
	return Task{Command: runText, Environment: []Variable{{"SLIPWAY_TEXT", text}}}
}
