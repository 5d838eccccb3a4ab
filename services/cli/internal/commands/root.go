package commands

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
)

const about = `slipway deploys packages to hosts over SSH, by way of a Slipway server.

Log in once with 'slipway login', add hosts with 'slipway servers add', and deploy:

  slipway deploy shop --package shop-1.4.2.tar.gz --version 1.4.2 --label role=web

Environment:
  SLIPWAY_URL, SLIPWAY_TOKEN   the server and the token for it, instead of what 'slipway login' stored
  XDG_CONFIG_HOME              where that is: slipway/config.json in it, or in ~/.config
  NO_COLOR                     if set, as --no-color

Exit status:
  0    all is well
  1    a deployment failed, or was cancelled or rejected; or hosts could not be read
  2    the command line, a file that it names, or the settings are wrong
  3    the server could not be reached, or failed by itself
  4    the token is missing, not known, or not allowed to do this
  5    refused: not found, in conflict with what is there, or invalid
  130  interrupted; a deployment that was accepted goes on`

// app is one run of the program.
type app struct {
	in, out, err *os.File
	version      string
	flags        globals
	known        *account // once it was found out
	ran          bool     // the command line was understood
}

// globals are the flags of all commands.
type globals struct {
	url       string
	tokenFile string
	output    string
	noColor   bool
	timeout   time.Duration
	patience  bool // timeout was given
}

const defaultTimeout = 30 * time.Second

// Main runs the command line and returns the exit status. The end of ctx interrupts it.
func Main(ctx context.Context, args []string, version string) int {
	a := &app{in: os.Stdin, out: os.Stdout, err: os.Stderr, version: version}
	root := a.root() //nolint:contextcheck // cobra hands the context to each command
	root.SetArgs(args)
	return a.exit(ctx, root.ExecuteContext(ctx))
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "slipway",
		Short:         "Deploy packages to hosts over SSH",
		Long:          about,
		SilenceErrors: true, // exit says them
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          showHelp,
	}
	root.SetOut(a.out)
	root.SetErr(a.err)
	flags := root.PersistentFlags()
	flags.StringVar(&a.flags.url, "url", "", "address of the server")
	flags.StringVar(&a.flags.tokenFile, "token-file", "", "file that holds the token; - is standard input")
	flags.StringVarP(&a.flags.output, "output", "o", "text", "text or json")
	flags.BoolVar(&a.flags.noColor, "no-color", false, "no colours, even on a terminal")
	flags.DurationVar(&a.flags.timeout, "timeout", defaultTimeout,
		"how long to wait for a sign of life from the server; init, deploy, rollback, retry and watch try again until then")
	root.AddCommand(
		a.loginCommand(),
		a.serversCommand(),
		a.groupsCommand(),
		a.packagesCommand(),
		a.initCommand(),
		a.deployCommand(),
		a.rollbackCommand(),
		a.retryCommand(),
		a.statusCommand(),
		a.watchCommand(),
		a.releasesCommand(),
		a.outputCommand(),
		a.logsCommand(),
		a.runningCommand(),
		a.statsCommand(),
		a.historyCommand(),
		a.healthCommand(),
		a.servicesCommand(),
		a.locksCommand(),
		a.unlockCommand(),
		a.webhooksCommand(),
		a.auditCommand(),
		a.tokensCommand(),
		a.whoamiCommand(),
		a.versionCommand(),
	)
	root.AddCommand(a.projectCommands()...)
	root.AddCommand(a.controlCommands()...)
	return root
}

// showHelp is what a command does that only groups others.
func showHelp(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// run wraps what a command does: from here on, an error is not about the shape of the command line any more.
func (a *app) run(do func(ctx context.Context, cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.ran, a.flags.patience = true, cmd.Flags().Changed("timeout")
		switch {
		case a.flags.output != "text" && a.flags.output != "json":
			return usage("--output is text or json, not %q", a.flags.output)
		case a.flags.timeout < time.Second:
			return usage("--timeout must be at least 1s, not %s", a.flags.timeout)
		}
		if err := nothingEmpty(cmd, args); err != nil {
			return err
		}
		return do(cmd.Context(), cmd, args)
	}
}

// group returns a command that only groups others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: showHelp}
	g.AddCommand(commands...)
	return g
}

// usageError says that the command line, or a file that it names, is wrong.
type usageError struct{ error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func (e usageError) Unwrap() error { return e.error }
