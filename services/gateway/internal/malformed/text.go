package malformed

import (
	"encoding/json"
	"strings"
)

// encode writes a tree as JSON, or nearly so.
func encode(out *strings.Builder, v any) {
	switch v := v.(type) {
	case raw:
		out.WriteString(string(v))
	case object:
		out.WriteByte('{')
		for i, f := range v {
			if i > 0 {
				out.WriteByte(',')
			}
			encode(out, f.name)
			out.WriteByte(':')
			encode(out, f.value)
		}
		out.WriteByte('}')
	case []any:
		out.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				out.WriteByte(',')
			}
			encode(out, item)
		}
		out.WriteByte(']')
	default:
		text, err := json.Marshal(v)
		if err != nil {
			panic(err) // nothing else is in a tree
		}
		out.Write(text)
	}
}

// spoilText damages a body as text.
func (m *Maker) spoilText(text string) string {
	cut := m.rand.IntN(len(text) + 1)
	switch m.rand.IntN(9) {
	case 0:
		return text[:cut]
	case 1:
		return text + pick(m, []string{"}", "]", ",", " {}", "\x00", "//", text})
	case 2:
		return text[:cut] + pick(m, []string{",", ":", "\"", "{", "\x00", "\xff", "\\", "/* */", "\ufeff"}) + text[cut:]
	case 3:
		return "\ufeff" + text
	case 4:
		return ""
	case 5:
		return strings.Repeat(pick(m, []string{"[", `{"a":`, "[{\"a\":"}), 1+m.rand.IntN(20_000))
	case 6:
		return pick(m, []string{"null", "[]", "\"text\"", "1", "<xml/>", "a=b&c=d", "\x1f\x8b\x08\x00", "--\n---\n- x"})
	case 7:
		return strings.ReplaceAll(text, "\"", "'")
	default:
		noise := make([]byte, m.rand.IntN(2000))
		for i := range noise {
			noise[i] = byte(m.rand.IntN(256))
		}
		return string(noise)
	}
}
