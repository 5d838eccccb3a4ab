package packages

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

const maxSecret = 4096 // characters of a secret that is no private key

// Reference is where a package lies that is not stored here, as a client says it.
type Reference struct {
	Source     contract.Source // without its credential
	Credential contract.SourceCredential
	Filename   string
	SHA256     string // of what comes from git: not known before there is a commit
	Zone       string // whose executors find the commit of a ref
}

// ReadReference takes a reference from the field of what a client sent and checks
// it. Where ctx ends, not all of it was looked at.
func ReadReference(ctx context.Context, o *field.Object, name string, errs *field.Errors) Reference {
	var r Reference
	in, ok := o.Object(name)
	if !ok {
		return r
	}
	kinds := 0
	for _, kind := range []struct {
		name string
		read func(*field.Object)
	}{{"url", r.readURL}, {"s3", r.readS3}, {"git", func(o *field.Object) { r.readGit(ctx, o) }}} {
		if of, ok := in.Object(kind.name); ok {
			kind.read(of)
			of.End()
		}
		if in.Given(kind.name) && !in.Null(kind.name) {
			kinds++
		}
	}
	in.End()
	if kinds != 1 {
		errs.Add(name, "must hold one of url, s3 and git")
	}
	return r
}

func (r *Reference) readURL(o *field.Object) {
	r.Source.URL = &contract.URLSource{}
	if text, ok := o.Required("url"); ok {
		o.Check("url", rule.SourceURL(text))
		r.Source.URL.URL, r.Credential.Query, _ = strings.Cut(text, "?") // the query may be a secret
	}
	r.readFile(o, FilenameIn(r.Source.URL.URL), "url")
	c, ok := o.Object("credential")
	if !ok {
		return
	}
	r.Credential.Username = secret(c, "username")
	r.Credential.Password = secret(c, "password")
	r.Credential.Token = secret(c, "token")
	c.End()
	if r.Credential.Token != "" && r.Credential.Username+r.Credential.Password != "" {
		c.Check("token", "cannot be combined with a user name and a password")
	}
}

func (r *Reference) readS3(o *field.Object) {
	s := &contract.S3Source{}
	r.Source.S3 = s
	for _, one := range []struct {
		name  string
		into  *string
		check func(string) string
	}{{"endpoint", &s.Endpoint, rule.Endpoint}, {"bucket", &s.Bucket, rule.Bucket}, {"key", &s.Key, rule.Key}} {
		if text, ok := o.Required(one.name); ok {
			o.Check(one.name, one.check(text))
			*one.into = text
		}
	}
	s.Endpoint = strings.TrimSuffix(s.Endpoint, "/")
	if text, ok := o.Text("region"); ok {
		o.Check("region", rule.Region(text))
		s.Region = text
	}
	filename := path.Base(s.Key)
	if rule.Filename(filename) != "" {
		filename = ""
	}
	r.readFile(o, filename, "key")
	c, ok := o.Object("credential")
	if !ok {
		return
	}
	r.Credential.AccessKey, _ = c.Required("access_key")
	c.Check("access_key", tooLong(r.Credential.AccessKey))
	r.Credential.SecretKey, _ = c.Required("secret_key")
	c.Check("secret_key", tooLong(r.Credential.SecretKey))
	r.Credential.SessionToken = secret(c, "session_token")
	c.End()
}

// readFile reads what is said of a single file. Its name is the last part of a
// field unless it is given.
func (r *Reference) readFile(o *field.Object, filename, end string) {
	if sha, ok := o.Required("sha256"); ok {
		o.Check("sha256", rule.SHA256(sha))
		r.SHA256 = strings.ToLower(sha)
	}
	given, ok := o.Text("filename")
	switch {
	case ok:
		o.Check("filename", rule.Filename(given))
		r.Filename = given
	case filename == "":
		o.Check("filename", "is required: "+end+" does not end with one")
	default:
		r.Filename = filename
	}
}

