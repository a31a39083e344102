package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
	"github.com/s3dbgen/s3dbgen/runtime/transfer"
)

// transferFlags are what export and import share.
type transferFlags struct {
	databaseFlags
	format      string
	onError     string
	concurrency int
	resume      bool
}

func (f *transferFlags) registerTransfer(command *cobra.Command) {
	flags := command.Flags()
	flags.StringVar(&f.format, "format", "", "jsonl or csv, with .gz or .zst; the name of the file says it otherwise")
	flags.StringVar(&f.onError, "on-error", "stop", "after an item that fails: stop or continue")
	flags.IntVar(&f.concurrency, "concurrency", 32, "documents in work at the same time")
	flags.BoolVar(&f.resume, "resume", false, "go on with a transfer that was interrupted")
}

// check refuses flags that make no sense for a file.
func (f *transferFlags) check(path string) (transfer.Format, error) {
	var none transfer.Format
	if err := oneOf("on-error", f.onError, "stop", "continue"); err != nil {
		return none, err
	}
	if f.concurrency < 1 {
		return none, usageError{fmt.Errorf("--concurrency %d: must be 1 or more", f.concurrency)}
	}
	if f.resume && path == standardInput {
		return none, usageError{errors.New("--resume needs a file, a pipe cannot be resumed")}
	}
	name := path
	if f.format != "" {
		name = "x." + f.format
	} else if path == standardInput {
		name = "x.jsonl"
	}
	format, err := transfer.FormatOf(name)
	if err != nil && f.format != "" {
		return none, usageError{fmt.Errorf("--format %q: must be jsonl or csv, with .gz or .zst after it to compress", f.format)}
	}
	return format, err
}

// failed is what a transfer does with an item that fails.
func (f *transferFlags) failed(p *progress) func(transfer.ItemError) error {
	return func(x transfer.ItemError) error {
		if f.onError == "stop" {
			return x
		}
		p.message("s3dbgen: %s", describe(x))
		return nil
	}
}

func newExport() *cobra.Command {
	var f transferFlags
	var sequences sequencesFlag
	command := &cobra.Command{
		Use: "export URL RESOURCE FILE [--format F] [--secrets] [--on-error stop|continue] [--concurrency N] [--resume]\n" +
			"  s3dbgen export URL FILE --sequences",
		DisableFlagsInUseLine: true,
		Short:                 "Write the documents of a resource to a file",
		Long: `Export writes the documents of a resource in the order of their ids, as JSON Lines
(.jsonl) or CSV (.csv), compressed when .gz or .zst follows. FILE "-" is standard
output. In a CSV, nested attributes have columns by dotted path; arrays, maps and
free-form values are JSON.

Secrets and passwords are "[redacted]" unless --secrets asks for them and a key is
given. The file then holds them as plain text, and passwords as hashes.

An export that was interrupted leaves FILE.resume; --resume goes on from there.

--sequences writes where the sequences of the database are, instead of documents, as
JSON Lines. Export them after the documents, so that their numbers are among those.

` + keysHelp + `

Exit code 1 means that some documents could not be read, under --on-error continue.`,
		Example: `  s3dbgen export file://./shop.db users users.jsonl.zst
  s3dbgen export s3://bucket/shop orders - --format csv | head
  s3dbgen export s3://bucket/shop sequences.jsonl --sequences`,
		Args: sequences.args,
		RunE: func(command *cobra.Command, args []string) error {
			if sequences.set {
				return f.withDatabase(command.Context(), args[0], func(db *dynamic.Database) error {
					return exportSequences(command.Context(), db.Database, args[1], command.OutOrStdout(), command.ErrOrStderr())
				})
			}
			format, err := f.check(args[2])
			if err != nil {
				return err
			}
			x := &export{flags: &f, format: format, path: args[2], stdout: command.OutOrStdout(), stderr: command.ErrOrStderr()}
			return f.with(command.Context(), args[0], args[1], func(r *dynamic.Resource) error {
				return x.run(command.Context(), r)
			}, s3db.WithConcurrency(f.concurrency), s3db.WithRequestObserver(x.requests.Observe))
		},
	}
	f.registerTransfer(command)
	f.register(command, "write the values of secrets and the hashes of passwords")
	sequences.register(command, "write where the sequences are, instead of documents")
	return command
}

// export is a running export.
type export struct {
	flags          *transferFlags
	format         transfer.Format
	path           string
	stdout, stderr io.Writer
	requests       s3db.RequestCounter
}

func (x *export) run(ctx context.Context, r *dynamic.Resource) (err error) {
	total := 0
	if isTerminal(x.stderr) {
		if total, err = r.Query().Count(ctx); err != nil {
			return err
		}
	}
	p := newProgress(x.stderr, isTerminal(x.stderr), &x.requests, "exported", total)
	n := 0
	o := transfer.ExportOptions{Format: x.format, Reveal: x.flags.secrets, Failed: x.flags.failed(p)}
	o.Done = func() { n++; p.to(n) }
	if x.path == standardInput {
		report, err := transfer.Export(ctx, r, x.stdout, o)
		p.end()
		return x.finish(report, report.Documents, err)
	}
	at := &checkpoint{Database: r.Database().ID(), Resource: r.Name()}
	if x.flags.resume {
		if at, err = loadCheckpoint(x.path, at.Database, at.Resource); err != nil {
			return err
		}
	} else if _, err := os.Stat(x.path); err == nil {
		return fmt.Errorf("%s: exists already, and is not overwritten", x.path)
	}
	file, err := os.OpenFile(x.path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := file.Truncate(at.Size); err != nil {
		return err
	}
	if _, err := file.Seek(at.Size, io.SeekStart); err != nil {
		return err
	}
	o.After, n = at.After, at.Done
	o.Checkpoint = func(id string) error {
		if err := file.Sync(); err != nil {
			return err
		}
		size, err := file.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		at.After, at.Size, at.Done = id, size, n
		return at.save(x.path)
	}
	report, err := transfer.Export(ctx, r, file, o)
	p.end()
	if err == nil {
		err = removeCheckpoint(x.path)
	}
	return x.finish(report, n, err)
}

// finish says what was done.
func (x *export) finish(report transfer.Report, documents int, err error) error {
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(x.stderr, "exported %s%s\n", count(documents, "document"), failures(report))
	if err == nil && report.Failed > 0 {
		err = errTold
	}
	return err
}

func failures(report transfer.Report) string {
	if report.Failed == 0 {
		return ""
	}
	return ", " + count(report.Failed, "failure")
}
