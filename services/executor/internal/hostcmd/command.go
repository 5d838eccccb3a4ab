package hostcmd

import (
	"errors"
	"fmt"
	"math"
	"slices"
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

// Command is one thing to do on a host: a step and what it is told. Those of one
// fence go to the host in a session, one after the other.
type Command struct {
	Step  string
	Args  []string
	Fence Fence    // none, with the token 0: it needs no session
	Size  int64    // bytes of content that the step takes, or UntilEnd
	Task  bool     // it runs something of the user: see Perform
	Then  *Command // see AndThen
}

// UntilEnd is the size of content that only the end of stdin ends. Nothing more
// can be asked in that session.
const UntilEnd = -1

// Content is read by blocks on the host, and what is left of it by another process; small
// content all at once.
const (
	blockSize = 64 << 10
	atOnce    = 256 << 10
)

// Line is the command line to do it with: by itself, or, where there is a fence,
// in a session that it is the first to be asked in.
func (c Command) Line() string {
	if c.Fence.Token == 0 {
		return line(c.Step, alone[c.Step], c.Args...)
	}
	s := sessionOf(c.Step)
	fence := []string{c.Fence.Installation, strconv.FormatUint(c.Fence.Token, 10), strconv.Itoa(int(c.Fence.Wait / time.Second))}
	return line(s.name, s.script, append(fence, c.words()...)...)
}

// Request is the line of stdin by which it is asked for in a session that is open.
func (c Command) Request() string {
	words := c.words()
	for i, word := range words {
		words[i] = quoteOnOneLine(word)
	}
	return strings.Join(words, " ") + "\n"
}

// Follows says whether the session that began with first takes it.
func (c Command) Follows(first Command) bool {
	return c.Fence == first.Fence && first.Size != UntilEnd && slices.Contains(sessionOf(first.Step).steps, c.Step)
}

// AndThen asks for another command along with this one, where it is for the same session and
// neither takes content or is a task: it is done at once if this one succeeds, and else not at
// all, as a step that fails ends the session. That spares a round trip. It is to be run next all
// the same, for its answer.
func (c Command) AndThen(next Command) Command {
	if c.Size == 0 && next.Size == 0 && !c.Task && !next.Task && next.Follows(c) {
		c.Then = &next
	}
	return c
}

// words is what a session is asked with.
func (c Command) words() []string {
	blocks, rest := strconv.FormatInt(c.Size/blockSize, 10), strconv.FormatInt(c.Size%blockSize, 10)
	switch {
	case c.Size == UntilEnd:
		blocks, rest = "-", "0"
	case c.Size <= atOnce:
		blocks, rest = "0", strconv.FormatInt(c.Size, 10)
	}
	return append([]string{c.Step, blocks, rest}, c.Args...)
}

// Release is one version of an application in one place.
type Release struct {
	Base    string // the application path: absolute, or relative to $HOME
	Version string
	Digest  string // sha256 of the package as it was uploaded, lower-case hex
}

// Probe makes the directories, and tells what is there: the results KeyCurrent,
// KeyStaged and, unless it is staged, KeyCodec, KeyBase where there is a release to share files
// with, and KeyBegun where an attempt that did not end left a part. It fails with ErrConflict or
// ErrNotALink. What broken attempts left of other releases is removed.
func Probe(f Fence, r Release) (Command, error) {
	return f.command("probe", r.check(), r.Base, r.Version, r.Digest)
}

// Switch points `current` at a staged release. Results: KeyCurrent and, if this
// deployment moved the link, now or in an earlier try, KeyPrevious: what it left,
// empty where nothing ran. KeyDrifted, where an earlier deployment staged it and it is not
// what that was.
func Switch(f Fence, r Release, deployment string) (Command, error) {
	return f.command("switch",
		errors.Join(r.check(), validateID("deployment", deployment)),
		r.Base, r.Version, r.Digest, deployment, "proven")
}

// Try is Switch where it is still to be seen whether the release is any good: until
// Prove says so, no rollback goes to it.
func Try(f Fence, r Release, deployment string) (Command, error) {
	return f.command("switch",
		errors.Join(r.check(), validateID("deployment", deployment)),
		r.Base, r.Version, r.Digest, deployment, "tried")
}

// Prove says of the release that was switched to for this deployment that it is good.
// It does nothing where another one runs by now.
func Prove(f Fence, base, version, deployment string) (Command, error) {
	return f.command("prove",
		errors.Join(ValidateBase(base), ValidateVersion(version), validateID("deployment", deployment)), base, version, deployment)
}

// Rollback leaves the version from for what ran before it, skipping what is
// incomplete, never succeeded, or was rolled back from itself. When from is not
// what runs, nothing is done. With a version to, it switches there; from may be
// empty then, for whatever runs. Results: KeyUnchanged with what runs, or
// KeyRolledBack and KeyCurrent, and KeyDrifted where the release that it goes to is not
// what was staged: it goes there all the same. A repeat for the same deployment keeps to what
// the first one decided, so a deployment id is for one Switch or one Rollback.
func Rollback(f Fence, base, from, to, deployment string) (Command, error) {
	return f.command("rollback", checkRollback(base, from, to, deployment), base, from, to, deployment)
}

func checkRollback(base, from, to, deployment string) error {
	errs := []error{ValidateBase(base), validateID("deployment", deployment)}
	if to != "" {
		errs = append(errs, ValidateVersion(to))
	}
	if from != "" || to == "" {
		errs = append(errs, ValidateVersion(from))
	}
	return errors.Join(errs...)
}

// Clean keeps what runs, what a rollback would go to, and the newest keep of
// the releases that were switched to, by when they last were. All other releases go,
// each with a result KeyRemoved; so do those that are unwanted, but for what runs.
func Clean(f Fence, base string, keep int, unwanted ...string) (Command, error) {
	return clean(f, base, keep, "-", unwanted)
}

// CleanSparing is Clean for a deployment that may yet be taken back: of what is unwanted, too,
// what a rollback would go to stays, with a result KeySpared.
func CleanSparing(f Fence, base string, keep int, unwanted ...string) (Command, error) {
	return clean(f, base, keep, "spare", unwanted)
}

func clean(f Fence, base string, keep int, way string, unwanted []string) (Command, error) {
	err := ValidateBase(base)
	if keep < 1 {
		err = errors.Join(err, fmt.Errorf("%w number of releases to keep, %d: at least 1", ErrInvalid, keep))
	}
	for _, version := range unwanted {
		err = errors.Join(err, ValidateVersion(version))
	}
	return f.command("clean", err, append([]string{base, strconv.Itoa(keep), way}, unwanted...)...)
}

// Look raises the fence and tells what runs, the result KeyCurrent, if anything
// does; and what Rollback with the same arguments would go to, KeyTarget, if there is
// something to do for it, with KeyPrepared, if that was prepared.
func Look(f Fence, base, from, to, deployment string) (Command, error) {
	return f.command("look", checkRollback(base, from, to, deployment), base, from, to, deployment)
}

// Inspect reads what is there, without fence, lock or change. Results: KeyState,
// KeyCurrent, KeyDrifted, KeyPrevious (what a rollback would go to), and KeyRelease for
// each complete release.
func Inspect(base string) (Command, error) {
	if err := ValidateBase(base); err != nil {
		return Command{}, err
	}
	return Command{Step: "inspect", Args: []string{base}}, nil
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

// command is a step under this fence. invalid is what is known to be wrong with
// its arguments.
func (f Fence) command(step string, invalid error, args ...string) (Command, error) {
	if err := errors.Join(f.check(), invalid); err != nil {
		return Command{}, err
	}
	return Command{Step: step, Args: args, Fence: f}, nil
}

func line(name, script string, args ...string) string {
	var text strings.Builder
	text.WriteString("sh -c " + Quote(script) + " slipway-" + name)
	for _, arg := range args {
		text.WriteString(" " + Quote(arg))
	}
	return text.String()
}
