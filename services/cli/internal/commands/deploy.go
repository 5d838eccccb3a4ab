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
	keep        int
	project     string
	needs       string
	course      courseFlags
	when        whenFlags
	dryRun      bool
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

--strategy says in which waves: all at once, serial (one after another), rolling
(--batch of them at a time) or canary (--first, then a verdict if --hold is
given, then the rest in batches). --blue-green brings up a set of hosts without
traffic, switches the balancers to it, keeps the other set ready for a time, in
which 'slipway promote' goes on and 'slipway reject' goes back, and retires it.
Amounts are numbers or shares of all hosts such
as 25%. --window says at which hours hosts may begin. With --dry-run, the waves and the digest are printed and nothing is done.

--needs is a file that says what the application needs around its deployment:
an environment, files that releases share, hooks, a restart, and checks.

Ctrl-C, or a server that is gone for too long, ends the watching and not the
deployment.`,
		Example: `  slipway deploy shop --package shop-1.4.2.tar.gz --version 1.4.2 --to web-1,web-2
  slipway deploy shop --package https://ci.example.com/shop.zip --sha256 9f86d0… --version 1.4.2 --all
  slipway deploy shop --version 1.4.2 --label role=web --label env=production --strategy rolling --batch 25% --max-failed 2
  slipway deploy shop --version 1.4.2 --all --needs deploy/needs.yaml
  slipway deploy shop --version 1.4.2 --all --strategy canary --first 1 --hold 2h --dry-run
  slipway deploy shop --version 1.4.2 --all --strategy serial --on-overrun rollback --window "mon-thu 22:00-06:00" --zone Europe/Berlin`,
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
	flags.StringVar(&f.project, "project", "", "project that it belongs to, which may have so many deployments under way at once")
	flags.StringVar(&f.needs, "needs", "", "file (YAML or JSON) with what the application needs on its hosts: environment, linked, hooks, restart, checks")
	f.course.add(cmd)
	f.course.addSets(cmd)
	f.course.addBusy(cmd)
	f.when.add(cmd)
	flags.BoolVar(&f.dryRun, "dry-run", false, "print the waves and the digest of the plan, and do nothing")
	flags.BoolVar(&f.detach, "detach", false, "print the id of the deployment and do not watch")
	_ = cmd.MarkFlagRequired("version")
	cmd.MarkFlagsOneRequired("to", "label", "all")
	cmd.MarkFlagsMutuallyExclusive("all", "to")
	cmd.MarkFlagsMutuallyExclusive("all", "label")
	return cmd
}

var digest = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)

func (f *deployFlags) validate(cmd *cobra.Command) error {
	switch {
	case f.remote() && f.sha256 == "":
		return usage("--package with a URL needs --sha256: what is fetched must be what was meant")
	case !f.remote() && f.sha256 != "":
		return usage("--sha256 goes with --package and a URL; the digest of a file is found by itself")
	case f.sha256 != "" && !digest.MatchString(f.sha256):
		return usage("--sha256 takes 64 hex digits")
	case cmd.Flags().Changed("keep") && f.keep < 1:
		return usage("--keep must be at least 1")
	case f.dryRun && f.source != "":
		return usage("--dry-run is for a package that was uploaded before: it goes without --package")
	case f.dryRun && f.detach:
		return usage("--dry-run leaves nothing to watch: it goes without --detach")
	}
	if err := f.course.validate(cmd); err != nil {
		return err
	}
	return f.when.validate()
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
		Project: f.project, Application: application, Version: f.version, Path: f.path, Keep: f.keep,
		Course: f.course.course(), WhenBusy: f.course.busy,
		Approval: f.when.asked(), StartAt: f.when.start(), Deadline: f.when.deadline,
	}
	if wanted.Work, err = readWork(f.needs); err != nil {
		return err
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
	if f.dryRun {
		plan, err := c.Plan(ctx, wanted)
		if err != nil {
			return err
		}
		return a.show(plan, func() []string { return display.Plan(plan, a.color()) })
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
	if d.Digest != "" {
		a.note("It waits for approval: 'slipway approve %s --digest %s'.", d.ID, d.Digest)
	}
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
	slow, err := a.stayFor(o, fetchTimeout)
	if err != nil {
		return client.Package{}, err
	}
	return slow.FetchPackage(ctx, client.PackageFetch{
		Application: application, Version: f.version, URL: f.source, SHA256: f.sha256,
	})
}
