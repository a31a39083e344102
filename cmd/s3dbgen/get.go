package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"

	"github.com/spf13/cobra"

	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
)

func newGet() *cobra.Command {
	var db databaseFlags
	command := &cobra.Command{
		Use:                   "get URL RESOURCE ID [--secrets]",
		DisableFlagsInUseLine: true,
		Short:                 "Print a document as JSON",
		Long: `Get reads one document, without generated code: the registry of the database
says what its resources are. Secrets and passwords are "[redacted]" unless
--secrets asks for them and a key is given.

` + keysHelp,
		Example: `  s3dbgen get file://./shop.db users ada
  s3dbgen get s3://bucket/shop users ada --secrets --passphrase-file key.txt`,
		Args: exactly("URL", "RESOURCE", "ID"),
		RunE: func(command *cobra.Command, args []string) error {
			return db.with(command.Context(), args[0], args[1], func(r *dynamic.Resource) error {
				return get(command.Context(), r, args[2], db.secrets, command.OutOrStdout())
			})
		},
	}
	db.register(command, "show the values of secrets and the hashes of passwords")
	return command
}

func get(ctx context.Context, r *dynamic.Resource, id string, secrets bool, stdout io.Writer) error {
	d, err := r.Get(ctx, id)
	if err != nil {
		return err
	}
	text, err := documentJSON(d, secrets)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "  "); err != nil {
		return err
	}
	out.WriteByte('\n')
	_, err = out.WriteTo(stdout)
	return err
}
