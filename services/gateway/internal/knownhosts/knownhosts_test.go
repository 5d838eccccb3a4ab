package knownhosts

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

func newKey(t testing.TB) (ssh.PublicKey, string) {
	t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	key, err := ssh.NewPublicKey(public)
	require.NoError(t, err)
	return key, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

func parse(t testing.TB, text string) File {
	t.Helper()
	f, errs := Parse(text, 100)
	require.Empty(t, errs)
	return f
}

func TestWhichLinesAreAHosts(t *testing.T) {
	_, key := newKey(t)
	for _, c := range []struct {
		hosts, name string
		port        int
		matches     bool
	}{
		{"web-1.example.com", "web-1.example.com", 22, true},
		{"web-1.example.com", "WEB-1.Example.Com", 22, true},
		{"Web-1.example.com", "web-1.example.com", 22, true},
		{"web-1.example.com,192.0.2.7", "192.0.2.7", 22, true},
		{"web-1.example.com", "web-1.example.co", 22, false},
		{"[web-1]:2222", "web-1", 2222, true},
		{"[web-1]:2222", "web-1", 22, false},
		{"[web-1]:2222", "web-1", 2223, false},
		{"[*.example.com]:2222", "a.example.com", 2222, true},
		{"[web-1]:*", "web-1", 2222, true},
		{"web-1", "web-1", 2222, true}, // nothing is said of the port
		{"*.example.com", "a.b.example.com", 22, true},
		{"*.example.com,!b.example.com", "b.example.com", 22, false},
		{"!b.example.com,*.example.com", "b.example.com", 22, false},
		{"!b.example.com", "a.example.com", 22, false},
		{"web-?", "web-1", 22, true},
		{"web-?", "web-12", 22, false},
		{"*", "anything", 22, true},
		{"2001:db8::7", "2001:db8::7", 22, true},
		{"[2001:db8::7]:2222", "2001:db8::7", 2222, true},
		{knownhosts.HashHostname("web-1.example.com"), "web-1.example.com", 22, true},
		{knownhosts.HashHostname("web-1.example.com"), "WEB-1.example.com", 22, true},
		{knownhosts.HashHostname("[web-1]:2222"), "web-1", 2222, true},
		{knownhosts.HashHostname("web-1"), "web-2", 22, false},
	} {
		found := parse(t, c.hosts+" "+key+" a comment\n").For(c.port, c.name)
		require.Equal(t, c.matches, !found.Empty(), "%s and %s, port %d", c.hosts, c.name, c.port)
		if c.matches {
			require.Equal(t, []string{key}, found.Keys)
			require.Equal(t, []int{1}, found.Lines)
		}
	}
}

func TestMarkersSayWhatAKeyIsFor(t *testing.T) {
	_, one := newKey(t)
	_, two := newKey(t)
	_, three := newKey(t)
	f := parse(t, "# ours\r\n\nweb "+one+"\r\nweb "+two+"\n@cert-authority\tweb,db\t"+three+"\n@revoked * "+two+"\nweb "+one+" again\n")
	require.Equal(t, Found{Keys: []string{one, two}, Authorities: []string{three}, Revoked: []string{two}, Lines: []int{3, 4, 5, 6, 7}}, f.For(22, "web"))
	require.Equal(t, Found{Authorities: []string{three}, Revoked: []string{two}, Lines: []int{5, 6}}, f.For(22, "db"))
	require.Equal(t, Found{Revoked: []string{two}, Lines: []int{6}}, f.For(22, "other"))
}

func TestTheFirstNameThatIsKnownCounts(t *testing.T) {
	_, one := newKey(t)
	_, two := newKey(t)
	_, gone := newKey(t)
	f := parse(t, "192.0.2.7 "+one+"\nweb "+two+"\n@revoked 192.0.2.8 "+gone+"\n")
	require.Equal(t, []string{one}, f.For(22, "192.0.2.7", "web").Keys)
	require.Equal(t, Found{Keys: []string{two}, Revoked: []string{gone}, Lines: []int{2, 3}}, f.For(22, "192.0.2.8", "web"))

	f = parse(t, "[web]:2222 "+one+"\nweb "+two+"\n")
	require.Equal(t, []string{one}, f.For(2222, "web").Keys)
	require.Equal(t, []string{two}, f.For(2223, "web").Keys)
}

func TestEveryBadLineIsNamed(t *testing.T) {
	_, key := newKey(t)
	for line, wrong := range map[string]string{
		"web":                             "line 2 must hold host names, the type of a key and the key",
		"web ssh-ed25519":                 "line 2 must hold host names, the type of a key and the key",
		"@revoked":                        "line 2 must hold host names, the type of a key and the key",
		"@trusted web " + key:             "line 2 begins with a marker that is neither @cert-authority nor @revoked",
		"web ssh-ed25519 %%%":             "line 2 holds a key that is not in base64",
		"web ssh-ed25519 AAAA":            "line 2 holds no key of a kind that is known",
		"web ssh-rsa " + key[12:]:         "line 2 holds a key of another type than it says",
		"web,,db " + key:                  "line 2 holds an empty host name",
		"web,! " + key:                    "line 2 holds an empty host name",
		"[web " + key:                     "line 2 holds a host name in brackets that is not written as [host]:port",
		"[web]:0 " + key:                  "line 2 holds a host name in brackets that is not written as [host]:port",
		"[web]:ssh " + key:                "line 2 holds a host name in brackets that is not written as [host]:port",
		"|1|AAAA|AAAA " + key:             "line 2 holds a damaged hashed name",
		"|2|AAAA|AAAA " + key:             "line 2 holds a hashed name in a form that is not known",
		"web 1024 35 1234567890123456789": "line 2 holds a key that is not in base64",
	} {
		_, errs := Parse("# first\n"+line+"\nfine "+key, 10)
		require.Len(t, errs, 1, line)
		require.EqualError(t, errs[0], wrong, line)
	}
	_, errs := Parse(strings.Repeat("bad\n", 50), 3)
	require.Len(t, errs, 3)
}

// FuzzParse holds that no text makes the parser fail otherwise than by naming lines
// that are there, and that what it takes is what the library of SSH takes, too.
func FuzzParse(f *testing.F) {
	_, key := newKey(f)
	for _, seed := range []string{
		"", "web " + key, "@revoked * " + key + "\n@cert-authority *.example.com,!x " + key, knownhosts.HashHostname("web") + " " + key,
		"[web]:2222 " + key + " comment", "web", "|1||", "[", "# x\n\r\n", "web ssh-ed25519 AAAA",
	} {
		f.Add(seed, "web", 22)
	}
	f.Fuzz(func(t *testing.T, text, name string, port int) {
		file, errs := Parse(text, 10)
		lines := strings.Count(text, "\n") + 1
		for _, err := range errs {
			require.LessOrEqual(t, err.Line, lines)
		}
		found := file.For(port, name, net.JoinHostPort(name, fmt.Sprint(port)))
		for _, keys := range [][]string{found.Keys, found.Authorities, found.Revoked} {
			for _, line := range keys {
				_, _, options, rest, err := ssh.ParseAuthorizedKey([]byte(line))
				require.NoError(t, err)
				require.Empty(t, options)
				require.Empty(t, rest)
			}
		}
		for _, line := range found.Lines {
			require.LessOrEqual(t, line, lines)
		}
	})
}

func FuzzGlob(f *testing.F) {
	f.Add("*a*b?", "xaybz")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if len(pattern) > 100 || len(s) > 100 {
			return
		}
		require.Equal(t, slow(pattern, s), glob(pattern, s), "%q and %q", pattern, s)
	})
}

// slow is glob as it is defined.
func slow(pattern, s string) bool {
	reachable := map[int]bool{0: true}
	for i := range len(pattern) {
		next := map[int]bool{}
		for at := range reachable {
			switch {
			case pattern[i] == '*':
				for end := at; end <= len(s); end++ {
					next[end] = true
				}
			case at < len(s) && (pattern[i] == '?' || pattern[i] == s[at]):
				next[at+1] = true
			}
		}
		reachable = next
	}
	return reachable[len(s)]
}
