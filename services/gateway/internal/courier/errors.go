package courier

import "errors"

var (
	// errDeposed says that another gateway is the courier now, or may be.
	errDeposed = errors.New("another gateway carries webhooks now")
	// errFilters says that other events are to be read than are being read.
	errFilters = errors.New("other events are wanted")
	// errSecret says that a secret cannot be opened. The receiver is not asked then.
	errSecret = errors.New("its secret cannot be opened: the gateways have another key than when it was stored")
)
