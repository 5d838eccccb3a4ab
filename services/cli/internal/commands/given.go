package commands

import (
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// nothingEmpty refuses arguments, and flags that were given, that hold nothing: a script whose variable is not set means
// something by them, and not what it would mean to leave them out, which may be all hosts.
func nothingEmpty(cmd *cobra.Command, args []string) error {
	if slices.Contains(args, "") {
		return usage("an argument is empty")
	}
	var err error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if err == nil && empty(f.Value) {
			err = usage("--%s is empty", f.Name)
		}
	})
	return err
}

func empty(v pflag.Value) bool {
	if list, ok := v.(pflag.SliceValue); ok {
		all := list.GetSlice()
		return len(all) == 0 || slices.Contains(all, "")
	}
	return v.String() == ""
}
