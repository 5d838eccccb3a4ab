package archive

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"io/fs"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

func file(name string) tar.Header { return tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644} }
func dir(name string) tar.Header  { return tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o755} }
func link(name, to string) tar.Header {
	return tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: to}
}
func hard(name, to string) tar.Header {
	return tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: to}
}

func TestRefusedTars(t *testing.T) {
	long := strings.Repeat("n", 256)
	for name, c := range map[string]struct {
		want    error
		mention string
		headers []tar.Header
	}{
		"absolute":                     {ErrName, `"/etc/passwd"`, []tar.Header{file("/etc/passwd")}},
		"dot dot":                      {ErrName, `"a/../../b"`, []tar.Header{file("a/../../b")}},
		"dot dot that stays inside":    {ErrName, `"a/../b"`, []tar.Header{file("a/../b")}},
		"dot dot alone":                {ErrName, `".."`, []tar.Header{dir("..")}},
		"dot dot behind backslash":     {ErrName, `"a\\..\\..\\b"`, []tar.Header{file(`a\..\..\b`)}},
		"windows root":                 {ErrName, `"\\etc"`, []tar.Header{file(`\etc`)}},
		"windows drive":                {ErrName, `"C:\\x"`, []tar.Header{file(`C:\x`)}},
		"reserved":                     {ErrName, `"./.slipway/"`, []tar.Header{dir("./.slipway/")}},
		"reserved, with content":       {ErrName, `".slipway/x"`, []tar.Header{file(".slipway/x")}},
		"root as a link":               {ErrName, `"./"`, []tar.Header{link("./", "x")}},
		"name too long for a disk":     {ErrTooLong, "256 bytes", []tar.Header{file("a/" + long)}},
		"link absolute":                {ErrLink, `"l" -> "/etc"`, []tar.Header{link("l", "/etc")}},
		"link up and out":              {ErrLink, `"a/l" -> "../../x"`, []tar.Header{link("a/l", "../../x")}},
		"link out by a detour":         {ErrLink, `".." after a name`, []tar.Header{link("l", "a/../../x")}},
		"link out through a link":      {ErrLink, `"x" -> "d/up/../.."`, []tar.Header{link("d/up", "."), link("x", "d/up/../..")}},
		"link out behind a backslash":  {ErrLink, `"l"`, []tar.Header{link("l", `..\..\x`)}},
		"link without a target":        {ErrLink, `"l"`, []tar.Header{link("l", "")}},
		"written through a link":       {ErrLink, `"d/f" would be written through the link "d"`, []tar.Header{dir("e"), link("d", "e"), file("d/f")}},
		"link where a directory is":    {ErrDuplicate, `"d"`, []tar.Header{file("d/f"), link("d", "e")}},
		"hard link out":                {ErrLink, `"h"`, []tar.Header{hard("h", "../x")}},
		"hard link absolute":           {ErrLink, `"h"`, []tar.Header{hard("h", "/etc/shadow")}},
		"hard link to nothing":         {ErrLink, `"later"`, []tar.Header{hard("h", "later"), file("later")}},
		"hard link to itself":          {ErrLink, `"h"`, []tar.Header{hard("h", "h")}},
		"hard link to a link":          {ErrLink, `"l"`, []tar.Header{link("l", "x"), hard("h", "l")}},
		"hard link to a directory":     {ErrLink, `"d"`, []tar.Header{dir("d"), hard("h", "d")}},
		"file twice":                   {ErrDuplicate, `"f"`, []tar.Header{file("f"), file("./f")}},
		"file, then directory":         {ErrDuplicate, `"f"`, []tar.Header{file("f"), dir("f/")}},
		"file, then something below":   {ErrDuplicate, `"f/g" lies below the file "f"`, []tar.Header{file("f"), file("f/g")}},
		"directory, then file":         {ErrDuplicate, `"d"`, []tar.Header{dir("d"), file("d")}},
		"implied directory, then file": {ErrDuplicate, `"d"`, []tar.Header{file("d/x"), file("d")}},
		"link twice":                   {ErrDuplicate, `"l"`, []tar.Header{link("l", "a"), link("l", "b")}},
		"character device":             {ErrType, `"null" is a device`, []tar.Header{{Typeflag: tar.TypeChar, Name: "null", Devmajor: 1, Devminor: 3}}},
		"block device":                 {ErrType, `"sda"`, []tar.Header{{Typeflag: tar.TypeBlock, Name: "sda", Devmajor: 8}}},
		"fifo":                         {ErrType, `"p" is a fifo`, []tar.Header{{Typeflag: tar.TypeFifo, Name: "p"}}},
		"unknown type":                 {ErrType, `"V"`, []tar.Header{{Typeflag: 'V', Name: "V"}}},
		"nothing in it":                {ErrEmpty, "", []tar.Header{dir("./")}},
		"no entry at all":              {ErrEmpty, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := buildLimited(makeTar(t, c.headers...), FormatTar, DefaultLimits())
			require.ErrorIs(t, err, c.want)
			require.ErrorIs(t, err, ErrRefused)
			require.Contains(t, err.Error(), c.mention)
		})
	}
}

