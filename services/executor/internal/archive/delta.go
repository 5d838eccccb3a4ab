package archive

import (
	"archive/tar"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"
)

// What a delta is worth making of, and what it may cost a host, which runs a program for
// each of its segments.
const (
	deltaFrom   = 1 << 20 // bytes of a file
	maxSegments = 200     // that are copied, of one file
	maxBlocks   = 16 << 10
	minBlock    = 4 << 10
)

// Segment is a part of a file: copied from its older version, or sent.
type Segment struct {
	Copy   bool
	Offset int64 // in the older version, of what is copied
	Length int64
}

// signature knows the blocks of the older version of a file: a rolling hash that finds
// them at any offset of the newer one, and a sha256 that confirms. Its memory is bounded
// whatever the size of the file, as larger ones have larger blocks.
type signature struct {
	block  int
	sums   [][sha256.Size]byte // by number of the block
	blocks map[uint64]int      // number by rolling hash
	filter []uint64            // bits of the hashes that there are: most offsets are told by these
	out    uint64              // factor of the byte that leaves the window
}

const (
	rollBy     = 0x9E3779B97F4A7C15 // odd, so that no byte is lost when it wraps
	filterBits = 20
)

func roll(window []byte) (h uint64) {
	for _, b := range window {
		h = h*rollBy + uint64(b) + 1
	}
	return h
}

func (s *signature) slot(h uint64) (word int, bit uint64) {
	at := h >> (64 - filterBits)
	return int(at >> 6), 1 << (at & 63)
}

// sign reads the older version, which has so many bytes.
func sign(r io.Reader, size int64) (*signature, error) {
	block := max(minBlock, 1<<bits.Len64(uint64(size/maxBlocks)))
	s := &signature{block: block, blocks: map[uint64]int{}, filter: make([]uint64, 1<<(filterBits-6)), out: 1}
	for range block {
		s.out *= rollBy
	}
	buf := make([]byte, block)
	for {
		_, err := io.ReadFull(r, buf)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) { // the rest of the file is no block
			return s, nil
		}
		if err != nil {
			return nil, err
		}
		h := roll(buf)
		if _, there := s.blocks[h]; !there {
			s.blocks[h] = len(s.sums)
			word, bit := s.slot(h)
			s.filter[word] |= bit
		}
		s.sums = append(s.sums, sha256.Sum256(buf))
	}
}

// diff reads the newer version and says of what it can be made.
func (s *signature) diff(r io.Reader) ([]Segment, error) {
	var (
		d    = delta{block: int64(s.block)}
		buf  = make([]byte, 0, s.block+1<<20)
		at   int // of the window in buf
		hash uint64
		know bool // hash is that of the window
	)
	for {
		if len(buf)-at <= s.block { // there must be a byte behind the window
			var err error
			buf, at = append(buf[:0], buf[at:]...), 0
			if buf, err = fillUp(r, buf); err != nil {
				return nil, err
			}
		}
		if len(buf)-at < s.block {
			break
		}
		window := buf[at : at+s.block]
		if !know {
			hash, know = roll(window), true
		}
		if n, found := s.find(hash, window, d.next); found {
			d.copy(n)
			at, know = at+s.block, false
			continue
		}
		d.send(1)
		if at+s.block < len(buf) {
			// Each byte is in the hash plus one, so that zeros count as well.
			hash = hash*rollBy + uint64(buf[at+s.block]) + 1 - s.out*(uint64(buf[at])+1)
		}
		at++
	}
	d.send(int64(len(buf) - at))
	return d.segments(), nil
}

// fillUp reads until buf is full or all is read.
func fillUp(r io.Reader, buf []byte) ([]byte, error) {
	n, err := io.ReadFull(r, buf[len(buf):cap(buf)])
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return buf[:len(buf)+n], err
}

// find returns the number of a block with this content, the next one if it has that.
func (s *signature) find(hash uint64, window []byte, next int) (int, bool) {
	if word, bit := s.slot(hash); s.filter[word]&bit == 0 {
		return 0, false
	}
	n, found := s.blocks[hash]
	if !found {
		return 0, false
	}
	sum := sha256.Sum256(window)
	if next < len(s.sums) && s.sums[next] == sum {
		return next, true
	}
	return n, s.sums[n] == sum
}

// delta collects segments.
type delta struct {
	block int64
	next  int // block after the last that was copied
	all   []Segment
}

func (d *delta) copy(n int) {
	offset := int64(n) * d.block
	d.next = n + 1
	if last := len(d.all) - 1; last >= 0 && d.all[last].Copy && d.all[last].Offset+d.all[last].Length == offset {
		d.all[last].Length += d.block
		return
	}
	d.all = append(d.all, Segment{Copy: true, Offset: offset, Length: d.block})
}

