package supervisor

import (
	"bufio"
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Faults that supervisord answers with.
const (
	faultBadName      = 10
	faultAlreadyAdded = 90
	statusSuccess     = 80 // of one process among many
)

// Supervisor is a supervisord, and how it is asked: Ask sends a question to its
// socket and returns all of the answer.
type Supervisor struct {
	Ask func(ctx context.Context, question string) (string, error)
}

// value is what XML-RPC knows of.
type value struct {
	Text    string   `xml:",chardata"`
	String  *string  `xml:"string"`
	Int     *int     `xml:"int"`
	Boolean *int     `xml:"boolean"`
	Array   []value  `xml:"array>data>value"`
	Struct  []member `xml:"struct>member"`
}

type member struct {
	Name  string `xml:"name"`
	Value value  `xml:"value"`
}

// text is the value where it is a string, which may stand without its tag.
func (v value) text() string {
	if v.String != nil {
		return *v.String
	}
	return strings.TrimSpace(v.Text)
}

func (v value) number() int {
	if v.Int != nil {
		return *v.Int
	}
	return 0
}

// field is one of a struct; the zero value where it is not there.
func (v value) field(name string) value {
	for _, m := range v.Struct {
		if m.Name == name {
			return m.Value
		}
	}
	return value{}
}

// fault is how supervisord says no.
type fault struct {
	code int
	text string
}

func (f fault) Error() string { return f.text }

// call asks for one method, whose arguments are strings and bools. It fails with the
// errors of Ask, with ErrRefused and with a fault.
func (s Supervisor) call(ctx context.Context, method string, args ...any) (value, error) {
	answer, err := s.Ask(ctx, question(method, args))
	if err != nil {
		return value{}, err
	}
	res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(answer)), nil)
	if err != nil {
		return value{}, fmt.Errorf("%w: what listens at its socket speaks no HTTP", ErrRefused)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return value{}, fmt.Errorf("%w: HTTP %d", ErrRefused, res.StatusCode)
	}
	var reply struct {
		XMLName xml.Name `xml:"methodResponse"`
		Param   value    `xml:"params>param>value"`
		Fault   value    `xml:"fault>value"`
	}
	if err := xml.NewDecoder(res.Body).Decode(&reply); err != nil {
		return value{}, fmt.Errorf("%w: its answer cannot be read", ErrRefused)
	}
	if code := reply.Fault.field("faultCode").number(); code != 0 {
		return value{}, fault{code, reply.Fault.field("faultString").text()}
	}
	return reply.Param, nil
}

// question is the request as it goes to the socket. By HTTP/1.0 supervisord closes
// behind its answer.
func question(method string, args []any) string {
	var body strings.Builder
	body.WriteString("<?xml version=\"1.0\"?><methodCall><methodName>" + method + "</methodName><params>")
	for _, arg := range args {
		body.WriteString("<param><value>")
		switch a := arg.(type) {
		case bool:
			body.WriteString("<boolean>" + map[bool]string{true: "1", false: "0"}[a] + "</boolean>")
		case string:
			body.WriteString("<string>")
			_ = xml.EscapeText(&body, []byte(a)) // a Builder takes everything
			body.WriteString("</string>")
		}
		body.WriteString("</value></param>")
	}
	body.WriteString("</params></methodCall>")
	return "POST /RPC2 HTTP/1.0\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: " +
		strconv.Itoa(body.Len()) + "\r\n\r\n" + body.String()
}
