package commands

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
	"github.com/slipway-deploy/slipway/services/cli/internal/display"
)

// resolveTimeout is longer than others: an executor looks for the commit before the server answers.
const resolveTimeout = 2 * time.Minute

// sourceFlags say where a package lies, and what opens it.
type sourceFlags struct {
	project, version, url, s3, git string

	sha256, filename, region     string
	ref, commit, directory, zone string
	submodules                   bool
	server                       serverFlags // of a git server: keys, password, host keys

	username, bearerFile                       string
	accessKey, secretKeyFile, sessionTokenFile string
}

func (f *sourceFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.project, "project", "", "project whose deployments alone may ship it (default: all may)")
	flags.StringVar(&f.version, "version", "", "version of the package")
	flags.StringVar(&f.url, "url", "", "http(s) URL of a file")
	flags.StringVar(&f.s3, "s3", "", "URL of an object, as https://ENDPOINT/BUCKET/KEY")
	flags.StringVar(&f.git, "git", "", "URL of a git repository: https, ssh://git@host/path, or file")
	flags.StringVar(&f.sha256, "sha256", "", "digest of the file or object, in hex")
	flags.StringVar(&f.filename, "filename", "", "name of the file or object (default: the last part of its path)")
	flags.StringVar(&f.region, "region", "", "region of the bucket (default us-east-1)")
	flags.StringVar(&f.ref, "ref", "", "branch or tag whose commit is the package")
	flags.StringVar(&f.commit, "commit", "", "full hash of the commit")
	flags.StringVar(&f.directory, "directory", "", "directory of the repository that alone is the package")
	flags.BoolVar(&f.submodules, "submodules", false, "with the repository's submodules")
	flags.StringVar(&f.zone, "zone", "", "zone whose executors reach the repository, to find the commit")
	flags.StringVar(&f.username, "username", "", "user name for --url or --git over https; with --password-file")
	flags.StringVar(&f.server.passFile, "password-file", "", "file with the password; - is standard input")
	flags.StringVar(&f.bearerFile, "bearer-file", "", "file with a bearer token for --url; - is standard input")
	flags.StringVar(&f.accessKey, "access-key", "", "access key for --s3; with --secret-key-file")
	flags.StringVar(&f.secretKeyFile, "secret-key-file", "", "file with the secret key; - is standard input")
	flags.StringVar(&f.sessionTokenFile, "session-token-file", "", "file with the session token; - is standard input")
	flags.StringVar(&f.server.keyFile, "key-file", "", "file with the private key for --git over ssh; - is standard input")
	flags.StringVar(&f.server.passphraseFile, "passphrase-file", "", "file with the passphrase of the private key; - is standard input")
	flags.StringArrayVar(&f.server.hostKeys, "host-key", nil, "public key of the git server; repeat it for more")
	flags.StringVar(&f.server.hostKeyFile, "host-key-file", "", "file with public keys of the git server, one a line")
	_ = cmd.MarkFlagRequired("version") // fails for a flag that is not there
	cmd.MarkFlagsOneRequired("url", "s3", "git")
	cmd.MarkFlagsMutuallyExclusive("url", "s3", "git")
	cmd.MarkFlagsMutuallyExclusive("ref", "commit")
}

// foreign are the flags that belong to one kind of source, or two.
var foreign = map[string][]string{
	"sha256": {"url", "s3"}, "filename": {"url", "s3"}, "region": {"s3"},
	"ref": {"git"}, "commit": {"git"}, "directory": {"git"}, "submodules": {"git"}, "zone": {"git"},
	"username": {"url", "git"}, "password-file": {"url", "git"}, "bearer-file": {"url"},
	"access-key": {"s3"}, "secret-key-file": {"s3"}, "session-token-file": {"s3"},
	"key-file": {"git"}, "passphrase-file": {"git"}, "host-key": {"git"}, "host-key-file": {"git"},
}

func (f *sourceFlags) validate(cmd *cobra.Command) error {
	given := cmd.Flags().Changed
	for _, name := range slices.Sorted(maps.Keys(foreign)) {
		fits := false
		for _, kind := range foreign[name] {
			fits = fits || given(kind)
		}
		if given(name) && !fits {
			return usage("--%s goes with --%s", name, strings.Join(foreign[name], " or --"))
		}
	}
	switch {
	case f.git == "" && f.sha256 == "":
		return usage("--url and --s3 need --sha256: what is fetched must be what was meant")
	case f.sha256 != "" && !digest.MatchString(f.sha256):
		return usage("--sha256 takes 64 hex digits")
	case f.git != "" && f.ref == "" && f.commit == "":
		return usage("--git needs --ref or --commit")
	case (f.accessKey == "") != (f.secretKeyFile == ""):
		return usage("--access-key and --secret-key-file go together")
	case (f.username == "") != (f.server.passFile == ""):
		return usage("--username and --password-file go together")
	}
	return nil
}

