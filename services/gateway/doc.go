// Package gateway is the HTTP edge of Slipway: it serves the REST API of
// api-specs/openapi.yaml, keeps the inventory (servers, packages, tokens), and
// turns requests for deployments into commands. It decides nothing about what
// may run, and connects to no host. Any number of replicas work side by side.
//
// A service goes through these states, and never back:
//
//	listening ──> starting ──> serving ──> stopping ──> stopped
//
//	listening  the address is taken; nothing is answered yet
//	starting   waits for NATS: /healthz answers 200, everything else 503
//	serving    ready was called
//	stopping   the context ended: no new requests; those that run are waited for
//	           (timeouts.shutdown), then cut off
//	stopped    every goroutine has ended and the connection is closed
package gateway
