// Command slipway-states writes docs/states.md, from the root of the repository.
package main

import (
	"fmt"
	"os"

	"github.com/slipway-deploy/slipway/libs/deploy/internal/statedoc"
)

func main() {
	if err := os.WriteFile(statedoc.Path, []byte(statedoc.Render()), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
