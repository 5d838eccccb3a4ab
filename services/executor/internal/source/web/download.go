package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/services/executor/internal/source"
)

// download is a file on its way, over as many connections as it takes.
type download struct {
	client *Client
	file   File
	to     *os.File
	have   int64  // bytes in to
	best   int64  // the most there ever were
	etag   string // strong, of the content that the bytes belong to; "" where they cannot be added to
	pieces bool   // the bytes are of more than one answer
}

// Fetch writes the file to an empty one, and goes on from where a connection
// broke if the server says that it is the same content still. Content of another
// sha256 (lower-case hex) is fetched once more from its start if it came in
// pieces. It fails with one of the errors of package source, or with what ended
// ctx.
func (c *Client) Fetch(ctx context.Context, f File, sha string, to *os.File) error {
	d := &download{client: c, file: f, to: to}
	err := c.opts.Retry.Do(ctx, d.further)
	if err != nil || !d.pieces {
		return err
	}
	got, err := digest(to)
	if err != nil {
		return fmt.Errorf("%w: %w", source.ErrLocal, err)
	}
	if got == sha {
		return nil
	}
	if err := d.restart(); err != nil {
		return err
	}
	d.best = 0
	return c.opts.Retry.Do(ctx, d.further) // who asked compares what there is now
}

// further asks for what is missing, and says whether more is there than ever
// before.
func (d *download) further(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if d.etag == "" && d.have > 0 {
		if err := d.restart(); err != nil {
			return false, err
		}
	}
	res, err := d.client.ask(ctx, d.file, d.have, d.etag)
	if err != nil {
		if errors.Is(err, errRange) {
			d.etag = "" // the next try begins anew
		}
		return false, err
	}
	defer func() { _ = res.Body.Close() }()
	if err := d.begin(res); err != nil {
		return false, err
	}
	stall := time.AfterFunc(d.client.opts.Stall, cancel)
	defer stall.Stop()
	err = d.copy(res, func() { stall.Reset(d.client.opts.Stall) })
	further := d.have > d.best
	d.best = max(d.best, d.have)
	return further, err
}

// begin looks at the head of an answer: whether it goes on from what is there.
func (d *download) begin(res *http.Response) error {
	etag := res.Header.Get("Etag")
	if strings.HasPrefix(etag, "W/") {
		etag = "" // means the same to a reader, but may be other bytes
	}
	if res.StatusCode == http.StatusPartialContent {
		from := fmt.Sprintf("bytes %d-", d.have)
		if strings.HasPrefix(res.Header.Get("Content-Range"), from) && etag == d.etag {
			d.pieces = true
			return nil
		}
		d.etag = ""
		return fmt.Errorf("%w: %s: its server sends another part than it was asked for", source.ErrUnreachable, d.file.Location)
	}
	if err := d.restart(); err != nil {
		return err
	}
	d.etag = etag
	return nil
}

// copy adds the content of an answer to the file.
func (d *download) copy(res *http.Response, alive func()) error {
	room := d.client.opts.Max - d.have
	if res.ContentLength > room {
		return fmt.Errorf("%w: %s has more than %d bytes", source.ErrTooLarge, d.file.Location, d.client.opts.Max)
	}
	buf := make([]byte, 128<<10)
	for {
		n, err := res.Body.Read(buf)
		if int64(n) > room {
			return fmt.Errorf("%w: %s has more than %d bytes", source.ErrTooLarge, d.file.Location, d.client.opts.Max)
		}
		if _, err := d.to.Write(buf[:n]); err != nil {
			return fmt.Errorf("%w: %w", source.ErrLocal, err)
		}
		d.have, room = d.have+int64(n), room-int64(n)
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("%w: %s: the connection broke after %d bytes", source.ErrUnreachable, d.file.Location, d.have)
		case n > 0:
			alive()
		}
	}
}

// restart forgets what is there.
func (d *download) restart() error {
	d.have, d.etag, d.pieces = 0, "", false
	if err := d.to.Truncate(0); err != nil {
		return fmt.Errorf("%w: %w", source.ErrLocal, err)
	}
	if _, err := d.to.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("%w: %w", source.ErrLocal, err)
	}
	return nil
}

func digest(f *os.File) (string, error) {
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(f, 0, 1<<62)); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