func (a *app) packagesAddCommand() *cobra.Command {
	var f sourceFlags
	cmd := &cobra.Command{
		Use:   "add APPLICATION --version VERSION (--url URL | --s3 URL | --git URL)",
		Short: "Make a package known that stays where it is",
		Long: `Make a package known that stays where it is: on a web server, in S3 storage, or
in a git repository. Executors fetch it when it is deployed, each once for all
its hosts. Of a git repository, the commit that --ref is now is the package,
wherever the branch is later.

A password, key or token is sealed by the server at once. Only executors can
open it, and nobody is shown it again.`,
		Example: `  slipway packages add shop --version 1.4.2 --url https://ci.example.com/shop.zip --sha256 9f86d0… --bearer-file token
  slipway packages add shop --version 1.4.2 --s3 https://s3.example.com/builds/shop.tar.zst --sha256 9f86d0… \
    --access-key AKIA… --secret-key-file secret
  slipway packages add shop --version 1.4.2 --git ssh://git@git.example.com/shop.git --ref v1.4.2 \
    --key-file deploy_key --host-key "ssh-ed25519 AAAA…"`,
		Args: cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, cmd *cobra.Command, args []string) error {
			if err := f.validate(cmd); err != nil {
				return err
			}
			source, err := a.source(f)
			if err != nil {
				return err
			}
			c, err := a.connect(resolveTimeout)
			if err != nil {
				return err
			}
			known, err := c.AddPackage(ctx, client.PackageReference{Project: f.project, Application: args[0], Version: f.version, Source: source})
			if err != nil {
				return err
			}
			return a.show(known, func() []string { return display.Packages([]client.Package{known}, a.color()) })
		}),
	}
	f.register(cmd)
	return cmd
}

// source is what the flags say, with the secrets of the files that they name.
func (a *app) source(f sourceFlags) (client.SourceCreate, error) {
	hostKey, credential, err := a.sourceAccess(f)
	if err != nil {
		return client.SourceCreate{}, err
	}
	switch {
	case f.url != "":
		return client.SourceCreate{URL: &client.URLSourceCreate{URL: f.url, SHA256: f.sha256, Filename: f.filename, Credential: credential}}, nil
	case f.git != "":
		return client.SourceCreate{Git: &client.GitSourceCreate{
			URL: f.git, Ref: f.ref, Commit: f.commit, Directory: f.directory, Submodules: f.submodules, Zone: f.zone,
			HostKey: hostKey, Credential: credential,
		}}, nil
	}
	u, err := url.Parse(f.s3)
	if err != nil || u.Host == "" {
		return client.SourceCreate{}, usage("--s3 takes a URL as https://ENDPOINT/BUCKET/KEY")
	}
	bucket, key, ok := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	if !ok || key == "" {
		return client.SourceCreate{}, usage("--s3 takes a URL as https://ENDPOINT/BUCKET/KEY")
	}
	return client.SourceCreate{S3: &client.S3SourceCreate{
		Endpoint: u.Scheme + "://" + u.Host, Bucket: bucket, Key: key, Region: f.region,
		SHA256: f.sha256, Filename: f.filename, Credential: credential,
	}}, nil
}

// sourceAccess reads the files of the credential; nil where none is named.
func (a *app) sourceAccess(f sourceFlags) (hostKey string, _ *client.SourceCredential, err error) {
	s := f.server
	err = a.onlyOneInput(s.keyFile, s.passphraseFile, s.passFile, s.hostKeyFile, f.bearerFile, f.secretKeyFile, f.sessionTokenFile)
	if err != nil {
		return "", nil, err
	}
	if hostKey, err = a.hostKey(s); err != nil {
		return "", nil, err
	}
	c := client.SourceCredential{Username: f.username, AccessKey: f.accessKey}
	err = a.readSecrets(
		secretFile{path: s.keyFile, into: &c.PrivateKey, whole: true}, secretFile{path: s.passphraseFile, into: &c.Passphrase},
		secretFile{path: s.passFile, into: &c.Password}, secretFile{path: f.bearerFile, into: &c.Token},
		secretFile{path: f.secretKeyFile, into: &c.SecretKey}, secretFile{path: f.sessionTokenFile, into: &c.SessionToken},
	)
	if err != nil || c == (client.SourceCredential{}) {
		return hostKey, nil, err
	}
	return hostKey, &c, nil
}
