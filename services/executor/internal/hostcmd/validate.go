package hostcmd

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxBase is the longest application path, in bytes: with a package's own paths
// it has to stay below PATH_MAX.
const maxBase = 1024

var (
	versionForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$`)
	digestForm  = regexp.MustCompile(`^[0-9a-f]{64}$`)
	idForm      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
)

// ValidateBase checks an application path: absolute, or relative to the home
// directory of the login. Any printable UTF-8 is fine. The error is ErrInvalid.
func ValidateBase(base string) error {
	invalid := func(why string) error {
		return fmt.Errorf("%w path %q: %s", ErrInvalid, cut(base, 100), why)
	}
	switch {
	case base == "":
		return invalid("it is empty")
	case len(base) > maxBase:
		return invalid(fmt.Sprintf("it has %d bytes, %d are allowed", len(base), maxBase))
	case !utf8.ValidString(base):
		return invalid("it is not valid UTF-8")
	case strings.ContainsFunc(base, unicode.IsControl):
		return invalid("it holds a newline or another control character")
	case base == "~" || strings.HasPrefix(base, "~/"):
		return invalid(`"~" is not expanded; a path without a leading slash starts at the home directory`)
	}
	return nil
}

// ValidateVersion checks a release's version. The error is ErrInvalid.
func ValidateVersion(version string) error {
	if !versionForm.MatchString(version) {
		return fmt.Errorf("%w version %q: 1 to 128 letters, digits and . _ + -, the first a letter or digit",
			ErrInvalid, cut(version, 100))
	}
	return nil
}

func validateDigest(what, digest string) error {
	if !digestForm.MatchString(digest) {
		return fmt.Errorf("%w %s %q: 64 hexadecimal digits", ErrInvalid, what, cut(digest, 100))
	}
	return nil
}

func validateID(what, id string) error {
	if !idForm.MatchString(id) {
		return fmt.Errorf("%w %s %q: 1 to 64 letters, digits, _ and -", ErrInvalid, what, cut(id, 100))
	}
	return nil
}
