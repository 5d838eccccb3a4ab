// Package bench measures Slipway on this machine, each figure beside a baseline
// that was measured in the same run, round by round in turns. `make bench` runs
// it, `make bench ONLY=<name>` a part of it. It is built with the tag bench
// alone, so that `make test` times nothing. CONTRIBUTING.md says what each part
// measures, and beside what.
//
// Packages are shipped to sshd hosts with roots of their own (sites_test.go),
// beside a plain Go program (plain_test.go) and tools that others ship with
// (peers_test.go, peers/).
//
// Some parts run standalone in this process (slipway_test.go), others separate
// processes whose executors meet simulated hosts (installation_test.go), since
// the scheduler's own time and memory, and several executors, are what they ask
// for.
package bench
