package commands

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// courseFlags say how a deployment goes through its hosts. What amounts and durations may be, the server says.
type courseFlags struct {
	wanted   client.Strategy
	analysis string // file
	sets     string // file
	budget   client.Failures
	skip     bool
	hours    hoursFlags
	timeouts client.Timeouts
	progress string
	busy     string
	metadata map[string]string

	callback, callbackSecret, callbackFormat string
	callbackSecretFrom                       string // file
}

var strategyFlags = []string{"first", "batch", "pause", "max-parallel", "min-healthy", "hold", "analysis"}

func (f *courseFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	s, b := &f.wanted, &f.budget
	flags.StringVar(&s.Type, "strategy", "", "all, serial, rolling or canary (default: all)")
	flags.StringVar(&s.First, "first", "", "canary: hosts of the first wave")
	flags.StringVar(&s.Batch, "batch", "", "rolling and canary: hosts of each other wave")
	flags.StringVar(&s.Pause, "pause", "", "time between two waves, such as 30s")
	flags.IntVar(&s.MaxParallel, "max-parallel", 0, "hosts at work at once (default: as the server does)")
	flags.StringVar(&s.MinHealthy, "min-healthy", "", "hosts that must neither be at work nor have failed")
	flags.StringVar(&s.Hold, "hold", "", "canary and new set: how long to wait for 'slipway promote' or 'reject', such as 2h")
	flags.StringVar(&f.analysis, "analysis", "", "canary and new set: JSON file with the measurements that judge it")
	flags.StringVar(&s.OrderBy, "order-by", "", "label in whose order hosts are taken, such as rack")
	flags.StringVar(&b.Total, "max-failed", "", "hosts that may fail in all (default: none, and any number with the strategy all)")
	flags.StringVar(&b.Batch, "max-failed-batch", "", "hosts of one wave that may fail (default: any number)")
	flags.StringVar(&b.Then, "on-overrun", "", "what to do when more fail: stop, pause for a person, or rollback (default: stop)")
	flags.BoolVar(&f.skip, "skip-unreachable", false, "hosts that cannot be reached do not count as failed")
	f.hours.add(cmd)
	flags.StringVar(&f.timeouts.Host, "host-timeout", "", "how long the work on one host may take, such as 30m")
	flags.StringVar(&f.timeouts.Step, "step-timeout", "", "how long one step on one host may take, such as 10m")
	flags.StringToStringVar(&f.metadata, "note", nil, "what is noted of it, such as ticket=SHOP-42: whoever may see the deployment sees it")
	flags.StringVar(&f.callback, "callback-url", "", "URL that is told what happens to it")
	flags.StringVar(&f.callbackFormat, "callback-format", "", "what that is told in: modes, as clients of the dialect know it (default: events)")
	flags.StringVar(&f.callbackSecretFrom, "callback-secret-file", "", "file with the secret that signs it, whsec_…; - is standard input (default: it is not signed)")
	flags.StringVar(&f.progress, "progress-deadline", "", "say so when no host tells anything for so long (default: as the server does)")
}

// addSets adds what belongs to deployments alone.
func (f *courseFlags) addSets(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.sets, "blue-green", "", "JSON file that tells two sets of hosts, and how traffic goes from one to the other")
}

// addBusy adds what a rollback, which never waits for others, does without.
func (f *courseFlags) addBusy(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.busy, "when-busy", "", "where too many deployments are under way: wait, or refuse (default: as the server does)")
}

// readCallback reads the secret of the callback.
func (a *app) readCallback(f *courseFlags) error {
	if f.callbackSecretFrom != "" && f.callback == "" {
		return usage("--callback-secret-file is for --callback-url")
	}
	if f.callbackFormat != "" && f.callback == "" {
		return usage("--callback-format is for --callback-url")
	}
	return a.takeSecret(f.callbackSecretFrom, &f.callbackSecret)
}

