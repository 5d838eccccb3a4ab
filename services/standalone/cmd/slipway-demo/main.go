// Command slipway-demo shows Slipway at work: see internal/demo. It ends by itself and leaves nothing behind.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/slipway-deploy/slipway/services/standalone/internal/demo"
)

// exitInterrupted is what shells know an interrupted command by.
const exitInterrupted = 130

func main() { os.Exit(run()) }

func run() int {
	own, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, "slipway-demo:", err)
		return 1
	}
	bin := flag.String("bin", filepath.Dir(own), "`directory` with slipway and slipway-standalone")
	flag.Parse()
	// Until the end: a second signal must not keep the demo from clearing away what it made.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	err = demo.Run(ctx, *bin, os.Stdout)
	said, code := verdict(err, ctx.Err() != nil)
	if said != "" {
		fmt.Fprintln(os.Stderr, "slipway-demo:", said)
	}
	return code
}

// verdict is what the demo's end is called, and its exit status.
func verdict(err error, interrupted bool) (said string, code int) {
	switch {
	case err == nil:
		return "", 0
	case !interrupted:
		return err.Error(), 1
	case errors.Is(err, demo.ErrNotCleared):
		return "interrupted: " + err.Error(), exitInterrupted
	default:
		return "interrupted; everything is cleared away", exitInterrupted
	}
}
