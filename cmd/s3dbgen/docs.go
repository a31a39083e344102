package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/s3dbgen/s3dbgen/gen"
	"github.com/s3dbgen/s3dbgen/gen/reference"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/schema"
)

func newDocs() *cobra.Command {
	var d documentation
	command := &cobra.Command{
		Use:                   "docs [-f schema.yaml] [--format markdown|mermaid|openapi|jsonschema] [-o FILE] [--check]",
		DisableFlagsInUseLine: true,
		Short:                 "Document the resources of a schema",
		Long: `Docs writes the documentation of a schema: as Markdown, a reference of each resource
with its attributes, the keys of its indexes, what it takes of the metadata, and what
each operation costs in requests and dollars; as Mermaid, a diagram of the resources
and the objects in them; as OpenAPI 3.1 or JSON Schema, the JSON of documents, inserts
and patches, for the description of an API that serves them.

It goes to the file of -o, or to standard output. Without --format and -o the files
are those that the schema names with "docs", relative to itself:

  docs: {markdown: docs/reference.md, openapi: api/openapi.json}

A file that docs did not write is never replaced. With --check nothing is written:
every file that is missing or stale is named, and the exit code is 1 if there is any.`,
		Example: `  s3dbgen docs | less
  s3dbgen docs --format mermaid -o docs/diagram.mmd
  s3dbgen docs --format openapi -o api/components.json
  s3dbgen docs --check            # in CI`,
		Args: noArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if d.format != "" {
				if err := oneOf("format", d.format, formatNames()...); err != nil {
					return err
				}
			}
			return d.run(command.Context(), command.InOrStdin(), command.OutOrStdout(), command.ErrOrStderr())
		},
	}
	command.Flags().StringVarP(&d.schema, "file", "f", defaultSchema, "the schema, or - for standard input")
	command.Flags().StringVar(&d.format, "format", "", alternatives(formatNames()))
	// It fails only for a flag that is not declared.
	_ = command.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(formatNames(), cobra.ShellCompDirectiveNoFileComp))
	command.Flags().StringVarP(&d.output, "output", "o", "", "the `file` to write, instead of standard output or those that the schema names")
	command.Flags().BoolVar(&d.check, "check", false, "write nothing, report what differs")
	return command
}

// documentation is one run of docs.
type documentation struct {
	schema, format, output string
	check                  bool
}

// formatNames are the formats of documentation, the usual one first.
func formatNames() []string {
	names := make([]string, len(schema.DocsFormats()))
	for i, f := range schema.DocsFormats() {
		names[i] = string(f)
	}
	return names
}

func (d *documentation) run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) error {
	src, err := readSource(d.schema, stdin)
	if err != nil {
		return err
	}
	parsed, lock, found, err := src.parse()
	if err != nil {
		return err
	}
	r, names := gen.NewReference(parsed, lock)
	found = append(found, names...)
	if err := found.Err(); err != nil {
		return err
	}
	if _, err := io.WriteString(stderr, found.Sort().String()); err != nil {
		return err
	}
	files := d.files(parsed)
	if len(files) == 0 {
		if d.check {
			return usageError{errors.New("--check needs files: name one with -o, or name them in the schema with docs")}
		}
		return writeDocs(stdout, r, d.chosen())
	}
	plan := &gen.Plan{}
	for _, f := range files {
		var b bytes.Buffer
		if err := writeDocs(&b, r, f.Format); err != nil {
			return err
		}
		if err := plan.AddMarked(f.Path, reference.Mark, b.Bytes()); err != nil {
			return err
		}
	}
	if d.check {
		return reportDifferences(stdout, plan, "docs")
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("nothing was written: %w", err)
	}
	if err := plan.Apply(); err != nil {
		return err
	}
	return reportWritten(stdout, plan, "the documentation")
}

// chosen is the format that the command line asks for.
func (d *documentation) chosen() schema.DocsFormat {
	if d.format == "" {
		return schema.DocsFormats()[0]
	}
	return schema.DocsFormat(d.format)
}

// files are the files to write; none when the documentation goes to standard output.
func (d *documentation) files(s *schema.Schema) []schema.DocsFile {
	switch {
	case d.output != "":
		return []schema.DocsFile{{Format: d.chosen(), Path: d.output}}
	case d.format != "":
		return nil
	}
	files := make([]schema.DocsFile, len(s.Docs))
	for i, f := range s.Docs {
		files[i] = schema.DocsFile{Format: f.Format, Path: filepath.Join(filepath.Dir(d.schema), filepath.FromSlash(f.Path))}
	}
	return files
}

func writeDocs(w io.Writer, r *gen.Reference, format schema.DocsFormat) error {
	switch format {
	case schema.DocsMermaid:
		return reference.WriteMermaid(w, r)
	case schema.DocsOpenAPI:
		return reference.WriteOpenAPI(w, r)
	case schema.DocsJSONSchema:
		return reference.WriteJSONSchema(w, r)
	default:
		return reference.WriteMarkdown(w, r, millionCost)
	}
}

// millionCost is the price of a million times some requests, in S3 Standard.
func millionCost(r gen.Requests) string {
	const million = 1_000_000
	one := s3db.ClassStandard.Prices().Of(s3db.RequestCounts{
		Get: int64(r.Get), Head: int64(r.Head), Put: int64(r.Put),
		Delete: int64(r.Delete), DeleteMany: int64(r.DeleteMany), List: int64(r.List),
	})
	return fmt.Sprintf("$%.2f", (one * million).Dollars())
}
