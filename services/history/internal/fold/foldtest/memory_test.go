package foldtest_test

import (
	"testing"

	"github.com/slipway-deploy/slipway/services/history/internal/fold/foldtest"
)

func TestMemoryIsAStore(t *testing.T) {
	foldtest.Conformance(t, true, func(*testing.T) foldtest.Store { return foldtest.NewMemory() })
}
