package archive

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// suffix ends the name of every file.
const suffix = ".jsonl.gz"

// Place is where files are kept. Names are paths with slashes.
type Place interface {
	// Put keeps a file, in the place of one of that name: whole or not at all, and read
	// again before it returns. It fails with ErrMore where that one has more: who was late
	// does not spoil what another has kept. What write writes must not depend on how often
	// it is called.
	Put(ctx context.Context, name string, write func(io.Writer) error) error
	// Open returns a file that is kept, or ErrNone.
	Open(ctx context.Context, name string) (File, error)
	// Each calls do with the name of each file whose name begins so, in order, until it
	// fails.
	Each(ctx context.Context, prefix string, do func(name string) error) error
	// Where says for people where a file is.
	Where(name string) string
}

// File can be read more than once.
type File interface {
	io.ReadSeekCloser
}

// checked reads a file that was written, and returns its size. It stands at its beginning
// then.
func checked(f io.ReadSeeker) (size int64, err error) {
	if _, err = f.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	if _, err = Check(f); err != nil {
		return 0, err
	}
	if size, err = f.Seek(0, io.SeekEnd); err != nil {
		return 0, err
	}
	_, err = f.Seek(0, io.SeekStart)
	return size, err
}

// Name is the name of the file of a deployment.
func Name(of Deployment, accepted time.Time) string {
	project := of.Project
	if project == "" {
		project = "_" // no project has this name
	}
	return fmt.Sprintf("%s/%s/%s%s", project, accepted.UTC().Format(time.DateOnly), of.ID, suffix)
}

// IsFile says whether a name is that of a file.
func IsFile(name string) bool { return strings.HasSuffix(name, suffix) }

// IsOf says whether a file has the name of this deployment's.
func IsOf(name, deployment string) bool { return strings.HasSuffix(name, "/"+deployment+suffix) }
