// Package e2e tests Slipway as its users meet it: real binaries, started as processes, over real OpenSSH hosts. It holds
// tests alone.
//
// Slipway runs in two ways here: as the one process of slipway-standalone (standalone_test.go), and as separate processes
// around a nats-server and a store of their own (fleet_test.go), which are killed, frozen and brought back one by one.
//
// chaos_*_test.go carries out the scripts of package chaos: everything at once, and a verdict in the end. `make chaos` runs
// that alone, for longer.
//
// # What it needs
//
// Linux, root (small disks and read-only directories are mounts), sshd, and the go command, which builds the binaries once
// a run. With -race the services that run as processes of their own are built with the race detector too.
//
// # What it leaves behind
//
// Nothing. SLIPWAY_E2E_DIR names a directory to keep what the processes wrote, for a look after a failure. A chaos run that
// fails keeps it by itself.
package e2e
