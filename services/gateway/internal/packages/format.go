package packages

import (
	"archive/tar"
	"bytes"
	"strings"
)

// Formats of packages, as contract.Package names them.
const (
	formatTarGz  = "tar.gz"
	formatTarZst = "tar.zst"
	formatTar    = "tar"
	formatZip    = "zip"
	formatFile   = "file"
)

const headLength = 512 // bytes: one header of a tar archive

// endings is which format a filename means. A jar or a war is a zip archive too,
// but is deployed as the file that it is: only the ending decides.
var endings = []struct{ ending, format string }{
	{".tar.gz", formatTarGz}, {".tgz", formatTarGz},
	{".tar.zst", formatTarZst}, {".tzst", formatTarZst},
	{".tar", formatTar}, {".zip", formatZip},
}

// formatOf returns the format that the filename means.
func formatOf(filename string) string {
	lower := strings.ToLower(filename)
	for _, e := range endings {
		if strings.HasSuffix(lower, e.ending) {
			return e.format
		}
	}
	return formatFile
}

// beginsAs says whether content that begins with head can be of the format.
func beginsAs(format string, head []byte) bool {
	switch format {
	case formatTarGz:
		return bytes.HasPrefix(head, []byte{0x1f, 0x8b})
	case formatTarZst:
		skippable := len(head) > 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte{0x2a, 0x4d, 0x18})
		return skippable || bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd})
	case formatZip:
		return bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06"))
	case formatTar:
		_, err := tar.NewReader(bytes.NewReader(append(head, make([]byte, 2*headLength)...))).Next()
		return len(head) == headLength && err == nil
	default:
		return true
	}
}
