package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// closers end what was started, last first. Each has its own bound, and one
// that fails does not keep the others from ending.
type closers []closer

type closer struct {
	name string
	end  func(context.Context) error
}

func (c *closers) add(name string, end func(context.Context) error) {
	*c = append(*c, closer{name, end})
}

func (c *closers) close(each time.Duration) error {
	var errs []error
	for i := len(*c) - 1; i >= 0; i-- {
		ctx, cancel := context.WithTimeoutCause(context.Background(), each, fmt.Errorf("%s did not end within %s", (*c)[i].name, each))
		if err := (*c)[i].end(ctx); err != nil {
			errs = append(errs, fmt.Errorf("end %s: %w", (*c)[i].name, err))
		}
		cancel()
	}
	*c = nil
	return errors.Join(errs...)
}
