package packages

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
)

const readAhead = 128 << 10 // bytes

// incoming is the content of a package on its way in. It is counted, hashed and
// bounded while it is read, and ends with an error instead of io.EOF where it is
// not what was announced: whoever stores it stores all of it or nothing.
type incoming struct {
	source *bufio.Reader
	limit  int64
	want   string // sha256 in lower case, or ""
	format string
	size   int64
	hash   hash.Hash
	cause  error // what ended it early
}

// newIncoming looks at how the content begins. It fails with field.Errors where
// that is not as the filename says.
func newIncoming(n New, body io.Reader, limit int64) (*incoming, error) {
	in := &incoming{
		source: bufio.NewReaderSize(body, readAhead), limit: limit,
		want: strings.ToLower(n.SHA256), format: formatOf(n.Filename), hash: sha256.New(),
	}
	head, err := in.source.Peek(headLength)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	if len(head) == 0 {
		return nil, field.Errors{{Field: "body", Message: "is empty"}}
	}
	if !beginsAs(in.format, append([]byte(nil), head...)) {
		return nil, field.Errors{{Field: "filename", Message: "says " + in.format + ", but the content does not begin like that"}}
	}
	return in, nil
}

// Read fills p as far as it can: each read becomes a message in the store, and a
// connection delivers little at a time.
func (in *incoming) Read(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var more int
		more, err = in.source.Read(p[n:])
		n += more
	}
	in.hash.Write(p[:n])
	in.size += int64(n)
	switch {
	case in.size > in.limit:
		err = ErrTooLarge
	case errors.Is(err, io.EOF) && in.want != "" && in.want != in.digest():
		err = ErrDigest
	case err == nil || errors.Is(err, io.EOF):
		return n, err
	default:
		err = fmt.Errorf("%w: %w", ErrBroken, err)
	}
	in.cause = err
	return n, err
}

func (in *incoming) digest() string { return hex.EncodeToString(in.hash.Sum(nil)) }

// failure is why reading or storing the content failed: what was wrong with the
// content, if anything was.
func (in *incoming) failure(err error) error {
	if in.cause != nil {
		return in.cause
	}
	return err
}
