package jobs

import (
	"fmt"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/executor/internal/failure"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
	"github.com/slipway-deploy/slipway/services/executor/internal/mask"
	"github.com/slipway-deploy/slipway/services/executor/internal/ssh"
)

// secrets are those of a job. They are in clear here and on the host alone.
type secrets struct {
	values map[string]string // by how they came
	mask   *mask.Mask        // hides all of them; nil: there are none
}

// openSecrets opens the secrets of a job of an application. All of them, before
// anything runs: what one hook leaves on the host, another may say. It fails with
// failure.ErrSecret.
func openSecrets(w *contract.Work, application string, keys seal.Keys) (secrets, error) {
	s := secrets{values: map[string]string{}}
	var hidden []string
	for _, one := range w.AllSecrets() {
		clear, err := keys.Open(one.Context(application), seal.Sealed(one.Sealed))
		if err != nil {
			return secrets{}, fmt.Errorf("%w: %w", failure.ErrSecret, err)
		}
		value := string(clear)
		s.values[one.Sealed] = value
		hidden = append(hidden, value, ssh.Harmless(value))
	}
	s.mask = mask.New(hidden...)
	return s, nil
}

// environment is variables and secret ones as a command gets them.
func (s secrets) environment(env []contract.Variable, sealed []contract.Secret) []hostcmd.Variable {
	all := make([]hostcmd.Variable, 0, len(env)+len(sealed))
	for _, v := range env {
		all = append(all, hostcmd.Variable(v))
	}
	for _, v := range sealed {
		all = append(all, hostcmd.Variable{Name: v.Name, Value: s.values[v.Sealed]})
	}
	return all
}
