package history

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/service"
	"github.com/slipway-deploy/slipway/services/history/internal/archive"
	"github.com/slipway-deploy/slipway/services/history/internal/retention"
)

// RestoreConfig is everything that can be set for bringing deployments back.
type RestoreConfig struct {
	Store      StoreConfig       `conf:"store"`
	Archive    ArchiveConfig     `conf:"archive"`
	Deployment string            `conf:"deployment" help:"the one to bring back; empty: all that are in --from"`
	From       string            `conf:"from" help:"file or directory, or URL of one in storage that speaks S3; empty: the file of the deployment in the archive"`
	Log        service.LogConfig `conf:"log"`

	// One file configures all commands.
	NATS      bus.Config      `conf:"nats"`
	Retention RetentionConfig `conf:"retention"`
}

// Validate returns the mistakes that several settings make together.
func (c RestoreConfig) Validate() []error {
	switch {
	case c.From == "" && c.Deployment == "":
		return []error{config.Invalid("deployment", "this, or from, must say what to bring back")}
	case c.From == "" && c.Archive.Directory == "" && c.Archive.S3 == "":
		return []error{config.Invalid("archive.directory", "this, archive.s3 or from must say where the deployment is")}
	}
	return nil
}

// Restore brings archived deployments back.
type Restore struct {
	cfg RestoreConfig
	out io.Writer
}

// NewRestore returns it; out is told what is brought back. It does not connect.
func NewRestore(cfg RestoreConfig, _ zerolog.Logger, out io.Writer) (*Restore, error) {
	if errs := slices.Concat(cfg.Store.Validate(), cfg.Archive.Validate(), cfg.Validate()); len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return &Restore{cfg: cfg, out: out}, nil
}

// Run brings the deployments back and returns when they are there. It may be repeated, and
// history may run meanwhile.
func (r *Restore) Run(ctx context.Context, _ func()) error {
	docs, err := open(ctx, r.cfg.Store, "")
	if err != nil {
		return err
	}
	defer docs.close()
	if err := docs.Prepare(ctx); err != nil {
		return fmt.Errorf("prepare the store: %w", err)
	}
	place, names, err := r.find(ctx, docs)
	if err != nil {
		return err
	}
	restorer := retention.NewRestorer(docs.Store, r.cfg.Deployment, time.Now())
	for _, name := range names {
		if err := restore(ctx, restorer, place, name); err != nil {
			return err
		}
	}
	for _, id := range restorer.Restored {
		fmt.Fprintf(r.out, "brought back %s\n", id)
	}
	for _, id := range restorer.There {
		fmt.Fprintf(r.out, "%s is there, and stays as it is\n", id)
	}
	if len(restorer.Restored)+len(restorer.There) == 0 {
		return fmt.Errorf("%w: %s", archive.ErrNone, r.cfg.Deployment)
	}
	fmt.Fprintf(r.out, "%d deployments brought back\n", len(restorer.Restored))
	return nil
}

func restore(ctx context.Context, restorer *retention.Restorer, place archive.Place, name string) error {
	f, err := place.Open(ctx, name)
	if err != nil {
		return err
	}
	defer f.Close()
	return restorer.Restore(ctx, name, f)
}

// find returns the files to read.
func (r *Restore) find(ctx context.Context, docs opened) (archive.Place, []string, error) {
	if r.cfg.From == "" {
		place, err := r.cfg.Archive.place()
		if err != nil {
			return nil, nil, err
		}
		name, err := retention.FileOf(ctx, docs.Store, r.cfg.Deployment)
		return place, []string{name}, err
	}
	place, name, err := r.cfg.Archive.at(r.cfg.From)
	if err != nil || name != "" {
		return place, []string{name}, err
	}
	var names []string
	err = place.Each(ctx, "", func(name string) error {
		names = append(names, name)
		return nil
	})
	if of := slices.IndexFunc(names, func(name string) bool { return archive.IsOf(name, r.cfg.Deployment) }); of >= 0 {
		names = names[of : of+1]
	}
	return place, names, err
}

// at returns where a path or a URL leads: to a file, or to all that are there ("").
func (c ArchiveConfig) at(from string) (place archive.Place, name string, err error) {
	if u, err := url.Parse(from); err == nil && strings.HasPrefix(u.Scheme, "http") {
		c.S3 = from
		if archive.IsFile(from) {
			c.S3, name = strings.TrimSuffix(from, "/"+path.Base(from)), path.Base(from)
		}
		place, err = c.place()
		return place, name, err
	}
	info, err := os.Stat(from)
	if err != nil {
		return nil, "", err
	}
	if info.IsDir() {
		return archive.NewDirectory(from), "", nil
	}
	return archive.NewDirectory(filepath.Dir(from)), filepath.Base(from), nil
}
