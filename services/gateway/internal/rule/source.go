package rule

import (
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/slipway-deploy/slipway/libs/netguard"
)

var (
	commit = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	ref    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_./+@#-]{0,254}$`)
	bucket = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$`)
	region = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)
)

// SourceURL is where executors fetch a file from. What proves who asks is no part
// of it, except for its query.
func SourceURL(s string) string {
	if wrong := URL(s); wrong != "" {
		return wrong
	}
	switch u, _ := netguard.ParseURL(s); { // URL has parsed it
	case u.User != nil:
		return "must not hold a user name or a password: they go into credential"
	case u.Fragment != "":
		return "must not have a fragment"
	}
	return ""
}

// Endpoint is where storage that speaks S3 is.
func Endpoint(s string) string {
	if wrong := URL(s); wrong != "" {
		return wrong
	}
	u, _ := netguard.ParseURL(s) // URL has parsed it
	if u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "must be a URL of a host alone: bucket and key have fields of their own"
	}
	return ""
}

// Bucket is the name of a bucket.
func Bucket(s string) string {
	if !bucket.MatchString(s) {
		return "must be 2 to 63 letters, digits, '.', '_' and '-', and begin with a letter or a digit"
	}
	return ""
}

// Region is the region of a bucket.
func Region(s string) string {
	if !region.MatchString(s) {
		return "must be 1 to 63 letters, digits, '_' and '-'"
	}
	return ""
}

// Key is the key of an object.
func Key(s string) string {
	if strings.HasPrefix(s, "/") || path.Clean("/"+s) != "/"+s {
		return "must not begin or end with '/', and have no empty part, '.' or '..'"
	}
	return Printable(s, 1, maxPath)
}

// Repository is the URL of a git repository.
func Repository(s string) string {
	u, err := url.Parse(s)
	if err != nil || len(s) > maxURL || Printable(s, 1, maxURL) != "" || u.Opaque != "" {
		return "must be a URL of scheme https, ssh or file; write git@host:path as ssh://git@host/path"
	}
	_, hasPassword := u.User.Password()
	switch {
	case u.Scheme == "https" && u.Hostname() != "" && u.User == nil:
	case u.Scheme == "https" && u.User != nil, hasPassword:
		return "must not hold a password: it goes into credential"
	case u.Scheme == "ssh" && u.Hostname() != "" && !strings.HasPrefix(u.Hostname(), "-") && !strings.HasPrefix(u.User.Username(), "-"):
	case u.Scheme == "file" && u.Host == "" && strings.HasPrefix(u.Path, "/"):
	default:
		return "must be a URL of scheme https, ssh or file; write git@host:path as ssh://git@host/path"
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return "must not have a query or a fragment"
	}
	return ""
}

// Commit is the full hash of a commit.
func Commit(s string) string {
	if !commit.MatchString(s) {
		return "must be a full hash: 40 or 64 lower-case hexadecimal digits"
	}
	return ""
}

// Ref is the name of a branch or a tag.
func Ref(s string) string {
	if !ref.MatchString(s) || strings.Contains(s, "..") || strings.Contains(s, "//") || strings.Contains(s, "@{") || strings.HasSuffix(s, "/") {
		return "must be HEAD, or the name of a branch or a tag, as main, v1.2 or refs/heads/main"
	}
	return ""
}

// Directory is a directory of a repository.
func Directory(s string) string {
	if strings.HasPrefix(s, "/") || path.Clean("/"+s) != "/"+s {
		return "must be a path within the repository, without '/' at its ends, '.' or '..'"
	}
	return Printable(s, 1, maxPath)
}
