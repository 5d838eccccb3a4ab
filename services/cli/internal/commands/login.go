package commands

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
	"github.com/slipway-deploy/slipway/services/cli/internal/display"
	"github.com/slipway-deploy/slipway/services/cli/internal/settings"
)

func (a *app) loginCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "login [--url URL] [--token-file FILE]",
		Short: "Check a token and store it",
		Long: `Ask the server whose token it is, and store address and token in
$XDG_CONFIG_HOME/slipway/config.json (or below ~/.config), readable by you alone.

The token is read from --token-file, or from standard input; on a terminal it is
asked for and not shown. Without --url and SLIPWAY_URL, the server is the one
that is stored.`,
		Args: cobra.NoArgs,
		RunE: a.run(a.login),
	}
}

// account that was stored, as JSON. The token is not in it.
type login struct {
	URL string `json:"url"`
	client.Identity
}

func (a *app) login(ctx context.Context, _ *cobra.Command, _ []string) error {
	address, err := a.loginURL()
	if err != nil {
		return err
	}
	token, err := a.loginToken(ctx)
	if err != nil {
		return err
	}
	c, err := client.New(client.Options{
		URL: address, Token: token, UserAgent: "slipway/" + a.version, Timeout: a.flags.timeout,
	})
	if err != nil {
		return usageError{err}
	}
	who, err := c.WhoAmI(ctx)
	if err != nil {
		return err
	}
	if exposed(address) {
		a.note("slipway: %s is not https: whoever listens on the way learns the token", address)
	}
	path, err := settings.Save(settings.Settings{URL: address, Token: token})
	if err != nil {
		return err
	}
	if os.Getenv("SLIPWAY_TOKEN") != "" || os.Getenv("SLIPWAY_URL") != "" {
		a.note("slipway: SLIPWAY_URL and SLIPWAY_TOKEN, where set, win over what is stored")
	}
	return a.show(login{address, who}, func() []string {
		return []string{display.Clean(fmt.Sprintf("Logged in to %s as %s (%s); stored in %s.", address, who.Name, display.Grants(who.Grants), path))}
	})
}

// loginURL is the address to log in to, as it is stored.
func (a *app) loginURL() (string, error) {
	address := firstOf(a.flags.url, os.Getenv("SLIPWAY_URL"))
	if address == "" {
		stored, err := settings.Load()
		if err != nil {
			return "", usage("%w; --url names the server", err)
		}
		address = stored.URL
	}
	if address == "" {
		return "", usage("which server? --url names it")
	}
	u, err := client.ParseURL(address)
	if err != nil {
		return "", usageError{err}
	}
	return u.String(), nil
}

// exposed says whether what is sent there can be read on the way.
func exposed(address string) bool {
	u, err := client.ParseURL(address)
	if err != nil || u.Scheme == "https" || u.Hostname() == "localhost" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return ip == nil || !ip.IsLoopback()
}

func (a *app) loginToken(ctx context.Context) (string, error) {
	if a.flags.tokenFile == "" && term.IsTerminal(int(a.in.Fd())) {
		return a.askToken(ctx)
	}
	return a.readToken(firstOf(a.flags.tokenFile, "-"))
}

// askToken asks for the token on the terminal, which does not show it. If ctx ends meanwhile, the terminal is as it
// was before.
func (a *app) askToken(ctx context.Context) (string, error) {
	fd := int(a.in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("read the terminal's state: %w", err)
	}
	_, _ = fmt.Fprint(a.err, "Token: ")
	type answer struct {
		token []byte
		err   error
	}
	answers := make(chan answer, 1)
	// Nothing ends a read from a terminal: when ctx does, the goroutine is left to the end of the process, which is near.
	go func() {
		token, err := term.ReadPassword(fd)
		answers <- answer{token, err}
	}()
	defer func() { _, _ = fmt.Fprintln(a.err) }()
	select {
	case got := <-answers:
		if got.err != nil {
			return "", usage("no token was given: %w", got.err)
		}
		return strings.TrimSpace(string(got.token)), nil
	case <-ctx.Done():
		_ = term.Restore(fd, before)
		return "", context.Cause(ctx)
	}
}
