package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

func newRotate() *cobra.Command {
	var options s3db.RotateOptions
	var keys keyFlags
	var format string
	command := &cobra.Command{
		Use:                   "rotate URL [--passphrase-file FILE | --key-file ID=FILE]... [--dry-run] [--drop KEYID] [--format text|json]",
		DisableFlagsInUseLine: true,
		Short:                 "Encrypt the secrets of a database anew under another key",
		Long: `Rotate writes all secrets of a database anew under the first key that it is
given; the others are there to read with. Programs may use the database meanwhile
if they have both keys. It may be ended at any point and started again, and says
at the end how many secrets are under which key.

` + keysHelp + `

--drop makes the database forget a key, unless something is still encrypted under
it. End the programs that encrypt with that key before.

Exit code 1 means that some documents could not be rotated, or that the key to
drop is in use.`,
		Example: `  s3dbgen rotate s3://bucket/shop --passphrase-file new.txt --passphrase-file old.txt
  s3dbgen rotate file://./shop.db --key-file k2=k2.key --key-file k1=k1.key --drop k1`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Errorf("rotate takes one database URL, got %d", len(args))}
			}
			return nil
		},
		RunE: func(command *cobra.Command, args []string) error {
			if err := oneOf("format", format, "text", "json"); err != nil {
				return err
			}
			given := keys.list()
			if len(given) == 0 {
				return usageError{errors.New("rotate needs the keys of the database: --passphrase-file, --key-file or " + passphraseEnv)}
			}
			return rotate(command.Context(), args[0], given, options, format, command.OutOrStdout())
		},
	}
	keys.register(command)
	command.Flags().BoolVar(&options.DryRun, "dry-run", false, "count the secrets under each key, write nothing")
	command.Flags().StringVar(&options.Drop, "drop", "", "forget the key with this id when nothing is encrypted under it")
	choiceFlag(command, &format, "format", "text", "json")
	return command
}

func rotate(ctx context.Context, url string, keys []s3db.Option, options s3db.RotateOptions, format string, stdout io.Writer) (err error) {
	db, err := s3db.Open(ctx, url, s3db.Config{
		Drivers:  drivers(),
		Existing: true,
	}, keys...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	report, err := db.Rotate(ctx, options)
	if report == nil {
		return err
	}
	inUse := errors.Is(err, s3db.ErrKeyInUse)
	if err != nil && !inUse {
		return err
	}
	reason := ""
	if inUse {
		reason = plain(err.Error())
	}
	if format == "json" {
		err = indented(stdout).Encode(struct {
			*s3db.RotateReport
			NotDropped string `json:"notDropped,omitempty"`
		}{report, reason})
	} else {
		err = printRotation(stdout, report, reason)
	}
	if err == nil && (inUse || len(report.Failures) > 0) {
		err = errTold
	}
	return err
}

func printRotation(w io.Writer, report *s3db.RotateReport, notDropped string) error {
	p := &lines{w: w}
	for _, f := range report.Failures {
		p.line("left %s: %s", f.Key, plain(f.Detail))
	}
	p.line("%s with secrets, %d rotated", count(report.Documents, "document"), report.Rotated)
	for _, u := range report.Keys {
		state := ""
		switch {
		case u.Active:
			state = ", active"
		case !u.Given:
			state = ", not given"
		}
		p.line("key %s: %s in %s%s", u.ID, count(u.Secrets, "secret"), count(u.Documents, "document"), state)
	}
	switch {
	case notDropped != "":
		p.line("not dropped: %s", notDropped)
	case report.Dropped != "":
		p.line("key %s: dropped", report.Dropped)
	}
	return p.err
}
