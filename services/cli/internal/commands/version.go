package commands

import (
	"context"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

// program is what is known of this program.
type program struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show the version of this program",
		Args:  cobra.NoArgs,
		RunE: a.run(func(context.Context, *cobra.Command, []string) error {
			p := program{a.version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
			return a.show(p, func() []string { return []string{fmt.Sprintf("slipway %s (%s, %s)", p.Version, p.Go, p.Platform)} })
		}),
	}
}
