package archive

import (
	"errors"
	"fmt"
	"io"
)

// stands is which event each document of a file stands at, by collection and id.
type stands map[[2]string]int64

// Begin implements Reader.
func (stands) Begin(Deployment) error { return nil }

// Document implements Reader.
func (s stands) Document(_ Deployment, d Document) error {
	id, _ := d.Raw.Lookup("_id").StringValueOK()
	seq, _ := d.Raw.Lookup("seq").AsInt64OK()
	s[[2]string{d.Collection, id}] = seq
	return nil
}

// End implements Reader.
func (stands) End(Deployment) error { return nil }

// noLess fails with ErrMore where a file has a document that the next one, which is to take
// its place, lacks or has as it was before. A damaged file has nothing to lose. Both stand at
// their beginning then.
func noLess(next, file io.ReadSeeker) error {
	had, has := stands{}, stands{}
	for _, f := range []struct {
		io.ReadSeeker
		stands
	}{{file, had}, {next, has}} {
		err := Read(f, f.stands)
		if err == nil {
			_, err = f.Seek(0, io.SeekStart)
		}
		if errors.Is(err, ErrDamaged) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	for d, seq := range had {
		if have, there := has[d]; !there || have < seq {
			return fmt.Errorf("%w: %s %s at event %d", ErrMore, d[0], d[1], seq)
		}
	}
	return nil
}
