package executor

import (
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/netguard"
	"github.com/slipway-deploy/slipway/libs/observe"
	"github.com/slipway-deploy/slipway/libs/service"
)

// Config is everything that can be set for an executor.
type Config struct {
	NATS    bus.Config        `conf:"nats"`
	Log     service.LogConfig `conf:"log"`
	Observe observe.Config    `conf:"observe"`

	Name  string        `conf:"name" help:"name of this executor in events (default: the machine's host name)"`
	Zones []string      `conf:"zones" default:"default" help:"zones that it works in: of servers with these values of the label zone; default: of those without"`
	Slots int           `conf:"slots" default:"64" help:"jobs that are worked on at once, over all zones"`
	Drain time.Duration `conf:"drain" default:"30s" help:"time that running jobs have to end when the executor is told to stop"`

	Seal    SealConfig    `conf:"seal"`
	SSH     SSHConfig     `conf:"ssh"`
	Job     JobConfig     `conf:"job"`
	Cache   CacheConfig   `conf:"cache"`
	Sources SourcesConfig `conf:"sources"`
	Logs    LogsConfig    `conf:"logs"`

	Supervisor SupervisorConfig `conf:"supervisor"`
}

// SupervisorConfig is about the supervisors of hosts.
type SupervisorConfig struct {
	Directory string `conf:"directory" default:"/etc/supervisor/conf.d" help:"directory on hosts whose *.conf files their supervisord includes, where an init writes"`
}

// Validate returns every mistake in the configuration.
func (c SupervisorConfig) Validate() []error {
	if !path.IsAbs(c.Directory) || path.Clean(c.Directory) != c.Directory {
		return []error{config.Invalid("directory", "%q must be an absolute path without . and ..", c.Directory)}
	}
	return nil
}

// LogsConfig says which files may be shown to those who ask for logs.
type LogsConfig struct {
	Allow []string `conf:"allow" default:"shared/log/*,shared/logs/*,current/log/*,current/logs/*" help:"patterns of log files that may be shown: absolute, or below the path of an application; * stops at a slash"`
}

// Validate returns every mistake in the configuration.
func (c LogsConfig) Validate() []error {
	var errs []error
	for _, pattern := range c.Allow {
		if _, err := path.Match(pattern, ""); err != nil || path.Clean(pattern) != pattern {
			errs = append(errs, config.Invalid("allow", "%q is no pattern of a file", pattern))
		}
	}
	return errs
}

// SealConfig says how credentials are opened.
type SealConfig struct {
	PrivateKey config.Secret `conf:"private_key" help:"private key that opens sealed credentials; older ones may follow, a line each"`
}

// SSHConfig says how hosts are connected to.
type SSHConfig struct {
	Agent          string        `conf:"agent" help:"socket of the SSH agent for servers without a credential (e.g. $SSH_AUTH_SOCK)"`
	ConnectTimeout time.Duration `conf:"connect_timeout" default:"10s" help:"for the TCP connection, and again for the handshake"`
	KeepAlive      time.Duration `conf:"keep_alive" default:"5s" help:"how often a host is asked for a sign of life"`
	MaxMissed      int           `conf:"max_missed" default:"3" help:"signs of life in a row that may be missing"`
	RecordWait     time.Duration `conf:"record_wait" default:"30s" help:"for a gateway to record the host key of a first contact"`

	Starts           int `conf:"starts" default:"64" help:"handshakes with hosts at once; as many again, as of the next two, for looking at what hosts hold"`
	StartsPerHost    int `conf:"starts_per_host" default:"4" help:"connections being opened at once with one host, such as a jump host; keep it below the MaxStartups of its sshd, 10 unless set otherwise, for all executors together"`
	StartsPerNetwork int `conf:"starts_per_network" default:"64" help:"connections being opened at once into one network: /24, or /64 of IPv6, or what lies behind one jump host"`

	JumpShare int           `conf:"jump_share" default:"32" help:"hosts that are reached over one connection to a jump host; for more, another is opened"`
	IdleTime  time.Duration `conf:"idle_time" default:"10m" help:"how long a connection is kept that nothing uses; 0: not at all"`
	IdleMax   int           `conf:"idle_max" default:"256" help:"connections that are kept so"`
}

// JobConfig bounds jobs and their steps.
type JobConfig struct {
	StepTimeout time.Duration `conf:"step_timeout" default:"15m" help:"for one step on one host"`
	HostTimeout time.Duration `conf:"host_timeout" default:"30m" help:"for all steps on one host"`
	LockWait    time.Duration `conf:"lock_wait" default:"30s" help:"for the work of another installation of Slipway on the same host to end"`
	Tries       int           `conf:"tries" default:"3" help:"tries of a step whose connection broke"`
	MaxAttempts int           `conf:"max_attempts" default:"10" help:"attempts of a job that was cut short, over all executors"`
	AckWait     time.Duration `conf:"ack_wait" default:"6s" help:"after which the job of an executor that died goes to another; the same for all executors"`
}

