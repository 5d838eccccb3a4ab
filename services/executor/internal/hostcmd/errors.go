package hostcmd

import (
	"errors"
	"fmt"
	"strings"
)

// ErrInvalid says: an argument that no command is built from. The message says which
// and why.
var ErrInvalid = errors.New("invalid")

// How a command fails. Check makes these of exit codes.
var (
	// ErrFailed says: for a reason without a code of its own; the message has it.
	ErrFailed = errors.New("the command failed on the host")
	// ErrSuperseded says: a higher token has been here, or is at work. Stop.
	ErrSuperseded = errors.New("superseded by a newer token")
	// ErrBusy says: the lock was not to be had within Fence.Wait.
	ErrBusy = errors.New("host is busy")
	// ErrDiskFull says: no space or no inodes left, or over quota.
	ErrDiskFull = errors.New("disk full")
	// ErrChecksum says: what arrived is not what was sent.
	ErrChecksum = errors.New("checksum mismatch")
	// ErrConflict says: the version is there with other content.
	ErrConflict = errors.New("release conflict")
	// ErrIncomplete says: the release is not there, or not complete.
	ErrIncomplete = errors.New("release missing or incomplete")
	// ErrNoRollback says: nothing that ran before can be gone back to.
	ErrNoRollback = errors.New("nothing to roll back to")
	// ErrNotWritable says: a directory cannot be made or written, for want of
	// permission, or as something else has its name.
	ErrNotWritable = errors.New("not writable")
	// ErrMissingTool says: a program, or an option of it, is not there.
	ErrMissingTool = errors.New("missing tool")
	// ErrNotALink says: a real directory or file stands where the link belongs.
	ErrNotALink = errors.New("not a link")
	// ErrNotShared says: a file that releases are to share is not there.
	ErrNotShared = errors.New("a linked file is missing")
	// ErrNoFile says: the file to read is not there, or is none.
	ErrNoFile = errors.New("no such file")
	// ErrCommand says: a command of the user failed.
	ErrCommand = errors.New("the command failed")
	// ErrUnhealthy says: the container of a release ended, or says that it is not well.
	ErrUnhealthy = errors.New("the container is not healthy")
)

// Exit codes that the scripts use for these. They stay clear of sysexits and of
// what shells and ssh use themselves.
const (
	ExitFailed      = 1
	ExitSuperseded  = 80
	ExitBusy        = 81
	ExitDiskFull    = 82
	ExitChecksum    = 83
	ExitConflict    = 84
	ExitIncomplete  = 85
	ExitNoRollback  = 86
	ExitNotWritable = 87
	ExitMissingTool = 88
	ExitNotALink    = 89
	ExitCommand     = 90
	ExitNotShared   = 91
	ExitNoFile      = 92
	ExitUnhealthy   = 93
)

var exitErrors = map[int]error{
	ExitSuperseded:  ErrSuperseded,
	ExitBusy:        ErrBusy,
	ExitDiskFull:    ErrDiskFull,
	ExitChecksum:    ErrChecksum,
	ExitConflict:    ErrConflict,
	ExitIncomplete:  ErrIncomplete,
	ExitNoRollback:  ErrNoRollback,
	ExitNotWritable: ErrNotWritable,
	ExitMissingTool: ErrMissingTool,
	ExitNotALink:    ErrNotALink,
	ExitCommand:     ErrCommand,
	ExitNotShared:   ErrNotShared,
	ExitNoFile:      ErrNoFile,
	ExitUnhealthy:   ErrUnhealthy,
}

// Check turns a command's exit code and stderr into nil or one of the errors
// above, with what the host said. A command that ended by a signal, or whose
// connection was lost, has no exit code and is the caller's to judge.
func Check(code int, stderr string) error {
	if code == 0 {
		return nil
	}
	kind, known := exitErrors[code]
	reason := reasonIn(stderr)
	switch {
	case known && reason != "":
		return fmt.Errorf("%w: %s", kind, reason)
	case known:
		return kind
	case reason != "":
		return fmt.Errorf("%w (exit code %d): %s", ErrFailed, code, reason)
	default:
		return fmt.Errorf("%w (exit code %d)", ErrFailed, code)
	}
}

// CheckTask is Check for the exit code of a session in which a task of the user ran: the
// code is that of the task.
func CheckTask(code int) error {
	if code == 0 {
		return nil
	}
	return fmt.Errorf("%w: it ended with status %d", ErrCommand, code)
}

// reasonIn returns what our script said of its end, with what the tools said
// before; or the last words of a shell that never came to run it.
func reasonIn(stderr string) string {
	const most = 900 // what the error says besides stands before it
	stderr = strings.ToValidUTF8(strings.TrimSpace(stderr), "\uFFFD")
	if i := strings.LastIndex(stderr, "slipway: "); i >= 0 && (i == 0 || stderr[i-1] == '\n') {
		before := strings.TrimSpace(stderr[:i])
		stderr = strings.TrimPrefix(stderr[i:], "slipway: ")
		stderr = cut(stderr, most)
		if before != "" && len(stderr) < most {
			stderr += "\n" + end(before, most-len(stderr))
		}
		return stderr
	}
	return end(stderr, most)
}

// end is the end of a text, which tells most of what went wrong.
func end(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return "…" + strings.ToValidUTF8(s[len(s)-most:], "")
}

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