func (d *delta) send(bytes int64) {
	if last := len(d.all) - 1; last >= 0 && !d.all[last].Copy {
		d.all[last].Length += bytes
	} else if bytes > 0 {
		d.all = append(d.all, Segment{Length: bytes})
	}
}

// segments returns what was collected, with the shortest copies sent where there are too
// many.
func (d *delta) segments() []Segment {
	var lengths []int64
	for _, s := range d.all {
		if s.Copy {
			lengths = append(lengths, s.Length)
		}
	}
	if len(lengths) <= maxSegments {
		return d.all
	}
	slices.Sort(lengths)
	least := lengths[len(lengths)-maxSegments] + 1 // of as many or fewer
	fewer := delta{block: d.block}
	for _, s := range d.all {
		if s.Copy && s.Length >= least {
			fewer.all = append(fewer.all, s)
		} else {
			fewer.send(s.Length)
		}
	}
	return fewer.all
}

// literal is how many bytes of the segments are sent.
func literal(segments []Segment) (n int64) {
	for _, s := range segments {
		if !s.Copy {
			n += s.Length
		}
	}
	return n
}

// Patch makes a file of an older version of it.
type Patch struct {
	Old      string // path of that in the release where it lies
	Segments []Segment
}

// maxPatches is how many files of a package are compared at most, the largest of those
// that changed: each takes some memory, and a host some time.
const maxPatches = 16

// Patches compares large files that changed with what they were in another release, of
// which old is the whole bundle, and returns those of which at least half was there, by
// number in the manifest of fresh. saved is the bytes that need not be sent. Errors are
// of reading, or the context's.
func Patches(ctx context.Context, files, held []File, links map[int]string, fresh, old Whole) (patches map[int]Patch, saved int64, err error) {
	changed := changedFiles(files, held, links)
	if len(changed) == 0 {
		return nil, 0, nil
	}
	signatures := map[string]*signature{} // by path
	err = walk(ctx, old.Data, old.Codec, func(h *tar.Header, name string, number int, body io.Reader) (err error) {
		if number >= 0 && slices.ContainsFunc(changed, func(n int) bool { return files[n].Path == name }) {
			signatures[name], err = sign(body, h.Size)
		}
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("compare with an older release: %w", err)
	}
	patches = map[int]Patch{}
	err = walk(ctx, fresh.Data, fresh.Codec, func(_ *tar.Header, name string, number int, body io.Reader) error {
		s := signatures[name]
		if number < 0 || s == nil || !slices.Contains(changed, number) {
			return nil
		}
		segments, err := s.diff(body)
		if sent := literal(segments); err == nil && sent*2 <= files[number].Size {
			patches[number] = Patch{Old: name, Segments: segments}
			saved += files[number].Size - sent
		}
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("compare with an older release: %w", err)
	}
	return patches, saved, nil
}

// errFound ends a walk early.
var errFound = errors.New("found")

// Continue returns the patch for a file of which a host has the beginning: so many bytes
// with this sha256, at the path old. It is false where the file does not begin with them.
func Continue(ctx context.Context, whole Whole, number int, size int64, sum, old string) (patch Patch, ok bool, err error) {
	err = walk(ctx, whole.Data, whole.Codec, func(h *tar.Header, _ string, n int, body io.Reader) error {
		if n != number {
			return nil
		}
		begins := sha256.New()
		if _, err := io.CopyN(begins, body, size); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if ok = size < h.Size && hex.EncodeToString(begins.Sum(nil)) == sum; ok {
			patch = Patch{Old: old, Segments: []Segment{{Copy: true, Length: size}, {Length: h.Size - size}}}
		}
		return errFound
	})
	if err != nil && !errors.Is(err, errFound) {
		return Patch{}, false, fmt.Errorf("compare with what is there: %w", err)
	}
	return patch, ok, nil
}

// Whole is a bundle to read.
type Whole struct {
	Codec Codec
	Data  io.Reader
}

// changedFiles returns the numbers of the files to compare.
func changedFiles(files, held []File, links map[int]string) []int {
	before := map[string]int64{}
	for _, f := range held {
		before[f.Path] = f.Size
	}
	var changed []int
	for n, f := range files {
		if _, linked := links[n]; !linked && f.Size >= deltaFrom && before[f.Path] >= deltaFrom {
			changed = append(changed, n)
		}
	}
	slices.SortFunc(changed, func(a, b int) int { return cmp.Compare(files[b].Size, files[a].Size) })
	return changed[:min(len(changed), maxPatches)]
}