// CacheConfig bounds the packages that are kept on disk.
type CacheConfig struct {
	Dir         string      `conf:"dir" help:"directory for packages on their way to hosts (default: a directory of the system for temporary files)"`
	Size        config.Size `conf:"size" default:"4GiB" help:"packages kept beyond those in use"`
	MaxUnpacked config.Size `conf:"max_unpacked" default:"8GiB" help:"what a package may unpack to"`
	MaxEntries  int         `conf:"max_entries" default:"250000" help:"files and directories that a package may hold"`
}

// SourcesConfig is about packages that executors fetch from elsewhere than the
// gateway.
type SourcesConfig struct {
	Allow       []string      `conf:"allow" help:"ranges (CIDR) that are not public and packages may be fetched from all the same"`
	CA          string        `conf:"ca" help:"certificates (PEM file) that are trusted for https in place of the system's"`
	Directories []string      `conf:"directories" help:"directories of this machine below which git repositories may be fetched from by file URLs"`
	MaxPackage  config.Size   `conf:"max_package" default:"2GiB" help:"largest package, and the most that git fetches for one repository"`
	Stall       time.Duration `conf:"stall" default:"30s" help:"without a byte from a server"`
	Tries       int           `conf:"tries" default:"5" help:"tries in a row that came no further"`
}

// Validate returns every mistake in the configuration.
func (c Config) Validate() []error {
	errs := positive(map[string]int64{"slots": int64(c.Slots)})
	if c.Slots > 0 && c.Slots < len(c.Zones) { // in each zone, one waits for the next job
		errs = append(errs, config.Invalid("slots", "must be at least the number of zones, %d", len(c.Zones)))
	}
	if len(c.Zones) == 0 {
		errs = append(errs, config.Invalid("zones", "must name at least one zone"))
	}
	for i, zone := range c.Zones {
		switch {
		case !contract.ValidZone(zone):
			errs = append(errs, config.Invalid("zones", "%q must be 1 to 32 lower-case letters, digits, '_' and '-'", zone))
		case slices.Contains(c.Zones[:i], zone):
			errs = append(errs, config.Invalid("zones", "names %s twice", zone))
		}
	}
	return errs
}

// Validate returns every mistake in the configuration.
func (c SealConfig) Validate() []error {
	if c.PrivateKey == "" {
		return []error{config.Invalid("private_key", "is needed: slipway-executor keygen FILE makes one")}
	}
	return nil
}

// Validate returns every mistake in the configuration.
func (c SSHConfig) Validate() []error {
	errs := positive(map[string]int64{
		"connect_timeout": int64(c.ConnectTimeout), "keep_alive": int64(c.KeepAlive),
		"max_missed": int64(c.MaxMissed), "record_wait": int64(c.RecordWait),
		"starts": int64(c.Starts), "starts_per_host": int64(c.StartsPerHost), "starts_per_network": int64(c.StartsPerNetwork),
	})
	if c.JumpShare < 2 {
		errs = append(errs, config.Invalid("jump_share", "must be at least 2"))
	}
	if c.IdleTime < 0 {
		errs = append(errs, config.Invalid("idle_time", "must not be negative"))
	}
	if c.IdleMax < 0 {
		errs = append(errs, config.Invalid("idle_max", "must not be negative"))
	}
	return errs
}

// Validate returns every mistake in the configuration.
func (c JobConfig) Validate() []error {
	errs := positive(map[string]int64{
		"step_timeout": int64(c.StepTimeout), "host_timeout": int64(c.HostTimeout),
		"lock_wait": int64(c.LockWait / time.Second), "tries": int64(c.Tries), "max_attempts": int64(c.MaxAttempts),
	})
	if c.AckWait < time.Second {
		errs = append(errs, config.Invalid("ack_wait", "must be at least 1s, not %s", c.AckWait))
	}
	return errs
}

// Validate returns every mistake in the configuration.
func (c CacheConfig) Validate() []error {
	return positive(map[string]int64{"max_unpacked": int64(c.MaxUnpacked), "max_entries": int64(c.MaxEntries)})
}

// Validate returns every mistake in the configuration.
func (c SourcesConfig) Validate() []error {
	errs := positive(map[string]int64{
		"max_package": int64(c.MaxPackage), "stall": int64(c.Stall / time.Second), "tries": int64(c.Tries),
	})
	if _, err := netguard.ParseRanges(c.Allow); err != nil {
		errs = append(errs, config.Invalid("allow", "%w", err))
	}
	for _, dir := range c.Directories {
		if !filepath.IsAbs(dir) {
			errs = append(errs, config.Invalid("directories", "%q is not absolute", dir))
		}
	}
	return errs
}

func positive(settings map[string]int64) []error {
	var errs []error
	for name, value := range settings {
		if value <= 0 {
			errs = append(errs, config.Invalid(name, "must be positive"))
		}
	}
	return errs
}
