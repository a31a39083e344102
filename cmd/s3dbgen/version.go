package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:                   "version",
		DisableFlagsInUseLine: true,
		Short:                 "Print the version of s3dbgen",
		Long: `Version prints the version of s3dbgen and the release of Go that built it. The
generated files do not name it: another release that generates the same code
changes nothing.`,
		Example: `  s3dbgen version`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unexpected argument %q", args[0])}
			}
			return nil
		},
		RunE: func(command *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(command.OutOrStdout(), versionText())
			return err
		},
	}
}

// versionText tells which s3dbgen this is, and what built it.
func versionText() string {
	v := "(unknown)"
	if info, ok := debug.ReadBuildInfo(); ok {
		v = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && v == "(devel)" {
				v += " " + s.Value
			}
		}
	}
	return fmt.Sprintf("s3dbgen %s %s %s/%s", v, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
