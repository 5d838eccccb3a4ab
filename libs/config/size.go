package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes, written as a whole number with a unit (64MiB,
// 2GB) or without one. kB, MB, GB and TB are powers of 1000; KiB, MiB, GiB and
// TiB are powers of 1024. It is never negative when it was parsed.
type Size int64

// The binary units.
const (
	KiB Size = 1 << (10 * (iota + 1))
	MiB
	GiB
	TiB
)

const sizeForm = "a size such as 500000, 64MiB or 2GB"

// unitOf maps a unit in lower case to its bytes. A bare K or M is not in it: it
// means 1000 to some and 1024 to others.
func unitOf(name string) (Size, bool) {
	switch name {
	case "", "b":
		return 1, true
	case "kb":
		return 1e3, true
	case "mb":
		return 1e6, true
	case "gb":
		return 1e9, true
	case "tb":
		return 1e12, true
	case "kib":
		return KiB, true
	case "mib":
		return MiB, true
	case "gib":
		return GiB, true
	case "tib":
		return TiB, true
	default:
		return 0, false
	}
}

// ParseSize reads a size. Letter case and a space before the unit do not
// matter. A size beyond 2^63-1 bytes is an error.
func ParseSize(text string) (Size, error) {
	text = strings.TrimSpace(text)
	end := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(text)
	}
	unit, known := unitOf(strings.ToLower(strings.TrimSpace(text[end:])))
	n, err := strconv.ParseInt(text[:end], 10, 64)
	if err != nil || !known || n > math.MaxInt64/int64(unit) {
		return 0, fmt.Errorf("%q is %w", text, errSize)
	}
	return Size(n) * unit, nil
}

// String writes the size in the largest binary unit that divides it, so that
// ParseSize reads the very same size.
func (s Size) String() string {
	for _, u := range []struct {
		bytes Size
		name  string
	}{{TiB, "TiB"}, {GiB, "GiB"}, {MiB, "MiB"}, {KiB, "KiB"}} {
		if s != 0 && s%u.bytes == 0 {
			return strconv.FormatInt(int64(s/u.bytes), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}
