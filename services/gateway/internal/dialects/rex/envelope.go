package rex

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
)

// outcome is what a module returns: under "0" whether all went well, as 1 or 0.
type outcome map[string]string

// envelope is the body of every answer. The original has texts for numbers.
type envelope struct {
	Code    string            `json:"code"`
	Message string            `json:"msg,omitempty"` // where the code is not 0
	Data    result            `json:"data"`
	Param   map[string]string `json:"param"`
	Parsed  parsed            `json:"parseparameters"`
	Print   string            `json:"print_stdout"`
	Respon  respon            `json:"respon"`
	Take    string            `json:"take"` // seconds
}

type result struct {
	Code    string  `json:"code"`
	Data    outcome `json:"data"`
	Message string  `json:"msg"`
}

type parsed struct {
	Code    string `json:"code"`
	Message string `json:"msg"`
	Prefix  string `json:"precmd"`
	Command string `json:"requestCmd"`
}

// respon is what the original says of the process that it runs. There is none here.
type respon struct {
	Directory string `json:"chdir"`
	Command   string `json:"cmd"`
	Code      string `json:"code"`
	Message   string `json:"msg"`
	Return    string `json:"ret"`
	Stderr    string `json:"stderr"`
	Stdout    string `json:"stdout"`
}

// The codes of an envelope.
const (
	good = "0"
	bad  = "-1"
)

// allWell is what an outcome has under "0" where all went well.
const allWell = "1"

const mask = "***"

// asked is a request, taken apart.
type asked struct {
	action string
	names  []string
	update bool
	param  map[string]string // as it is answered
}

// parse takes a request apart, and returns what is wrong with it.
func parse(s *dialects.Said) (asked, string) {
	a := asked{param: map[string]string{}}
	for _, name := range []string{"action", "k", "update", "token"} {
		if s.Given(name) {
			a.param[name] = unquoted(s.Text(name))
		}
	}
	if said, given := a.param["update"]; given {
		a.param["update"] = numberOf(said)
	}
	a.action = a.param["action"]
	_, known := modules[a.action]
	for _, name := range s.List("k") {
		if name = unquoted(name); name != "" {
			a.names = append(a.names, name)
		}
	}
	if len(a.names) > 0 {
		a.param["k"] = strings.Join(a.names, " ")
	}
	a.update = a.param["update"] == "1"
	switch {
	case s.Empty("token"):
		return a, "post参数为空"
	case a.action == "":
		return a, "action参数不能为空"
	case !known:
		return a, "不支持的action参数: " + a.action
	case len(a.names) == 0:
		return a, "当执行 " + a.action + " 模块时,post参数为空,必须传参: k"
	case a.param["update"] != "" && a.param["update"] != "0" && !a.update:
		return a, "update参数只能是0或1"
	}
	return a, ""
}

// numberOf is a whole number as the original has it, of a client that says it as a boolean or
// with a fraction; any other text is as it was.
func numberOf(said string) string {
	switch strings.ToLower(said) {
	case "true":
		return "1"
	case "false":
		return "0"
	}
	return dialects.Whole(said)
}

// unquoted is a value without the quotes that the document shows around it.
func unquoted(value string) string { return strings.Trim(strings.TrimSpace(value), `'"`) }

// command is what the original would run.
func (a asked) command(separator string) string {
	parts := []string{a.action}
	for _, name := range []string{"k", "token", "update"} {
		if value, given := a.param[name]; given {
			parts = append(parts, "--"+name+`="`+value+`"`)
		}
	}
	return strings.Join(append(parts, `--w="1"`), separator)
}

// done answers with what a module returned; why is what it has to say where not all went
// well.
func (a asked) done(c Config, out outcome, why string, began time.Time) dialects.Reply {
	said := "成功"
	if why != "" {
		said = why
	}
	reply := a.reply(envelope{
		Code: good, Data: result{good, out, said},
		Parsed: parsed{Code: good, Message: "校验和解析参数成功", Command: a.command(",")},
		Respon: respon{
			Directory: c.Installation, Command: "/usr/bin/rex  -qF  " + a.command(" "), Code: "1", Message: "执行完成", Return: good,
		},
	}, began)
	if out["0"] != allWell {
		reply.Undone = &dialects.Problem{Status: http.StatusInternalServerError}
	}
	return reply
}

// refused answers to a request that cannot be followed.
func (a asked) refused(why string, began time.Time) dialects.Reply {
	message := "校验和解析参数失败: " + why
	reply := a.reply(envelope{
		Code: bad, Message: message, Data: result{bad, nothing(), message}, Parsed: parsed{Code: bad, Message: why},
	}, began)
	reply.Undone = dialects.Invalid()
	return reply
}

// failed answers to a request that is right, and cannot be followed here; undone is what that
// is natively.
func (a asked) failed(why string, undone *dialects.Problem, began time.Time) dialects.Reply {
	reply := a.reply(envelope{
		Code: bad, Message: why, Data: result{bad, nothing(), why},
		Parsed: parsed{Code: good, Message: "校验和解析参数成功", Command: a.command(",")},
	}, began)
	reply.Undone = undone
	return reply
}

func nothing() outcome { return outcome{"0": "0", "1": "", "2": ""} }

// reply is the answer. The client gets its token back, as it always has; what is kept for
// repeats does not have it.
func (a asked) reply(e envelope, began time.Time) dialects.Reply {
	e.Print, e.Param, e.Take = "0", a.param, strconv.Itoa(int(time.Since(began).Seconds()))
	kept := e
	if token := a.param["token"]; token != "" {
		kept.Param = map[string]string{}
		for name, value := range a.param {
			kept.Param[name] = strings.ReplaceAll(value, token, mask)
		}
		kept.Parsed.Command = strings.ReplaceAll(e.Parsed.Command, token, mask)
		kept.Respon.Command = strings.ReplaceAll(e.Respon.Command, token, mask)
	}
	return dialects.Reply{Status: http.StatusOK, Body: e, Kept: kept}
}

// refuse says why a request is not followed at all, in the same envelope.
func refuse(p *dialects.Problem) dialects.Reply {
	reply := asked{param: map[string]string{}}.refused(p.Told(), time.Now())
	reply.Status = p.Status
	return reply
}

func join(names []string) string { return strings.Join(names, ",") }
