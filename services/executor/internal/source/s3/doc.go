// Package s3 makes requests for objects in storage that speaks the protocol of
// S3. They are fetched as other files are (internal/source/web); what is S3's own
// is the address of an object and the signature, version 4, which minio-go makes.
package s3
