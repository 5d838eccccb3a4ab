package knownhosts

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // it is what OpenSSH hashes names with
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

const defaultPort = 22

// matcher says whether a line is about a host, which is written as OpenSSH does:
// in lower case, and with brackets where the port is not 22.
type matcher interface{ matches(host string) bool }

// hashed is a name that the file does not show.
type hashed struct{ salt, hash []byte }

func (h hashed) matches(host string) bool {
	mac := hmac.New(sha1.New, h.salt)
	mac.Write([]byte(host))
	return hmac.Equal(mac.Sum(nil), h.hash)
}

// patterns is a list of names with wildcards. One with a "!" that matches makes the
// line be about something else, whatever the others say.
type patterns []string

func (all patterns) matches(host string) bool {
	found := false
	for _, p := range all {
		p, negated := strings.CutPrefix(p, "!")
		if !glob(p, host) {
			continue
		}
		if negated {
			return false
		}
		found = true
	}
	return found
}

// glob matches * and ?, in time that grows with the product of the lengths at most.
func glob(pattern, s string) bool {
	star, retry := -1, 0
	p, i := 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, retry = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			retry++
			p, i = star+1, retry
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

func parseHosts(word string) (m matcher, wrong string) {
	if strings.HasPrefix(word, "|") {
		parts := strings.Split(word, "|")
		if len(parts) != 4 || parts[1] != "1" {
			return nil, "holds a hashed name in a form that is not known"
		}
		salt, err := base64.StdEncoding.DecodeString(parts[2])
		hash, err2 := base64.StdEncoding.DecodeString(parts[3])
		if err != nil || err2 != nil || len(hash) != sha1.Size {
			return nil, "holds a damaged hashed name"
		}
		return hashed{salt, hash}, ""
	}
	all := patterns(strings.Split(strings.ToLower(word), ","))
	for _, p := range all {
		p = strings.TrimPrefix(p, "!")
		if p == "" {
			return nil, "holds an empty host name"
		}
		if strings.HasPrefix(p, "[") && !bracketed(p) {
			return nil, "holds a host name in brackets that is not written as [host]:port"
		}
	}
	return all, ""
}

func bracketed(p string) bool {
	_, port, ok := strings.Cut(p, "]:")
	if port == "*" {
		return ok
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return ok && err == nil && n > 0
}

// Found is what a file says of a host: keys as in authorized_keys, each once, in
// the order of the file.
type Found struct {
	Keys, Authorities, Revoked []string
	Lines                      []int // that said so
}

// Empty says whether the file says nothing of the host.
func (f Found) Empty() bool { return len(f.Lines) == 0 }

// For returns what the file says of the host that is known by these names, the
// first that it says something of other than that keys are revoked. As OpenSSH does,
// it looks for a name with its port, and without where that gives nothing.
func (f File) For(port int, names ...string) Found {
	var revoked Found
	for _, name := range names {
		name = strings.ToLower(name)
		written := []string{name}
		if port != defaultPort {
			written = []string{"[" + name + "]:" + strconv.Itoa(port), name}
		}
		for _, host := range written {
			found := f.about(host)
			if len(found.Keys)+len(found.Authorities) > 0 {
				return found.with(revoked)
			}
			revoked = revoked.with(found)
		}
	}
	return revoked
}

func (f File) about(host string) Found {
	var found Found
	for _, e := range f.entries {
		if !e.hosts.matches(host) {
			continue
		}
		into := &found.Keys
		switch e.marker {
		case markerAuthority:
			into = &found.Authorities
		case markerRevoked:
			into = &found.Revoked
		}
		*into = append(*into, e.key)
		found.Lines = append(found.Lines, e.line)
	}
	return Found{}.with(found)
}

// with adds what another says, each key and line once.
func (f Found) with(other Found) Found {
	f.Keys, f.Authorities = Union(f.Keys, other.Keys), Union(f.Authorities, other.Authorities)
	f.Revoked, f.Lines = Union(f.Revoked, other.Revoked), Union(f.Lines, other.Lines)
	slices.Sort(f.Lines)
	return f
}

// Union is a list and what others are not in it yet.
func Union[T comparable](list, others []T) []T {
	all := slices.Clone(list)
	for _, other := range others {
		if !slices.Contains(all, other) {
			all = append(all, other)
		}
	}
	return all
}
