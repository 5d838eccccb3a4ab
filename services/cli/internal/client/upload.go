package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
)

// File is a file to upload, and what is in it.
type File struct {
	Path   string
	Name   string // last part of the path
	Size   int64  // bytes
	SHA256 string // hex
}

// OpenFile reads a file through to know its digest. progress, if set, is told how many bytes of how many were read.
func OpenFile(ctx context.Context, path string, progress func(read, size int64)) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file", path)
	case info.Size() == 0:
		return nil, fmt.Errorf("%s is empty", path)
	}
	digest, read := sha256.New(), int64(0)
	_, err = io.Copy(digest, &observedReader{f, func(n int) {
		read += int64(n)
		if progress != nil {
			progress(read, info.Size())
		}
		if ctx.Err() != nil {
			_ = f.Close() // ends the copy
		}
	}})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return &File{Path: path, Name: filepath.Base(path), Size: read, SHA256: hex.EncodeToString(digest.Sum(nil))}, nil
}

// upload is a file as the body of a request.
type upload struct {
	file *File

	mu       sync.Mutex
	progress func(sent int64) // nil once Upload has returned
}

// attach makes the file the body of a request, opened anew.
func (u *upload) attach(req *http.Request, p *patience) error {
	open := func() (io.ReadCloser, error) {
		f, err := os.Open(u.file.Path)
		if err != nil {
			return nil, &localError{err}
		}
		var sent int64
		body := &observedReader{&localReader{f}, func(n int) {
			sent += int64(n)
			p.renew()
			u.tell(sent)
		}}
		return struct {
			io.Reader
			io.Closer
		}{body, f}, nil
	}
	body, err := open()
	if err != nil {
		return err
	}
	u.tell(0)
	req.Body, req.GetBody, req.ContentLength = body, open, u.file.Size
	req.Header.Set("Content-Type", "application/octet-stream")
	// What is refused anyhow, by its token or its name, is refused before gigabytes are sent.
	req.Header.Set("Expect", "100-continue")
	return nil
}

func (u *upload) tell(sent int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.progress != nil {
		u.progress(sent)
	}
}

// finish ends the progress: the transport may read on for a moment.
func (u *upload) finish() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.progress = nil
}

// localError is a failure on this machine, in the middle of a request: it is no word of the gateway's.
type localError struct{ err error }

func (e *localError) Error() string { return e.err.Error() }
func (e *localError) Unwrap() error { return e.err }

// localReader marks what goes wrong with reading the file.
type localReader struct{ file *os.File }

func (r *localReader) Read(b []byte) (int, error) {
	n, err := r.file.Read(b)
	if err != nil && err != io.EOF {
		err = &localError{err}
	}
	return n, err
}
