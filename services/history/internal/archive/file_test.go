package archive

import (
	"bytes"
	"compress/gzip"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"pgregory.net/rapid"
)

// kept is what a Reader was told.
type kept struct {
	begun, ended []Deployment
	docs         []Document
}

func (k *kept) Begin(of Deployment) error               { k.begun = append(k.begun, of); return nil }
func (k *kept) Document(_ Deployment, d Document) error { k.docs = append(k.docs, d); return nil }
func (k *kept) End(of Deployment) error                 { k.ended = append(k.ended, of); return nil }
func read(t require.TestingT, file []byte) (kept, error) {
	var k kept
	err := Read(bytes.NewReader(file), &k)
	return k, err
}

func written(t require.TestingT, of Deployment, docs ...Document) []byte {
	var file bytes.Buffer
	w, err := NewWriter(&file, of)
	require.NoError(t, err)
	for _, d := range docs {
		require.NoError(t, w.Add(d))
	}
	require.NoError(t, w.End())
	return file.Bytes()
}

func document(t require.TestingT, collection string, fields bson.D) Document {
	raw, err := bson.Marshal(fields)
	require.NoError(t, err)
	return Document{Collection: collection, Raw: raw}
}

// anyValue is any that documents hold.
func anyValue(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		kinds := 8
		if depth > 0 {
			kinds = 10
		}
		switch rapid.IntRange(1, kinds).Draw(t, "kind") {
		case 1:
			return rapid.String().Draw(t, "text")
		case 2:
			return rapid.Int32().Draw(t, "int32")
		case 3:
			return rapid.Int64().Draw(t, "int64")
		case 4:
			return rapid.Float64().Draw(t, "double")
		case 5:
			return rapid.Bool().Draw(t, "bool")
		case 6:
			return time.UnixMilli(rapid.Int64Range(-1e13, 1e13).Draw(t, "time"))
		case 7:
			return bson.Binary{Data: rapid.SliceOf(rapid.Byte()).Draw(t, "binary")}
		case 8:
			return nil
		case 9:
			return anyFields(depth-1).Draw(t, "document")
		default:
			return bson.A(rapid.SliceOfN(anyValue(depth-1), 0, 4).Draw(t, "array"))
		}
	})
}

func anyFields(depth int) *rapid.Generator[bson.D] {
	return rapid.Custom(func(t *rapid.T) bson.D {
		fields := bson.D{}
		for range rapid.IntRange(0, 5).Draw(t, "fields") {
			fields = append(fields, bson.E{
				Key: rapid.StringMatching("[a-z_.üé<>&]{1,8}").Draw(t, "name"), Value: anyValue(depth).Draw(t, "value"),
			})
		}
		return fields
	})
}

func TestDocumentsComeBackAsTheyWereToTheByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		of := Deployment{ID: "d1", Project: "shop", Application: "web"}
		var docs []Document
		for _, fields := range rapid.SliceOfN(anyFields(2), 1, 5).Draw(t, "documents") {
			docs = append(docs, document(t, rapid.SampledFrom([]string{"deployments", "logs"}).Draw(t, "collection"), fields))
		}
		file := written(t, of, docs...)
		require.Equal(t, file, written(t, of, docs...), "the same is the same file")
		k, err := read(t, file)
		require.NoError(t, err)
		require.Equal(t, kept{begun: []Deployment{of}, ended: []Deployment{of}, docs: docs}, k)
	})
}

func TestFilesCanBePutTogether(t *testing.T) {
	a, b := Deployment{ID: "a", Project: "shop"}, Deployment{ID: "b", Application: "web"}
	one, two := document(t, "deployments", bson.D{{Key: "_id", Value: "a"}}), document(t, "deployments", bson.D{{Key: "_id", Value: "b"}})
	k, err := read(t, append(written(t, a, one), written(t, b, two)...))
	require.NoError(t, err)
	require.Equal(t, kept{begun: []Deployment{a, b}, ended: []Deployment{a, b}, docs: []Document{one, two}}, k)
}

func TestWhateverIsWrongWithAFileIsNoticed(t *testing.T) {
	var docs []Document
	for i := range 3 {
		docs = append(docs, document(t, "logs", bson.D{{Key: "_id", Value: "d/0/0"}, {Key: "seq", Value: int64(i)}}))
	}
	file := written(t, Deployment{ID: "d"}, docs...)
	for n := range file {
		_, err := Check(bytes.NewReader(file[:n]))
		require.ErrorIs(t, err, ErrDamaged, "cut after %d of %d bytes", n, len(file))
	}
	unpack, err := gzip.NewReader(bytes.NewReader(file))
	require.NoError(t, err)
	text, err := io.ReadAll(unpack)
	require.NoError(t, err)
	lines := bytes.SplitAfter(text, []byte("\n"))
	lines = lines[:len(lines)-1]
	for name, spoilt := range map[string][][]byte{
		"a document is missing":   {lines[0], lines[1], lines[3], lines[4]},
		"a document is twice":     {lines[0], lines[1], lines[2], lines[2], lines[4]},
		"two have changed places": {lines[0], lines[2], lines[1], lines[3], lines[4]},
		"a value has changed":     {lines[0], lines[1], bytes.Replace(lines[2], []byte(`"1"`), []byte(`"7"`), 1), lines[3], lines[4]},
		"the end is missing":      lines[:4],
		"the beginning is":        lines[1:],
		"there is nothing":        {},
		"there is more":           append(lines[:5:5], lines[1]),
		"it is no JSON":           {lines[0], []byte("{\n")},
		"it is of another kind":   {lines[0], []byte(`{"kind":"song","version":1}` + "\n")},
	} {
		_, err := Check(bytes.NewReader(pack(t, spoilt)))
		require.ErrorIs(t, err, ErrDamaged, name)
	}
	_, err = Check(bytes.NewReader(pack(t, [][]byte{[]byte(`{"kind":"deployment","version":2}` + "\n")})))
	require.ErrorIs(t, err, ErrVersion)
	n, err := Check(bytes.NewReader(pack(t, lines)))
	require.NoError(t, err)
	require.Equal(t, 3, n)
}

func pack(t *testing.T, lines [][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	for _, l := range lines {
		_, err := w.Write(l)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}