func TestLinksThatStayInsideAreKept(t *testing.T) {
	_, bundle := mustBuild(t, makeTar(t,
		link("current", "./releases//1"), link("a/b/up", "../.."), link("self", "."), link("dangling", "nowhere/yet"),
		link("loop", "loop"), dir("twice"), dir("twice/"), link("...", "..."), file("..a/..b"),
	), FormatTar)
	require.Len(t, listing(t, bundle), 11)
}

func TestNameWithNULIsRefused(t *testing.T) {
	// No tar can hold one; a zip can.
	data := makeZip(t, zipped("aXb", "x", 0o644))
	data = bytes.ReplaceAll(data, []byte("aXb"), []byte("a\x00b"))
	_, _, err := buildLimited(data, FormatZip, DefaultLimits())
	require.ErrorIs(t, err, ErrName)
	require.Contains(t, err.Error(), `"a\x00b"`)
}

func TestRefusedZips(t *testing.T) {
	encrypted := makeZip(t, zipped("secret", "x", 0o644))
	directory := bytes.LastIndex(encrypted, []byte("PK\x01\x02"))
	encrypted[directory+8] |= 1
	unknownMethod := makeZip(t, zipped("f", "x", 0o644))
	directory = bytes.LastIndex(unknownMethod, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint16(unknownMethod[directory+10:], 9) // deflate64

	for name, c := range map[string]struct {
		want    error
		mention string
		data    []byte
	}{
		"absolute":         {ErrName, `"/etc/passwd"`, makeZip(t, zipped("/etc/passwd", "x", 0o644))},
		"dot dot":          {ErrName, `"../x"`, makeZip(t, zipped("../x", "x", 0o644))},
		"backslash":        {ErrName, `"dir\\f"`, makeZip(t, zipped(`dir\f`, "x", 0o644))},
		"empty name":       {ErrName, "without a name", makeZip(t, zipped("", "x", 0o644))},
		"link out":         {ErrLink, `"l" -> "../x"`, makeZip(t, zipped("l", "../x", fs.ModeSymlink|0o777))},
		"through a link":   {ErrLink, `"l/f"`, makeZip(t, zipped("l", "d", fs.ModeSymlink|0o777), zipped("l/f", "", 0o644))},
		"link target long": {ErrTooLong, `"l"`, makeZip(t, zipped("l", strings.Repeat("x", 5000), fs.ModeSymlink|0o777))},
		"fifo":             {ErrType, `"p"`, makeZip(t, zipped("p", "", fs.ModeNamedPipe|0o644))},
		"socket":           {ErrType, `"s"`, makeZip(t, zipped("s", "", fs.ModeSocket|0o644))},
		"device":           {ErrType, `"d"`, makeZip(t, zipped("d", "", fs.ModeDevice|0o644))},
		"twice":            {ErrDuplicate, `"f"`, makeZip(t, zipped("f", "1", 0o644), zipped("f", "2", 0o644))},
		"encrypted":        {ErrEncrypted, `"secret"`, encrypted},
		"unknown method":   {ErrFormat, "method 9", unknownMethod},
		"nothing in it":    {ErrEmpty, "", makeZip(t)},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := buildLimited(c.data, FormatZip, DefaultLimits())
			require.ErrorIs(t, err, c.want)
			require.Contains(t, err.Error(), c.mention)
		})
	}
}

