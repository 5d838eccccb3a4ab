package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Version is that of entries. Within it, only optional fields are added.
const Version = 1

// Outcome is what became of a call.
type Outcome string

// Outcomes. A call that changes something has two entries: that it was asked for, stored before anything is changed, and
// what became of it. One that was refused before that has the second alone.
const (
	Asked    Outcome = "asked"    // permitted, and about to be done
	Accepted Outcome = "accepted" // done, or taken in to be done
	Refused  Outcome = "refused"  // nothing was changed; Status and Code say why
	Failed   Outcome = "failed"   // it is not known here whether anything was changed
)

// Outcomes returns all of them.
func Outcomes() []Outcome { return []Outcome{Asked, Accepted, Refused, Failed} }

// Entry is one entry of the log. Its fields stand in the order of their names: so encoding/json writes it canonically.
type Entry struct {
	Action   string     `json:"action"`            // as deployments.create; the same for all time
	Actor    *Actor     `json:"actor,omitempty"`   // nil: nobody who is known
	Asked    uint64     `json:"asked,omitempty"`   // the entry that says that this was asked for
	Code     string     `json:"code,omitempty"`    // of the problem that was answered
	Count    int        `json:"count,omitempty"`   // calls that this entry stands for, where they were too many for one each
	Digest   string     `json:"digest,omitempty"`  // of the request, keyed with the token that it carried
	Hash     string     `json:"hash,omitempty"`    // of this entry
	Made     string     `json:"made,omitempty"`    // id of what came of it, where that is another thing than Object
	Object   *Object    `json:"object,omitempty"`  // what it is about, where one thing is named
	Outcome  Outcome    `json:"outcome"`           //
	Previous string     `json:"previous"`          // hash of the entry before; of the first, zeros
	Remote   string     `json:"remote,omitempty"`  // address that the call came from
	Repeat   bool       `json:"repeat,omitempty"`  // of a call that was made before with its Idempotency-Key
	Request  string     `json:"request,omitempty"` // X-Request-Id
	Seq      uint64     `json:"seq"`               // from 1
	Since    *time.Time `json:"since,omitempty"`   // when the first of Count came
	Status   int        `json:"status,omitempty"`  // of HTTP, that was answered
	Time     time.Time  `json:"time"`              // by the clock of the gateway
	Version  int        `json:"v"`
}

// Actor is who made a call.
type Actor struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Object is what a call is about.
type Object struct {
	ID   string `json:"id,omitempty"`
	Kind string `json:"kind"`
}

// MaxText is how many bytes of what a caller has chosen stand in an entry.
const MaxText = 200

// Text makes a text that a caller has chosen fit to stand in an entry: it is cut, and holds nothing that steers a terminal
// or that JSON can be written with in two ways.
func Text(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
	for len(s) > MaxText {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

// Head is the last entry of a log.
type Head struct {
	Seq  uint64 `json:"seq"`
	Hash string `json:"hash"`
}

// Genesis is the head of a log without entries.
func Genesis() Head { return Head{Hash: strings.Repeat("0", 2*sha256.Size)} }

// ParseHead reads a head as String writes it.
func ParseHead(text string) (Head, error) {
	var h Head
	var rest string
	if n, _ := fmt.Sscanf(text, "%d:%64s%s", &h.Seq, &h.Hash, &rest); n != 2 || h.Seq == 0 || !isHash(h.Hash) {
		return Head{}, fmt.Errorf("%w: %q is not a number and a hash, as 4711:9f86…", ErrFormat, text)
	}
	return h, nil
}

// String is the head as people note it: 4711:9f86….
func (h Head) String() string { return fmt.Sprintf("%d:%s", h.Seq, h.Hash) }

func isHash(s string) bool {
	return len(s) == 2*sha256.Size && strings.Trim(s, "0123456789abcdef") == ""
}

// Link makes e the entry after this head. It returns the line to store, and the head that the log then has.
func (h Head) Link(e Entry) (line []byte, next Head, err error) {
	e.Version, e.Seq, e.Previous, e.Hash = Version, h.Seq+1, h.Hash, ""
	if line, err = encode(e); err != nil {
		return nil, h, err
	}
	e.Hash = hash(line)
	line, err = encode(e)
	return line, Head{e.Seq, e.Hash}, err
}

// encode writes JSON as RFC 8785 has it. Go escapes two separators that are printable elsewhere; Text lets none in.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode an entry: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func hash(line []byte) string {
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:])
}

// Canonical writes an entry that came as JSON of any form in the form in which it was stored, fields that this version
// does not know among them.
func Canonical(entry []byte) ([]byte, error) {
	fields, err := parse(entry)
	if err != nil {
		return nil, err
	}
	return encode(fields)
}

func parse(entry []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(entry))
	d.UseNumber() // as it was written
	var fields map[string]any
	if err := d.Decode(&fields); err != nil || fields == nil || d.More() {
		return nil, fmt.Errorf("%w: it is no JSON object", ErrFormat)
	}
	return fields, nil
}
