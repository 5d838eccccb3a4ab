package bundles

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// manifestOf is the manifest of one empty file.
func manifestOf(name string) (text []byte, sum string) {
	text = []byte("644 0 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  ./" + name + "\n")
	raw := sha256.Sum256(text)
	return text, hex.EncodeToString(raw[:])
}

func TestAManifestIsLearnedOnceAndOnlyAsItIsNamed(t *testing.T) {
	s := newSetting(t)
	c := s.open(1 << 20)
	manifest, sum := manifestOf("a")
	away := errors.New("the host is away")
	require.ErrorIs(t, c.Learn(t.Context(), sum, func(context.Context) ([]byte, error) { return nil, away }), away)
	require.ErrorIs(t, c.Learn(t.Context(), sum, func(context.Context) ([]byte, error) { return []byte("x"), nil }), ErrAltered)
	for range 2 {
		asked := false
		require.NoError(t, c.Learn(t.Context(), sum, func(context.Context) ([]byte, error) {
			require.False(t, asked)
			asked = true
			return manifest, nil
		}))
	}
	files, text, err := c.manifest(sum)
	require.NoError(t, err)
	require.Equal(t, manifest, text)
	require.Len(t, files, 1)
}

func TestAHostThatHangsKeepsNobodyFromLearningAManifest(t *testing.T) {
	s := newSetting(t)
	c := s.open(1 << 20)
	c.learnWait = time.Millisecond
	manifest, sum := manifestOf("a")
	hangs, given, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	gone := errors.New("the host is given up")
	go func() {
		ended <- c.Learn(context.WithoutCancel(t.Context()), sum, func(context.Context) ([]byte, error) {
			close(hangs)
			<-given
			return nil, gone
		})
	}()
	<-hangs
	asked := 0
	for range 2 {
		require.NoError(t, c.Learn(t.Context(), sum, func(context.Context) ([]byte, error) {
			asked++
			return manifest, nil
		}))
	}
	require.Equal(t, 1, asked)
	close(given)
	require.ErrorIs(t, <-ended, gone)
}

func TestWhoeverWaitsForAManifestIsAskedIfTheFirstFails(t *testing.T) {
	s := newSetting(t)
	c := s.open(1 << 20)
	manifest, sum := manifestOf("a")
	asked, answer, ended := make(chan struct{}), make(chan error), make(chan error, 1)
	go func() {
		ended <- c.Learn(context.WithoutCancel(t.Context()), sum, func(context.Context) ([]byte, error) {
			close(asked)
			return nil, <-answer
		})
	}()
	<-asked
	waiting := make(chan error, 1)
	go func() {
		waiting <- c.Learn(context.WithoutCancel(t.Context()), sum, func(context.Context) ([]byte, error) { return manifest, nil })
	}()
	gone := errors.New("the host is gone")
	answer <- gone
	require.ErrorIs(t, <-ended, gone)
	require.NoError(t, <-waiting)
}
