// Package archive keeps documents outside the store: in a directory, or in storage that
// speaks the protocol of S3.
//
// A file holds one deployment, or several: they can be put together with cat. It is
// compressed by gzip, and a line of it is one JSON object:
//
//	{"kind":"deployment","version":1,"deployment":…,"project":…,"application":…}
//	{"kind":"document","version":1,"collection":"deployments","document":{…}}
//	{"kind":"document","version":1,"collection":"targets","document":{…}}
//	{"kind":"end","version":1,"deployment":…,"documents":2,"sha256":…}
//
// A document is MongoDB's Extended JSON (v2, canonical), so that it comes back as it was
// to the type of each number. The digest is of all lines of the deployment before it.
//
// A file is there whole or not at all, and was read again from where it is kept before
// anybody relies on it. The name of a deployment's file, and what is in it, follow from the
// deployment: to archive it again replaces the file by the same. A file is not replaced by
// one that has less, or has it as it was before.
package archive
