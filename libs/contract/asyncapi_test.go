package contract_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

const asyncAPIFile = "../../api-specs/asyncapi.yaml"

// asyncAPI is what the tests need of asyncapi.yaml.
type asyncAPI struct {
	Channels   map[string]channel `json:"channels"`
	Operations map[string]struct {
		Channel reference `json:"channel"`
	} `json:"operations"`
	Components struct {
		Messages map[string]struct {
			Name string `json:"name"`
		} `json:"messages"`
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
}

type channel struct {
	Address    string                     `json:"address"`
	Stream     string                     `json:"x-stream"`
	Parameters map[string]json.RawMessage `json:"parameters"`
	Messages   map[string]reference       `json:"messages"`
}

type reference struct {
	Ref string `json:"$ref"`
}

// readAsyncAPI returns the file, and a compiler that knows its schemas.
func readAsyncAPI(t *testing.T) (asyncAPI, *jsonschema.Compiler) {
	t.Helper()
	text, err := os.ReadFile(asyncAPIFile)
	require.NoError(t, err)
	raw, err := yaml.YAMLToJSON(text)
	require.NoError(t, err)
	var spec asyncAPI
	require.NoError(t, json.Unmarshal(raw, &spec))

	tree, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	require.NoError(t, compiler.AddResource("asyncapi.json", tree))
	return spec, compiler
}

// builders is every function of subjects.go that makes the subject of a channel,
// called with the names of the channel's parameters.
var builders = map[string]string{
	"CommandSubject":     contract.CommandSubject("{verb}", "{deployment}"),
	"JobSubject":         contract.JobSubject("{zone}", "{host}"),
	"JobEventSubject":    contract.JobEventSubject("{deployment}", "{host}"),
	"SystemEventSubject": contract.SystemEventSubject("{deployment}"),
	"StopSubject":        contract.StopSubject("{deployment}"),
	"OutputSubject":      contract.OutputSubject("{deployment}", "{host}"),
	"TimerSet":           contract.TimerSet("{deployment}"),
	"TimerFired":         contract.TimerFired("{deployment}"),
	"ReleasesSubject":    contract.ReleasesSubject("{zone}"),
	"SourceSubject":      contract.SourceSubject("{zone}"),
	"LogsSubject":        contract.LogsSubject("{zone}"),
	"ExecutorSubject":    contract.ExecutorSubject("{zone}"),
	"HookedSubject":      contract.HookedSubject("{webhook}"),
	"HookedDeadSubject":  contract.HookedDeadSubject("{webhook}", "{part}"),
	"ReplicaSubject":     contract.ReplicaSubject("{service}", "{replica}"),
	"AnyCommandSubject":  "", // a filter over several channels
	"AnyJobSubject":      "", // a filter over the subjects of one
}

// requests is the constants of subjects.go that are subjects of requests, beside
// those that say so in their names.
var requests = []string{"Controls", "Admissions", "LockBreaks"}

// stored is the constants of subjects.go that are the one subject of a stream.
var stored = []string{"AuditLog"}

// askedByZone are the channels of builders that are requests: no stream keeps them.
var askedByZone = []string{builders["ReleasesSubject"], builders["SourceSubject"], builders["LogsSubject"], builders["ExecutorSubject"]}

// subjectsFile returns the exported string constants of subjects.go by name, and
// the names of its exported functions that make subjects.
func subjectsFile(t *testing.T) (constants map[string]string, makers []string) {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "subjects.go", nil, 0)
	require.NoError(t, err)
	// Constants evaluate without what the file imports, so errors do not matter.
	check := types.Config{IgnoreFuncBodies: true, Error: func(error) {}}
	pkg, _ := check.Check("contract", files, []*ast.File{file}, nil)
	constants = map[string]string{}
	for _, name := range pkg.Scope().Names() {
		switch object := pkg.Scope().Lookup(name).(type) {
		case *types.Const:
			if object.Exported() && object.Val().Kind() == constant.String {
				constants[name] = constant.StringVal(object.Val())
			}
		case *types.Func:
			if object.Exported() && (strings.HasSuffix(name, "Subject") || strings.HasPrefix(name, "Timer")) {
				makers = append(makers, name)
			}
		}
	}
	return constants, makers
}

