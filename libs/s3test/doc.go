// Package s3test gives tests a real server that speaks S3: versitygw, built from a module of
// its own (testdata/versitygw), so that what it needs is in no module of ours. The first
// build takes minutes; the binary stays under build/ of the repository.
package s3test
