package hostcmd

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxCommand is the longest command of a user, in bytes. maxPerform bounds it
// together with its environment: sshd passes the whole line on as one argument,
// which the kernel bounds at 128 KiB.
const (
	maxCommand = 4 << 10
	maxPerform = 96 << 10
)

// Variable is something in the environment of a command.
type Variable struct{ Name, Value string }

// Claim raises the fence and changes nothing else: what an older attempt runs is
// ended, and what it begins is refused.
func Claim(f Fence) (string, error) { return f.command("claim", claimScript, nil) }

// Perform runs a command of a user: by sh, in the home directory, with more in its
// environment. Where it fails, with ErrCommand, the error has what it said.
func Perform(f Fence, command string, env []Variable) (string, error) {
	args, size := []string{command}, len(command)
	var errs []error
	for _, v := range env {
		args = append(args, v.Name, v.Value)
		size += len(v.Name) + len(v.Value)
		errs = append(errs, validateText(v.Name, v.Value))
	}
	errs = append(errs, ValidateCommand(command))
	if size > maxPerform {
		errs = append(errs, fmt.Errorf("%w environment: %d bytes, %d are allowed", ErrInvalid, size, maxPerform))
	}
	return f.command("perform", performScript, errors.Join(errs...), args...)
}

// ValidateCommand checks a command of a user. The error is ErrInvalid.
func ValidateCommand(command string) error {
	switch {
	case strings.TrimSpace(command) == "":
		return fmt.Errorf("%w command: it is empty", ErrInvalid)
	case len(command) > maxCommand:
		return fmt.Errorf("%w command: it has %d bytes, %d are allowed", ErrInvalid, len(command), maxCommand)
	}
	return validateText("command", command)
}

func validateText(what, text string) error {
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return fmt.Errorf("%w %s: it is not valid UTF-8, or holds a NUL", ErrInvalid, what)
	}
	return nil
}
