package main

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/standalone/internal/demo"
)

func TestAnInterruptedDemoSaysWhatItLeavesBehind(t *testing.T) {
	left := errors.Join(context.Canceled, fmt.Errorf("%w: unlinkat /tmp/slipway-demo-1: busy", demo.ErrNotCleared))
	for name, c := range map[string]struct {
		err         error
		interrupted bool
		said        string
		code        int
	}{
		"to its end":                 {nil, false, "", 0},
		"failed":                     {demo.ErrWrongRelease, false, "wrong release", 1},
		"interrupted":                {context.Canceled, true, "interrupted; everything is cleared away", 130},
		"interrupted, not cleared":   {left, true, "interrupted: " + left.Error(), 130},
		"failed to clear at its end": {demo.ErrNotCleared, false, demo.ErrNotCleared.Error(), 1},
	} {
		t.Run(name, func(t *testing.T) {
			said, code := verdict(c.err, c.interrupted)
			require.Equal(t, c.said, said)
			require.Equal(t, c.code, code)
		})
	}
}
