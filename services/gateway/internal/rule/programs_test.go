package rule

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProgramsAreSectionsOfProgramsAlone(t *testing.T) {
	const good = "; the shop\n[program:shop]\ncommand=/srv/shop/current/bin/shop --port 80\nenvironment=A=\"b\"\n"
	for _, s := range []string{good, strings.ReplaceAll(good, "\n", "\r\n"), good + "[group:all]\nprograms=shop\n", "[eventlistener:memmon]", "[fcgi-program:x]"} {
		require.Empty(t, Programs(s), s)
	}
	for _, s := range []string{
		"", "command=x", "[supervisord]", good + "[supervisord]\nuser=root", good + " [include]\nfiles=/etc/*", good + "\r[unix_http_server]\n",
		"[program:]", "[program:a b]", "[program:a:b]", "[program:a]]", "[program:a] ; why", "[program:a\x00]", "[program:a]\n\x1c[supervisord]", "[program:\xff]",
		good + strings.Repeat("#", maxPrograms),
	} {
		require.NotEmpty(t, Programs(s), s)
	}
}
