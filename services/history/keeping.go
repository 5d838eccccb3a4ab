package history

import (
	"time"

	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/services/history/internal/archive"
	"github.com/slipway-deploy/slipway/services/history/internal/retention"
)

var errNoArchive = config.Invalid("archive.directory", "this, or archive.s3, must say where deployments go that do not stay")

// RetentionConfig says which deployments stay at hand. By default all do.
type RetentionConfig struct {
	MaxAge      time.Duration `conf:"max_age" help:"deployments that ended longer ago go to the archive; 0: none does for that"`
	MaxCount    int           `conf:"max_count" help:"of each project, so many deployments stay, the newest; 0: all"`
	Projects    []string      `conf:"projects" help:"projects that have a policy of their own: \"shop max_age=2160h\", \"ci max_age=168h max_count=500\" or \"audit keep\""`
	RestoredFor time.Duration `conf:"restored_for" default:"168h" help:"for how long a deployment stays that was brought back from the archive"`
	Every       time.Duration `conf:"every" default:"1h" help:"how often it is looked for what goes"`
}

// Validate returns every mistake in the configuration.
func (c RetentionConfig) Validate() []error {
	var errs []error
	if err := (retention.Policy{MaxAge: c.MaxAge}).Check(); err != nil {
		errs = append(errs, config.Invalid("max_age", "%w", err))
	}
	if err := (retention.Policy{MaxCount: c.MaxCount}).Check(); err != nil {
		errs = append(errs, config.Invalid("max_count", "%w", err))
	}
	if _, err := retention.ParseProjects(c.Projects); err != nil {
		errs = append(errs, config.Invalid("projects", "%w", err))
	}
	if c.RestoredFor < 0 {
		errs = append(errs, config.Invalid("restored_for", "must not be negative"))
	}
	if c.Every < time.Second {
		errs = append(errs, config.Invalid("every", "must be at least 1s"))
	}
	return errs
}

// needs says that what goes has to go somewhere.
func (c RetentionConfig) needs(a ArchiveConfig) []error {
	if cfg, err := c.sweeping(); err == nil && !cfg.Policies.KeepAll() && a.Directory == "" && a.S3 == "" {
		return []error{errNoArchive}
	}
	return nil
}

// sweeping is the configuration as what acts on it knows it.
func (c RetentionConfig) sweeping() (retention.Config, error) {
	projects, err := retention.ParseProjects(c.Projects)
	return retention.Config{
		Policies: retention.Policies{Others: retention.Policy{MaxAge: c.MaxAge, MaxCount: c.MaxCount}, Projects: projects}, RestoredFor: c.RestoredFor,
	}, err
}

// ArchiveConfig says where archived deployments are kept.
type ArchiveConfig struct {
	Directory string        `conf:"directory" help:"directory that deployments are archived in"`
	S3        string        `conf:"s3" help:"or storage that speaks S3: https://ENDPOINT/BUCKET/PREFIX"`
	Region    string        `conf:"region" default:"us-east-1" help:"region of the bucket"`
	AccessKey string        `conf:"access_key" help:"access key for it; empty: what the environment has, as AWS's tools find it"`
	SecretKey config.Secret `conf:"secret_key" help:"secret key for it"`
}

// Validate returns every mistake in the configuration.
func (c ArchiveConfig) Validate() []error {
	var errs []error
	if c.Directory != "" && c.S3 != "" {
		errs = append(errs, config.Invalid("s3", "there is one archive, and archive.directory names it"))
	}
	if (c.AccessKey == "") != (c.SecretKey == "") {
		errs = append(errs, config.Invalid("access_key", "this and secret_key go together"))
	}
	if c.S3 != "" {
		if _, err := c.place(); err != nil {
			errs = append(errs, config.Invalid("s3", "%w", err))
		}
	}
	return errs
}

// place is where the archive is; nil: there is none.
func (c ArchiveConfig) place() (archive.Place, error) {
	switch {
	case c.S3 != "":
		return archive.NewS3(archive.S3Config{URL: c.S3, Region: c.Region, AccessKey: c.AccessKey, SecretKey: string(c.SecretKey)})
	case c.Directory != "":
		return archive.NewDirectory(c.Directory), nil
	default:
		return nil, nil
	}
}
