package archive

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
)

// maxLine bounds a line: no document is larger than 16 MB, and its text is some times
// that.
const maxLine = 256 << 20

// Reader is told what is in a file, in its order. A deployment may turn out to be damaged
// after its first documents: whoever acts on them reads the file to its end before.
type Reader interface {
	Begin(of Deployment) error
	Document(of Deployment, d Document) error
	End(of Deployment) error
}

// Read reads a file to its end, or until to fails. It fails with ErrDamaged, or with
// ErrVersion.
func Read(from io.Reader, to Reader) error {
	unpacked, err := gzip.NewReader(from)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	f := file{to: to}
	lines := bufio.NewReaderSize(unpacked, 1<<20)
	for {
		text, err := nextLine(lines)
		switch {
		case errors.Is(err, io.EOF) && len(text) == 0 && f.sum == nil && f.ended:
			return nil
		case err != nil:
			return fmt.Errorf("%w: it ends too soon: %w", ErrDamaged, err)
		}
		if err := f.line(text); err != nil {
			return err
		}
	}
}

// Check reads a file to its end and returns how many documents are in it.
func Check(from io.Reader) (documents int, err error) {
	var n counter
	err = Read(from, &n)
	return int(n), err
}

type counter int

func (*counter) Begin(Deployment) error                { return nil }
func (n *counter) Document(Deployment, Document) error { *n++; return nil }
func (*counter) End(Deployment) error                  { return nil }

func nextLine(from *bufio.Reader) ([]byte, error) {
	var text []byte
	for {
		some, err := from.ReadSlice('\n')
		text = append(text, some...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return text, err
		}
		if len(text) > maxLine {
			return nil, bufio.ErrTooLong
		}
	}
}

// file is how far a file has been read.
type file struct {
	to    Reader
	of    Deployment
	sum   hash.Hash // nil: between two deployments
	n     int
	ended bool // one at least
}

func (f *file) line(text []byte) error {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return fmt.Errorf("%w: a line is no JSON", ErrDamaged)
	}
	if l.Version > version {
		return fmt.Errorf("%w: %d, and this one reads up to %d", ErrVersion, l.Version, version)
	}
	if (l.Kind == kindDeployment) != (f.sum == nil) {
		return fmt.Errorf("%w: a line %q is out of place", ErrDamaged, l.Kind)
	}
	switch l.Kind {
	case kindDeployment:
		f.of, f.sum, f.n = Deployment{ID: l.Deployment, Project: l.Project, Application: l.Application}, sha256.New(), 0
		f.sum.Write(text)
		return f.to.Begin(f.of)
	case kindDocument:
		f.sum.Write(text)
		f.n++
		d, err := l.toDocument()
		if err != nil {
			return err
		}
		return f.to.Document(f.of, d)
	case kindEnd:
		if l.Documents != f.n || l.Deployment != f.of.ID || l.SHA256 != hex.EncodeToString(f.sum.Sum(nil)) {
			return fmt.Errorf("%w: deployment %s is not as it was written", ErrDamaged, f.of.ID)
		}
		f.sum, f.ended = nil, true
		return f.to.End(f.of)
	}
	return fmt.Errorf("%w: a line is of kind %q", ErrDamaged, l.Kind)
}
