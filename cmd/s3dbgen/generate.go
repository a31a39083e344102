package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/s3dbgen/s3dbgen/gen"
)

func newGenerate() *cobra.Command {
	var g generation
	command := &cobra.Command{
		Use:                   "generate [-f schema.yaml] [-o DIR] [--check]",
		DisableFlagsInUseLine: true,
		Short:                 "Write the Go package of a schema",
		Long: `Generate writes the Go package that a schema describes: client.go with the
database, and one file for each resource.

The package goes to the directory of -o; else to the one that the schema names
with "output", relative to the schema; else to the directory beside the schema
that is called like the package.

Only files whose content changes are written, all of them or none. Files that an
earlier run wrote and that are no longer needed are removed. Files that s3dbgen
did not write are never touched, and one that is in the way is an error.

Beside schema.yaml, generate keeps schema.lock.yaml: the numbers under which
attributes are stored and the Go names that programs use. Commit it.

With --check nothing is written: every file that is missing, stale, edited by hand
or left over is named, the lock file too, and the exit code is 1 if there is any.`,
		Example: `  s3dbgen generate
  s3dbgen generate -f schemas/shop.yaml -o internal/shop
  s3dbgen generate --check        # in CI

In a Go file, so that "go generate ./..." runs it:

  //go:generate go tool s3dbgen generate`,
		Args: noArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return g.run(command.Context(), command.InOrStdin(), command.OutOrStdout(), command.ErrOrStderr())
		},
	}
	command.Flags().StringVarP(&g.schema, "file", "f", defaultSchema, "the schema")
	command.Flags().StringVarP(&g.output, "output", "o", "", "the `directory` of the package")
	command.Flags().BoolVar(&g.check, "check", false, "write nothing, report what differs")
	return command
}

// generation is one run of generate.
type generation struct {
	schema, output string
	check          bool
}

func (g *generation) run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) error {
	src, err := g.source("generate", stdin)
	if err != nil {
		return err
	}
	known := newStamp(src, g.output)
	if !g.check {
		if dir, warnings, ok := known.upToDate(); ok {
			if _, err := io.WriteString(stderr, warnings); err != nil {
				return err
			}
			return reportUpToDate(stdout, dir)
		}
	}
	p, err := g.plan(ctx, src, stderr)
	if err != nil {
		return err
	}
	if g.check {
		return reportDifferences(stdout, p.Plan, "generate")
	}
	if err := p.Apply(); err != nil {
		return err
	}
	// A warning may be of what the lock file was before this run.
	if !p.unbounded && (p.warnings == "" || len(p.Changes()) == 0) {
		known.save(p)
	}
	return reportWritten(stdout, p.Plan, p.dir)
}

// source reads the schema of a command that needs the lock file beside it.
func (g *generation) source(command string, stdin io.Reader) (*source, error) {
	if g.schema == standardInput {
		return nil, usageError{fmt.Errorf("%s needs a file: the lock file lies beside it", command)}
	}
	return readSource(g.schema, stdin)
}

// planned is what a generation would write.
type planned struct {
	*gen.Plan // nil beside an error of the schema
	dir       string
	lockText  []byte
	warnings  string
	sources   gen.Sources // of types and plugins
	unbounded bool        // a plugin may read more than sources
}

// plan generates the files and compares them with those on disk. It writes
// nothing but warnings. What is known of the sources is there beside an error, too.
func (g *generation) plan(ctx context.Context, src *source, stderr io.Writer) (*planned, error) {
	p := &planned{}
	parsed, lock, found, err := src.parse()
	if err != nil {
		return p, err
	}
	p.dir = gen.Directory(parsed, g.output)
	prepared, more, err := gen.Prepare(ctx, gen.Input{Schema: parsed, Lock: lock, LockPath: src.lockPath, Dir: p.dir, Stderr: stderr})
	p.Plan, p.sources, p.unbounded = prepared.Plan, prepared.Sources, prepared.Unbounded
	if err != nil {
		return p, err
	}
	found = append(found, more...)
	if err := found.Err(); err != nil {
		return p, err
	}
	p.lockText, p.warnings = lock.Bytes(), found.Sort().String()
	if _, err := io.WriteString(stderr, p.warnings); err != nil {
		return p, err
	}
	if err := ctx.Err(); err != nil {
		return p, fmt.Errorf("nothing was written: %w", err)
	}
	return p, nil
}

func reportDifferences(stdout io.Writer, plan *gen.Plan, command string) error {
	changes := plan.Changes()
	if len(changes) == 0 {
		return nil
	}
	for _, s := range changes {
		if _, err := fmt.Fprintf(stdout, "%s: %s\n", s.Path, s.State); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintln(stdout, "run s3dbgen "+command+" and commit the result"); err != nil {
		return err
	}
	return errTold
}

func reportWritten(stdout io.Writer, plan *gen.Plan, dir string) error {
	changes := plan.Changes()
	if len(changes) == 0 {
		return reportUpToDate(stdout, dir)
	}
	for _, s := range changes {
		verb := "wrote"
		if s.State == gen.LeftOver {
			verb = "removed"
		}
		if _, err := fmt.Fprintf(stdout, "%s %s\n", verb, s.Path); err != nil {
			return err
		}
	}
	return nil
}

func reportUpToDate(stdout io.Writer, dir string) error {
	_, err := fmt.Fprintf(stdout, "%s is up to date\n", dir)
	return err
}
