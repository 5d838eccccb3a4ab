package rule

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRules(t *testing.T) {
	for name, c := range map[string]struct {
		rule      func(string) string
		good, bad []string
	}{
		"application": {Application, []string{"a", "0", "my-app_1.x"}, []string{"", "A", "-a", ".a", "a/b", "a b", strings.Repeat("a", 64), "a\n"}},
		"version":     {Version, []string{"1", "v1.2.3+x_y-z", strings.Repeat("1", 128)}, []string{"", ".", "..", ".1", "-1", "1/2", "1 2", "ü", "1\n"}},
		"sha256":      {SHA256, []string{strings.Repeat("aF", 32)}, []string{"", strings.Repeat("a", 63), strings.Repeat("g", 64)}},
		"filename":    {Filename, []string{"a", "Größe 1.jar", ".env", "$(x)", "a'b"}, []string{"", ".", "..", "a/b", `a\b`, "-a", "a\nb", "a\x7f"}},
		"path": {Path, []string{"a", "/a", "/srv/my app", "a/./b", "a//b/", "a..b", "$(x)", "a/~"},
			[]string{"", "/", ".", "./", "//", "..", "a/..", "/../a", "-a", "~", "~/a", "a\tb", strings.Repeat("a", 1025), strings.Repeat("a", 256)}},
	} {
		for _, s := range c.good {
			require.Empty(t, c.rule(s), "%s %q", name, s)
		}
		for _, s := range c.bad {
			require.NotEmpty(t, c.rule(s), "%s %q", name, s)
		}
	}
	require.Equal(t, "/srv/shop", CleanPath("/srv//./shop/"))
}
