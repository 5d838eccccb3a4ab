// Package bench measures how fast history folds, and answers from, the embedded
// store, beside what that store takes by itself and beside a store in memory, which
// leaves the fold's own limit. `make bench ONLY=fold` and `ONLY=history` run it. It
// is built with the tag bench alone.
package bench
