package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// sequencesFlag is what export and import do with sequences instead of documents.
type sequencesFlag struct{ set bool }

func (f *sequencesFlag) register(command *cobra.Command, what string) {
	command.Flags().BoolVar(&f.set, "sequences", false, what)
}

// args are those of a transfer, of documents or of sequences.
func (f *sequencesFlag) args(command *cobra.Command, args []string) error {
	if !f.set {
		return exactly("URL", "RESOURCE", "FILE")(command, args)
	}
	for _, name := range []string{"secrets", "on-error", "resume", "format", "mode", "keep-timestamps"} {
		if command.Flags().Changed(name) {
			return usageError{fmt.Errorf("--%s: not with --sequences", name)}
		}
	}
	if len(args) != 2 {
		return usageError{fmt.Errorf("%s --sequences takes URL FILE, got %s", command.Name(), count(len(args), "argument"))}
	}
	return nil
}

// exportSequences writes where each sequence of a database is, a line for each.
func exportSequences(ctx context.Context, db *s3db.Database, path string, stdout, stderr io.Writer) (err error) {
	out := stdout
	if path != standardInput {
		file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, os.ErrExist) {
			return fmt.Errorf("%s: exists already, and is not overwritten", path)
		}
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		out = file
	}
	n, encoder := 0, json.NewEncoder(out)
	for s, err := range db.Sequences(ctx) {
		if err != nil {
			return err
		}
		if err := encoder.Encode(s); err != nil {
			return err
		}
		n++
	}
	_, err = fmt.Fprintf(stderr, "exported %s\n", count(n, "sequence"))
	return err
}

// importSequences raises the sequences of a database to where those of a file were.
func importSequences(ctx context.Context, db *s3db.Database, path string, stdin io.Reader, stderr io.Writer) error {
	in := stdin
	if path != standardInput {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close() //nolint:errcheck // it was only read
		in = file
	}
	n, decoder := 0, json.NewDecoder(in)
	decoder.DisallowUnknownFields()
	for {
		var x s3db.SequenceState
		err := decoder.Decode(&x)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("record %d: %w; a line is like {\"sequence\":\"invoices\",\"next\":1001}", n+1, err)
		}
		s, err := s3db.NewSequence[int64](db, x.Name, s3db.SequenceOptions{})
		if err == nil {
			err = s.Raise(ctx, x.Next)
		}
		if err != nil {
			return fmt.Errorf("record %d: %w", n+1, err)
		}
		n++
	}
	_, err := fmt.Fprintf(stderr, "imported %s\n", count(n, "sequence"))
	return err
}
