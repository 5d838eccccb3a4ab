package openapitest

import (
	"bytes"
	"io"
	"net/http"
	"sync"
)

// Transport sends requests, and tells Report what the document does not allow about
// each exchange, once the answer has been read or closed.
type Transport struct {
	Document *Document
	Base     http.RoundTripper // nil: http.DefaultTransport
	Report   func(error)
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := &sentBody{}
	if req.Body != nil && req.Body != http.NoBody {
		sent.ReadCloser = req.Body
		req = req.Clone(req.Context())
		req.Body = sent
	}
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	res, err := base.RoundTrip(req)
	if err != nil || res.StatusCode == http.StatusSwitchingProtocols { // a WebSocket is no exchange
		return res, err
	}
	res.Body = &gotBody{ReadCloser: res.Body, ended: func(got []byte, whole bool) {
		if err := t.Document.Check(Exchange{Request: req, Sent: sent.bytes(), Response: res, Got: got, Whole: whole}); err != nil {
			t.Report(err)
		}
	}}
	return res, nil
}

// sentBody keeps what is sent: it may go on being sent while the answer is read.
type sentBody struct {
	io.ReadCloser
	mu   sync.Mutex
	sent bytes.Buffer
}

func (b *sentBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent.Write(p[:n])
	return n, err
}

func (b *sentBody) bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.sent.Bytes())
}

// gotBody keeps what is read of an answer, and says once when that is all.
type gotBody struct {
	io.ReadCloser
	got   bytes.Buffer
	once  sync.Once
	ended func(got []byte, whole bool)
}

func (b *gotBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.got.Write(p[:n])
	if err != nil {
		b.once.Do(func() { b.ended(b.got.Bytes(), err == io.EOF) })
	}
	return n, err
}

func (b *gotBody) Close() error {
	err := b.ReadCloser.Close()
	b.once.Do(func() { b.ended(b.got.Bytes(), false) })
	return err
}
