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

func newImport() *cobra.Command {
	var f transferFlags
	var mode string
	var keep bool
	var sequences sequencesFlag
	command := &cobra.Command{
		Use: "import URL RESOURCE FILE [--mode insert|upsert|replace] [--keep-timestamps] [--format F] [--on-error stop|continue] [--concurrency N] [--resume]\n" +
			"  s3dbgen import URL FILE --sequences",
		DisableFlagsInUseLine: true,
		Short:                 "Write the records of a file as documents",
		Long: `Import reads JSON Lines (.jsonl) or CSV (.csv), decompressed when .gz or .zst
follows, and writes each record as a document, with its partition entries and
unique claims. FILE "-" is standard input. The database must exist: the program
that owns it creates it. Types are checked; the rules of the schema are not, since
they are no part of the database, and there are no defaults.

--mode says what becomes of a record whose id exists: insert refuses it, upsert
sets the attributes of the record and keeps the others, replace replaces it.
--keep-timestamps stores createdAt and updatedAt as the file has them.

A record that is broken or refused is named by its line. --on-error continue goes
on with the others. An import that was interrupted leaves FILE.resume; --resume
goes on from there.

Secrets in the file are plain text and are encrypted with the key given; a
"[redacted]" one keeps what the document has.

--sequences reads a file of export --sequences, and raises each sequence to where it
was. None goes back, so that no number comes twice.

` + keysHelp + `

Exit code 1 means that some records were refused, under --on-error continue.`,
		Example: `  s3dbgen import file://./copy.db users users.jsonl.zst --keep-timestamps
  s3dbgen import s3://bucket/shop orders orders.csv --mode upsert --on-error continue
  s3dbgen import file://./copy.db sequences.jsonl --sequences`,
		Args: sequences.args,
		RunE: func(command *cobra.Command, args []string) error {
			if sequences.set {
				return f.withDatabase(command.Context(), args[0], func(db *dynamic.Database) error {
					return importSequences(command.Context(), db.Database, args[1], command.InOrStdin(), command.ErrOrStderr())
				})
			}
			if err := oneOf("mode", mode, "insert", "upsert", "replace"); err != nil {
				return err
			}
			format, err := f.check(args[2])
			if err != nil {
				return err
			}
			m := &importing{flags: &f, path: args[2], stdin: command.InOrStdin(), stderr: command.ErrOrStderr()}
			m.options = transfer.ImportOptions{Format: format, Mode: transfer.Mode(mode), KeepTimestamps: keep, Concurrency: f.concurrency}
			return f.with(command.Context(), args[0], args[1], func(r *dynamic.Resource) error {
				return m.run(command.Context(), r)
			}, s3db.WithConcurrency(f.concurrency), s3db.WithRequestObserver(m.requests.Observe))
		},
	}
	f.keys.register(command)
	f.registerTransfer(command)
	command.Flags().StringVar(&mode, "mode", "insert", "insert, upsert or replace")
	command.Flags().BoolVar(&keep, "keep-timestamps", false, "store the createdAt and updatedAt of the file")
	sequences.register(command, "raise sequences instead of writing documents")
	return command
}

// importing is a running import.
type importing struct {
	flags    *transferFlags
	options  transfer.ImportOptions
	path     string
	stdin    io.Reader
	stderr   io.Writer
	requests s3db.RequestCounter
}

// checkpointEvery is the number of records between checkpoints of an import.
const checkpointEvery = 1000

func (m *importing) run(ctx context.Context, r *dynamic.Resource) (err error) {
	in, total := m.stdin, 0
	at := &checkpoint{Database: r.Database().ID(), Resource: r.Name()}
	if m.path != standardInput {
		file, err := os.Open(m.path)
		if err != nil {
			return err
		}
		defer file.Close() //nolint:errcheck // it was only read
		in = file
		if isTerminal(m.stderr) {
			if total, err = transfer.Count(m.options.Format, file); err != nil {
				return err
			}
			if _, err := file.Seek(0, io.SeekStart); err != nil {
				return err
			}
		}
	}
	if m.flags.resume {
		if at, err = loadCheckpoint(m.path, at.Database, at.Resource); err != nil {
			return err
		}
		m.options.Skip, m.options.Resumed = at.Done, true
	}
	p := newProgress(m.stderr, isTerminal(m.stderr), &m.requests, "imported", total)
	m.options.Failed = m.flags.failed(p)
	done, saved := at.Done, at.Done
	var saveErr error
	save := func() {
		if m.path != standardInput && saveErr == nil {
			at.Done, saved = done, done
			saveErr = at.save(m.path)
		}
	}
	m.options.Done = func(n int) {
		done = n
		p.to(n)
		if done-saved >= checkpointEvery {
			save()
		}
	}
	report, err := transfer.Import(ctx, r, in, m.options)
	p.end()
	if err != nil {
		save()
		return errors.Join(err, saveErr)
	}
	if saveErr == nil && m.path != standardInput {
		saveErr = removeCheckpoint(m.path)
	}
	if saveErr != nil {
		return saveErr
	}
	_, err = fmt.Fprintf(m.stderr, "imported %s%s\n", count(report.Documents, "document"), failures(report))
	if err == nil && report.Failed > 0 {
		err = errTold
	}
	return err
}
