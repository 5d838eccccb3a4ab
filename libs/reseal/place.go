package reseal

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/seal"
)

// replacer is seal.Replace for values of some form. It fails where a value has
// another form: what cannot be looked into may name any key.
type replacer func(value []byte, fn func(seal.Sealed) seal.Sealed) ([]byte, error)

// place is where sealed secrets rest, and can be sealed anew.
type place struct {
	bucket  string
	keys    string // which of its keys, as the end of a subject
	replace replacer
}

var places = []place{
	{contract.BucketServers, ">", plainly},
	{contract.BucketPackages, ">", plainly},
	{contract.BucketSnapshots, ">", plainly},
	{contract.BucketProjects, ">", plainly},
	{contract.BucketWebhooks, ">", plainly},
	{contract.BucketDeploy, "*", inCommand}, // keys of more tokens are results
}

func (p place) stream() string { return "KV_" + p.bucket }

func (p place) scan(ctx context.Context, b *bus.Bus, fn func(bus.Stored) error) error {
	return b.Values(ctx, p.bucket, []string{p.keys}, fn)
}

func plainly(value []byte, fn func(seal.Sealed) seal.Sealed) ([]byte, error) {
	return seal.Replace(value, fn), nil
}

// inCommand is of the scheduler's records. They keep the command of a deployment that
// has not ended as bytes, which are base64 in JSON. It may wait there for longer than
// the stream of commands remembers it.
func inCommand(value []byte, fn func(seal.Sealed) seal.Sealed) ([]byte, error) {
	var (
		record  map[string]json.RawMessage // whatever else there is stays as it is
		command []byte
	)
	if err := json.Unmarshal(value, &record); err != nil {
		return nil, fmt.Errorf("record of a deployment: %w", err)
	}
	kept, ok := record["command"]
	if !ok { // it has ended
		return value, nil
	}
	if err := json.Unmarshal(kept, &command); err != nil {
		return nil, fmt.Errorf("command of a deployment: %w", err)
	}
	next := seal.Replace(command, fn)
	if bytes.Equal(next, command) {
		return value, nil
	}
	var err error
	if record["command"], err = json.Marshal(next); err != nil {
		return nil, err
	}
	return json.Marshal(record)
}
