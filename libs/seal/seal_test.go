package seal_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/seal"
)

const here = "server/cq1/credential"

func newKey(t *testing.T) seal.PrivateKey {
	t.Helper()
	key, err := seal.GenerateKey()
	require.NoError(t, err)
	return key
}

func sealed(t *testing.T, key seal.PublicKey, context, plaintext string) seal.Sealed {
	t.Helper()
	s, err := key.Seal(context, []byte(plaintext))
	require.NoError(t, err)
	return s
}

func TestWhatIsSealedOpensWithItsKeyAndContext(t *testing.T) {
	key := newKey(t)
	for _, plaintext := range []string{"", "s3cret", "\x00\xff\n", strings.Repeat("long", 50_000)} {
		for _, context := range []string{"", here, strings.Repeat("c", 300)} {
			s := sealed(t, key.Public(), context, plaintext)
			require.Regexp(t, `^v1\.`+key.Public().ID()+`\.[A-Za-z0-9_-]+$`, string(s))
			got, err := key.Open(context, s)
			require.NoError(t, err)
			require.Equal(t, plaintext, string(got))
		}
	}
	require.NotEqual(t, sealed(t, key.Public(), here, "a"), sealed(t, key.Public(), here, "a")) //nolint:testifylint // each call seals anew
}

func TestWhatIsSealedForOnePlaceDoesNotOpenInAnother(t *testing.T) {
	key := newKey(t)
	s := sealed(t, key.Public(), here, "s3cret")
	for _, context := range []string{"", here + "x", here[:len(here)-1], "server/other/credential"} {
		_, err := key.Open(context, s)
		require.ErrorIs(t, err, seal.ErrContext)
		require.NotContains(t, err.Error(), "s3cret")
	}
	// Context and plaintext do not run into each other.
	_, err := key.Open("ab", sealed(t, key.Public(), "a", "bc"))
	require.ErrorIs(t, err, seal.ErrContext)
}

func TestAnotherKeyIsToldFromDamage(t *testing.T) {
	key, other := newKey(t), newKey(t)
	_, err := other.Open(here, sealed(t, key.Public(), here, "s3cret"))
	require.ErrorIs(t, err, seal.ErrOtherKey)
	require.ErrorContains(t, err, key.Public().ID())
	require.ErrorContains(t, err, other.Public().ID())
}

func TestNoDamageIsOverlooked(t *testing.T) {
	key := newKey(t)
	s := string(sealed(t, key.Public(), here, "s3cret"))
	start := strings.LastIndex(s, ".") + 1
	raw, err := base64.RawURLEncoding.DecodeString(s[start:])
	require.NoError(t, err)

	var damaged []string
	for i := range raw {
		flipped := append([]byte(nil), raw...)
		flipped[i] ^= 0x10
		damaged = append(damaged,
			s[:start]+base64.RawURLEncoding.EncodeToString(flipped),
			s[:start]+base64.RawURLEncoding.EncodeToString(raw[:i]))
	}
	damaged = append(damaged, "", "v1", "v1.", s+".", s+"\n", s+"A", "v2"+s[2:], s[start:], s[:start]+"!"+s[start:])
	for _, text := range damaged {
		_, err := key.Open(here, seal.Sealed(text))
		require.ErrorIs(t, err, seal.ErrDamaged, text)
	}
}

func TestTheZeroKeysAreOfNoUse(t *testing.T) {
	var public seal.PublicKey
	var private seal.PrivateKey
	_, err := public.Seal(here, []byte("s3cret"))
	require.ErrorIs(t, err, seal.ErrKey)
	_, err = private.Open(here, sealed(t, newKey(t).Public(), here, "s3cret"))
	require.ErrorIs(t, err, seal.ErrKey)
	require.Equal(t, public, private.Public())
	require.Empty(t, private.Reveal())
	require.Equal(t, "[no private sealing key]", private.String())
}

