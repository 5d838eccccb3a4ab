// Package serverlist reads the lists of servers that others keep: tables (csv.go),
// YAML (yaml.go), inventories of Ansible (ansible*.go, ranges.go), the client
// configuration of OpenSSH (sshconfig.go), and what the services rex and platform keep
// in their databases (rex.go, platform.go). It says what a list says; whether that is
// a server, package inventory knows.
//
// A list comes from anywhere. Nothing that it names is opened, no template in it is
// filled in, and what it says more than servers have is noted, not guessed at.
package serverlist
