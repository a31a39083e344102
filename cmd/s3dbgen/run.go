package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	replicate "github.com/s3dbgen/s3dbgen/plugins/replicator/command"
	"github.com/s3dbgen/s3dbgen/schema"
)

// Exit codes.
const (
	exitOK        = 0
	exitDifferent = 1 // generate --check found differences, fsck or audit found something wrong, items of a transfer failed, rotate or sweep left something
	exitFailed    = 2 // wrong usage, wrong schema, or files that cannot be read or written
)

// Errors of commands that have told already what was wrong.
var (
	errTold     = errors.New("told")     // what the command looked for, or items that failed
	errMistakes = errors.New("mistakes") // in a schema
)

// outcome is that of a command which ended with err and then told what it had done:
// that some items failed is told already, and does not hide what ended it.
func outcome(err, told error) error {
	if err != nil && errors.Is(told, errTold) {
		return err
	}
	return errors.Join(err, told)
}

// run executes the program and returns its exit code. Results go to stdout,
// diagnostics and errors to stderr.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	switch {
	case errors.Is(err, errTold), errors.Is(err, replicate.ErrFound):
		return exitDifferent
	case errors.Is(err, errMistakes):
		return exitFailed
	}
	report(stderr, command, err)
	return exitFailed
}

// report prints why a command failed. The output of a command that cannot be
// written has nowhere to go.
func report(stderr io.Writer, command *cobra.Command, err error) {
	if found, ok := schema.AsDiagnostics(err); ok {
		_, _ = io.WriteString(stderr, found.String())
		return
	}
	for line := range strings.SplitSeq(describe(err), "\n") {
		_, _ = fmt.Fprintf(stderr, "s3dbgen: %s\n", line)
	}
	if usage, ok := errors.AsType[usageError](err); ok {
		_, _ = fmt.Fprintf(stderr, "Run %q for usage.\n", usage.help(command))
	}
}

// describe prints an error of the file system as people read it: the file first.
func describe(err error) string {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return strings.Replace(err.Error(), pathErr.Error(), pathErr.Path+": "+pathErr.Err.Error(), 1)
	}
	return err.Error()
}

// usageError is a command line that cannot be understood.
type usageError struct{ error }

func (usageError) help(command *cobra.Command) string { return command.CommandPath() + " --help" }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:                   "s3dbgen",
		DisableFlagsInUseLine: true,
		Short:                 "Generate typed Go clients that keep documents in S3",
		Long: `s3dbgen reads a schema in YAML and writes a Go package that stores, validates,
finds and changes documents in an S3 bucket, in one local file, or in memory.

"s3dbgen init" begins a project: it writes a schema, the client of it, a program and
a test. The smallest schema is

  package: shop
  resources: {users: {attributes: {name: string}}}

and "s3dbgen generate" makes the package shop of it.

Exit codes: 0 success; 1 diff or a --check found differences, breaking found
something that breaks, fsck or audit verify found something wrong, a transfer went on
after failures, replicate found a difference or a target that fails, rotate left
secrets under other keys, migrate left documents of older versions, or sweep could not
delete some that have expired; 2 wrong usage, a mistake in the schema, or files that
cannot be read or written.`,
		Args: func(command *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			meant := ""
			if near := command.SuggestionsFor(args[0]); len(near) > 0 {
				meant = fmt.Sprintf("; did you mean %q?", near[0])
			}
			return usageError{fmt.Errorf("unknown command %q%s", args[0], meant)}
		},
		SuggestionsMinimumDistance: 2,
		RunE: func(*cobra.Command, []string) error {
			return usageError{errors.New("a command is missing, such as init or generate")}
		},
		Example: `  s3dbgen init blog
  s3dbgen generate --check
  s3dbgen inspect file://./shop.db`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	for id, group := range commandGroups() {
		root.AddGroup(&cobra.Group{ID: strconv.Itoa(id), Title: group.title})
		for _, command := range group.commands {
			command.GroupID = strconv.Itoa(id)
			root.AddCommand(command)
		}
		root.SetHelpCommandGroupID(strconv.Itoa(id)) // the last one
		root.SetCompletionCommandGroupID(strconv.Itoa(id))
	}
	return root
}

// commandGroup are commands for one purpose.
type commandGroup struct {
	title    string
	commands []*cobra.Command
}

// commandGroups returns all commands as the help lists them.
func commandGroups() []commandGroup {
	return []commandGroup{
		{"Write a client:", []*cobra.Command{newInit(), newGenerate(), newWatch(), newDiff(), newValidate(), newBreaking(), newExplain(), newDocs(), newJSONSchema()}},
		{"Look into a database:", []*cobra.Command{newInspect(), newList(), newGet(), newCount(), newHistory(), newAudit()}},
		{"Move documents:", []*cobra.Command{newExport(), newImport(), newMigrate(), newImportSchema()}},
		{"Keep a database:", []*cobra.Command{newFsck(), newSweep(), newRotate(), newReplicate(), newIAM()}},
		{"Other:", []*cobra.Command{newVersion()}},
	}
}

// noArgs refuses arguments that are no flags.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usageError{fmt.Errorf("unexpected argument %q; the schema is named with -f", args[0])}
}
