package contract

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// Source is where executors fetch the content of a package from, instead of the
// object store. One of URL, S3 and Git is set. Each executor fetches for itself,
// and what it gets is pinned for all hosts: by the digest of the package, or by
// the commit.
type Source struct {
	URL        *URLSource `json:"url,omitempty"`
	S3         *S3Source  `json:"s3,omitempty"`
	Git        *GitSource `json:"git,omitempty"`
	Credential string     `json:"credential,omitempty"` // sealed SourceCredential, see Source.Context
}

// URLSource is a file on a web server.
type URLSource struct {
	URL string `json:"url"` // http or https, without a query: that may be a secret, and is part of the credential
}

// S3Source is an object in storage that speaks the protocol of S3.
type S3Source struct {
	Endpoint string `json:"endpoint"` // http or https URL, without a path
	Bucket   string `json:"bucket"`
	Key      string `json:"key"`
	Region   string `json:"region,omitempty"` // empty: us-east-1
}

// GitSource is a commit of a git repository.
type GitSource struct {
	URL        string `json:"url"`                  // https, ssh or file, without a password
	Commit     string `json:"commit"`               // its full hash
	Ref        string `json:"ref,omitempty"`        // the branch or tag that the commit was found by; empty: it was named itself
	Directory  string `json:"directory,omitempty"`  // that alone is the package; empty: all of the tree
	Submodules bool   `json:"submodules,omitempty"` // those of the commit too
	HostKey    string `json:"host_key,omitempty"`   // ssh: authorized_keys lines, one of which the server must show
}

// SourceCredential is the clear text inside Source.Credential. It exists in clear
// only while the gateway seals it and while an executor opens it.
type SourceCredential struct {
	Username     string `json:"username,omitempty"` // url, git over https
	Password     string `json:"password,omitempty"`
	Token        string `json:"token,omitempty"`      // url: bearer
	Query        string `json:"query,omitempty"`      // url: what follows the '?'
	AccessKey    string `json:"access_key,omitempty"` // s3
	SecretKey    string `json:"secret_key,omitempty"`
	SessionToken string `json:"session_token,omitempty"`
	PrivateKey   string `json:"private_key,omitempty"` // git over ssh: PEM
	Passphrase   string `json:"passphrase,omitempty"`
}

// Context is what the credential of the source of a package is sealed to. It
// names where the credential is sent, so that it opens for no other place.
func (s Source) Context(pkg string) string {
	return "package/" + pkg + "/source/" + s.Location()
}

// Location names the source in words for people. It holds no secret.
func (s Source) Location() string {
	switch {
	case s.URL != nil:
		return s.URL.URL
	case s.S3 != nil:
		return strings.TrimSuffix(s.S3.Endpoint, "/") + "/" + s.S3.Bucket + "/" + s.S3.Key
	case s.Git != nil:
		return s.Git.URL
	default:
		return ""
	}
}

// Digest is the sha256 of a package from git: of what determines its content,
// since the bytes that a server sends for a commit are not always the same.
func (g GitSource) Digest() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{"git", g.Commit, g.Directory, strconv.FormatBool(g.Submodules)}, "\x00")))
	return hex.EncodeToString(sum[:])
}

// Types of the question for a commit and its answer.
const (
	TypeResolveRef  Type = "slipway.v1.query.source.resolve"
	TypeResolvedRef Type = "slipway.v1.query.source"
)

// ResolveRef asks an executor which commit a branch or tag of a git repository
// is.
type ResolveRef struct {
	Package    string `json:"package"` // id that the package will have: the credential is sealed to it
	URL        string `json:"url"`
	Ref        string `json:"ref"`                  // HEAD, a branch, a tag, or a full name under refs/
	HostKey    string `json:"host_key,omitempty"`   // as in GitSource
	Credential string `json:"credential,omitempty"` // as in Source
}

// ResolvedRef is the answer to ResolveRef: one of the two is set.
type ResolvedRef struct {
	Commit  string   `json:"commit,omitempty"` // full hash
	Failure *Failure `json:"failure,omitempty"`
}

// MessageType implements Body.
func (ResolveRef) MessageType() Type { return TypeResolveRef }

// MessageType implements Body.
func (ResolvedRef) MessageType() Type { return TypeResolvedRef }
