package main

import (
	"context"
	"encoding/json"
	"io"

	"github.com/spf13/cobra"

	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
)

func newHistory() *cobra.Command {
	var db databaseFlags
	command := &cobra.Command{
		Use:                   "history URL RESOURCE ID [--secrets]",
		DisableFlagsInUseLine: true,
		Short:                 "Print what a document was under older versions",
		Long: `History prints what a document was last under each older version of the schema,
the newest of these first, one a line, with the attributes that the version had.
Documents of resources with "history: true" have one; it goes when the document is
deleted.
Secrets and passwords are "[redacted]" unless --secrets asks for them and a key is
given.

` + keysHelp,
		Example: "  s3dbgen history s3://bucket/shop reports r1",
		Args:    exactly("URL", "RESOURCE", "ID"),
		RunE: func(command *cobra.Command, args []string) error {
			return db.with(command.Context(), args[0], args[1], func(r *dynamic.Resource) error {
				return history(command.Context(), r, args[2], db.secrets, command.OutOrStdout())
			})
		},
	}
	db.register(command, "show the values of secrets and the hashes of passwords")
	return command
}

func history(ctx context.Context, r *dynamic.Resource, id string, secrets bool, stdout io.Writer) error {
	list, err := r.History(ctx, id)
	if err != nil {
		return err
	}
	p := &lines{w: stdout}
	for _, d := range list {
		text, err := documentJSON(d, secrets)
		if err != nil {
			return err
		}
		line, err := json.Marshal(struct {
			Version  int             `json:"version"`
			Document json.RawMessage `json:"document"`
		}{d.Meta.StoredVersion, text})
		if err != nil {
			return err
		}
		p.line("%s", line)
	}
	return p.err
}
