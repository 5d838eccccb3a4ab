package archive

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Format is how a package was uploaded.
type Format string

// The formats that Build reads.
const (
	FormatTar    Format = "tar"
	FormatTarGz  Format = "tar.gz"
	FormatTarZst Format = "tar.zst"
	FormatZip    Format = "zip"
	FormatFile   Format = "file" // any other file, released as it is
)

// HeadSize is how many bytes from the start of a file Detect wants to see.
const HeadSize = 512

// zipByNature are file names of zips that are run or read as they are.
var zipByNature = []string{".jar", ".war", ".ear", ".aar", ".whl", ".apk", ".pex", ".pyz"}

// archiveNames are file names that promise an archive, and which.
var archiveNames = []struct {
	suffix string
	format Format // "" is one that Build does not read
}{
	{".tar.gz", FormatTarGz}, {".tgz", FormatTarGz},
	{".tar.zst", FormatTarZst}, {".tzst", FormatTarZst},
	{".tar", FormatTar}, {".zip", FormatZip},
	{".tar.bz2", ""}, {".tbz2", ""}, {".tbz", ""}, {".tar.xz", ""}, {".txz", ""},
	{".tar.lz4", ""}, {".tar.lzma", ""}, {".tar.lz", ""}, {".tar.z", ""}, {".7z", ""}, {".rar", ""},
}

// Detect tells a package's format from its first bytes (HeadSize of them, or
// all there are) and, where these leave it open, from its file name. A name
// that promises an archive over content that is none is ErrFormat: a download
// that went wrong should not be released as a single file.
func Detect(filename string, head []byte) (Format, error) {
	name := strings.ToLower(filename)
	switch {
	case len(head) == 0:
		return "", fmt.Errorf("%w: %q has no content", ErrEmpty, short(filename))
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return FormatTarGz, nil
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
		return FormatTarZst, nil
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		for _, suffix := range zipByNature {
			if strings.HasSuffix(name, suffix) {
				return FormatFile, nil
			}
		}
		return FormatZip, nil
	case isTarHeader(head):
		return FormatTar, nil
	}
	for _, a := range archiveNames {
		if !strings.HasSuffix(name, a.suffix) {
			continue
		}
		if a.format == "" {
			return "", fmt.Errorf("%w: %q; packages are tar.gz, tar.zst, tar, zip, or a single file", ErrFormat, short(filename))
		}
		return "", fmt.Errorf("%w: %q is not %s by its content", ErrFormat, short(filename), a.format)
	}
	return FormatFile, nil
}

// isTarHeader checks a header block's own checksum, as old tars have no magic.
func isTarHeader(block []byte) bool {
	const from, to = 148, 156 // of the checksum, which counts as spaces
	if len(block) < blockSize || block[0] == 0 {
		return false
	}
	want, err := strconv.ParseInt(strings.Trim(string(block[from:to]), " \x00"), 8, 64)
	if err != nil {
		return false
	}
	sum := int64(to-from) * ' '
	for i, c := range block[:blockSize] {
		if i < from || i >= to {
			sum += int64(c)
		}
	}
	return sum == want
}
