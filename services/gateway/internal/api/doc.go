// Package api is version 1 of the HTTP interface, as api-specs/openapi.yaml
// describes it. routes.go is the table of what there is; each resource has a file
// of its own, whose handlers turn a call into an answer and know nothing of
// HTTP's ways; those are in serve.go (deadlines, panics, log), auth.go, permit.go,
// idempotent.go, call.go (bodies and queries) and problem.go (every error there
// is, as a problem document).
package api
