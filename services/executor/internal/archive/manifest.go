package archive

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
)

// ManifestName is where the manifest lies in a bundle: last, below the name that no
// package may use.
const ManifestName = reserved + "/manifest"

// File is a line of a manifest: a regular file as it lies in a release.
type File struct {
	Path   string // cleaned, without "./"
	Mode   fs.FileMode
	Size   int64
	SHA256 string // lower-case hex
}

// content is what two files have in common if one can stand for the other.
type content struct {
	sum  string
	size int64
	mode fs.FileMode
}

func (f File) content() content { return content{f.SHA256, f.Size, f.Mode} }

// line is the form that hosts read: "<mode> <size> <sha256>  ./<path>", of which the
// end is what sha256sum prints.
func (f File) line() string {
	return fmt.Sprintf("%o %d %s  ./%s\n", f.Mode, f.Size, f.SHA256, f.Path)
}

// listed says whether a file of this name is in the manifest. Names that a line
// cannot hold, or that tools print in a form of their own, are not: such files are
// always sent.
func listed(path string) bool {
	return !strings.ContainsAny(path, "\n\r\\") && strings.TrimRight(path, " \t\v\f") == path
}

// ParseManifest reads a manifest, at most limits.MaxEntries lines of it. Errors are
// ErrCorrupt, or the reader's.
func ParseManifest(r io.Reader, limits Limits) ([]File, error) {
	var files []File
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4<<10), limits.MaxPath+256)
	for lines.Scan() {
		f, ok := parseLine(lines.Text())
		if !ok || len(files) == limits.MaxEntries {
			return nil, fmt.Errorf("%w: line %d of the manifest: %q", ErrCorrupt, len(files)+1, short(lines.Text()))
		}
		files = append(files, f)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	return files, nil
}

func parseLine(line string) (File, bool) {
	var raw [3]string
	rest := line
	for i := range raw {
		raw[i], rest, _ = strings.Cut(rest, " ")
	}
	mode, err1 := strconv.ParseUint(raw[0], 8, 9)
	size, err2 := strconv.ParseInt(raw[1], 10, 64)
	sum, err3 := hex.DecodeString(raw[2])
	path, ok := strings.CutPrefix(rest, " ./")
	if err1 != nil || err2 != nil || err3 != nil || !ok || size < 0 || len(sum) != sha256.Size || !listed(path) {
		return File{}, false
	}
	// What comes from a host is held to the rules for what is sent to it.
	if clean, err := cleanName(path, len(path)); err != nil || clean != path {
		return File{}, false
	}
	return File{Path: path, Mode: fs.FileMode(mode), Size: size, SHA256: raw[2]}, true
}

// Links finds for the files of a manifest what has the same content and mode in a
// release that a host holds: a path there by the number of the line, from 0. The same
// path is preferred. shared is the bytes of the files that were found.
func Links(files, held []File) (links map[int]string, shared int64) {
	paths := make(map[content]string, len(held))
	byPath := make(map[string]content, len(held))
	for _, f := range held {
		paths[f.content()] = f.Path
		byPath[f.Path] = f.content()
	}
	links = make(map[int]string)
	for n, f := range files {
		path, found := paths[f.content()]
		if byPath[f.Path] == f.content() {
			path, found = f.Path, true
		}
		if found {
			links[n] = path
			shared += f.Size
		}
	}
	return links, shared
}

// ledger collects the manifest of a bundle that is being made.
type ledger struct {
	text  bytes.Buffer
	files int
	paths int // what `find .` prints of the unpacked bundle, in lines
}

func newLedger() *ledger { return &ledger{paths: 1} }

// path counts an entry that is unpacked to a path of its own.
func (l *ledger) path(name string) { l.paths += 1 + strings.Count(name, "\n") }

func (l *ledger) file(f File) {
	if listed(f.Path) {
		l.text.WriteString(f.line())
		l.files++
	}
}

func (l *ledger) sum() string {
	sum := sha256.Sum256(l.text.Bytes())
	return hex.EncodeToString(sum[:])
}
