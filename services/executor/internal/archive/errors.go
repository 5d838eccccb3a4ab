package archive

import (
	"errors"
	"fmt"
)

// ErrRefused is what every error about the package itself is; the same bytes
// will be refused again. An error of Build that is not ErrRefused comes from
// reading the source, from writing the bundle, or from the context.
var ErrRefused = errors.New("package refused")

// Why a package is refused. The error that wraps one of these names the entry.
var (
	// ErrFormat: not an archive of a known format, or a part of one that is
	// not supported (a compression method, say).
	ErrFormat = refusal("unknown or unsupported format")
	// ErrCorrupt: the archive cannot be read to its end, or contradicts itself.
	ErrCorrupt = refusal("corrupt or truncated")
	// ErrEncrypted: a zip entry is encrypted.
	ErrEncrypted = refusal("encrypted")
	// ErrEmpty: there is nothing in it to release.
	ErrEmpty = refusal("nothing in it")
	// ErrName: a name is empty, absolute, holds "..", a NUL or a Windows path,
	// or is reserved for Slipway.
	ErrName = refusal("unsafe name")
	// ErrLink: a link leads out of the package or to nothing, or an entry would
	// be written through a link.
	ErrLink = refusal("unsafe link")
	// ErrType: a device, fifo, socket, or something unknown.
	ErrType = refusal("entry of a kind that is not allowed")
	// ErrDuplicate: two entries claim one path.
	ErrDuplicate = refusal("path claimed twice")
	// ErrTooLarge: more unpacked bytes than Limits.MaxUnpacked.
	ErrTooLarge = refusal("too large unpacked")
	// ErrTooMany: more entries than Limits.MaxEntries.
	ErrTooMany = refusal("too many entries")
	// ErrTooLong: a path or link target longer than Limits.MaxPath, or a name
	// in it longer than a file system takes.
	ErrTooLong = refusal("path too long")
)

func refusal(why string) error {
	return fmt.Errorf("%w: %s", ErrRefused, why)
}
