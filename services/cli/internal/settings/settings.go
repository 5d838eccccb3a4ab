// Package settings keeps what `slipway login` stores: the address of a gateway and a token for it, in a file that only
// its owner may read.
package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/slipway-deploy/slipway/services/cli/internal/whole"
)

// What can go wrong, as errors.Is finds it.
var (
	// ErrNoHome: there is nowhere to keep settings.
	ErrNoHome = errors.New("neither XDG_CONFIG_HOME nor HOME names an absolute directory")

	// ErrDamaged: the file is there and cannot be understood.
	ErrDamaged = errors.New("the settings cannot be read")
)

// Settings is what is stored.
type Settings struct {
	URL   string `json:"url"`
	Token string `json:"token"`
}

// Path returns where the settings lie: $XDG_CONFIG_HOME/slipway/config.json, or below ~/.config. It fails with
// ErrNoHome.
func Path() (string, error) {
	dir := os.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) { // a relative one is to be ignored, as the XDG specification says
		home := os.Getenv("HOME")
		if !filepath.IsAbs(home) {
			return "", ErrNoHome
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "slipway", "config.json"), nil
}

// Load reads the settings. Where nothing is stored, they are empty. It fails with ErrNoHome or ErrDamaged; no error
// holds what is in the file.
func Load() (Settings, error) {
	path, err := Path()
	if err != nil {
		return Settings{}, err
	}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Settings{}, nil
	}
	if err != nil {
		return Settings{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	var s Settings
	if json.Unmarshal(raw, &s) != nil {
		return Settings{}, fmt.Errorf("%w: %s is not what `slipway login` wrote; log in again", ErrDamaged, path)
	}
	return s, nil
}

// Save stores the settings, readable for the owner alone whatever was there before, and returns where. Either all of it
// is stored or nothing.
func Save(s Settings) (string, error) {
	path, err := Path()
	if err != nil {
		return "", err
	}
	raw, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return "", fmt.Errorf("encode settings: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	return path, whole.File(path, func(w io.Writer) error {
		_, err := w.Write(append(raw, '\n'))
		return err
	})
}
