package standalone

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/slipway-deploy/slipway/libs/lifecycle"
	"github.com/slipway-deploy/slipway/services/gateway"
)

// announce makes the first administrator's token, if there is none, and tells where requests are served. It does so once
// they are: a token that was made and then lost to a port that is taken would not be shown again.
func (s *Service) announce(edge *gateway.Service, ready func()) func(context.Context, func()) error {
	return func(ctx context.Context, announced func()) error {
		token, _, err := gateway.Bootstrap(ctx, s.bootstrapConfig(), s.logOf("gateway"), s.broker.ClientOptions()...)
		if err != nil {
			return fmt.Errorf("first administrator's token: %w", err)
		}
		if err := writeAnnouncement(s.out, s.urlOf(edge.Addr()), token); err != nil {
			return err
		}
		announced()
		ready()
		<-ctx.Done()
		return ctx.Err()
	}
}

// ReplaceToken makes a new first administrator's token in place of the one before, which ends, and writes it out. It is
// for when that one was lost, and while nothing runs on the data directory.
func (s *Service) ReplaceToken(ctx context.Context) error {
	return s.besideBroker(ctx, "token", func(ctx context.Context) error {
		token, err := gateway.ReplaceBootstrap(ctx, s.bootstrapConfig(), s.logOf("gateway"), s.broker.ClientOptions()...)
		if err == nil {
			_, err = fmt.Fprintln(s.out, token)
		}
		return err
	})
}

// besideBroker does something while nothing but the broker runs on the data directory.
func (s *Service) besideBroker(ctx context.Context, name string, do func(context.Context) error) error {
	return s.inDataDir(func(keys) error {
		ctx, done := context.WithCancel(ctx)
		defer done()
		return lifecycle.Run(ctx,
			lifecycle.Component{Name: "broker", Run: s.broker.Run},
			lifecycle.Component{Name: name, Run: func(ctx context.Context, _ func()) error {
				if err := do(ctx); err != nil {
					return err
				}
				done()
				<-ctx.Done()
				return ctx.Err()
			}},
		)
	})
}

// bootstrapConfig is as much of the gateway's configuration as making a token needs.
func (s *Service) bootstrapConfig() gateway.Config {
	return gateway.Config{NATS: s.cfg.NATS.busConfig()}
}

// writeAnnouncement tells where Slipway listens and, with a token, how to go on. Programs that start standalone may rely
// on the line of the address, and on the one that holds nothing but the token.
func writeAnnouncement(out io.Writer, url, token string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Slipway listens on %s\n", url)
	if token != "" {
		fmt.Fprintf(&b, `
The first administrator's token, shown this once:

    %s

How to go on, in another terminal:

    slipway login --url %s
    slipway servers add --name web-1 --address web-1.example.com --user deploy --key-file ~/.ssh/id_ed25519 --first-contact
    slipway deploy shop --package shop-1.0.tar.gz --version 1.0 --to web-1

`, token, url)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// urlOf is where the API is reached from this machine, which listens at addr.
func (s *Service) urlOf(addr string) string {
	scheme := "http"
	if s.cfg.Gateway.TLS.Cert != "" {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return scheme + "://" + addr
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}
