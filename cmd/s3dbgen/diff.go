package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/s3dbgen/s3dbgen/gen"
)

func newDiff() *cobra.Command {
	var g generation
	command := &cobra.Command{
		Use:                   "diff [-f schema.yaml] [-o DIR]",
		DisableFlagsInUseLine: true,
		Short:                 "Show what generate would change",
		Long: `Diff prints what "s3dbgen generate" would change, as a unified diff: of new files,
of those that are stale or edited by hand, of those that would be removed, and of
the lock file. It writes nothing.

Exit code 1 means that something differs.`,
		Example: `  s3dbgen diff
  s3dbgen diff -f schemas/shop.yaml -o internal/shop | less`,
		Args: noArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return g.diff(command.Context(), command.InOrStdin(), command.OutOrStdout(), command.ErrOrStderr())
		},
	}
	command.Flags().StringVarP(&g.schema, "file", "f", defaultSchema, "the schema")
	command.Flags().StringVarP(&g.output, "output", "o", "", "the `directory` of the package")
	return command
}

func (g *generation) diff(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) error {
	src, err := g.source("diff", stdin)
	if err != nil {
		return err
	}
	p, err := g.plan(ctx, src, stderr)
	if err != nil {
		return err
	}
	return printDiff(stdout, p.Plan)
}

func printDiff(stdout io.Writer, plan *gen.Plan) error {
	changes := plan.Changes()
	for _, s := range changes {
		present, err := os.ReadFile(s.Path)
		from, to := s.Path, s.Path
		switch {
		case errors.Is(err, fs.ErrNotExist):
			from = os.DevNull
		case err != nil:
			return err
		}
		if s.State == gen.LeftOver {
			to = os.DevNull
		}
		if _, err := stdout.Write(diff.Diff(from, present, to, s.Content())); err != nil {
			return err
		}
	}
	if len(changes) > 0 {
		return errTold
	}
	return nil
}