// The channels are those of subjects.go, no more and no fewer.
func TestChannelsAreTheSubjectsOfTheCode(t *testing.T) {
	spec, _ := readAsyncAPI(t)
	addresses := map[string]string{} // address → stream
	for name, c := range spec.Channels {
		require.NotContains(t, addresses, c.Address, "%s repeats an address", name)
		addresses[c.Address] = c.Stream
	}
	constants, makers := subjectsFile(t)
	require.ElementsMatch(t, slices.Collect(maps.Keys(builders)), makers, "functions of subjects.go")

	expected, streams := map[string]bool{}, map[string]bool{}
	for name, value := range constants {
		switch {
		case strings.HasPrefix(name, "Stream"):
			streams[value] = true
		case strings.HasPrefix(name, "Bucket"):
			expected[only(t, addresses, `^\$KV\.`+value+`\.\{\w+\}$`, name)] = true
		case strings.HasPrefix(name, "Objects"):
			expected[only(t, addresses, `^\$O\.`+value+`\.\{kind\}\.\{name\}$`, name)] = true
		case strings.HasPrefix(name, "Query"), strings.HasPrefix(name, "Record"), slices.Contains(requests, name), slices.Contains(stored, name):
			expected[value] = true
		case strings.ContainsAny(value, "*>"):
			require.True(t, anyMatches(value, addresses), "%s (%s) matches no channel", name, value)
		case name == "MetadataInstallation": // no subject
		default:
			require.Failf(t, "what is this?", "%s (%s) is neither stream, bucket, object store, request nor filter: say here what it is", name, value)
		}
	}
	for _, address := range builders {
		if address != "" {
			expected[address] = true
		}
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(expected)), slices.Collect(maps.Keys(addresses)))

	named := map[string]bool{}
	for address, stream := range addresses {
		inStream := strings.HasPrefix(address, "slipway.v1.") && strings.Contains(address, "{") && !slices.Contains(askedByZone, address) || address == contract.AuditLog
		require.Equal(t, inStream, stream != "", "%s: x-stream belongs to what is stored in a stream", address)
		if stream != "" {
			named[stream] = true
		}
	}
	require.Equal(t, streams, named, "streams that channels name, and streams of the code")
}

// only returns the one address that matches.
func only(t *testing.T, addresses map[string]string, pattern, name string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	var found []string
	for a := range addresses {
		if re.MatchString(a) {
			found = append(found, a)
		}
	}
	require.Len(t, found, 1, "%s needs one channel like %s", name, pattern)
	return found[0]
}

func anyMatches(filter string, addresses map[string]string) bool {
	for a := range addresses {
		if matches(filter, a) {
			return true
		}
	}
	return false
}

func TestChannelsAreWellFormed(t *testing.T) {
	spec, _ := readAsyncAPI(t)
	parameter := regexp.MustCompile(`\{(\w+)\}`)
	used := map[string]bool{}
	for name, c := range spec.Channels {
		var inAddress []string
		for _, m := range parameter.FindAllStringSubmatch(c.Address, -1) {
			inAddress = append(inAddress, m[1])
		}
		require.ElementsMatch(t, inAddress, slices.Collect(maps.Keys(c.Parameters)), "parameters of channel %s", name)
		for key, m := range c.Messages {
			if m.Ref != "" {
				require.Equal(t, "#/components/messages/"+key, m.Ref)
				used[key] = true
			}
		}
	}
	for key := range spec.Components.Messages {
		require.True(t, used[key], "message %s is in no channel", key)
	}
	for key := range used {
		require.Contains(t, spec.Components.Messages, key)
	}
	for name, o := range spec.Operations {
		key, ok := strings.CutPrefix(o.Channel.Ref, "#/channels/")
		require.True(t, ok, "channel of operation %s", name)
		require.Contains(t, spec.Channels, key, "channel of operation %s", name)
	}
}

func TestMessagesAreTheTypesOfTheRegistry(t *testing.T) {
	spec, _ := readAsyncAPI(t)
	var described []contract.Type
	for _, m := range spec.Components.Messages {
		described = append(described, contract.Type(m.Name))
	}
	require.ElementsMatch(t, contract.Types(), described)
}

func TestEveryExampleFitsItsSchemaAndNothingMoreDoes(t *testing.T) {
	spec, compiler := readAsyncAPI(t)
	schemas := map[contract.Type]*jsonschema.Schema{}
	for key, m := range spec.Components.Messages {
		compiled, err := compiler.Compile("asyncapi.json#/components/messages/" + key + "/payload")
		require.NoError(t, err)
		schemas[contract.Type(m.Name)] = compiled
	}
	for _, e := range examples(t) {
		t.Run(e.file, func(t *testing.T) {
			tree, err := jsonschema.UnmarshalJSON(bytes.NewReader(e.raw))
			require.NoError(t, err)
			require.NoError(t, schemas[e.message.Type].Validate(tree))
			for typ, other := range schemas {
				if typ != e.message.Type {
					require.Error(t, other.Validate(tree), "it fits %s as well", typ)
				}
			}
			extend(tree)
			require.Error(t, schemas[e.message.Type].Validate(tree), "a field that is not described must not fit")
		})
	}
}
