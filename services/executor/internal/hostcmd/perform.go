package hostcmd

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	maxCommand = 4 << 10 // bytes of a command of a user
	// maxEnvironment bounds the names and values of a task, in bytes. The kernel
	// takes 128 KiB for one of them.
	maxEnvironment = 96 << 10
)

var (
	variableForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
	userForm     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9._-]{0,31}$`)
	markForm     = regexp.MustCompile(`^[a-z]+-[0-9]{1,3}$`)
)

// Variable is something in the environment of a command.
type Variable struct{ Name, Value string }

// Task is something of the user that is to run on a host. One of Command and
// Script is given.
type Task struct {
	Name       string // what people call it, where its output is shown
	Base       string // the application path
	Version    string // release in whose directory it runs; "": in the home directory
	Deployment string
	// Mark is under what it is remembered that the task ended well for this deployment:
	// it does not run again then. "": it runs each time. One deployment is remembered.
	Mark    string
	User    string // by whom, by sudo; "": the login
	Command string // for sh
	Script  string // path in the release; what is not executable is for sh
	// Environment is what it has in its environment beside what the login has.
	Environment []Variable
}

// Claim raises the fence and changes nothing else: what an older attempt runs is
// ended, and what it begins is refused.
func Claim(f Fence) (Command, error) { return f.command("claim", nil) }

// Perform runs a task, whose Content comes on stdin: it does not run before all of that
// is there. It is the last of its session: from Mark on both streams are the task's, and
// the exit code of the session is for CheckTask. Where there is no Mark, it did not come
// to run. Result: KeyRan, where it had ended well before and was not to.
func Perform(f Fence, t Task) (Command, error) {
	errs := []error{ValidateBase(t.Base), validateID("deployment", t.Deployment), t.checkEnvironment()}
	if t.Version != "" {
		errs = append(errs, ValidateVersion(t.Version))
	}
	if t.Mark != "" && !markForm.MatchString(t.Mark) {
		errs = append(errs, fmt.Errorf("%w mark %q", ErrInvalid, t.Mark))
	}
	if t.User != "" && !userForm.MatchString(t.User) {
		errs = append(errs, fmt.Errorf("%w user %q", ErrInvalid, cut(t.User, 100)))
	}
	form, what := "command", t.Command
	if t.Script != "" {
		form, what = "script", t.Script
		errs = append(errs, validateText("script", t.Script))
		if t.Command != "" || t.Version == "" {
			errs = append(errs, fmt.Errorf("%w script %q: with a command, or without a release", ErrInvalid, cut(t.Script, 100)))
		}
	} else {
		errs = append(errs, ValidateCommand(t.Command))
	}
	c, err := f.command("perform", errors.Join(errs...),
		t.Base, t.Version, t.Deployment, t.Mark, t.User, taskScript, strconv.Itoa(len(t.Environment)), form, what)
	c.Size, c.Task = int64(len(t.Content())), true
	return c, err
}

// Content is the environment in the form in which Perform reads it: for each variable
// the name, the number of lines of the value, and these. It is data on the way to the
// host and there, in no command line and in no list of processes.
func (t Task) Content() string {
	var text strings.Builder
	for _, v := range t.Environment {
		text.WriteString(v.Name + "\n" + strconv.Itoa(1+strings.Count(v.Value, "\n")) + "\n" + v.Value + "\n")
	}
	return text.String()
}

func (t Task) checkEnvironment() error {
	var (
		size int
		errs []error
	)
	for _, v := range t.Environment {
		size += len(v.Name) + len(v.Value)
		if !variableForm.MatchString(v.Name) {
			errs = append(errs, fmt.Errorf("%w name of a variable, %q", ErrInvalid, cut(v.Name, 100)))
		}
		errs = append(errs, validateText("value of "+v.Name, v.Value))
	}
	if size > maxEnvironment {
		errs = append(errs, fmt.Errorf("%w environment: %d bytes, %d are allowed", ErrInvalid, size, maxEnvironment))
	}
	return errors.Join(errs...)
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
