package rule

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSourcesOfPackages(t *testing.T) {
	for name, c := range map[string]struct {
		rule      func(string) string
		good, bad []string
	}{
		"url": {SourceURL, []string{"http://a/b.tgz", "https://a:1/b?sig=x"},
			[]string{"", "a", "ftp://a/b", "http://u@a/b", "http://u:p@a/b", "http://a/b#c", "http://a/" + strings.Repeat("x", 5000)}},
		"endpoint": {Endpoint, []string{"https://s3.example.com", "http://127.0.0.1:9000/"},
			[]string{"s3.example.com", "https://a/bucket", "https://a/?x=y", "https://u:p@a", "https://a#x"}},
		"bucket": {Bucket, []string{"builds", "a.b-c_D9"}, []string{"", "a", "a/b", ".a", strings.Repeat("a", 64), "a b"}},
		"region": {Region, []string{"us-east-1"}, []string{"", "a b", "a/b", "-"}},
		"key":    {Key, []string{"a", "a/b c/ü.tgz", "..a"}, []string{"", "/a", "a/", "a//b", "a/../b", ".", "a\nb"}},
		"repository": {Repository, []string{"https://a/b.git", "ssh://git@a:22/b", "ssh://a/~/b", "file:///srv/b"},
			[]string{"", "git@a:b", "http://a/b", "git://a/b", "ext::sh", "https://u@a/b", "https://u:p@a/b", "ssh://u:p@a/b", "ssh://-x/b",
				"ssh://-x@a/b", "file://host/b", "file:b", "/srv/b", "https://a/b?x", "https://a/b#x", "https:///b", "https://a/b\n"}},
		"commit": {Commit, []string{strings.Repeat("a", 40), strings.Repeat("0", 64)}, []string{"", "abc", strings.Repeat("A", 40), strings.Repeat("a", 41)}},
		"ref": {Ref, []string{"HEAD", "main", "v1.2+rc", "refs/heads/a/b", "feature/#12"},
			[]string{"", "-x", "--upload-pack=id", "a b", "a..b", "a//b", "a/", "a*", "a:b", "a^", "a~1", "a@{1}", "/a", strings.Repeat("a", 300)}},
		"directory": {Directory, []string{"a", "a/b c"}, []string{"", "/a", "a/", "..", "a/../b", "./a", "a\x00"}},
	} {
		for _, s := range c.good {
			require.Empty(t, c.rule(s), "%s %q", name, s)
		}
		for _, s := range c.bad {
			require.NotEmpty(t, c.rule(s), "%s %q", name, s)
		}
	}
}
