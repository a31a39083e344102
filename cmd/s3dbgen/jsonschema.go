package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/s3dbgen/s3dbgen/gen"
	"github.com/s3dbgen/s3dbgen/schema"
)

func newJSONSchema() *cobra.Command {
	var output string
	command := &cobra.Command{
		Use:                   "jsonschema [-o FILE]",
		DisableFlagsInUseLine: true,
		Short:                 "Write the JSON Schema of schema.yaml, for editors",
		Long: `Jsonschema writes a JSON Schema (draft-07) of schema files. With it, editors complete
and explain the keys of schema.yaml and underline mistakes while it is written. An
editor that uses yaml-language-server finds it by the first line of schema.yaml:

  # yaml-language-server: $schema=./` + editorFile + `

Init writes this line and the file; "go generate" brings the file up to date with
s3dbgen. Validate sees more: what takes more than one place of the file to know.

Without -o it goes to standard output.`,
		Example: `  s3dbgen jsonschema -o ` + editorFile + `
  s3dbgen jsonschema | jq .definitions.resource.properties`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return usageError{fmt.Errorf("unexpected argument %q; the file is named with -o", args[0])}
		},
		RunE: func(command *cobra.Command, _ []string) error {
			return writeJSONSchema(output, command.OutOrStdout())
		},
	}
	command.Flags().StringVarP(&output, "output", "o", "", "the `file` to write, instead of standard output")
	return command
}

// writeJSONSchema writes the file only when it changes, and never over another one.
func writeJSONSchema(output string, stdout io.Writer) error {
	text := schema.JSONSchema()
	if output == "" {
		_, err := stdout.Write(text)
		return err
	}
	present, err := readFile(output)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil && !bytes.Contains(present, []byte(schema.JSONSchemaTitle)) {
		return fmt.Errorf("%s is not a JSON Schema of s3dbgen; name another file with -o, or remove it first", output)
	}
	p := new(gen.Plan)
	if err := p.Add(output, text); err != nil {
		return err
	}
	if err := p.Apply(); err != nil {
		return err
	}
	return reportWritten(stdout, p, output)
}
