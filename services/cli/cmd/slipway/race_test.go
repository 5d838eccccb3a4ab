//go:build race

package main

// buildFlags builds the program as the tests are built.
var buildFlags = []string{"-race"}
