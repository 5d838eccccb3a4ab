// Command slipway is the command line of Slipway.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/slipway-deploy/slipway/services/cli/internal/commands"
)

// version is set when a release is linked: -X main.version=….
var version string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends what is under way in order; a second ends the process as it is.
	context.AfterFunc(ctx, stop)
	os.Exit(commands.Main(ctx, os.Args[1:], versionOf(version)))
}

// versionOf falls back on what the Go toolchain noted.
func versionOf(linked string) string {
	if linked != "" {
		return linked
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}
