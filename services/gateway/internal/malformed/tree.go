package malformed

import (
	"fmt"
	"slices"
	"strings"
)

// raw is written into a body as it is.
type raw string

// texts are what programs trip over.
var texts = []string{
	"", " ", "\x00", "\u202etxt", "ﷺ", "🦆", "é", "e\u0301", "\uffff", "a\nb", "a\r\nX: y", "../../etc/passwd", "/etc/passwd", "$(id)",
	"`id`", "'; DROP TABLE x; --", "${jndi:x}", "%s%n%d", "{{.}}", "<script>alert(1)</script>", "*", ">", "a.b.>", "null", "true", "NaN", "-1", "0",
	"1e309", "0x10", "9223372036854775808", "24h1ns", "-1s", "1000000h", "2026-02-30T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59-23:00", "0000-00-00T00:00:00Z",
	"http://127.0.0.1:1/", "http://[::1", "http://127.0.0.1:99999/", "file:///etc/passwd", "ssh://127.0.0.1:1/x", "//", "\\\\", "con", "-rf", "--", "~", ".", "..",
}

// numbers cross every limit.
var numbers = []raw{
	"0", "-0", "-1", "1", "65536", "10001", "2147483648", "-2147483649", "9007199254740993", "9223372036854775808", "-9223372036854775809",
	"18446744073709551616", "1.5", "0.1", "1e2", "1E400", "-1E400", "1e-400", "123456789012345678901234567890123456789012345678901234567890",
}

// brokenTexts are no JSON, or none that can be text.
var brokenTexts = []raw{
	`"\ud800"`, `"\udc00\ud800"`, "\"\xff\xfe\"", "\"\xc0\xaf\"", `"\x41"`, `"a` + "\n" + `b"`, `'a'`, `NaN`, `Infinity`, `undefined`, `01`, `.5`, `1.`, `+1`, `"`, ``, `tru`,
}

// places returns all that may be set in a tree, in a fixed order.
func places(v any, set func(any), visit func(v any, set func(any))) {
	visit(v, set)
	switch v := v.(type) {
	case object:
		for _, f := range v {
			places(f.value, func(x any) { f.value = x }, visit)
		}
	case []any:
		for i := range v {
			places(v[i], func(x any) { v[i] = x }, visit)
		}
	}
}

// spoilTree changes something in a body, anywhere in it, and returns the body.
func (m *Maker) spoilTree(body any) any {
	type place struct {
		value any
		set   func(any)
	}
	var all []place
	places(body, func(x any) { body = x }, func(v any, set func(any)) { all = append(all, place{v, set}) })
	at := pick(m, all)
	if o, ok := at.value.(object); ok && m.chance(0.7) {
		at.set(m.spoilObject(o))
		return body
	}
	if list, ok := at.value.([]any); ok && m.chance(0.5) {
		at.set(m.spoilList(list))
		return body
	}
	at.set(m.wrong())
	return body
}

// wrong is some value that is seldom what is wanted.
func (m *Maker) wrong() any {
	switch m.rand.IntN(9) {
	case 0:
		return nil
	case 1:
		return m.chance(0.5)
	case 2:
		return []any{}
	case 3:
		return object{}
	case 4:
		return pick(m, numbers)
	case 5:
		return pick(m, brokenTexts)
	case 6:
		return strings.Repeat(pick(m, []string{"x", "é", "-", "/", ".", "a,", "\n"}), 1<<m.rand.IntN(17))
	case 7:
		return raw(strings.Repeat("[", 1+m.rand.IntN(40)) + strings.Repeat("]", m.rand.IntN(40)))
	default:
		return pick(m, texts)
	}
}

func (m *Maker) spoilObject(o object) object {
	o = slices.Clone(o)
	if len(o) == 0 {
		return append(o, &field{"x", m.wrong()})
	}
	at := m.rand.IntN(len(o))
	switch m.rand.IntN(6) {
	case 0:
		return slices.Delete(o, at, at+1)
	case 1:
		return append(o, &field{pick(m, texts), m.wrong()})
	case 2:
		return append(o, &field{o[at].name, m.wrong()}) // twice
	case 3:
		return append(o, &field{strings.ToUpper(o[at].name), o[at].value})
	case 4:
		for i := range m.rand.IntN(300) {
			o = append(o, &field{fmt.Sprintf("k%d", i), i})
		}
		return o
	default:
		o[at] = &field{o[at].name, m.wrong()}
		return o
	}
}

func (m *Maker) spoilList(list []any) []any {
	one := m.wrong()
	if len(list) > 0 && m.chance(0.5) {
		one = list[0]
	}
	list = slices.Clone(list)
	for range 1 << m.rand.IntN(13) {
		list = append(list, one)
	}
	return list
}
