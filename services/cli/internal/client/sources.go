package client

import (
	"context"
	"net/http"
)

// PackageReference is a package to make known that stays where it is.
type PackageReference struct {
	Project     string       `json:"project,omitempty"`
	Application string       `json:"application"`
	Version     string       `json:"version"`
	Source      SourceCreate `json:"source"`
}

// SourceCreate is where a package lies: one of the three.
type SourceCreate struct {
	URL *URLSourceCreate `json:"url,omitempty"`
	S3  *S3SourceCreate  `json:"s3,omitempty"`
	Git *GitSourceCreate `json:"git,omitempty"`
}

// URLSourceCreate is a file on a web server.
type URLSourceCreate struct {
	URL        string            `json:"url"`
	SHA256     string            `json:"sha256"`
	Filename   string            `json:"filename,omitempty"` // empty: the last part of the URL's path
	Credential *SourceCredential `json:"credential,omitempty"`
}

// S3SourceCreate is an object in storage that speaks S3.
type S3SourceCreate struct {
	Endpoint   string            `json:"endpoint"`
	Bucket     string            `json:"bucket"`
	Key        string            `json:"key"`
	Region     string            `json:"region,omitempty"`
	SHA256     string            `json:"sha256"`
	Filename   string            `json:"filename,omitempty"` // empty: the last part of the key
	Credential *SourceCredential `json:"credential,omitempty"`
}

// GitSourceCreate is a commit, or the branch or tag whose commit it is now.
type GitSourceCreate struct {
	URL        string            `json:"url"`
	Ref        string            `json:"ref,omitempty"`
	Commit     string            `json:"commit,omitempty"`
	Directory  string            `json:"directory,omitempty"`
	Submodules bool              `json:"submodules,omitempty"`
	HostKey    string            `json:"host_key,omitempty"` // authorized_keys lines
	Zone       string            `json:"zone,omitempty"`
	Credential *SourceCredential `json:"credential,omitempty"`
}

// SourceCredential is what opens a source, of whatever kind. It only ever goes to the gateway.
type SourceCredential struct {
	Username     string `json:"username,omitempty"`
	Password     string `json:"password,omitempty"`
	Token        string `json:"token,omitempty"`
	AccessKey    string `json:"access_key,omitempty"`
	SecretKey    string `json:"secret_key,omitempty"`
	SessionToken string `json:"session_token,omitempty"`
	PrivateKey   string `json:"private_key,omitempty"` // PEM
	Passphrase   string `json:"passphrase,omitempty"`
}

// String keeps what it holds out of every message.
func (SourceCredential) String() string { return "credential (hidden)" }

// GoString keeps what it holds out of every message.
func (c SourceCredential) GoString() string { return c.String() }

// PackageSource is where a package lies.
type PackageSource struct {
	URL *struct {
		URL string `json:"url"`
	} `json:"url,omitempty"`
	S3 *struct {
		Endpoint string `json:"endpoint"`
		Bucket   string `json:"bucket"`
		Key      string `json:"key"`
		Region   string `json:"region,omitempty"`
	} `json:"s3,omitempty"`
	Git *struct {
		URL        string `json:"url"`
		Commit     string `json:"commit"`
		Ref        string `json:"ref,omitempty"`
		Directory  string `json:"directory,omitempty"`
		Submodules bool   `json:"submodules,omitempty"`
		HostKey    string `json:"host_key,omitempty"`
	} `json:"git,omitempty"`
	HasCredential bool `json:"has_credential"`
}

// AddPackage makes a package known.
func (c *Client) AddPackage(ctx context.Context, p PackageReference) (Package, error) {
	var known Package
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/packages", key: newKey(), json: p, into: &known})
	return known, err
}
