package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
)

// Flaw is the first place at which a log is not as it was written.
type Flaw struct {
	Seq    uint64 `json:"seq"` // of the entry
	Kind   string `json:"kind"`
	Reason string `json:"reason"` // for people
}

// Kinds of flaws.
const (
	Unreadable = "unreadable" // there is no entry where one belongs
	Changed    = "changed"    // its hash is not that of what it says
	Unlinked   = "unlinked"   // it does not follow from the one before
	Missing    = "missing"    // it is not there, though later ones are
	Reordered  = "reordered"  // another stands where it belongs
	CutOff     = "cut_off"    // the log ends before an entry that was known to be there
	Replaced   = "replaced"   // the log is whole, and another one than it was
)

// Result is what was found in a log.
type Result struct {
	Entries uint64 `json:"entries"` // that are as they were written, from the first
	Head    Head   `json:"head"`    // the last of those: note it, and give it to a later verification
	Flaw    *Flaw  `json:"flaw,omitempty"`
}

// Verify reads a log from its first entry to its last and says whether it is whole. A chain does not tell where it should
// end: noted, if given, is an entry that the log is known to have had. Entries are given as they are stored (Canonical). It
// fails only where they cannot be read from where they are.
func Verify(entries iter.Seq2[[]byte, error], noted *Head) (Result, error) {
	v := verifier{noted: noted, found: Result{Head: Genesis()}}
	for entry, err := range entries {
		if err != nil {
			return v.found, err
		}
		if !v.take(entry) {
			break
		}
	}
	return v.end(), nil
}

type verifier struct {
	noted *Head
	found Result
	ahead uint64 // an entry that came instead of the next, which is looked for in what follows; 0: none
}

// link is what a chain is made of.
type link struct {
	Hash     string `json:"hash"`
	Previous string `json:"previous"`
	Seq      uint64 `json:"seq"`
}

// take looks at the next entry, and says whether there is more to look for.
func (v *verifier) take(entry []byte) bool {
	next := v.found.Head.Seq + 1
	l, sum, err := read(entry)
	if v.ahead != 0 {
		if err == nil && l.Seq == next {
			v.flaw(next, Reordered, "entry %d stands in the place of entry %d, which comes later", v.ahead, next)
		}
		return v.found.Flaw == nil
	}
	switch {
	case err != nil:
		v.flaw(next, Unreadable, "where entry %d belongs, there is none that is written as the log writes them", next)
	case l.Seq > next:
		v.ahead = l.Seq
	case l.Seq < next:
		v.flaw(next, Reordered, "entry %d stands in the place of entry %d", l.Seq, next)
	case sum != l.Hash:
		v.flaw(next, Changed, "entry %d was changed: its hash is not that of what it says", next)
	case l.Previous != v.found.Head.Hash:
		v.flaw(next, Unlinked, "entry %d does not follow from the one before: one of the two was replaced", next)
	case v.noted != nil && v.noted.Seq == next && v.noted.Hash != l.Hash:
		v.flaw(next, Replaced, "entry %d is another one than was noted: the log was written anew", next)
	default:
		v.found.Entries, v.found.Head = next, Head{next, l.Hash}
	}
	return v.found.Flaw == nil
}

func (v *verifier) end() Result {
	next := v.found.Head.Seq + 1
	switch {
	case v.found.Flaw != nil:
	case v.ahead > next+1:
		v.flaw(next, Missing, "entries %d to %d are missing", next, v.ahead-1)
	case v.ahead != 0:
		v.flaw(next, Missing, "entry %d is missing", next)
	case v.noted != nil && v.noted.Seq >= next:
		v.flaw(next, CutOff, "the log ends before entry %d, and entry %d was noted: its end was cut off", next, v.noted.Seq)
	}
	return v.found
}

func (v *verifier) flaw(seq uint64, kind, format string, args ...any) {
	v.found.Flaw = &Flaw{seq, kind, fmt.Sprintf(format, args...)}
}

// read returns what links an entry, and the hash that it should have.
func read(entry []byte) (link, string, error) {
	fields, err := parse(entry)
	if err != nil {
		return link{}, "", err
	}
	var l link
	if l.Hash, err = text(fields, "hash"); err != nil {
		return link{}, "", err
	}
	if l.Previous, err = text(fields, "previous"); err != nil {
		return link{}, "", err
	}
	seq, _ := fields["seq"].(json.Number)
	if _, err = fmt.Sscanf(seq.String(), "%d", &l.Seq); err != nil || fmt.Sprint(l.Seq) != seq.String() {
		return link{}, "", fmt.Errorf("%w: seq", ErrFormat)
	}
	// Else two programs might read it differently: a name may stand there twice.
	if line, err := encode(fields); err != nil || !bytes.Equal(line, entry) {
		return link{}, "", fmt.Errorf("%w: it is not written canonically", ErrFormat)
	}
	delete(fields, "hash")
	line, err := encode(fields)
	return l, hash(line), err
}

func text(fields map[string]any, name string) (string, error) {
	s, ok := fields[name].(string)
	if !ok {
		return "", fmt.Errorf("%w: %s", ErrFormat, name)
	}
	return s, nil
}
