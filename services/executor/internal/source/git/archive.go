package git

import (
	"archive/tar"
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/slipway-deploy/slipway/services/executor/internal/source"
)

// archive writes a tar archive: the same entries give the same bytes.
type archive struct {
	tar  *tar.Writer
	buf  *bufio.Writer
	room int64 // bytes that may follow
}

func newArchive(to *os.File, limit int64) *archive {
	a := &archive{room: limit, buf: bufio.NewWriterSize(to, 256<<10)}
	a.tar = tar.NewWriter(a.buf)
	return a
}

func (a *archive) add(name string, kind byte, mode fs.FileMode, at time.Time, size int64) error {
	if a.room -= size + 512; a.room < 0 {
		return fmt.Errorf("%w: with %q", source.ErrTooLarge, name)
	}
	return local(a.tar.WriteHeader(&tar.Header{
		Format: tar.FormatGNU, Name: name, Typeflag: kind, Mode: int64(mode), Size: size, ModTime: at,
	}))
}

func (a *archive) directory(name string, at time.Time) error {
	return a.add(name+"/", tar.TypeDir, 0o755, at, 0)
}

func (a *archive) file(name string, mode fs.FileMode, at time.Time, size int64, body io.Reader) error {
	if err := a.add(name, tar.TypeReg, mode, at, size); err != nil {
		return err
	}
	_, err := io.CopyN(a.tar, body, size)
	return local(err)
}

func (a *archive) link(name, target string, at time.Time) error {
	if a.room -= 512; a.room < 0 {
		return fmt.Errorf("%w: with %q", source.ErrTooLarge, name)
	}
	return local(a.tar.WriteHeader(&tar.Header{
		Format: tar.FormatGNU, Name: name, Linkname: target, Typeflag: tar.TypeSymlink, Mode: 0o777, ModTime: at,
	}))
}

func (a *archive) close() error {
	if err := a.tar.Close(); err != nil {
		return local(err)
	}
	return local(a.buf.Flush())
}

func local(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", source.ErrLocal, err)
}
