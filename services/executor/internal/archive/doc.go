// Package archive turns a package as it was uploaded into a bundle: the one
// form in which content reaches a host.
//
// An upload is a tar.gz, tar.zst, tar or zip archive, or a single file. A
// bundle is always a plain tar that Build writes itself, header by header, and
// that a host unpacks with `gzip -dc | tar -xpf -`, or zstd where it has that. Nothing of the
// original's headers gets there, so it does not matter where Go's parser and
// the host's tar disagree.
//
// What a bundle guarantees:
//
//   - Every name starts with "./" and stays inside the directory that it is
//     unpacked in, also by way of links. No entry is written through a link.
//   - There are files, directories, symbolic links and hard links to files
//     earlier in the bundle; nothing else.
//   - A path occurs once. A directory may occur a second time, when the archive
//     names it after what is in it; the second gives it its mode.
//   - Owner is 0/0 without names, so tar run by root gives the files to root.
//     Of the mode the nine rwx bits stay (setuid, setgid and sticky are
//     dropped), with at least u+rw, and u+x for directories.
//   - The same input gives the same bytes.
//   - It ends with a manifest of its files, below the one name at the top that
//     packages may not use.
//
// A part of a bundle (WritePart) is for a host that has some of the files: those are
// links into another release there, or not in it at all. It is unpacked above the
// release, so its names begin with the path of that. So is a small package as a whole.
//
// Long and non-ASCII names use GNU's long-name records, never PAX: busybox tar
// skips PAX headers or knows a part of them, and every tar in use reads GNU's.
//
// Memory stays bounded whatever comes in: bodies are streamed, and what is kept
// of an entry (its path) is bounded by Limits.
package archive