func TestKeysAreReadAsTheyAreWritten(t *testing.T) {
	key := newKey(t)
	require.Regexp(t, `^slipway-seal-private-[A-Za-z0-9_-]{43}$`, key.Reveal())
	require.Regexp(t, `^slipway-seal-public-[A-Za-z0-9_-]{43}$`, key.Public().String())
	require.Regexp(t, `^[0-9a-f]{8}$`, key.Public().ID())

	private, err := seal.ParsePrivate(" " + key.Reveal() + "\n")
	require.NoError(t, err)
	require.Equal(t, key, private)
	public, err := seal.ParsePublic("\t" + key.Public().String() + "\n")
	require.NoError(t, err)
	require.Equal(t, key.Public(), public)
}

// The texts that are stored must be read by every later version.
func TestStoredTextsStayReadable(t *testing.T) {
	key, err := seal.ParsePrivate("slipway-seal-private-AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA")
	require.NoError(t, err)
	require.Equal(t, "slipway-seal-public-B6N8vBQgk8i3VdwbEOhstCY3StFqqFPtC9_AsrhtHHw", key.Public().String())
	plaintext, err := key.Open(here, "v1.aaa8fff7.vh0Fd0MihnRVrVoWw18bA12KdBU8mmtnd59oLZfCI1Lw4hXn7RLJMQrCEZZRiaAJ2BFgu77U0L56XLOfsTYK6cIdFZ8RkC1vUoVNfQ")
	require.NoError(t, err)
	require.Equal(t, "s3cret", string(plaintext))
}

func TestWhatIsNoKeyIsRefusedWithoutRepeatingIt(t *testing.T) {
	key := newKey(t)
	private, public := key.Reveal(), key.Public().String()
	payload := strings.TrimPrefix(private, "slipway-seal-private-")
	for text, want := range map[string]string{
		"":                       "must begin with slipway-seal-private-",
		payload:                  "must begin with",
		public:                   "this is a public key",
		private + "A":            "must be followed by 32 bytes",
		private[:60]:             "must be followed by 32 bytes",
		private + " " + private:  "must be followed by 32 bytes",
		"slipway-seal-private-!": "must be followed by 32 bytes",
	} {
		_, err := seal.ParsePrivate(text)
		require.ErrorIs(t, err, seal.ErrKey)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), payload[:30])
	}
	_, err := seal.ParsePublic(private)
	require.ErrorIs(t, err, seal.ErrKey)
	require.ErrorContains(t, err, "this is a private key")
	require.NotContains(t, err.Error(), payload)

	for _, first := range []byte{0, 1} { // points that anybody could open for
		point := make([]byte, 32)
		point[0] = first
		_, err = seal.ParsePublic("slipway-seal-public-" + base64.RawURLEncoding.EncodeToString(point))
		require.ErrorIs(t, err, seal.ErrKey)
		require.ErrorContains(t, err, "low order")
	}
}

func TestAPrivateKeyIsNeverShown(t *testing.T) {
	type holder struct {
		Key    seal.PrivateKey
		hidden seal.PrivateKey
		Ptr    *seal.PrivateKey
	}
	key, err := seal.ParsePrivate("slipway-seal-private-" + strings.Repeat("QUFB", 10) + "QUE") // "AAA…"
	require.NoError(t, err)
	h := holder{Key: key, hidden: key, Ptr: &key}
	asJSON, err := json.Marshal(h)
	require.NoError(t, err)
	shown := []string{string(asJSON)}
	for _, verb := range []string{"%s", "%v", "%+v", "%#v", "%q", "%x", "%d"} {
		shown = append(shown, fmt.Sprintf(verb, key), fmt.Sprintf(verb, &key), fmt.Sprintf(verb, h))
	}
	for _, text := range shown {
		for _, leak := range []string{"QUFBQUFB", "AAAA", "65 65", "65, 65", "0x41, 0x41", "41414141"} {
			require.NotContains(t, text, leak)
		}
	}
	require.Equal(t, "[private sealing key "+key.Public().ID()+"]", fmt.Sprint(key))
}
