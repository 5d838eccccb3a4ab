// Package mask hides secrets in what hosts say: whatever passes has *** in the
// place of each. What a secret may look like is in forms.go, how it is found in
// mask.go, and while it is still being written in writer.go.
//
// Where secrets overlap or touch in a text, one *** stands for all of them, so that
// nothing of the one is left beside the other. A text that holds no secret passes
// as it is.
package mask
