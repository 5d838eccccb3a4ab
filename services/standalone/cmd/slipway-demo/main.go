// Command slipway-demo shows Slipway at work: see internal/demo. It ends by itself and leaves nothing behind.
package main

import (
	"context"
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
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "slipway-demo: interrupted; everything is cleared away")
		return exitInterrupted
	default:
		fmt.Fprintln(os.Stderr, "slipway-demo:", err)
		return 1
	}
}
