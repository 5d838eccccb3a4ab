package seal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// maxKeyFile bounds what is read of a key file, in bytes. A key has 65, and a newline.
const maxKeyFile = 4096

// LoadOrCreateKeyFile reads the private keys in the file at path, the newest first.
// If there is no file, it makes a key and a file for it, of mode 0600, in an existing
// directory. The file appears whole or not at all, and is on disk when the call
// returns; of several callers one makes the file and all return its key.
//
// It refuses with ErrKeyFile what is no plain file, what others than the owner
// have any access to, and what holds no private key. It never replaces a file:
// what was sealed to the key in it would be lost.
func LoadOrCreateKeyFile(path string) (Keys, error) {
	keys, err := loadKeyFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return keys, err
	}
	key, err := GenerateKey()
	if err != nil {
		return Keys{}, err
	}
	keys = KeysOf(key)
	err = writeKeyFile(path, keys, os.Link)
	if errors.Is(err, fs.ErrExist) { // another process was faster
		return loadKeyFile(path)
	}
	if err != nil {
		return Keys{}, fmt.Errorf("create the sealing key's file: %w", err)
	}
	return keys, nil
}

// ChangeKeyFile puts what change makes of the keys in the file at path in their
// place. Whoever reads meanwhile sees the one or the other, and it is on disk when
// the call returns. Of several callers one comes after the other.
func ChangeKeyFile(path string, change func(Keys) (Keys, error)) (Keys, error) {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return Keys{}, fmt.Errorf("change the sealing keys: %w", err)
	}
	defer dir.Close()
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX); err != nil { // until dir is closed
		return Keys{}, fmt.Errorf("change the sealing keys: %w", err)
	}
	keys, err := loadKeyFile(path)
	if err != nil {
		return Keys{}, err
	}
	if keys, err = change(keys); err != nil {
		return Keys{}, err
	}
	replace := func(from, to string) error {
		if err := sameOwner(from, to); err != nil {
			return err
		}
		return os.Rename(from, to)
	}
	if err := writeKeyFile(path, keys, replace); err != nil {
		return Keys{}, fmt.Errorf("change the sealing keys: %w", err)
	}
	return keys, nil
}

// sameOwner gives a file to the owner of another: who changes the keys may be root.
func sameOwner(file, as string) error {
	info, err := os.Stat(as)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(owner.Uid) == os.Geteuid() && int(owner.Gid) == os.Getegid() {
		return nil
	}
	return os.Chown(file, int(owner.Uid), int(owner.Gid))
}

// AddKey makes a new key in the file at path, which is sealed to from then on.
func AddKey(path string) (Keys, error) {
	return ChangeKeyFile(path, func(k Keys) (Keys, error) {
		key, err := GenerateKey()
		return k.With(key), err
	})
}

// DropKey removes the key of this id from the file at path. What is sealed to it
// can be opened no more. It fails with ErrNoKey where there is none of the id, or it
// is the newest.
func DropKey(path, id string) (Keys, error) {
	return ChangeKeyFile(path, func(k Keys) (Keys, error) {
		if len(k.Without(id).all) == len(k.all) {
			return k, fmt.Errorf("%w %q among the older ones of %s", ErrNoKey, id, path)
		}
		return k.Without(id), nil
	})
}

func loadKeyFile(path string) (Keys, error) {
	file, err := os.Open(path)
	if err != nil {
		return Keys{}, fmt.Errorf("read the sealing key: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return Keys{}, fmt.Errorf("read the sealing key: %w", err)
	}
	if !info.Mode().IsRegular() {
		return Keys{}, fmt.Errorf("%w: %s is not a plain file", ErrKeyFile, path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return Keys{}, fmt.Errorf("%w: others have access to %s (mode %04o): run chmod 600 on it, "+
			"and replace the key and the secrets sealed to it if somebody may have read it",
			ErrKeyFile, path, mode)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxKeyFile))
	if err != nil {
		return Keys{}, fmt.Errorf("read the sealing key: %w", err)
	}
	keys, err := ParseKeys(string(text))
	if err != nil {
		return Keys{}, fmt.Errorf("%w: %s: %w; restore it from a backup, or move it away to get a new key: "+
			"secrets sealed to the old one must be entered again then", ErrKeyFile, path, err)
	}
	return keys, nil
}

// writeKeyFile writes a temporary file beside path and puts it there: by os.Link,
// which fails with fs.ErrExist if path exists by then, or by os.Rename. Writing to
// path itself, even with O_EXCL, could leave half a key there when the machine stops.
func writeKeyFile(path string, keys Keys, put func(from, to string) error) (err error) {
	text := keys.Reveal() + "\n"
	if len(text) > maxKeyFile {
		return fmt.Errorf("%w: %s would hold more keys than are read of it; drop some", ErrKeyFile, path)
	}
	dir := filepath.Dir(path)
	file, err := os.CreateTemp(dir, filepath.Base(path)+".*") // O_EXCL, mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if gone := os.Remove(file.Name()); !errors.Is(gone, fs.ErrNotExist) { // it was renamed
			err = errors.Join(err, gone)
		}
	}()
	_, err = file.WriteString(text)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err = put(file.Name(), path); err != nil {
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