func (r *Reference) readGit(ctx context.Context, o *field.Object) {
	g := &contract.GitSource{}
	r.Source.Git = g
	if text, ok := o.Required("url"); ok {
		o.Check("url", rule.Repository(text))
		g.URL = text
	}
	for _, one := range []struct {
		name  string
		into  *string
		check func(string) string
	}{{"ref", &g.Ref, rule.Ref}, {"commit", &g.Commit, rule.Commit}, {"directory", &g.Directory, rule.Directory}, {"zone", &r.Zone, zone}} {
		if text, ok := o.Text(one.name); ok {
			o.Check(one.name, one.check(text))
			*one.into = text
		}
	}
	if !o.Given("ref") && !o.Given("commit") {
		o.Check("ref", "is required, or commit is")
	}
	g.Submodules, _ = o.Bool("submodules")
	r.Filename = archiveName(g.URL)
	overSSH := strings.HasPrefix(g.URL, "ssh://")
	if text, ok := o.Text("host_key"); ok {
		var wrong string
		g.HostKey, wrong = inventory.ParseHostKey(text)
		o.Check("host_key", wrong)
	} else if overSSH && !o.Given("host_key") {
		o.Check("host_key", "is required with ssh: the public keys of the server, as ssh-keyscan prints them after its name")
	}
	c, ok := o.Object("credential")
	switch {
	case ok:
		r.readGitCredential(ctx, c, overSSH, strings.HasPrefix(g.URL, "https://"))
	case overSSH && !o.Given("credential"):
		o.Check("credential", "is required with ssh: a private_key")
	}
}

func (r *Reference) readGitCredential(ctx context.Context, o *field.Object, overSSH, overHTTPS bool) {
	c := &r.Credential
	if !overSSH {
		o.Refuse("private_key", "is for ssh URLs")
		o.Refuse("passphrase", "is for ssh URLs")
	}
	if !overHTTPS {
		o.Refuse("username", "is for https URLs")
		o.Refuse("password", "is for https URLs")
	}
	if overSSH {
		c.PrivateKey, _ = o.Required("private_key")
		c.Passphrase, _ = o.Text("passphrase")
		if c.PrivateKey != "" {
			inventory.CheckPrivateKey(ctx, o, contract.Credential{PrivateKey: c.PrivateKey, Passphrase: c.Passphrase})
		}
	}
	if overHTTPS {
		c.Username, _ = o.Required("username")
		c.Password, _ = o.Required("password")
		o.Check("username", wrongLogin(c.Username))
		o.Check("password", tooLong(c.Password))
	}
	o.End()
}

// secret takes a part of a credential that may be left out.
func secret(o *field.Object, name string) string {
	text, ok := o.Text(name)
	if ok {
		o.Check(name, rule.Printable(text, 1, maxSecret))
	}
	return text
}

func tooLong(secret string) string {
	if secret == "" {
		return "" // that it is missing was said
	}
	return rule.Printable(secret, 1, maxSecret)
}

func wrongLogin(name string) string {
	if strings.Contains(name, ":") {
		return "must not hold a ':'"
	}
	return tooLong(name)
}

func zone(name string) string {
	if !contract.ValidZone(name) {
		return "must be 1 to 32 lower-case letters, digits, '_' and '-'"
	}
	return ""
}

// archiveName is what the archive of a repository is called.
func archiveName(url string) string {
	name := strings.TrimSuffix(path.Base(strings.TrimSuffix(url, "/.git")), ".git") + ".tar"
	if rule.Filename(name) != "" {
		return "repository.tar"
	}
	return name
}

// Seal seals the credential to the package that the reference is to be.
func (r *Reference) Seal(pkg string, key seal.PublicKey) error {
	if r.Credential == (contract.SourceCredential{}) {
		return nil
	}
	clear, err := json.Marshal(r.Credential) //nolint:gosec // it is sealed in the next line, and goes nowhere else
	if err != nil {
		return fmt.Errorf("encode a credential: %w", err)
	}
	sealed, err := key.Seal(r.Source.Context(pkg), clear)
	r.Source.Credential = string(sealed)
	return err
}

// Refer makes a package known whose content stays where it is, and returns it, and
// whether it is new: the same content again gives the first package. It fails
// with ErrOtherContent.
func (c *Catalog) Refer(ctx context.Context, n New, r Reference) (Package, bool, error) {
	sha := r.SHA256
	if r.Source.Git != nil {
		sha = r.Source.Git.Digest()
	}
	return c.record(ctx, Package{
		ID: n.ID, Project: n.Project, Application: n.Application, Version: n.Version, Filename: r.Filename, Format: formatOf(r.Filename),
		SHA256: sha, CreatedAt: time.Now().UTC().Truncate(time.Millisecond), Source: &r.Source,
	})
}
