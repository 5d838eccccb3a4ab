package hostcmd

import "strings"

// Keys of result lines.
const (
	KeyStaged     = "staged"     // yes or no
	KeyBase       = "base"       // "<version> <sha256 of its manifest>"; see Output.Base
	KeyBegun      = "begun"      // yes: a part of the release lies there, from an earlier attempt
	KeyCodec      = "codec"      // a compression besides gzip that the host has a program for
	KeyLacks      = "lacks"      // "<from>-<to>" lines of the manifest, or "all"; see Output.Lacks
	KeyCut        = "cut"        // "<line> <bytes> <sha256>" of a file of which the beginning is there
	KeyFile       = "file"       // a line of a manifest
	KeyStep       = "step"       // transfer, verify or unpack: it is done
	KeyCurrent    = "current"    // the version that runs
	KeyTarget     = "target"     // a version
	KeyPrevious   = "previous"   // a version
	KeyUnchanged  = "unchanged"  // nothing was done; the version that runs, if any
	KeyRolledBack = "rolledback" // the version that was left
	KeyRemoved    = "removed"    // a version
	KeySpared     = "spared"     // a version that was to be removed
	KeyEvicted    = "evicted"    // the token whose leftover was killed
	KeyState      = "state"      // of `current`, see below
	KeyDrifted    = "drifted"    // "<version> <count>": files of it are not what was staged; see Output.Drifted
	KeyRan        = "ran"        // the mark of a task that had ended well before
	KeyPrepared   = "prepared"   // how a release was prepared, and "before" where that was no work of this command
	KeySection    = "section"    // the head of a section of the file that is replaced
	KeyLine       = "line"       // of a file, as it is
	KeyRelease    = "release"    // "<version> <digest>"; see Output.Releases
	KeyUncut      = "uncut"      // content can only be sent UntilEnd here

	// Of a session: a step has ended, with this exit code.
	KeyDone = "done" // the session takes another
	KeyOver = "over" // it is the last of its session
)

// EndOfStderr is the line that ends what a step of a session has written there.
// Above it is a newline that is not the step's.
const EndOfStderr = "slipway end"

// Mark is the line on stdout and on stderr after which a stream is that of a task of the
// user, to the end of its session: nothing in it is a result, or the end of a step.
const Mark = "slipway task"

// Values of KeyState.
const (
	StateComplete   = "complete"
	StateIncomplete = "incomplete" // the directory is there, not its marker
	StateDangling   = "dangling"
	StateForeign    = "foreign" // a link that Slipway did not make
	StateBlocked    = "blocked" // not a link
	StateNone       = "none"
)

// Result is one line that a script means for us.
type Result struct {
	Key   string
	Value string // may be empty
}

// ParseLine reads one line of stdout; false means that it is plain output. For
// progress, as lines come in.
func ParseLine(line string) (Result, bool) {
	line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
	rest, ok := strings.CutPrefix(line, "slipway ")
	if !ok {
		return Result{}, false
	}
	key, value, _ := strings.Cut(rest, " ")
	return Result{Key: key, Value: value}, key != ""
}

// Output is the stdout of a command, taken apart.
type Output struct {
	Results []Result // in order
	Text    string   // all other lines: what a login script prints, say
}

// Parse reads the whole stdout of a command.
func Parse(stdout string) Output {
	var out Output
	var text strings.Builder
	for line := range strings.Lines(stdout) {
		if result, ok := ParseLine(line); ok {
			out.Results = append(out.Results, result)
		} else {
			text.WriteString(line)
		}
	}
	out.Text = text.String()
	return out
}

// Get returns the last value of key, and whether there was one.
func (o Output) Get(key string) (string, bool) {
	for i := len(o.Results) - 1; i >= 0; i-- {
		if o.Results[i].Key == key {
			return o.Results[i].Value, true
		}
	}
	return "", false
}

// All returns the values of key in order.
func (o Output) All(key string) []string {
	var values []string
	for _, r := range o.Results {
		if r.Key == key {
			values = append(values, r.Value)
		}
	}
	return values
}

// Releases returns version and digest of each complete release, after Inspect.
func (o Output) Releases() map[string]string {
	releases := make(map[string]string)
	for _, value := range o.All(KeyRelease) {
		version, digest, _ := strings.Cut(value, " ")
		releases[version] = digest
	}
	return releases
}
