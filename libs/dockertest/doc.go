// Package dockertest runs a real Docker for tests: a dockerd of its own, whose socket,
// images and containers are in a directory of the test's, and end with it. There is no
// bridge and no iptables, so containers have the network of the machine, or none.
//
// It needs root, and Debian's package docker.io. Without them the test ends with t.Fatal,
// which says so. No registry is reachable from tests: images are built from scratch, around
// Server. Registry runs one, of Debian's package docker-registry.
package dockertest
