// Package probe is the small languages of the checks that measure a canary, or an application on its host: what
// a number must be (expect.go), which status codes are right (status.go), what a
// body must hold (pattern.go), both together (page.go), where to ask (url.go), what stands for the
// deployment (subject.go), what is learnt from it (verdict.go), and the bounds on
// all of it (bounds.go). The gateway tells clients by them what is wrong with a
// check, and scheduler and executors measure by them. It does no input or output.
package probe
