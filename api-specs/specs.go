// Package apispecs holds openapi.yaml for programs: a module of its own, since
// what a module embeds lies in it, and a copy elsewhere would be a second truth.
package apispecs

import _ "embed"

// OpenAPI is openapi.yaml, the HTTP interface of the gateway.
//
//go:embed openapi.yaml
var OpenAPI []byte
