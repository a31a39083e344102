package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
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
		return plain(strings.Replace(err.Error(), pathErr.Error(), pathErr.Path+": "+pathErr.Err.Error(), 1))
	}
	return plain(err.Error())
}

// plain leaves out the name by which errors of the runtime begin, for the command has
// said its own: wherever such an error is, alone or within another one.
func plain(text string) string {
	for _, before := range []string{"\n", ": ", "; "} {
		text = strings.ReplaceAll(text, before+"s3db: ", before)
	}
	return strings.TrimPrefix(text, "s3db: ")
}

// usageError is a command line that cannot be understood.
type usageError struct{ error }

func (usageError) help(command *cobra.Command) string { return command.CommandPath() + " --help" }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:                   "s3dbgen",
		Annotations:           holdsOthers(),
		DisableFlagsInUseLine: true,
		Short:                 "Generate typed Go clients that keep documents in S3",
		Long: `s3dbgen reads a schema in YAML and writes a Go package that stores, validates,
finds and changes documents in an S3 bucket, in one local file, or in memory.

"s3dbgen init" begins a project: it writes a schema, the client of it, a program and
a test. The smallest schema is

  package: shop
  resources: {users: {attributes: {name: string}}}

and "s3dbgen generate" makes the package shop of it.

Exit codes: 0 success; 1 the command looked for something and found it, such as files
out of date, or some items failed, and it told which; 2 it did not do what it should:
wrong usage, a mistake in the schema, a file or database that cannot be used.`,
		Args: func(command *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return unknownCommand(command, args[0])
		},
		RunE: func(*cobra.Command, []string) error {
			return usageError{errors.New("a command is missing, such as init or generate")}
		},
		Example: `  s3dbgen init blog
  s3dbgen generate --check
  s3dbgen inspect file://./shop.db`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.Version = versionText()
	root.SetVersionTemplate("{{.Version}}\n")
	root.Flags().Bool("version", false, "print the version of s3dbgen")
	root.SetHelpCommand(newHelp())
	// Commands that only hold others cannot be run by themselves, but to be told so.
	root.SetUsageTemplate(strings.Replace(root.UsageTemplate(), "{{if .Runnable}}", `{{if and .Runnable (not (index .Annotations "holds"))}}`, 1))
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
	completion(root)
	return root
}

// completion makes the command of the library that prints scripts for shells speak as the
// others do, and refuse shells that it does not know.
func completion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() != "completion" {
			continue
		}
		c.Short = "Print what a shell needs to complete commands and flags"
		c.Long = `Completion prints a script for a shell, which then completes commands, flags and their
values. The help of each shell tells where the script goes.`
		c.Example = "  source <(s3dbgen completion bash)\n  s3dbgen completion zsh --help"
		c.Args = nil
		c.Annotations = holdsOthers()
		c.RunE = func(command *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("completion needs a shell: bash, fish, powershell or zsh")}
			}
			return usageError{fmt.Errorf("unknown shell %q; there are bash, fish, powershell and zsh", args[0])}
		}
	}
}

// holdsOthers marks a command that is there for those below it.
func holdsOthers() map[string]string { return map[string]string{"holds": "commands"} }

// unknownCommand is the error of a name that no command below a command has.
func unknownCommand(command *cobra.Command, name string) error {
	meant := ""
	command.SuggestionsMinimumDistance = 2
	if near := command.SuggestionsFor(name); len(near) > 0 {
		meant = fmt.Sprintf("; did you mean %q?", near[0])
	}
	return usageError{fmt.Errorf("unknown command %q%s", name, meant)}
}

// newHelp replaces the command of the library, which takes an unknown command for none.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:                   "help [COMMAND]",
		DisableFlagsInUseLine: true,
		Short:                 "Print the help of a command",
		Long:                  "Help prints what a command does, its flags and examples of it.",
		Example:               "  s3dbgen help generate\n  s3dbgen help audit verify",
		ValidArgsFunction: func(command *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			if at, rest, err := command.Root().Find(args); err == nil && len(rest) == 0 {
				for _, c := range at.Commands() {
					names = append(names, c.Name()+"\t"+c.Short)
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(command *cobra.Command, args []string) error {
			at := command.Root()
			for _, name := range args {
				i := slices.IndexFunc(at.Commands(), func(c *cobra.Command) bool { return c.Name() == name })
				if i < 0 {
					return unknownCommand(at, name)
				}
				at = at.Commands()[i]
			}
			at.InitDefaultHelpFlag()
			at.SetOut(command.OutOrStdout())
			return at.Help()
		},
	}
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
