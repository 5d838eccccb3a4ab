package config

import (
	"errors"
	"fmt"
	"strings"
)

// ErrHelp is returned by Load when the arguments hold --help or -h. Nothing
// has been set then; the caller prints Usage and exits with success.
var ErrHelp = errors.New("help was asked for")

// What can be wrong with one setting. They reach the caller inside an
// InvalidError only.
var (
	errNoValue     = errors.New("needs a value")
	errNotOneValue = errors.New("takes one value, not a list")
	errEmptyItem   = errors.New("has an empty item in its list")
	errSize        = errors.New("not " + sizeForm)
	errEmptyFile   = errors.New("the file is empty")
	errTwoForms    = errors.New("give the value or the file that holds it, not both")
)

// What can be wrong with the YAML file.
var (
	errNotYAML  = errors.New("is not YAML")
	errNoGroup  = errors.New("must hold one YAML mapping, of names to values")
	errGroup    = errors.New("is a group of settings: write them indented below it")
	errNoScalar = errors.New("needs a plain value: a group, an anchor, an alias or a tag cannot stand here")
)

// InvalidError is what Load returns when settings are wrong. It holds every
// mistake that was found, in the order of the sources and then of the fields.
// No message repeats the value of a secret.
type InvalidError struct {
	Prog     string // the program's name, as given to Load
	Problems []error
}

// Error has a line for each mistake, and one that says where to read on.
func (e *InvalidError) Error() string {
	var b strings.Builder
	b.WriteString("invalid configuration:")
	for _, p := range e.Problems {
		b.WriteString("\n  ")
		b.WriteString(p.Error())
	}
	b.WriteString("\n" + e.Prog + " --help lists every setting")
	return b.String()
}

// Unwrap makes the single mistakes visible to errors.Is and errors.As.
func (e *InvalidError) Unwrap() []error { return e.Problems }

// problem is one mistake, under the name that a person can act on.
type problem struct {
	flag   string // the setting as a flag, or "" when none can be named
	origin string // where the value stands when that is not the flag itself
	err    error
}

func (p *problem) Error() string {
	switch {
	case p.flag == "":
		return p.err.Error()
	case p.origin == "" || p.origin == p.flag:
		return p.flag + ": " + p.err.Error()
	default:
		return p.flag + " (" + p.origin + "): " + p.err.Error()
	}
}

func (p *problem) Unwrap() error { return p.err }

// Invalid makes an error for a Validate method to return: it says what is
// wrong with the setting key, named as in the conf tags and relative to the
// struct that is validated ("url", or "nats.url" from one level up). Load puts
// the setting's full name before it.
func Invalid(key, format string, args ...any) error {
	return &invalidSetting{key: key, err: fmt.Errorf(format, args...)}
}

type invalidSetting struct {
	key string
	err error
}

func (e *invalidSetting) Error() string { return e.key + ": " + e.err.Error() }
func (e *invalidSetting) Unwrap() error { return e.err }
