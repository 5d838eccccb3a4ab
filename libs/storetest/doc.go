// Package storetest gives tests a MongoDB: the embedded store of standalone, as
// a process of its own that can be killed, or a server of your own.
//
// By default Start builds slipway-standalone from the sources beside this
// package, once per test process, and runs its store on a temporary directory.
// The binary stays under build/ of the repository, so that later builds are a
// look at Go's build cache. With SLIPWAY_TEST_MONGODB_URI set, Start uses that
// server, in a database of the test's own.
package storetest
