package hostcmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheEndOfAFileIsRead(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		require.NoError(t, os.MkdirAll(h.below("shared/log"), 0o755))
		file := "shared/log/it's $(app) -n.log"
		require.NoError(t, os.WriteFile(h.below(file), []byte("one\nslipway current evil\n  größe \\n\tx\n\nlast"), 0o644))
		require.Equal(t, []string{"slipway current evil", "  größe \\n\tx", "", "last"}, h.must(Tail(base, file, 4, 1000)).All(KeyLine))
		require.Equal(t, []string{"st"}, h.must(Tail(base, file, 4, 2)).All(KeyLine))
		require.Equal(t, []string{"last"}, h.must(Tail(base, h.below(file), 1, 1000)).All(KeyLine))
		require.NoError(t, os.WriteFile(h.below("empty"), nil, 0o644))
		require.Empty(t, h.must(Tail(base, "empty", 1, 1000)).Results)
		for _, none := range []string{"shared/log", "nothing", filepath.Join(h.home, "nothing")} {
			c, err := Tail(base, none, 1, 1000)
			h.fails(ErrNoFile, c, err)
		}
	})
	for _, bad := range []string{"", "/", "..", "../x", "/a/../b", "a\nb", strings.Repeat("x", 1025)} {
		_, err := Tail(base, bad, 1, 1)
		require.ErrorIs(t, err, ErrInvalid, "%q", bad)
	}
	_, err := Tail(base, "x", 0, 1)
	require.ErrorIs(t, err, ErrInvalid)
}