func (f *courseFlags) validate(cmd *cobra.Command) error {
	given := ""
	for _, name := range strategyFlags {
		if cmd.Flags().Changed(name) {
			given = name
		}
	}
	kinds := []string{"", "all", "serial", "rolling", "canary"}
	switch {
	case f.sets != "" && f.wanted.Type != "":
		return usage("--blue-green is a strategy itself: it goes without --strategy")
	case f.sets != "" && (f.wanted.First != "" || f.wanted.Batch != "" || f.wanted.Pause != ""):
		return usage("--blue-green goes without --first, --batch and --pause: its waves are the sets")
	case !slices.Contains(kinds, f.wanted.Type):
		return usage("--strategy is %s or canary, not %q", strings.Join(kinds[1:4], ", "), f.wanted.Type)
	case f.wanted.Type == "rolling" && f.wanted.Batch == "":
		return usage("--strategy rolling needs --batch")
	case f.wanted.Type == "canary" && f.wanted.First == "":
		return usage("--strategy canary needs --first")
	case f.wanted.Type == "" && f.sets == "" && slices.Contains([]string{"first", "batch", "pause", "hold", "analysis"}, given):
		return usage("--%s goes with --strategy", given)
	case cmd.Flags().Changed("max-parallel") && f.wanted.MaxParallel < 1:
		return usage("--max-parallel must be at least 1")
	case !slices.Contains([]string{"", "stop", "pause", "rollback"}, f.budget.Then):
		return usage("--on-overrun is stop, pause or rollback, not %q", f.budget.Then)
	case !slices.Contains([]string{"", "wait", "refuse"}, f.busy):
		return usage("--when-busy is wait or refuse, not %q", f.busy)
	}
	if f.sets != "" {
		sets, err := readDocument[client.BlueGreen]("blue-green", f.sets)
		if err != nil {
			return err
		}
		f.wanted.Type, f.wanted.BlueGreen = "blueGreen", *sets
	}
	if f.analysis != "" {
		var err error
		if f.wanted.Analysis, err = readDocument[client.Analysis]("analysis", f.analysis); err != nil {
			return err
		}
	}
	return f.hours.read()
}

// course is what was asked for.
func (f *courseFlags) course() client.Course {
	c := client.Course{
		Strategy: f.strategy(), Failures: f.failures(), Calendar: f.hours.calendar, ProgressDeadline: f.progress,
		Metadata: f.metadata, CallbackURL: f.callback, CallbackSecret: f.callbackSecret, CallbackFormat: f.callbackFormat,
	}
	if f.timeouts != (client.Timeouts{}) {
		c.Timeouts = &f.timeouts
	}
	return c
}

// strategy is what was asked for, or nil.
func (f *courseFlags) strategy() *client.Strategy {
	s := f.wanted
	if s == (client.Strategy{}) {
		return nil
	}
	if s.Type == "" {
		s.Type = "all"
	}
	return &s
}

// failures is what was asked for, or nil.
func (f *courseFlags) failures() *client.Failures {
	b := f.budget
	if f.skip {
		b.Unreachable = "skip"
	}
	if b == (client.Failures{}) {
		return nil
	}
	return &b
}

// whenFlags say when a deployment begins and when it must be done.
type whenFlags struct {
	approval     string
	notRequester bool
	at           string
	deadline     string
}

// anyTime is --approval without a value.
const anyTime = "default"

func (f *whenFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.approval, "approval", "", "wait for 'slipway approve', for so long if given, such as --approval=8h")
	flags.Lookup("approval").NoOptDefVal = anyTime
	flags.BoolVar(&f.notRequester, "not-requester", false, "with --approval: by another token than this one")
	flags.StringVar(&f.at, "at", "", "when to begin, such as 2026-01-31T22:00:00Z (default: now)")
	flags.StringVar(&f.deadline, "deadline", "", "how long it may take from the first host on, such as 2h")
}

func (f *whenFlags) validate() error {
	if f.notRequester && f.approval == "" {
		return usage("--not-requester goes with --approval")
	}
	if _, err := time.Parse(time.RFC3339, f.at); f.at != "" && err != nil {
		return usage("--at takes a time such as 2026-01-31T22:00:00Z, not %q", f.at)
	}
	return nil
}

// asked is the approval that was asked for, or nil.
func (f *whenFlags) asked() *client.Approval {
	switch f.approval {
	case "":
		return nil
	case anyTime:
		return &client.Approval{NotRequester: f.notRequester}
	default:
		return &client.Approval{NotRequester: f.notRequester, ExpiresIn: f.approval}
	}
}

func (f *whenFlags) start() *time.Time {
	at, err := time.Parse(time.RFC3339, f.at)
	if err != nil {
		return nil
	}
	return &at
}
