// Package git fetches packages that are commits of git repositories. It is the
// git of the machine that talks to servers, as a process for each command
// (command.go), in an environment that holds nothing but what it is given
// (session.go): no configuration of the machine or the user, no hooks, no
// helpers, no prompts, one protocol. Credentials are on no command line and in
// no file: over https they travel in git's environment, over ssh in an agent
// that ends with the session (ssh.go).
//
// Nothing is checked out. The tree of a commit is read object by object and
// written as a tar archive (tree.go), so that no attribute, filter or link of a
// repository acts on this machine, and a commit is the same bytes always.
package git
