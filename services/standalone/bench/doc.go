// Package bench measures Slipway on this machine, each figure beside a baseline
// that was measured in the same run, round by round in turns. `make bench` runs
// it, `make bench ONLY=<name>` a part of it. It is built with the tag bench
// alone, so that `make test` times nothing.
package bench
