package display

import "github.com/slipway-deploy/slipway/libs/harmless"

// Clean returns s on one line and without anything that a terminal would act upon.
func Clean(s string) string { return harmless.Text(s) }

// CleanJSON returns JSON that means the same, likewise.
func CleanJSON(raw []byte) []byte { return harmless.JSON(raw) }
