package demo

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// application is what is deployed.
const application = "site"

// filmSize makes the package as large as to be seen on its way, at the rates of the demo hosts; in bytes.
const filmSize = 12 << 20

// buildSite makes the package of a small web site in dir and returns the name of its file.
func buildSite(dir, version string) (name string, err error) {
	name = application + "-" + version + ".tar.gz"
	file, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", fmt.Errorf("make the sample package: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	zip, _ := gzip.NewWriterLevel(file, gzip.BestSpeed) // most of it is a film, which nothing makes smaller
	archive := tar.NewWriter(zip)
	page := indexPage(version)
	err = errors.Join(
		addFile(archive, "index.html", int64(len(page)), page),
		addFile(archive, "assets/style.css", int64(len(stylesheet)), stylesheet),
		addFilm(archive, "assets/film.webm", version),
		archive.Close(), zip.Close(),
	)
	if err != nil {
		return "", fmt.Errorf("make the sample package: %w", err)
	}
	return name, nil
}

func indexPage(version string) string {
	return fmt.Sprintf("<!doctype html>\n<link rel=stylesheet href=assets/style.css>\n<h1>Version %s</h1>\n", version)
}

const stylesheet = "h1 { font-family: sans-serif }\n"

func addFile(archive *tar.Writer, name string, size int64, content string) error {
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: size}); err != nil {
		return err
	}
	_, err := io.WriteString(archive, content)
	return err
}

// addFilm adds noise, another for each version.
func addFilm(archive *tar.Writer, name, version string) error {
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: filmSize}); err != nil {
		return err
	}
	var seed [32]byte
	copy(seed[:], version)
	_, err := io.CopyN(archive, rand.NewChaCha8(seed), filmSize)
	return err
}
