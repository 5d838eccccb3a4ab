package hostcmd

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// How is what a bundle holds of its package.
type How string

// The forms in which a package gets to a host.
const (
	Whole  How = "whole"  // all of it, to be unpacked where the release is staged
	Plain  How = "plain"  // all of it, each file in the release's own place: where current does not lead there
	Linked How = "linked" // without files that are linked from another release there
	Rest   How = "rest"   // what is missing of a release that was begun
)

// Bundle is what Stage gets on stdin (package archive makes it).
type Bundle struct {
	How    How
	Codec  string // gzip or none, or zstd where Probe found that
	SHA256 string // lower-case hex
	Size   int64  // bytes
	Disk   int64  // bytes that are to be free for it

	Manifest string // sha256 of the package's manifest, lower-case hex
	Files    int    // lines of the manifest
	Paths    int    // what find prints of the unpacked package, in lines
	Unpacked int64  // bytes of all its files
}

// Beside is where Linked and Rest have what files are made of, below the application path:
// that is where they are unpacked.
const Beside = "./.slipway/stage/came"

// Tree is where they have the files of the package while it is staged, likewise.
func Tree(version string) string { return "./.slipway/stage/tree/" + version }

// Place is where a release lies, below the application path. It counts once it is marked as
// complete.
func Place(version string) string { return "./releases/" + version }

// Listing is where the manifest of a release lies, likewise.
func Listing(version string) string { return "./.slipway/manifests/" + version }

// Stage reads the bundle from stdin, verifies and unpacks it, and moves it into
// place: complete or not at all. It prints KeyStep as transfer, verify and
// unpack are done. A release that is staged already is left as it is, and stdin
// unread; the one who writes to it must bear that.
//
// When less is free than the bundle takes, nothing is left, and it fails with ErrDiskFull; but
// where the bundle is not the whole package, all of which may take less, the release lacks all.
//
// Where the bundle is not the whole package, each file of the release is held to the
// manifest. If some are not as they should be, it succeeds with KeyStaged no and
// KeyLacks, and what is good waits for the rest, as it does where the bundle was cut
// short (ErrChecksum, or no answer at all).
func Stage(f Fence, r Release, b Bundle, deployment string) (Command, error) {
	c, err := f.command("stage",
		errors.Join(r.check(), b.check(), validateID("deployment", deployment)),
		r.Base, r.Version, r.Digest, b.SHA256, strconv.FormatInt(b.Size, 10), deployment,
		string(b.How), b.askedKB(), b.Manifest, strconv.Itoa(b.Files), strconv.Itoa(b.Paths), strconv.FormatInt(b.Unpacked, 10), b.Codec)
	c.Size = b.Size
	return c, err
}

// leastAsked is from how many bytes on a host looks whether they are free, which takes it a
// process. Whether there is room for less is seen when it comes.
const leastAsked = 1 << 20

// askedKB is how many KiB are to be free.
func (b Bundle) askedKB() string {
	if b.Disk < leastAsked {
		return "0"
	}
	return strconv.FormatInt((b.Disk-1)/1024+1, 10)
}

func (b Bundle) check() error {
	err := errors.Join(validateDigest("bundle sha256", b.SHA256), validateDigest("manifest sha256", b.Manifest))
	if b.How != Whole && b.How != Plain && b.How != Linked && b.How != Rest {
		err = errors.Join(err, fmt.Errorf("%w form of a bundle %q", ErrInvalid, b.How))
	}
	if b.Codec != "gzip" && b.Codec != "zstd" && b.Codec != "none" {
		err = errors.Join(err, fmt.Errorf("%w compression %q", ErrInvalid, b.Codec))
	}
	return err
}

// Manifest reads the manifest of a release, without fence, lock or change: KeyFile for each of
// its lines, in order. There are none where it has no manifest, or one beyond reason.
func Manifest(base, version string) (Command, error) {
	if err := errors.Join(ValidateBase(base), ValidateVersion(version)); err != nil {
		return Command{}, err
	}
	return Command{Step: "manifest", Args: []string{base, version}}, nil
}

// Base is a release on a host that another can share files with.
type Base struct {
	Version  string
	Manifest string // sha256, lower-case hex
}

// Base returns the release that Probe found, if it did.
func (o Output) Base() (Base, bool) {
	value, ok := o.Get(KeyBase)
	version, sum, _ := strings.Cut(value, " ")
	if !ok || ValidateVersion(version) != nil || validateDigest("manifest sha256", sum) != nil {
		return Base{}, false
	}
	return Base{version, sum}, true
}

// Drifted returns how many files of the release that runs, or is switched to, are gone or
// were changed since it was staged: as Inspect, Switch and Rollback found it.
func (o Output) Drifted() (version string, files int) {
	value, _ := o.Get(KeyDrifted)
	version, count, _ := strings.Cut(value, " ")
	files, err := strconv.Atoi(count)
	if err != nil {
		return "", 0
	}
	return version, files
}

// Kept is where the beginning of a file lies that was cut, below the application path.
const Kept = "./.slipway/stage/part"

// Cut is a file of which the beginning is on the host.
type Cut struct {
	Number int    // of the line in the manifest, from 0
	Size   int64  // bytes that are there; 0: there is no such file
	SHA256 string // of these
}

// Lacks is what a release still lacks after Stage.
type Lacks struct {
	Cut    Cut
	All    bool     // more than can be told in files, or nobody knows
	Ranges [][2]int // lines of the manifest, the first and the last of each, from 0; in order
}

// Lacks returns what Stage found missing; false where it found nothing.
func (o Output) Lacks() (Lacks, bool) {
	var l Lacks
	values := o.All(KeyLacks)
	for _, value := range values {
		first, last, _ := strings.Cut(value, "-")
		from, err1 := strconv.Atoi(first)
		to, err2 := strconv.Atoi(last)
		if err1 != nil || err2 != nil || from < 1 || to < from {
			return Lacks{All: true}, true
		}
		l.Ranges = append(l.Ranges, [2]int{from - 1, to - 1})
	}
	if value, ok := o.Get(KeyCut); ok {
		var cut Cut
		if n, err := fmt.Sscan(value, &cut.Number, &cut.Size, &cut.SHA256); n == 3 && err == nil && cut.Number > 0 {
			cut.Number--
			l.Cut = cut
		}
	}
	return l, len(values) > 0
}

// Has says whether a file of the manifest, by its number from 0, is among what is lacking.
func (l Lacks) Has(n int) bool {
	i := sort.Search(len(l.Ranges), func(i int) bool { return l.Ranges[i][1] >= n })
	return l.All || i < len(l.Ranges) && l.Ranges[i][0] <= n
}
