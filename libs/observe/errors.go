package observe

import "errors"

var (
	// ErrListen says that the address for operators cannot be listened on.
	ErrListen = errors.New("cannot listen for operators")
	// ErrExporter says that the environment asks for an exporter of spans that there is not.
	ErrExporter = errors.New("spans cannot be exported")
)
