package commands

import (
	"context"
	"encoding/json"
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
	newest      bool
	sha256      string
	to          []string
	labels      []string
	all, detach bool
	place       client.Place
	restart     bool
	keep        int
	remove      []string
	project     string
	stage       string
	template    string
	group       string
	needs       string
	secrets     []string
	course      courseFlags
	when        whenFlags
	dryRun      bool
	skipChecks  bool
}

func (a *app) deployCommand() *cobra.Command {
	var f deployFlags
	cmd := &cobra.Command{
		Use:   "deploy [APPLICATION] [--version VERSION] [--package FILE|URL]",
		Short: "Ship a package to hosts and switch to it",
		Long: `Upload a package if it is not there yet, ship it to hosts, and watch.

--newest deploys the package of the application that was added last.

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

--project is what it belongs to. With --stage it goes to the hosts of an environment of
the project, with its variables and, where it asks for one, after an approval. What the
command line does not say, the stage, the application and the project may say; with
--template, which the application and the version may be left to, that says it first.

--needs is a file that says what the application needs around its deployment:
an environment, secrets, files that releases share, hooks, a runtime, a restart,
and checks. --profile says the same for a language, as far as --needs and --path do
not: where applications of it lie, and what they are run by. --secret adds a
secret that is in the environment of this command, or in a file: the server seals it
for the hosts, and shows it to nobody.

Ctrl-C, or a server that is gone for too long, ends the watching and not the
deployment.`,
		Example: `  slipway deploy shop --package shop-1.4.2.tar.gz --version 1.4.2 --to web-1,web-2
  slipway deploy shop --package https://ci.example.com/shop.zip --sha256 9f86d0… --version 1.4.2 --all
  slipway deploy shop --version 1.4.2 --label role=web --label env=production --strategy rolling --batch 25% --max-failed 2
  slipway deploy shop --version 1.4.2 --project web-shop --stage production
  slipway deploy --project web-shop --template nightly
  slipway deploy shop --version 1.4.2 --all --needs deploy/needs.yaml --secret DATABASE_PASSWORD --secret TLS_KEY=key.pem
  slipway deploy shop --package shop-1.4.2.jar --version 1.4.2 --all --profile java --restart
  slipway deploy shop --version 1.4.2 --all --strategy canary --first 1 --hold 2h --dry-run
  slipway deploy shop --version 1.4.2 --all --strategy serial --on-overrun rollback --window "mon-thu 22:00-06:00" --zone Europe/Berlin`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.run(func(ctx context.Context, cmd *cobra.Command, args []string) error {
			if err := f.validate(cmd, len(args) > 0); err != nil {
				return err
			}
			return a.deploy(ctx, strings.Join(args, ""), f)
		}),
	}
	f.add(cmd)
	return cmd
}

// add adds all that can be said of a deployment.
func (f *deployFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.source, "package", "", "file to upload, or URL to fetch from")
	flags.StringVar(&f.version, "version", "", "version of the package")
	flags.BoolVar(&f.newest, "newest", false, "the package of the application that was added last, in place of --version and --package")
	cmd.MarkFlagsMutuallyExclusive("newest", "version")
	cmd.MarkFlagsMutuallyExclusive("newest", "package")
	flags.StringVar(&f.sha256, "sha256", "", "digest of the package at the URL, in hex")
	f.addHosts(cmd)
	flags.StringVar(&f.stage, "stage", "", "stage of the project to deploy to")
	flags.StringVar(&f.template, "template", "", "template of the project that says what is not said here")
	placeFlags(cmd, &f.place)
	flags.BoolVar(&f.restart, "restart", false, "restart the application, as its profile says")
	flags.IntVar(&f.keep, "keep", 0, "successful releases that stay on a host (default: as the server does)")
	flags.StringSliceVar(&f.remove, "remove", nil, "versions that do not stay on a host, but for the one that runs and the way back of what may be taken back by itself")
	flags.StringVar(&f.project, "project", "", "project that it belongs to, which may have so many deployments under way at once")
	flags.StringVar(&f.needs, "needs", "", "file (YAML or JSON) with what the application needs on its hosts: environment, secrets, sealed_environment, linked, hooks, runtime, link, restart, checks")
	flags.StringArrayVar(&f.secrets, "secret", nil, "secret variable, as NAME (from the environment) or NAME=FILE (- is standard input); repeat it for more")
	f.course.add(cmd)
	f.course.addSets(cmd)
	f.course.addBusy(cmd)
	f.when.add(cmd)
	flags.BoolVar(&f.skipChecks, "skip-checks", false, "make no checks, and wait for no container to be healthy")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print the waves and the digest of the plan, and do nothing")
	flags.BoolVar(&f.detach, "detach", false, "print the id of the deployment and do not watch")
}

