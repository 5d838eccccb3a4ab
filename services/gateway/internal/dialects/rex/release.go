package rex

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"strings"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rextable"
)

// part is one of what a program is on its server, and where that lies here.
type part struct {
	rextable.Part
	tree string // directory here
	over string // one that is laid over it; "": none
	at   string // where in it
}

// parts returns what is released of a program, in order.
func (c Config) parts(p rextable.Program) []part {
	var all []part
	for _, one := range p.Parts() {
		all = append(all, part{Part: one, tree: c.programOf(p)})
	}
	if p.Apart {
		all[0].tree = c.configurationOf(p)
	} else {
		all[0].over, all[0].at = c.configurationOf(p), inProgram(p)
	}
	return all
}

// noteRelease is what the deployments of one release are noted by: its request.
const noteRelease = "rex.release"

// release releases programs to the servers of their rows, by native deployments. It
// returns the programs that failed under "1", and why under "2".
func (c Config) release(ctx context.Context, r *dialects.Request, rows []rextable.Program, _ bool) (outcome, string, error) {
	return c.each(ctx, r, rows, func(ctx context.Context, w *work, p part) (dialects.Operation, error) {
		version, err := c.upload(ctx, r, p)
		order := map[string]any{
			"application": p.Application, "version": version, "path": p.Base(), "link": p.Link, "servers": []string{w.server},
			"metadata": map[string]string{noteRelease: r.ID},
		}
		if p.Restart != "" {
			order["restart"] = map[string]string{"command": p.Restart}
		}
		return dialects.Operation{Route: "POST /v1/deployments", Body: order}, err
	})
}

// work is what is done to one row.
type work struct {
	rextable.Program
	parts  []part
	server string // id
	failed string // why it goes no further
	begun  string // deployment of the part that is at work
}

// each has operations done on the parts of rows: the first of all of them at the same time,
// then what follows where that went well. An operation that fails with errUntouched is none. A client that hangs up does not stop it: its end is
// waited for without a client where something is to follow, and as long as Lasting lasts.
func (c Config) each(ctx context.Context, r *dialects.Request, rows []rextable.Program, operation func(context.Context, *work, part) (dialects.Operation, error)) (outcome, string, error) {
	lasting, cancel := dialects.Lasting(ctx)
	defer cancel()
	all := make([]*work, len(rows))
	for i, p := range rows {
		all[i] = &work{Program: p, parts: c.parts(p)}
		if err := all[i].locate(lasting, r); err != nil {
			return nil, "", err
		}
	}
	for round, last := 0, false; !last; round++ {
		last = true
		for _, w := range all {
			if w.begun = ""; w.failed != "" || round >= len(w.parts) {
				continue
			}
			last = false
			o, err := operation(lasting, w, w.parts[round])
			if errors.Is(err, errUntouched) {
				continue
			}
			if err == nil {
				w.begun, err = begin(lasting, r, o)
			}
			if w.failed, err = told(err); err != nil {
				return nil, "", err
			}
		}
		waits := ctx
		if slices.ContainsFunc(all, func(w *work) bool { return w.failed == "" && round+1 < len(w.parts) }) {
			waits = lasting
		}
		for _, w := range all {
			if err := w.await(waits, r); err != nil {
				return nil, "", err
			}
		}
	}
	return sum(all)
}

func sum(all []*work) (outcome, string, error) {
	var failed, why []string
	for _, w := range all {
		if w.failed != "" {
			failed, why = append(failed, w.Key), append(why, w.Key+": "+w.failed)
		}
	}
	if len(failed) == 0 {
		return outcome{"0": allWell, "1": "", "2": ""}, "", nil
	}
	return outcome{"0": "0", "1": join(failed), "2": join(why)}, "失败", nil
}

// locate finds the server of a row, by its name or its address.
func (w *work) locate(ctx context.Context, r *dialects.Request) error {
	if w.Dir == "" || w.Apart && w.ConfigDir == "" {
		w.failed = "pro_dir或config_dir为空"
		return nil
	}
	w.failed = "服务器未登记"
	for _, name := range []string{w.Server, w.Address} {
		hosts, err := dialects.Find(ctx, r, []string{name})
		if err != nil || len(hosts.IDs) == 1 {
			w.server, w.failed = strings.Join(hosts.IDs, ""), ""
			return err
		}
		if len(hosts.Ambiguous) > 0 {
			w.failed = "多台服务器使用该地址, 请使用服务器名称"
		}
	}
	return nil
}

func begin(ctx context.Context, r *dialects.Request, o dialects.Operation) (string, error) {
	var d dialects.Deployment
	err := r.Do(ctx, o, &d)
	return d.ID, err
}

// told is what a row has failed with; an error that is not for it alone stays one.
func told(err error) (string, error) {
	var refused *dialects.Problem
	switch {
	case errors.As(err, &refused) && refused.Status < http.StatusInternalServerError:
		return refused.Told(), nil
	case errors.Is(err, errNothingBefore), errors.Is(err, ErrChanged):
		return err.Error(), nil
	case errors.Is(err, fs.ErrNotExist):
		return "待发布目录不存在", nil
	}
	return "", err
}

// await notes what has become of the deployment that is at work.
func (w *work) await(ctx context.Context, r *dialects.Request) error {
	if w.begun == "" {
		return nil
	}
	targets, err := dialects.Outcome(ctx, r, w.begun)
	for _, t := range targets {
		switch {
		case t.State == "succeeded":
		case t.Failure != nil:
			w.failed = t.Failure.Code + ": " + t.Failure.Reason
		default:
			w.failed = t.State
		}
	}
	return err
}
