package e2e

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// binaries is the directory of the programs under test.
var binaries string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "slipway-e2e-bin-")
	if err == nil {
		defer os.RemoveAll(dir)
		binaries = dir
		err = buildAll(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build the programs under test:", err)
		return 1
	}
	return m.Run()
}

// program is what one call of go build makes, run in the directory of a module so that it builds outside of the
// workspace too.
type program struct {
	module string // directory below services
	pkg    string
	race   bool // whether it gets the race detector where the tests have it
}

var programs = []program{
	{module: "gateway", pkg: "./cmd/slipway-gateway", race: true},
	{module: "scheduler", pkg: "./cmd/slipway-scheduler", race: true},
	{module: "history", pkg: "./cmd/slipway-history", race: true},
	{module: "executor", pkg: "./cmd/slipway-executor", race: true},
	{module: "cli", pkg: "./cmd/slipway"},
	// With the race detector, the SQLite in it takes minutes to compile.
	{module: "standalone", pkg: "./cmd/slipway-standalone"},
	{module: "standalone", pkg: "github.com/nats-io/nats-server/v2"},
}

func buildAll(dir string) error {
	errs := make([]error, len(programs))
	slots := make(chan struct{}, 2) // go build is parallel by itself
	var building sync.WaitGroup
	for i, p := range programs {
		building.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			errs[i] = p.build(dir)
		})
	}
	building.Wait()
	return errors.Join(errs...)
}

func (p program) build(dir string) error {
	args := []string{"build", "-o", dir + string(filepath.Separator)}
	if p.race && raceDetector {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, p.pkg)...)
	cmd.Dir = filepath.Join("..", "..", p.module)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", p.pkg, err, out)
	}
	return nil
}
