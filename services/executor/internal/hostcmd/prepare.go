package hostcmd

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Runtime is a way in which a host can make what a release needs to run. Its script is
// constant; what varies is in its environment.
type Runtime struct {
	name    string // of its functions in the script, and what the release remembers
	scripts []string
	options []Variable
	invalid error // what is known to be wrong with them
}

// digest stands for all that it is told.
func (r Runtime) digest() string {
	told := sha256.New()
	for _, o := range r.options {
		_, _ = fmt.Fprintf(told, "%s\x00%s\x00", o.Name, o.Value) // a hash takes everything
	}
	return hex.EncodeToString(told.Sum(nil)[:8])
}

// Entry is a link at the top of a release to the file that is run of it: to file or,
// where that is empty, to the only one there whose name ends with suffix. Where it
// runs by itself, it can be executed then.
func Entry(link, file, suffix string, runs bool) Runtime {
	options := []Variable{{"SLIPWAY_LINK", link}, {"SLIPWAY_FILE", file}, {"SLIPWAY_SUFFIX", suffix}, {"SLIPWAY_RUNS", yes(runs)}}
	err := validateName(link)
	if file != "" {
		err = errors.Join(err, validateInside(file))
	}
	return Runtime{"entry", []string{"entry"}, options, err}
}

// Publish has a link lead to what runs: to `current`, or to a path in the release. The
// link is a name below the application path, or an absolute path; it changes
// atomically, and what is no link is left alone (ErrNotALink).
func Publish(f Fence, base, link, inside string) (Command, error) {
	errs := []error{ValidateBase(base)}
	if path.IsAbs(link) {
		errs = append(errs, ValidateBase(link), validateInside(link[1:]))
	} else {
		errs = append(errs, validateName(link))
	}
	if inside != "" {
		errs = append(errs, validateInside(inside))
	}
	return f.command("publish", errors.Join(errs...), base, link, inside)
}

// validateName checks the name of something at the top of a directory.
func validateName(name string) error {
	if strings.Contains(name, "/") {
		return fmt.Errorf("%w name %q: it has no '/'", ErrInvalid, cut(name, 100))
	}
	return validateInside(name)
}

// Python is what an environment of Python is made of. What is empty is left to the
// host, or to the release.
type Python struct {
	Requirements string // path in the release
	Interpreter  string // program, or to uv a version
	UV           string // path on the host
	Index        string // URL
	FindLinks    string // directory or URL
	Offline      bool   // no index is asked
}

// UV is the environment .venv in the release, made by uv.
func UV(p Python) Runtime { return Runtime{"uv", []string{"python", "uv"}, p.options(), p.check()} }

// Fallback is the environment .venv in the release, made by venv and pip.
func Fallback(p Python) Runtime {
	return Runtime{"fallback", []string{"python", "fallback"}, p.options(), p.check()}
}

func (p Python) options() []Variable {
	return []Variable{
		{"SLIPWAY_REQUIREMENTS", p.Requirements}, {"SLIPWAY_INTERPRETER", p.Interpreter}, {"SLIPWAY_UV", p.UV},
		{"SLIPWAY_INDEX", p.Index}, {"SLIPWAY_FIND_LINKS", p.FindLinks}, {"SLIPWAY_OFFLINE", yes(p.Offline)},
	}
}

func (p Python) check() error {
	if p.Requirements == "" {
		return nil
	}
	return validateInside(p.Requirements)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// Preparation is what a release needs to run: the first of the runtimes that the host
// has, or the one that the release has been prepared by before.
type Preparation struct {
	Base        string // the application path
	Version     string
	Runtimes    []Runtime
	AsItWas     bool       // it will do in whatever way it was prepared before, so that what worked is not made anew
	Rebuild     bool       // it is made anew, once by a deployment, and without what tools have kept
	Environment []Variable // what tools have in their environment beside what the login has
}

// Prepare has a preparation be made in the directory of a complete release, whose Content comes on stdin.
// Result: KeyPrepared. What was cut short, or is damaged, is made anew; of a release that runs, what is to be made anew is not
// taken away (ErrConflict), but for its image. It fails with
// ErrMissingTool where the host has none of the runtimes, with ErrNoFile where the release lacks
// what it is made of, with ErrConflict where the release runs and was prepared in
// another way, or has a file of its own in the place, and with ErrCommand where a tool
// failed; then the error has what that said.
func Prepare(f Fence, p Preparation) (Command, error) {
	t := p.task()
	errs := []error{ValidateBase(p.Base), ValidateVersion(p.Version), t.checkEnvironment()}
	if len(p.Runtimes) == 0 {
		errs = append(errs, fmt.Errorf("%w preparation: it has no runtime", ErrInvalid))
	}
	for _, r := range p.Runtimes {
		errs = append(errs, r.invalid)
	}
	c, err := f.command("prepare", errors.Join(errs...), p.Base, p.Version, taskScript, strconv.Itoa(len(t.Environment)), "command", t.Command)
	c.Size = int64(len(p.Content()))
	return c, err
}

// Content is the environment in the form in which Prepare reads it.
func (p Preparation) Content() string { return p.task().Content() }

// task is what makes it, as a host runs it.
func (p Preparation) task() Task {
	t := Task{Environment: slices.Clone(p.Environment)}
	files := []string{"tools"}
	var names, told []string
	for _, r := range p.Runtimes {
		names, told = append(names, r.name), append(told, r.name+"="+r.digest())
		for _, file := range r.scripts {
			if !slices.Contains(files, file) {
				files = append(files, file)
			}
		}
		t.Environment = append(t.Environment, r.options...)
	}
	t.Environment = append(t.Environment,
		Variable{"SLIPWAY_RUNTIMES", strings.Join(names, " ")},
		Variable{"SLIPWAY_AS_IT_WAS", yes(p.AsItWas)},
		Variable{"SLIPWAY_REBUILD", yes(p.Rebuild)},
		Variable{"SLIPWAY_OPTIONS", strings.Join(told, " ")},
	)
	t.Command = strings.TrimSuffix(join(append(files, "make")...), "\n")
	return t
}

// Prepared returns by what runtime Prepare found the release prepared, or prepared it,
// and whether it was before.
func (o Output) Prepared() (runtime string, before bool) {
	value, _ := o.Get(KeyPrepared)
	return strings.CutSuffix(value, " before")
}
