package archive

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDetect(t *testing.T) {
	ustar := makeTar(t, file("f"))
	gz, zst, zip := gzipped(t, ustar), zstded(t, ustar), makeZip(t, zipped("f", "x", 0o644))
	old := append([]byte(nil), ustar...)
	clear(old[257:512]) // no magic: a V7 tar, whose checksum then is another
	fixChecksum(old)

	for _, c := range []struct {
		name string
		head []byte
		want Format
	}{
		{"app.tar.gz", gz, FormatTarGz},
		{"app.tgz", gz, FormatTarGz},
		{"app", gz, FormatTarGz},
		{"app.zip", gz, FormatTarGz}, // content first
		{"app.tar.zst", zst, FormatTarZst},
		{"app", zst, FormatTarZst},
		{"app.zip", zip, FormatZip},
		{"app", zip, FormatZip},
		{"app-1.2.3", zip, FormatZip},
		{"app.jar", zip, FormatFile},
		{"APP.WAR", zip, FormatFile},
		{"empty.zip", makeZip(t), FormatZip},
		{"app.tar", ustar, FormatTar},
		{"app", ustar, FormatTar},
		{"app.tar", old, FormatTar},
		{"app", []byte("\x7fELF..."), FormatFile},
		{"", []byte("#!/bin/sh"), FormatFile},
		{"dump.gz", []byte("text"), FormatFile},
	} {
		head := c.head[:min(len(c.head), HeadSize)]
		got, err := Detect(c.name, head)
		require.NoError(t, err, c.name)
		require.Equal(t, c.want, got, "%q", c.name)
	}
}

func TestDetectRefusesWhatTheNamePromisesAndTheContentIsNot(t *testing.T) {
	for _, name := range []string{"app.tar.gz", "app.TGZ", "app.tar.zst", "app.zip", "app.tar", "app.tar.xz", "app.tar.bz2", "app.7z", "app.rar"} {
		_, err := Detect(name, []byte("<html>404 not found</html>"))
		require.ErrorIs(t, err, ErrFormat, name)
		require.ErrorContains(t, err, name)
	}
	_, err := Detect("app.jar", nil)
	require.ErrorIs(t, err, ErrEmpty)
}

func fixChecksum(block []byte) {
	copy(block[148:156], "        ")
	sum := 0
	for _, c := range block[:blockSize] {
		sum += int(c)
	}
	const digits = 6
	for i := digits - 1; i >= 0; i-- {
		block[148+i] = byte('0' + sum%8)
		sum /= 8
	}
	block[154], block[155] = 0, ' '
}
