package contract_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// The golden messages are the contract: when a test here fails, the code is
// wrong unless the contract was changed on purpose.
const examplesDir = "../../api-specs/examples/v1"

// example is a golden message: <type without slipway.v1.>[.<variant>].json.
type example struct {
	file    string
	raw     []byte
	message contract.Message
}

func examples(t *testing.T) []example {
	t.Helper()
	entries, err := os.ReadDir(examplesDir)
	require.NoError(t, err)
	var all []example
	for _, entry := range entries {
		raw, err := os.ReadFile(filepath.Join(examplesDir, entry.Name()))
		require.NoError(t, err)
		m, err := contract.Decode(raw)
		require.NoError(t, err, entry.Name())
		all = append(all, example{entry.Name(), raw, m})
	}
	require.NotEmpty(t, all)
	return all
}

// golden returns the example of this name.
func golden(t *testing.T, name string) contract.Message {
	t.Helper()
	all := examples(t)
	i := slices.IndexFunc(all, func(e example) bool { return e.file == name+".json" })
	require.GreaterOrEqual(t, i, 0, "no example %s", name)
	return all[i].message
}

func TestEveryTypeHasAnExampleAndEveryExampleAType(t *testing.T) {
	files := map[string]bool{}
	for _, e := range examples(t) {
		files[e.file] = true
		name := strings.TrimPrefix(string(e.message.Type), "slipway.v1.")
		rest, ok := strings.CutPrefix(e.file, name)
		require.True(t, ok, "%s holds a message of type %s", e.file, e.message.Type)
		require.Regexp(t, `^(\.[a-z]+)?\.json$`, rest, "%s: a variant is one word", e.file)
	}
	for _, typ := range contract.Types() {
		name, ok := strings.CutPrefix(string(typ), "slipway.v1.")
		require.True(t, ok, "%s: every type carries the version", typ)
		require.True(t, files[name+".json"], "%s has no example", typ)
	}
}

func TestAnExampleIsDecodedAndEncodedWithoutLoss(t *testing.T) {
	for _, e := range examples(t) {
		t.Run(e.file, func(t *testing.T) {
			require.Equal(t, e.message.Type, e.message.Body.MessageType())
			again, err := contract.Encode(e.message.Envelope, e.message.Body)
			require.NoError(t, err)
			require.JSONEq(t, string(e.raw), string(again))
		})
	}
}

// The examples of a type show all its fields between them, so that none can
// change its name or meaning unnoticed.
func TestTheExamplesOfATypeShowEveryField(t *testing.T) {
	shown := map[contract.Type]map[string]bool{}
	all := map[contract.Type]map[string]bool{}
	envelope, inEnvelope := map[string]bool{}, map[string]bool{}
	for _, e := range examples(t) {
		typ := e.message.Type
		if shown[typ] == nil {
			shown[typ], all[typ] = map[string]bool{}, map[string]bool{}
		}
		fields("", reflect.ValueOf(e.message.Body), shown[typ], all[typ])
		fields("", reflect.ValueOf(e.message.Envelope), envelope, inEnvelope)
	}
	for typ, wanted := range all {
		for f := range wanted {
			require.True(t, shown[typ][f], "no example of %s shows %s", typ, f)
		}
	}
	delete(inEnvelope, ".Data") // it is decoded into the body
	for f := range inEnvelope {
		require.True(t, envelope[f], "no example shows %s of the envelope", f)
	}
}

// fields adds the fields below v to all, and those that are not zero to shown.
func fields(path string, v reflect.Value, shown, all map[string]bool) {
	if path != "" {
		all[path] = true
		if v.IsZero() {
			return
		}
		shown[path] = true
	}
	switch {
	case v.Kind() == reflect.Pointer:
		fields(path+"*", v.Elem(), shown, all)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		for i := range v.Len() {
			fields(path+"[]", v.Index(i), shown, all)
		}
	case v.Kind() == reflect.Struct && v.Type().PkgPath() != "time":
		for i := range v.NumField() {
			fields(path+"."+v.Type().Field(i).Name, v.Field(i), shown, all)
		}
	}
}

func TestFieldsOfALaterVersionAreIgnored(t *testing.T) {
	for _, e := range examples(t) {
		t.Run(e.file, func(t *testing.T) {
			var tree any
			require.NoError(t, json.Unmarshal(e.raw, &tree))
			added := extend(tree)
			require.GreaterOrEqual(t, added, 2, "envelope and data")
			raw, err := json.Marshal(tree)
			require.NoError(t, err)
			got, err := contract.Decode(raw)
			require.NoError(t, err)
			require.Equal(t, e.message, got)
		})
	}
}

// extend adds a field to every object and says how many there were.
func extend(tree any) (added int) {
	switch node := tree.(type) {
	case map[string]any:
		for _, below := range node {
			added += extend(below)
		}
		node["later_version"] = map[string]any{"more": []any{1, "two"}}
		added++
	case []any:
		for _, below := range node {
			added += extend(below)
		}
	}
	return added
}
