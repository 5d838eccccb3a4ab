// Package source is what all kinds of sources of packages share that are not the
// object store: how their failures are told apart, and what is worth another
// try. The kinds are below it (web, s3, git); internal/fetch chooses among them.
package source
