package contract_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// schema is a JSON schema as far as Go structs have a counterpart in it.
type schema struct {
	Ref                  string            `json:"$ref"`
	Type                 string            `json:"type"`
	Format               string            `json:"format"`
	Enum                 []string          `json:"enum"`
	AdditionalProperties *bool             `json:"additionalProperties"`
	Required             []string          `json:"required"`
	Properties           map[string]schema `json:"properties"`
	Items                *schema           `json:"items"`
}

const schemaPath = "#/components/schemas/"

// drift compares structs with the schemas of their names.
type drift struct {
	*testing.T
	schemas map[string]schema
	seen    map[string]bool
}

// Every struct of the contract and its schema have the same fields, of the same
// types, and agree on which may be missing.
func TestSchemasAreTheStructsOfTheCode(t *testing.T) {
	spec, _ := readAsyncAPI(t)
	d := drift{t, spec.Components.Schemas, map[string]bool{}}
	d.named(reflect.TypeFor[contract.Envelope]())
	d.named(reflect.TypeFor[contract.SnapshotPiece]())
	d.named(reflect.TypeFor[contract.Credential]())
	d.named(reflect.TypeFor[contract.SourceCredential]())
	for _, e := range examples(t) {
		d.named(reflect.TypeOf(e.message.Body))
	}
	for name, s := range d.schemas {
		if s.Type == "object" {
			require.True(t, d.seen[name], "schema %s has no struct that a message uses", name)
		}
	}
}

func (d drift) named(goType reflect.Type) {
	name := goType.Name()
	if d.seen[name] {
		return
	}
	d.seen[name] = true
	s, ok := d.schemas[name]
	require.True(d, ok, "%s has no schema", name)
	require.Equal(d, "object", s.Type, name)
	require.True(d, s.AdditionalProperties != nil && !*s.AdditionalProperties, "%s must not allow other properties", name)
	var properties, required []string
	for _, f := range jsonFields(goType) {
		properties = append(properties, f.name)
		if !f.optional {
			required = append(required, f.name)
		}
		if p, ok := s.Properties[f.name]; ok {
			d.compare(name+"."+f.name, f.goType, p)
		}
	}
	var described []string
	for p := range s.Properties {
		described = append(described, p)
	}
	require.ElementsMatch(d, properties, described, "fields of %s and properties of its schema", name)
	require.ElementsMatch(d, required, s.Required, "fields of %s without omitempty and what its schema requires", name)
}

// compare checks the type of one field.
func (d drift) compare(path string, goType reflect.Type, s schema) {
	if goType.Kind() == reflect.Pointer {
		goType = goType.Elem()
	}
	if s.Ref != "" {
		name := strings.TrimPrefix(s.Ref, schemaPath)
		require.Contains(d, d.schemas, name, "%s refers to it", path)
		if goType.Kind() == reflect.Struct {
			require.Equal(d, goType.Name(), name, path)
		}
		s = d.schemas[name]
	}
	switch {
	case goType == reflect.TypeFor[time.Time]():
		require.Equal(d, "string date-time", s.Type+" "+s.Format, path)
	case goType == reflect.TypeFor[json.RawMessage](), goType.Kind() == reflect.Struct:
		require.Equal(d, "object", s.Type, path)
	case goType.Kind() == reflect.Slice:
		require.Equal(d, "array", s.Type, path)
		require.NotNil(d, s.Items, path)
		d.compare(path+"[]", goType.Elem(), *s.Items)
	case goType.Kind() == reflect.String:
		require.Equal(d, "string", s.Type, path)
	case goType.Kind() == reflect.Bool:
		require.Equal(d, "boolean", s.Type, path)
	case reflect.Zero(goType).CanInt(), reflect.Zero(goType).CanUint():
		require.Equal(d, "integer", s.Type, path)
	default:
		require.Failf(d, "no rule for this type", "%s is a %s", path, goType)
	}
	if goType.Kind() == reflect.Struct && goType != reflect.TypeFor[time.Time]() {
		d.named(goType)
	}
}

// The words of the wire are those of the domain.
func TestEnumsAreTheStatesAndCausesOfTheDomain(t *testing.T) {
	spec, _ := readAsyncAPI(t)
	texts := func(list any) (all []string) {
		v := reflect.ValueOf(list)
		for i := range v.Len() {
			all = append(all, v.Index(i).String())
		}
		return all
	}
	for name, want := range map[string]any{
		"DeploymentState": deploy.OfDeployment.States(), "TargetState": deploy.OfTarget.States(), "StepState": deploy.OfStep.States(),
		"Cause": deploy.Causes(), "StrategyType": deploy.StrategyKinds(),
	} {
		require.ElementsMatch(t, texts(want), spec.Components.Schemas[name].Enum, name)
	}
	verbs := append(texts(deploy.Verbs()), contract.ControlSkip) // which changes targets, and no course
	require.ElementsMatch(t, verbs, spec.Components.Schemas["Control"].Properties["verb"].Enum)
}

type jsonField struct {
	name     string
	goType   reflect.Type
	optional bool
}

// jsonFields returns the fields of a struct as they stand in JSON; those of an
// embedded struct stand beside the others.
func jsonFields(goType reflect.Type) []jsonField {
	var out []jsonField
	for i := range goType.NumField() {
		f := goType.Field(i)
		tag := f.Tag.Get("json")
		if f.Anonymous && tag == "" {
			out = append(out, jsonFields(f.Type)...)
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		out = append(out, jsonField{name, f.Type, strings.Contains(options, "omitempty")})
	}
	return out
}