func TestTruncatedIsCorrupt(t *testing.T) {
	raw := makeTar(t, sample...)
	for format, data := range map[Format][]byte{
		FormatTar:    raw[:len(raw)-2*blockSize], // the end marker is not content
		FormatTarGz:  gzipped(t, raw),
		FormatTarZst: zstded(t, raw, zstd.WithEncoderCRC(true)),
		FormatZip:    makeZip(t, zipped("a", strings.Repeat("a", 100), 0o644), zipped("b", "b", 0o644)),
	} {
		// Each place near the ends, where the structures are, and some between.
		for size := 0; size < len(data); size++ {
			if size > 100 && size < len(data)-100 && size%61 != 0 && size%blockSize != 0 {
				continue
			}
			_, _, err := buildLimited(data[:size], format, DefaultLimits())
			if size == 0 && format == FormatTarZst { // no frame is a valid stream
				require.ErrorIs(t, err, ErrEmpty)
				continue
			}
			require.ErrorIs(t, err, ErrCorrupt, "%s cut after %d of %d bytes", format, size, len(data))
		}
	}
}

func TestFlippedBytesAreCorrupt(t *testing.T) {
	raw := makeTar(t, sample...)
	for format, data := range map[Format][]byte{
		FormatTarGz:  gzipped(t, raw),
		FormatTarZst: zstded(t, raw, zstd.WithEncoderCRC(true)),
	} {
		broken := bytes.Clone(data)
		broken[len(broken)/2] ^= 0x55
		_, _, err := buildLimited(broken, format, DefaultLimits())
		require.ErrorIs(t, err, ErrCorrupt, format)
	}
	_, _, err := buildLimited([]byte("not an archive at all"), FormatTarGz, DefaultLimits())
	require.ErrorIs(t, err, ErrCorrupt)
	_, _, err = buildLimited([]byte("x"), "rar", DefaultLimits())
	require.ErrorIs(t, err, ErrFormat)
}

func TestWhatFollowsTheEnd(t *testing.T) {
	raw := makeTar(t, sample...)
	want, _ := mustBuild(t, raw, FormatTar)

	padded, _ := mustBuild(t, append(gzipped(t, raw), make([]byte, 3000)...), FormatTarGz)
	require.Equal(t, want, padded, "NUL padding after gzip data")

	half := len(raw) / 2
	members, _ := mustBuild(t, append(gzipped(t, raw[:half]), gzipped(t, raw[half:])...), FormatTarGz)
	require.Equal(t, want, members, "two gzip members")

	after, _ := mustBuild(t, gzipped(t, append(bytes.Clone(raw), "rest of a tape block"...)), FormatTarGz)
	require.Equal(t, want, after, "what follows a tar's end marker")

	for format, data := range map[Format][]byte{FormatTarGz: gzipped(t, raw), FormatTarZst: zstded(t, raw)} {
		_, _, err := buildLimited(append(data, "garbage"...), format, DefaultLimits())
		require.ErrorIs(t, err, ErrCorrupt, format)
	}
	_, _, err := buildLimited(append(gzipped(t, raw), "\x00\x00x"...), FormatTarGz, DefaultLimits())
	require.ErrorIs(t, err, ErrCorrupt)
}
