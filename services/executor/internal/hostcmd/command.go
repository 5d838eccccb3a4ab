package hostcmd

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Fence says who a command acts for.
type Fence struct {
	Installation string        // tokens are compared within one installation
	Token        uint64        // from 1; a higher one supersedes
	Wait         time.Duration // for the lock, in whole seconds, at least one
}

// Release is one version of an application in one place.
type Release struct {
	Base    string // the application path: absolute, or relative to $HOME
	Version string
	Digest  string // sha256 of the package as it was uploaded, lower-case hex
}

// Probe makes the directories, and tells what is there: the results KeyCurrent,
// KeyStaged and, unless it is staged, KeyFreeKB, KeyCodec, KeyBase where there is a release to
// share files with, and KeyBegun where an attempt that did not end left a part. It fails with ErrConflict, with
// ErrNotALink, or with ErrDiskFull when less than needBytes are free.
// What broken attempts left of other releases is removed.
func Probe(f Fence, r Release, needBytes int64) (string, error) {
	needKB := max(needBytes, 0) / 1024
	if needBytes%1024 > 0 {
		needKB++
	}
	return f.command("probe", probeScript, r.check(),
		r.Base, r.Version, r.Digest, strconv.FormatInt(needKB, 10))
}

// Switch points `current` at a staged release. Results: KeyCurrent and, if this
// deployment moved the link, now or in an earlier try, KeyPrevious: what it left,
// empty where nothing ran. KeyDrifted, where an earlier deployment staged it and it is not
// what that was.
func Switch(f Fence, r Release, deployment string) (string, error) {
	return f.command("switch", switchScript,
		errors.Join(r.check(), validateID("deployment", deployment)),
		r.Base, r.Version, r.Digest, deployment, "proven")
}

// Try is Switch where it is still to be seen whether the release is any good: until
// Prove says so, no rollback goes to it.
func Try(f Fence, r Release, deployment string) (string, error) {
	return f.command("switch", switchScript,
		errors.Join(r.check(), validateID("deployment", deployment)),
		r.Base, r.Version, r.Digest, deployment, "tried")
}

// Prove says of the release that was switched to for this deployment that it is good.
// It does nothing where another one runs by now.
func Prove(f Fence, base, version, deployment string) (string, error) {
	return f.command("prove", proveScript,
		errors.Join(ValidateBase(base), ValidateVersion(version), validateID("deployment", deployment)), base, version, deployment)
}

// Rollback leaves the version from for what ran before it, skipping what is
// incomplete, never succeeded, or was rolled back from itself. When from is not
// what runs, nothing is done. With a version to, it switches there; from may be
// empty then, for whatever runs. Results: KeyUnchanged with what runs, or
// KeyRolledBack and KeyCurrent, and KeyDrifted where the release that it goes to is not
// what was staged: it goes there all the same. A repeat for the same deployment keeps to what
// the first one decided, so a deployment id is for one Switch or one Rollback.
func Rollback(f Fence, base, from, to, deployment string) (string, error) {
	errs := []error{ValidateBase(base), validateID("deployment", deployment)}
	if to != "" {
		errs = append(errs, ValidateVersion(to))
	}
	if from != "" || to == "" {
		errs = append(errs, ValidateVersion(from))
	}
	return f.command("rollback", rollbackScript, errors.Join(errs...), base, from, to, deployment)
}

// Clean keeps what runs, what a rollback would go to, and the newest keep of
// the releases that were switched to, by when they last were. All other
// releases go, each with a result KeyRemoved.
func Clean(f Fence, base string, keep int) (string, error) {
	err := ValidateBase(base)
	if keep < 1 {
		err = errors.Join(err, fmt.Errorf("%w number of releases to keep, %d: at least 1", ErrInvalid, keep))
	}
	return f.command("clean", cleanScript, err, base, strconv.Itoa(keep))
}

// Inspect reads what is there, without lock or change. Results: KeyState,
// KeyCurrent, KeyDrifted, KeyPrevious (what a rollback would go to), and KeyRelease for
// each complete release.
func Inspect(base string) (string, error) {
	if err := ValidateBase(base); err != nil {
		return "", err
	}
	return line("inspect", inspectScript, base), nil
}

func (r Release) check() error {
	return errors.Join(ValidateBase(r.Base), ValidateVersion(r.Version), validateDigest("digest", r.Digest))
}

func (f Fence) check() error {
	var errs []error
	if f.Token == 0 || f.Token > math.MaxInt64 {
		errs = append(errs, fmt.Errorf("%w token %d: from 1 to %d", ErrInvalid, f.Token, int64(math.MaxInt64)))
	}
	if f.Wait < time.Second {
		errs = append(errs, fmt.Errorf("%w wait %s: at least a second", ErrInvalid, f.Wait))
	}
	return errors.Join(append(errs, validateID("installation", f.Installation))...)
}

// command puts the fence's arguments before the step's own. invalid is what is
// known to be wrong with those.
func (f Fence) command(step, script string, invalid error, args ...string) (string, error) {
	if err := errors.Join(f.check(), invalid); err != nil {
		return "", err
	}
	fence := []string{f.Installation, strconv.FormatUint(f.Token, 10), strconv.Itoa(int(f.Wait / time.Second))}
	return line(step, script, append(fence, args...)...), nil
}

func line(step, script string, args ...string) string {
	var text strings.Builder
	text.WriteString("sh -c " + Quote(script) + " slipway-" + step)
	for _, arg := range args {
		text.WriteString(" " + Quote(arg))
	}
	return text.String()
}
