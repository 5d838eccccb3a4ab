package commands

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// serverFlags are the flags that say what a server is, alike for add and edit.
type serverFlags struct {
	name, address, user               string
	port                              int
	keyFile, passphraseFile, passFile string
	certificateFile                   string
	hostKeys                          []string
	hostKeyFile, hostCAFile           string
	revokedFile                       string
	firstContact                      bool
	jumpHost                          string
	labels                            []string
	legacy                            []string
}

func (f *serverFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.name, "name", "", "name, unique among all hosts")
	flags.StringVar(&f.address, "address", "", "DNS name or IP address")
	flags.StringArrayVar(&f.hostKeys, "host-key", nil, "public key of the host, as in ssh_host_ed25519_key.pub; repeat it for more")
	flags.StringVar(&f.hostKeyFile, "host-key-file", "", "file with public keys of the host, one a line")
	f.registerCommon(cmd)
}

// registerCommon adds those that many servers can have in common.
func (f *serverFlags) registerCommon(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.IntVar(&f.port, "port", 22, "port of its SSH server")
	flags.StringVar(&f.user, "user", "", "login name")
	flags.StringVar(&f.keyFile, "key-file", "", "file with the private key (ed25519, ecdsa or rsa, PEM); - is standard input")
	flags.StringVar(&f.passphraseFile, "passphrase-file", "", "file with the passphrase of the private key; - is standard input")
	flags.StringVar(&f.certificateFile, "certificate-file", "", "file with the certificate of the private key, as id_ed25519-cert.pub")
	flags.StringVar(&f.passFile, "password-file", "", "file with the login password; - is standard input")
	flags.StringVar(&f.hostCAFile, "host-ca-file", "", "file with public keys of authorities, one a line, whose certificates for the host count as its key")
	flags.StringVar(&f.revokedFile, "revoked-keys-file", "", "file with public keys of hosts and authorities, one a line, that are refused")
	flags.BoolVar(&f.firstContact, "first-contact", false, "trust the key that the host shows first, and keep it")
	flags.StringVar(&f.jumpHost, "jump-host", "", "name or id of the host through which this one is reached; it may have one, too")
	flags.StringSliceVar(&f.legacy, "legacy-algorithms", nil, "weak algorithms that an old host needs, by their names in SSH, such as ssh-rsa; all of them")
	labelFlag(cmd, &f.labels, "label of the host; repeat it for more")
}

func (a *app) serversAddCommand() *cobra.Command {
	var f serverFlags
	cmd := &cobra.Command{
		Use:   "add --name NAME --address ADDRESS --user USER",
		Short: "Add a host",
		Long: `Add a host. Without --key-file and --password-file, the SSH agent of the
executor logs in. Before a host can be deployed to, its key must be known
(--host-key, --host-key-file), or an authority that certifies it
(--host-ca-file), or the first one that it shows be trusted (--first-contact).

A host behind others (--jump-host) is logged in to through them, each with the
credential that it was added with; they forward the connection and see nothing
of it.`,
		Example: `  slipway servers add --name web-1 --address web-1.example.com --user deploy \
    --key-file ~/.ssh/deploy --first-contact --label role=web`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, _ []string) error {
			wanted, err := a.newServer(f)
			if err != nil {
				return err
			}
			c, err := a.connect(defaultTimeout)
			if err != nil {
				return err
			}
			server, err := c.AddServer(ctx, wanted)
			if err != nil {
				return err
			}
			return a.showServer(ctx, c, server)
		}),
	}
	f.register(cmd)
	for _, name := range []string{"name", "address", "user"} {
		_ = cmd.MarkFlagRequired(name) // fails for a flag that is not there
	}
	return cmd
}

func (a *app) newServer(f serverFlags) (client.ServerCreate, error) {
	s := client.ServerCreate{Name: f.name, Address: f.address, Port: f.port, User: f.user, FirstContact: f.firstContact, JumpHost: f.jumpHost, LegacyAlgorithms: f.legacy}
	var err error
	if s.Labels, err = parseLabels(f.labels); err != nil {
		return s, err
	}
	if s.HostKey, err = a.hostKey(f); err != nil {
		return s, err
	}
	if s.HostCA, err = a.keysOf(f.hostCAFile); err != nil {
		return s, err
	}
	if s.RevokedKeys, err = a.keysOf(f.revokedFile); err != nil {
		return s, err
	}
	s.Credential, err = a.credential(f)
	return s, err
}

// credential reads the files of the credential; nil where none is named.
func (a *app) credential(f serverFlags) (*client.Credential, error) {
	files := []string{f.keyFile, f.passphraseFile, f.certificateFile, f.passFile, f.hostKeyFile, f.hostCAFile, f.revokedFile}
	if err := a.onlyOneInput(files...); err != nil {
		return nil, err
	}
	switch {
	case f.keyFile == "" && f.passphraseFile != "":
		return nil, usage("--passphrase-file is of no use without --key-file")
	case f.keyFile == "" && f.certificateFile != "":
		return nil, usage("--certificate-file is of no use without --key-file")
	case f.keyFile == "" && f.passFile == "":
		return nil, nil
	}
	var c client.Credential
	err := a.readSecrets(
		secretFile{path: f.keyFile, into: &c.PrivateKey, whole: true}, secretFile{path: f.passphraseFile, into: &c.Passphrase},
		secretFile{path: f.certificateFile, into: &c.Certificate, whole: true}, secretFile{path: f.passFile, into: &c.Password},
	)
	if err != nil {
		return nil, err
	}
	return &c, nil
}

// hostKey is all keys that were given, one a line.
func (a *app) hostKey(f serverFlags) (string, error) {
	keys := f.hostKeys
	if f.hostKeyFile != "" {
		content, err := a.readSecret(f.hostKeyFile)
		if err != nil {
			return "", err
		}
		keys = append(keys, content)
	}
	return strings.TrimSpace(strings.Join(keys, "\n")), nil
}

// keysOf is the content of a file with public keys; "" where none is named.
func (a *app) keysOf(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	content, err := a.readSecret(path)
	return strings.TrimSpace(content), err
}

func labelFlag(cmd *cobra.Command, labels *[]string, help string) {
	cmd.Flags().StringArrayVar(labels, "label", nil, help+" (key=value)")
}

// parseLabels reads key=value pairs; nil where there are none.
func parseLabels(pairs []string) (map[string]string, error) {
	var labels map[string]string
	for _, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return nil, usage("--label takes key=value, not %q", pair)
		}
		if before, twice := labels[key]; twice && before != value {
			return nil, usage("--label gives %s two values", key)
		}
		if labels == nil {
			labels = map[string]string{}
		}
		labels[key] = value
	}
	return labels, nil
}
