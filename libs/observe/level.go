package observe

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/rs/zerolog"
)

// level is the least level that is logged, as it is shown and asked for.
type level struct {
	Level string `json:"level"`
}

// ParseLevel reads the name of a level: trace, debug, info, warn or error.
func ParseLevel(name string) (zerolog.Level, error) {
	for l := zerolog.TraceLevel; l <= zerolog.ErrorLevel; l++ {
		if l.String() == name {
			return l, nil
		}
	}
	return zerolog.NoLevel, fmt.Errorf("%q is not trace, debug, info, warn or error", name)
}

func (p *Process) showLevel(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, level{zerolog.GlobalLevel().String()})
}

// changeLevel changes it for the whole process, until it ends.
func (p *Process) changeLevel(w http.ResponseWriter, r *http.Request) {
	var asked level
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	body.DisallowUnknownFields()
	to, err := zerolog.NoLevel, body.Decode(&asked)
	if err == nil {
		to, err = ParseLevel(asked.Level)
	}
	if err != nil {
		answer(w, http.StatusBadRequest, status{Status: `the body must be as {"level": "debug"}: ` + err.Error()})
		return
	}
	from := zerolog.GlobalLevel()
	zerolog.SetGlobalLevel(to)
	p.log.Log().Stringer("from", from).Stringer("to", to).Msg("the log has another level")
	answer(w, http.StatusOK, level{to.String()})
}
