package rule

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatABalancerIsToldIsOfItsForm(t *testing.T) {
	for name, c := range map[string]struct {
		rule      func(string) string
		good, bad []string
	}{
		"names":    {HAProxyName, []string{"web-1", "a.b:c_D", strings.Repeat("x", 128)}, []string{"", "a b", "a;b", "a/b", "ü", "a\n", strings.Repeat("x", 129)}},
		"sockets":  {Socket, []string{"/run/haproxy/admin.sock", "/a b"}, []string{"", "run/s", "/a\nb", "/" + strings.Repeat("x", 107), "/" + strings.Repeat("ü", 60)}},
		"commands": {Command, []string{"true", "a\nb \"$SLIPWAY_TO\" ü"}, []string{"", " \n", "a\x00", "\xff", strings.Repeat("x", 4097)}},
	} {
		for _, good := range c.good {
			require.Empty(t, c.rule(good), "%s: %q", name, good)
		}
		for _, bad := range c.bad {
			require.NotEmpty(t, c.rule(bad), "%s: %q", name, bad)
		}
	}
}
