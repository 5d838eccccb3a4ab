// Package apitest is a gateway for tests: a real HTTP server that speaks api-specs/openapi.yaml and forgets all when
// the test ends.
//
// Every request and every answer is held against that document; what does not match fails the test. So a test that
// passes here shows that the client asks only for what is documented, and understands what it documents.
//
// Deployments need no time: each look at the targets of one moves each host of its wave on by a few events, as
// script.go has them. Slow makes that one, and Hold none.
package apitest
