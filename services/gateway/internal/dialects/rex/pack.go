package rex

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
)

// upload stores a part as a package, and returns its version: a digest of what is in it,
// so that the same is one release.
func (c Config) upload(ctx context.Context, r *dialects.Request, p part) (string, error) {
	stage, err := os.MkdirTemp(c.Soft, ".slipway-release-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(stage)
	err = copyTree(p.tree, stage, ".")
	if err == nil && isDir(p.over) {
		err = copyTree(p.over, stage, p.at)
	}
	if err != nil {
		return "", err
	}
	archive, err := os.CreateTemp(c.Soft, ".slipway-package-")
	if err != nil {
		return "", err
	}
	defer os.Remove(archive.Name())
	defer archive.Close()
	sum := sha256.New()
	if err := pack(stage, io.MultiWriter(archive, sum)); err != nil {
		return "", err
	}
	if _, err := archive.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	version := hex.EncodeToString(sum.Sum(nil))[:16]
	query := url.Values{"application": {p.Application}, "version": {version}, "filename": {p.Application + ".tar"}}
	return version, r.Do(ctx, dialects.Operation{Route: "POST /v1/packages", Query: query, Content: archive}, nil)
}

// pack writes what a directory holds as an archive that is the same for the same content.
func pack(dir string, to io.Writer) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	w := tar.NewWriter(to)
	err = filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		below, _ := filepath.Rel(dir, file)
		if err != nil || below == "." {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		leads := ""
		if info.Mode()&fs.ModeSymlink != 0 {
			if leads, err = os.Readlink(file); err != nil {
				return err
			}
		}
		head := &tar.Header{Name: filepath.ToSlash(below), Linkname: leads, Mode: int64(info.Mode().Perm()), Format: tar.FormatPAX}
		switch {
		case entry.IsDir():
			head.Typeflag, head.Name = tar.TypeDir, head.Name+"/"
		case leads != "":
			head.Typeflag = tar.TypeSymlink
		default:
			head.Typeflag, head.Size = tar.TypeReg, info.Size()
		}
		if err := w.WriteHeader(head); err != nil || head.Typeflag != tar.TypeReg {
			return err
		}
		in, err := root.Open(below)
		if err != nil {
			return err
		}
		defer in.Close()
		_, err = io.Copy(w, in)
		return err
	})
	return errors.Join(err, w.Close())
}
