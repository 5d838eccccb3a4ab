package archive

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
)

// Deployment is what the archive says of a deployment beside its documents.
type Deployment struct {
	ID, Project, Application string
}

// Writer writes the documents of one deployment.
type Writer struct {
	of  Deployment
	out *gzip.Writer
	sum hash.Hash
	n   int
}

// NewWriter returns a writer that has begun with this deployment.
func NewWriter(to io.Writer, of Deployment) (*Writer, error) {
	w := &Writer{of: of, out: gzip.NewWriter(to), sum: sha256.New()}
	return w, w.put(line{Kind: kindDeployment, Version: version, Deployment: of.ID, Project: of.Project, Application: of.Application})
}

// Add writes a document.
func (w *Writer) Add(d Document) error {
	l, err := fromDocument(d)
	if err != nil {
		return err
	}
	w.n++
	return w.put(l)
}

// End writes how many documents there are, and their digest. Without it, the deployment is
// damaged.
func (w *Writer) End() error {
	err := w.put(line{
		Kind: kindEnd, Version: version, Deployment: w.of.ID, Documents: w.n, SHA256: hex.EncodeToString(w.sum.Sum(nil)),
	})
	if err != nil {
		return err
	}
	return w.out.Close()
}

func (w *Writer) put(l line) error {
	text, err := l.encode()
	if err != nil {
		return err
	}
	w.sum.Write(text)
	_, err = w.out.Write(text)
	return err
}
