// Package client speaks the gateway's HTTP interface (api-specs/openapi.yaml): a method for each operation that the
// command line needs, typed as the wire is. Its tests hold every struct and every request against that document.
//
// A request fails with ErrUnreachable, ErrDenied or ErrRejected; where the gateway said why, the error holds a *Problem.
// No error holds the token.
package client
