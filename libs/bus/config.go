package bus

import (
	"net/url"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/libs/config"
)

// Config says how to reach NATS and how durable what is stored there is. Every
// service of one installation is given the same.
type Config struct {
	URL         string        `conf:"url" default:"nats://127.0.0.1:4222" help:"NATS servers, comma separated"`
	Credentials string        `conf:"credentials" help:"NATS credentials file (.creds)"`
	User        string        `conf:"user" help:"NATS user"`
	Password    config.Secret `conf:"password" help:"password of the NATS user"`
	CA          string        `conf:"ca" help:"certificate authority of the NATS servers (PEM file)"`
	// Replicas of every stream. With 1, durability against power loss is what
	// the server's sync policy gives (sync_interval: always); with 3, a minority
	// of servers may be lost.
	Replicas  int           `conf:"replicas" default:"1" help:"copies of each stream: 1, 3 or 5"`
	Retention time.Duration `conf:"retention" default:"720h" help:"how long events are kept in the stream EV"`
}

// Validate returns every mistake in the configuration.
func (c Config) Validate() []error {
	var errs []error
	if c.URL == "" {
		errs = append(errs, config.Invalid("url", "must not be empty"))
	}
	for address := range strings.SplitSeq(c.URL, ",") {
		// What the parser says would repeat a password that stands in it.
		if u, err := url.Parse(strings.TrimSpace(address)); err != nil {
			errs = append(errs, config.Invalid("url", "is not a list of addresses as nats://host:port"))
		} else if u.User != nil {
			errs = append(errs, config.Invalid("url", "must not hold a user or password: set user and password"))
		}
	}
	if c.Replicas != 1 && c.Replicas != 3 && c.Replicas != 5 {
		errs = append(errs, config.Invalid("replicas", "must be 1, 3 or 5, not %d", c.Replicas))
	}
	if c.Retention < time.Hour {
		errs = append(errs, config.Invalid("retention", "must be at least 1h, not %s", c.Retention))
	}
	return errs
}
