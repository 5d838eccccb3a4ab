package seal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// maxKeyFile bounds what is read of a key file, in bytes. A key has 65.
const maxKeyFile = 4096

// LoadOrCreateKeyFile reads the private key in the file at path. If there is
// none, it makes a key and a file for it, of mode 0600, in an existing
// directory. The file appears whole or not at all, and is on disk when the call
// returns; of several callers one makes the file and all return its key.
//
// It refuses with ErrKeyFile what is no plain file, what others than the owner
// have any access to, and what holds no private key. It never replaces a file:
// what was sealed to the key in it would be lost.
func LoadOrCreateKeyFile(path string) (PrivateKey, error) {
	key, err := loadKeyFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if key, err = GenerateKey(); err != nil {
		return PrivateKey{}, err
	}
	err = createKeyFile(path, key)
	if errors.Is(err, fs.ErrExist) { // another process was faster
		return loadKeyFile(path)
	}
	if err != nil {
		return PrivateKey{}, fmt.Errorf("create the sealing key's file: %w", err)
	}
	return key, nil
}

func loadKeyFile(path string) (PrivateKey, error) {
	file, err := os.Open(path)
	if err != nil {
		return PrivateKey{}, fmt.Errorf("read the sealing key: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return PrivateKey{}, fmt.Errorf("read the sealing key: %w", err)
	}
	if !info.Mode().IsRegular() {
		return PrivateKey{}, fmt.Errorf("%w: %s is not a plain file", ErrKeyFile, path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return PrivateKey{}, fmt.Errorf("%w: others have access to %s (mode %04o): run chmod 600 on it, "+
			"and replace the key and the secrets sealed to it if somebody may have read it",
			ErrKeyFile, path, mode)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxKeyFile))
	if err != nil {
		return PrivateKey{}, fmt.Errorf("read the sealing key: %w", err)
	}
	key, err := ParsePrivate(string(text))
	if err != nil {
		return PrivateKey{}, fmt.Errorf("%w: %s: %w; restore it from a backup, or move it away to get a new key: "+
			"secrets sealed to the old one must be entered again then", ErrKeyFile, path, err)
	}
	return key, nil
}

// createKeyFile writes a temporary file beside path and links it to path, which
// fails with fs.ErrExist if path exists by then. Writing to path itself, even
// with O_EXCL, could leave half a key there when the machine stops.
func createKeyFile(path string, key PrivateKey) (err error) {
	dir := filepath.Dir(path)
	file, err := os.CreateTemp(dir, filepath.Base(path)+".*") // O_EXCL, mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
	_, err = file.WriteString(key.Reveal() + "\n")
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err = os.Link(file.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes the names in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
