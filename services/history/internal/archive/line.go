package archive

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// version of the lines. Within it, only optional fields are added.
const version = 1

// The kinds of lines.
const (
	kindDeployment = "deployment"
	kindDocument   = "document"
	kindEnd        = "end"
)

// line is one line of a file, of any kind.
type line struct {
	Kind        string          `json:"kind"`
	Version     int             `json:"version"`
	Deployment  string          `json:"deployment,omitempty"`
	Project     string          `json:"project,omitempty"`
	Application string          `json:"application,omitempty"`
	Collection  string          `json:"collection,omitempty"`
	Document    json.RawMessage `json:"document,omitempty"`
	Documents   int             `json:"documents,omitempty"`
	SHA256      string          `json:"sha256,omitempty"`
}

// Document is one document of a deployment, as it is stored.
type Document struct {
	Collection string
	Raw        bson.Raw
}

func (l line) encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(l) // with the end of the line
	return b.Bytes(), err
}

func fromDocument(d Document) (line, error) {
	text, err := bson.MarshalExtJSON(d.Raw, true, false)
	return line{Kind: kindDocument, Version: version, Collection: d.Collection, Document: text}, err
}

func (l line) toDocument() (Document, error) {
	var fields bson.D // keeps their order
	if err := bson.UnmarshalExtJSON(l.Document, true, &fields); err != nil {
		return Document{}, fmt.Errorf("%w: a document of %s cannot be read: %w", ErrDamaged, l.Collection, err)
	}
	raw, err := bson.Marshal(fields)
	return Document{Collection: l.Collection, Raw: raw}, err
}
