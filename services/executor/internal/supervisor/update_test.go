package supervisor

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/supervisortest"
)

func TestGroupsAreAddedChangedAndRemovedAndOthersLeftAlone(t *testing.T) {
	s := supervisortest.Start(t, map[string]string{"other.conf": program("other", "exec sleep 600", "")})
	v, ctx := over(s.Socket), t.Context()
	write := func(name, content string) {
		t.Helper()
		require.NoError(t, os.WriteFile(filepath.Join(s.Conf, name), []byte(content), 0o600))
	}
	update := func(groups ...string) []string {
		t.Helper()
		changed, err := v.Update(ctx, groups)
		require.NoError(t, err)
		return changed
	}
	runs := func(name string, times int) {
		t.Helper()
		require.Eventually(t, func() bool { return started(t, s, name) == times }, time.Minute, time.Millisecond)
	}
	write("shop.conf", program("shop", "exec sleep 600", "")+program("a", "exec sleep 600", "")+"[group:all]\nprograms=a\n")
	write("other.conf", program("other", "exec sleep 60", ""))
	require.Equal(t, []string{"all", "shop"}, update("shop", "a", "all"))
	runs("shop", 1)
	runs("a", 1)
	require.Empty(t, update("shop", "a", "all"), "nothing is left to be done")
	write("shop.conf", program("shop", "exec sleep 60", ""))
	require.Equal(t, []string{"all", "shop"}, update("shop", "all"))
	runs("shop", 2)
	require.ErrorIs(t, v.Alive(ctx, "all", 0), ErrUnknown)
	runs("other", 1)

	write("shop.conf", "[program:shop]\n")
	_, err := v.Update(ctx, []string{"shop"})
	require.ErrorIs(t, err, ErrInvalid)
	require.ErrorContains(t, err, "command")
	require.NoError(t, v.Alive(ctx, "shop", 0), "what runs is left alone")
}

func TestGroupsOfAConfiguration(t *testing.T) {
	require.Equal(t, []string{"shop", "all", "x", "y"}, Groups([]string{
		"[program:shop]", "command=a[program:b]", " [group:all]\r", "[fcgi-program:x]", "[eventlistener:y]", "[supervisord]", "[include]", "[x:z]", "",
	}))
}