// addHosts adds what says on which hosts.
func (f *deployFlags) addHosts(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVar(&f.to, "to", nil, "names or ids of hosts, separated by commas")
	labelFlag(cmd, &f.labels, "hosts with this label; repeat it for more, which must all match")
	flags.BoolVar(&f.all, "all", false, "all hosts")
	flags.StringVar(&f.group, "group", "", "hosts of this group")
	for _, other := range []string{"to", "label", "group"} {
		cmd.MarkFlagsMutuallyExclusive("all", other)
	}
}

// nowhere says whether no hosts are named.
func (f *deployFlags) nowhere() bool {
	return !f.all && len(f.to)+len(f.labels) == 0 && f.group == ""
}

var digest = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)

func (f *deployFlags) validate(cmd *cobra.Command, named bool) error {
	switch {
	case f.project == "" && (f.stage != "" || f.template != ""):
		return usage("--stage and --template are of a project: they go with --project")
	case f.template == "" && !named:
		return usage("it takes the APPLICATION, unless --template says which")
	case f.template == "" && f.version == "" && !f.newest:
		return usage("--version is required, or --newest, unless --template says which")
	case f.source != "" && (f.version == "" || !named):
		return usage("--package goes with the APPLICATION and --version")
	case f.project == "" && f.nowhere():
		return usage("at least one of --to, --label, --group and --all says on which hosts, or a --project that does")
	case f.remote() && f.sha256 == "":
		return usage("--package with a URL needs --sha256: what is fetched must be what was meant")
	case !f.remote() && f.sha256 != "":
		return usage("--sha256 goes with --package and a URL; the digest of a file is found by itself")
	case f.sha256 != "" && !digest.MatchString(f.sha256):
		return usage("--sha256 takes 64 hex digits")
	case cmd.Flags().Changed("keep") && f.keep < 1:
		return usage("--keep must be at least 1")
	case f.restart && f.place.Profile == "":
		return usage("--restart goes with --profile; how else to restart is said in --needs")
	case f.place.Directory != "" && f.place.Profile == "":
		return usage("--directory goes with --profile")
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

// work is what the application needs on its hosts.
func (f deployFlags) work() (client.Work, error) {
	w, err := readWork(f.needs)
	if err == nil && f.restart {
		if w.Restart != nil {
			return w, usage("--restart is for the restart of a profile: %s says another one", f.needs)
		}
		w.Restart = json.RawMessage("true")
	}
	return w, err
}

// remote says whether the package is to be fetched by the server.
func (f deployFlags) remote() bool {
	return strings.HasPrefix(f.source, "http://") || strings.HasPrefix(f.source, "https://")
}

// deploy is what the command does, in order.
func (a *app) deploy(ctx context.Context, application string, f deployFlags) error {
	if err := a.readCallback(&f.course); err != nil {
		return err
	}
	o := a.outage()
	c, err := a.stay(o)
	if err != nil {
		return err
	}
	wanted := client.DeploymentCreate{
		Project: f.project, Stage: f.stage, Template: f.template, Group: f.group, Application: application, Version: f.version, Place: f.place, Keep: f.keep, Remove: f.remove,
		Course: f.course.course(), WhenBusy: f.course.busy,
		Approval: f.when.asked(), StartAt: f.when.start(), Deadline: f.when.deadline, SkipChecks: f.skipChecks,
	}
	if wanted.Work, err = f.work(); err != nil {
		return err
	}
	if err := a.addSecrets(&wanted.Work, f.secrets); err != nil {
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
	if f.newest {
		wanted.Package = "newest"
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
		Project: f.project, Application: application, Version: f.version, URL: f.source, SHA256: f.sha256,
	})
}
