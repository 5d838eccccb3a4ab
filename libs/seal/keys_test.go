package seal_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/seal"
)

func TestWhatIsSealedAnewOpensForTheSameContextWithTheNewestKeyAlone(t *testing.T) {
	older, newer := newKey(t), newKey(t)
	keys := seal.KeysOf(newer, older)
	before := sealed(t, older.Public(), here, "s3cret")
	require.Equal(t, older.Public().ID(), before.KeyID())
	after, changed, err := keys.Reseal(before)
	require.NoError(t, err)
	require.True(t, changed)
	require.Equal(t, newer.Public().ID(), after.KeyID())
	require.Len(t, after, len(before), "no message grows by it")
	for _, one := range []seal.Sealed{before, after} {
		clear, err := keys.Open(here, one)
		require.NoError(t, err)
		require.Equal(t, "s3cret", string(clear))
		_, err = keys.Open("elsewhere", one)
		require.ErrorIs(t, err, seal.ErrContext)
	}
	_, err = older.Open(here, after)
	require.ErrorIs(t, err, seal.ErrOtherKey)
	again, changed, err := keys.Reseal(after)
	require.NoError(t, err)
	require.False(t, changed)
	require.Equal(t, after, again)
}

func TestWhatNoKeyOpensIsNotSealedAnew(t *testing.T) {
	keys, strange := seal.KeysOf(newKey(t), newKey(t)), newKey(t)
	for text, want := range map[seal.Sealed]error{
		sealed(t, strange.Public(), here, "s3cret"): seal.ErrOtherKey,
		"": seal.ErrDamaged, "v2.x": seal.ErrDamaged,
		seal.Sealed("v1." + keys.IDs()[1] + ".AAAA"): seal.ErrDamaged,
	} {
		got, changed, err := keys.Reseal(text)
		require.ErrorIs(t, err, want)
		require.False(t, changed)
		require.Equal(t, text, got)
	}
	_, err := seal.Keys{}.Open(here, sealed(t, strange.Public(), here, ""))
	require.ErrorIs(t, err, seal.ErrKey)
	require.Equal(t, seal.PublicKey{}, seal.Keys{}.Public())
}

func TestSealedSecretsAreFoundInJSON(t *testing.T) {
	key := newKey(t)
	one, two := sealed(t, key.Public(), here, ""), sealed(t, key.Public(), "", "") // the shortest that there is
	text := `{"credential":"` + string(one) + `","a":["` + string(two) + `","v1.0.","xv1.` + key.Public().ID() + `."]}`
	var found []seal.Sealed
	same := seal.Replace([]byte(text), func(s seal.Sealed) seal.Sealed { found = append(found, s); return s })
	require.Equal(t, []seal.Sealed{one, two}, found)
	require.Equal(t, text, string(same))
	changed := seal.Replace([]byte(text), func(s seal.Sealed) seal.Sealed { return "x" })
	require.Equal(t, strings.NewReplacer(string(one), "x", string(two), "x").Replace(text), string(changed))
}

func TestKeysAreALineEachAndNeverShown(t *testing.T) {
	newer, older := newKey(t), newKey(t)
	keys := seal.KeysOf(newer, older)
	require.Equal(t, newer.Reveal()+"\n"+older.Reveal(), keys.Reveal())
	read, err := seal.ParseKeys(keys.Reveal() + "\n")
	require.NoError(t, err)
	require.Equal(t, keys, read)
	for _, bad := range []string{"", "\n", keys.Reveal() + "\nx", newer.Public().String()} {
		_, err := seal.ParseKeys(bad)
		require.ErrorIs(t, err, seal.ErrKey)
	}
	for _, verb := range []string{"%s", "%v", "%+v", "%#v", "%q", "%x"} {
		for _, v := range []any{keys, &keys, struct{ k seal.Keys }{keys}} {
			require.NotContains(t, fmt.Sprintf(verb, v), strings.TrimPrefix(newer.Reveal(), "slipway-seal-private-"))
		}
	}
	require.Contains(t, keys.String(), older.Public().ID())
}
