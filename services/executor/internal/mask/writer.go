package mask

import (
	"bytes"
	"errors"
	"io"
)

// Writer passes on what is written to it, without secrets. Of what may go on as a
// secret it keeps the end back: fewer bytes than a secret has, and fewer than 128. It
// is for one goroutine at a time.
type Writer struct {
	mask *Mask
	to   io.Writer

	held    []byte // what is kept back; none of it was passed on
	covered int    // so many bytes from the first of held on belong to a secret that was found
	hiding  bool   // the last byte before held belongs to a secret
	out     []byte
}

// Writer returns a Writer that passes on to another.
func (m *Mask) Writer(to io.Writer) *Writer { return &Writer{mask: m, to: to} }

// Write takes a part of a text. The error is that of the Writer behind; what it did
// not take is lost.
func (w *Writer) Write(p []byte) (int, error) {
	if w.mask == nil {
		return w.to.Write(p)
	}
	w.held = append(w.held, p...)
	return len(p), w.pass(goesOn)
}

// Flush passes on what was kept back: the text has ended. Another may begin.
func (w *Writer) Flush() error { return w.end(ended) }

// Close is Flush, and closes what is behind where that can be closed.
func (w *Writer) Close() error {
	err := w.Flush()
	if behind, ok := w.to.(io.Closer); ok {
		err = errors.Join(err, behind.Close())
	}
	return err
}

// Cut is Flush for a text whose end is missing: what may have been the beginning of a
// secret is hidden, too.
func (w *Writer) Cut() error { return w.end(cut) }

func (w *Writer) end(how ending) error {
	err := w.pass(how)
	w.held, w.covered, w.hiding = w.held[:0], 0, false
	return err
}

// ending is how a text goes on behind what is known of it.
type ending int

const (
	goesOn ending = iota
	ended
	cut
)

// pass passes on what is decided.
func (w *Writer) pass(how ending) error {
	w.out = w.out[:0]
	n := 0
	for ; n < len(w.held); n++ {
		length, open := w.mask.at(w.held[n:])
		if open && how == goesOn {
			break
		}
		if open && how == cut {
			length = len(w.held) - n
		}
		w.covered = max(w.covered, length)
		switch {
		case w.covered == 0:
			w.out = append(w.out, w.held[n])
		case !w.hiding:
			w.out = append(w.out, Hidden...)
		}
		w.hiding = w.covered > 0
		w.covered = max(0, w.covered-1)
	}
	w.held = append(w.held[:0], w.held[n:]...)
	if len(w.out) == 0 {
		return nil
	}
	_, err := w.to.Write(w.out)
	return err
}

// Lines passes on lines without secrets, also where one stands in several of them. It
// is for one goroutine at a time.
type Lines struct {
	masked *Writer
	out    splitter
}

// Lines returns a Lines that calls emit for each line, without its newline. The calls
// come in those of its methods.
func (m *Mask) Lines(emit func(line string)) *Lines {
	l := &Lines{out: splitter{emit: emit}}
	l.masked = m.Writer(&l.out)
	return l
}

// Add takes a line without its newline. Of one that has been cut, the end is missing.
func (l *Lines) Add(line string, hasBeenCut bool) {
	_, _ = l.masked.Write([]byte(line)) // a splitter takes everything
	if hasBeenCut {
		_ = l.masked.Cut()
	}
	_, _ = l.masked.Write([]byte{'\n'})
}

// Flush passes on the lines that may have gone on as a secret. Others may follow.
func (l *Lines) Flush() { _ = l.masked.Flush() }

// splitter cuts a text into lines.
type splitter struct {
	emit    func(string)
	partial []byte
}

func (s *splitter) Write(p []byte) (int, error) {
	rest := p
	for {
		line, after, complete := bytes.Cut(rest, []byte{'\n'})
		s.partial = append(s.partial, line...)
		if !complete {
			return len(p), nil
		}
		s.emit(string(s.partial))
		s.partial, rest = s.partial[:0], after
	}
}
