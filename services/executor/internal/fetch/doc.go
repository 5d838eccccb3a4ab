// Package fetch brings the content of packages to this executor, wherever it
// lies: in the object store, or at a source of its own (internal/source). It
// opens the credentials of sources, which nobody else can (fetch.go), and answers
// gateways that ask which commit a branch or tag is (serve.go).
package fetch
