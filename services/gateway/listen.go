package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// listen takes the address. What goes wrong most often is told with what to do.
func listen(ctx context.Context, address string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%w on %s: the port is taken; stop what listens there, or set listen to another (port 0: any free one)",
			ErrAddress, address)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%w on %s: not permitted; ports below 1024 need a privilege, set listen to a higher one",
			ErrAddress, address)
	default:
		return nil, fmt.Errorf("%w on %s: %w; set listen to another address", ErrAddress, address, err)
	}
}
