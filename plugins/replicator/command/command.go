// Package command is the command line of replication: a command that replicates until it
// is stopped, and those that test, show and control it. The program says which drivers it has
// linked.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/config"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
	"github.com/s3dbgen/s3dbgen/schema"
)

// Program is what differs between programs that have the command.
type Program struct {
	Drivers []config.Driver // of targets
	Stores  []s3db.Driver   // of the database
	// Usage marks an error as a mistake of the command line; nil: nothing marks it.
	Usage func(error) error
	// Terminal reports whether a writer is a terminal, on which progress is drawn.
	Terminal func(io.Writer) bool
}

// ErrFound ends a command that has told what it found: differences, or a target that
// cannot be reached. The exit code is 1.
var ErrFound = errors.New("told")

// New returns the command "replicate".
func New(p Program) *cobra.Command {
	c := &commands{Program: p}
	root := c.newRun()
	root.PersistentFlags().StringVarP(&c.file, "config", "c", "replicate.yaml", "the configuration")
	root.AddCommand(c.newTest(), c.newStatus(), c.newLetters(), c.newPause(), c.newResume(), c.newReset(), c.newForget(), c.newReconcile())
	return root
}

// Run executes the command as a program of its own and returns its exit code: 0, 1 when
// something was found, 2 for wrong usage, a wrong configuration or a failure.
func Run(ctx context.Context, name string, p Program, args []string, stdout, stderr io.Writer) int {
	root := New(p)
	root.Use = strings.Replace(root.Use, "replicate", name, 1)
	renameExamples(root, name)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, ErrFound):
		return 1
	}
	if found, ok := schema.AsDiagnostics(err); ok {
		_, _ = io.WriteString(stderr, found.String())
		return 2
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		_, _ = fmt.Fprintf(stderr, "%s: %s\n", name, line)
	}
	return 2
}

// renameExamples lets examples begin with the name of the program.
func renameExamples(command *cobra.Command, name string) {
	command.Example = strings.ReplaceAll(command.Example, "s3dbgen replicate", name)
	for _, c := range command.Commands() {
		renameExamples(c, name)
	}
}

// commands have the flags that all of them share.
type commands struct {
	Program
	file string
}

func (c *commands) usage(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	if c.Usage != nil {
		return c.Usage(err)
	}
	return err
}

// args wants so many arguments.
func (c *commands) args(names ...string) cobra.PositionalArgs {
	return func(command *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		if len(names) == 0 {
			return c.usage("unexpected argument %q", args[0])
		}
		return c.usage("%s takes %s", command.Name(), strings.Join(names, " "))
	}
}

// read reads the configuration.
func (c *commands) read() (*config.Config, error) {
	text, err := os.ReadFile(c.file)
	if err != nil {
		return nil, fmt.Errorf("%w; name the configuration with -c", err)
	}
	conf, found := config.Read(c.file, text, c.Drivers, os.LookupEnv)
	return conf, found.Err()
}

// open opens the database with the replicator. change may alter its options.
func (c *commands) open(ctx context.Context, change func(*replicator.Options)) (*config.Config, *dynamic.Database, *replicator.Replicator, error) {
	conf, err := c.read()
	if err != nil {
		return nil, nil, nil, err
	}
	o := conf.Options
	if change != nil {
		change(&o)
	}
	r := replicator.New(o)
	options := append([]s3db.Option{s3db.WithPlugin(r)}, conf.Keys...)
	db, err := dynamic.Open(ctx, conf.Database, dynamic.Config{Drivers: c.Stores, Reveal: o.Secrets}, options...)
	if err != nil {
		for _, t := range o.Targets {
			_ = t.Target.Close() // it has sent nothing
		}
		return nil, nil, nil, err
	}
	return conf, db, r, nil
}

// with opens the database for the time of a function, while nothing is replicated by this
// process.
func (c *commands) with(ctx context.Context, do func(*config.Config, *replicator.Replicator) error) (err error) {
	conf, db, r, err := c.open(ctx, func(o *replicator.Options) { o.OnDemand = true })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return do(conf, r)
}
