//go:build race

package e2e

// raceDetector says whether the tests are built with the race detector.
const raceDetector = true
