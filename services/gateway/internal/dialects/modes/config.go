package modes

import (
	"errors"
	"fmt"
)

// Config is what the dialect deploys. Without a project it is off.
type Config struct {
	Project     string `conf:"project" help:"project that the dialect modes deploys in; it turns the dialect on"`
	Application string `conf:"application" help:"application that it deploys"`
	Profile     string `conf:"profile" help:"template of the project for requests that name no profile"`
	Environment string `conf:"environment" help:"stage of the project for requests that name no environment"`
}

var errNoApplication = errors.New("is required with modes.project")

// Validate returns every mistake in the configuration.
func (c Config) Validate() []error {
	if c.Project != "" && c.Application == "" {
		return []error{fmt.Errorf("modes.application: %w", errNoApplication)}
	}
	return nil
}
