package commands

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
	"github.com/slipway-deploy/slipway/services/cli/internal/display"
)

type deployFlags struct {
	source      string
	version     string
	sha256      string
	to          []string
	labels      []string
	all, detach bool
	path        string
	keep, wave  int
}

func (a *app) deployCommand() *cobra.Command {
	var f deployFlags
	cmd := &cobra.Command{
		Use:   "deploy APPLICATION --version VERSION [--package FILE|URL]",
		Short: "Ship a package to hosts and switch to it",
		Long: `Upload a package if it is not there yet, ship it to hosts, and watch.

--package is a file (.tar.gz, .tgz, .tar.zst, .tar, .zip, or any single file), or
an http(s) URL that the server fetches, with --sha256. Without it, the version
must have been uploaded before.

Ctrl-C, or a server that is gone for too long, ends the watching and not the
deployment.`,
		Example: `  slipway deploy shop --package shop-1.4.2.tar.gz --version 1.4.2 --to web-1,web-2
  slipway deploy shop --package https://ci.example.com/shop.zip --sha256 9f86d0… --version 1.4.2 --all
  slipway deploy shop --version 1.4.2 --label role=web --label env=production --wave-size 10`,
		Args: cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, cmd *cobra.Command, args []string) error {
			if err := f.validate(cmd); err != nil {
				return err
			}
			return a.deploy(ctx, args[0], f)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&f.source, "package", "", "file to upload, or URL to fetch from")
	flags.StringVar(&f.version, "version", "", "version of the package")
	flags.StringVar(&f.sha256, "sha256", "", "digest of the package at the URL, in hex")
	flags.StringSliceVar(&f.to, "to", nil, "names or ids of hosts, separated by commas")
	labelFlag(cmd, &f.labels, "hosts with this label; repeat it for more, which must all match")
	flags.BoolVar(&f.all, "all", false, "all hosts")
	flags.StringVar(&f.path, "path", "", "where the application lies on the hosts (default apps/APPLICATION)")
	flags.IntVar(&f.keep, "keep", 0, "successful releases that stay on a host (default: as the server does)")
	flags.IntVar(&f.wave, "wave-size", 0, "hosts that begin at a time; a failure stops the next wave (default: all at once)")
	flags.BoolVar(&f.detach, "detach", false, "print the id of the deployment and do not watch")
	_ = cmd.MarkFlagRequired("version")
	cmd.MarkFlagsOneRequired("to", "label", "all")
	cmd.MarkFlagsMutuallyExclusive("all", "to")
	cmd.MarkFlagsMutuallyExclusive("all", "label")
	return cmd
}

var digest = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)

func (f deployFlags) validate(cmd *cobra.Command) error {
	switch {
	case f.version == "":
		return usage("--version is empty")
	case cmd.Flags().Changed("package") && f.source == "":
		return usage("--package is empty")
	case f.remote() && f.sha256 == "":
		return usage("--package with a URL needs --sha256: what is fetched must be what was meant")
	case !f.remote() && f.sha256 != "":
		return usage("--sha256 goes with --package and a URL; the digest of a file is found by itself")
	case f.sha256 != "" && !digest.MatchString(f.sha256):
		return usage("--sha256 takes 64 hex digits")
	case cmd.Flags().Changed("keep") && f.keep < 1:
		return usage("--keep must be at least 1")
	case f.wave < 0:
		return usage("--wave-size must not be negative")
	}
	return nil
}

// remote says whether the package is to be fetched by the server.
func (f deployFlags) remote() bool {
	return strings.HasPrefix(f.source, "http://") || strings.HasPrefix(f.source, "https://")
}

// deploy is what the command does, in order.
func (a *app) deploy(ctx context.Context, application string, f deployFlags) error {
	o := a.outage()
	c, err := a.stay(o)
	if err != nil {
		return err
	}
	wanted := client.DeploymentCreate{
		Application: application, Version: f.version, Path: f.path, Keep: f.keep, WaveSize: f.wave,
	}
	if wanted.Selector, err = parseLabels(f.labels); err != nil {
		return err
	}
	if f.source != "" {
		stored, err := a.bring(ctx, c, o, application, f)
		if err != nil {
			return err
		}
		wanted.Package, wanted.Version = stored.ID, ""
	}
	if wanted.Servers, err = hosts(ctx, c, f); err != nil {
		return err
	}
	made, err := c.Deploy(ctx, wanted)
	if err != nil {
		return a.uncertain(ctx, err)
	}
	return a.accepted(ctx, c, o, made, f.detach)
}

// hosts returns the hosts by name or id; all of them by id.
func hosts(ctx context.Context, c *client.Client, f deployFlags) ([]string, error) {
	if !f.all {
		return f.to, nil
	}
	var ids []string
	for server, err := range c.Servers(ctx, nil) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, server.ID)
	}
	if ids == nil {
		return nil, errNoHosts
	}
	return ids, nil
}

// uncertain says what an interruption leaves open: the request may have arrived.
func (a *app) uncertain(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.Is(err, client.ErrUnreachable) {
		a.note("It is not known whether the deployment was accepted; 'slipway status' lists those that were.")
	}
	return err
}

// accepted says which deployment was made, and watches it unless the user is content with that.
func (a *app) accepted(ctx context.Context, c *client.Client, o *outage, d client.Deployment, detach bool) error {
	switch {
	case detach && a.asJSON():
		return a.document(standing{Deployment: d})
	case detach:
		a.note("Accepted. 'slipway watch %s' shows how it goes.", d.ID)
		return a.print(display.Clean(d.ID)) // alone on standard output, for a script to keep
	case !a.asJSON():
		if err := a.print(display.Accepted(d)); err != nil {
			return err
		}
	}
	return a.watchToEnd(ctx, c, o, d.ID)
}

// fetchTimeout is longer than others: the server fetches the package before it answers.
const fetchTimeout = 15 * time.Minute

// bring has the package stored by the server.
func (a *app) bring(ctx context.Context, c *client.Client, o *outage, application string, f deployFlags) (client.Package, error) {
	if !f.remote() {
		return a.upload(ctx, c, o, application, f)
	}
	slow, err := a.connect(fetchTimeout)
	if err != nil {
		return client.Package{}, err
	}
	return slow.FetchPackage(ctx, client.PackageFetch{
		Application: application, Version: f.version, URL: f.source, SHA256: f.sha256,
	})
}
