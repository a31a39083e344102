package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/s3dbgen/s3dbgen/gen"
	"github.com/s3dbgen/s3dbgen/schema"
)

func newValidate() *cobra.Command {
	var path, format string
	command := &cobra.Command{
		Use:                   "validate [-f schema.yaml] [--format text|json|sarif|github]",
		DisableFlagsInUseLine: true,
		Short:                 "Check a schema and write nothing",
		Long: `Validate reports every mistake in a schema with its place and a way to put it
right: also those that only its lock file or the names of the generated code
bring to light. It writes nothing. "-f -" reads the schema from standard input,
without a lock file.

With --format it reports mistakes and warnings to programs, on standard output: as
JSON, as SARIF 2.1.0 for code scanning and editors, or as workflow commands that
GitHub Actions shows at the lines concerned. Exit code 2 means mistakes, in all
formats.`,
		Example: `  s3dbgen validate
  s3dbgen validate -f schemas/shop.yaml
  s3dbgen validate --format github`,
		Args: noArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := oneOf("format", format, "text", "json", "sarif", "github"); err != nil {
				return err
			}
			return validate(path, diagnosticFormats()[format], command.InOrStdin(), command.OutOrStdout(), command.ErrOrStderr())
		},
	}
	command.Flags().StringVarP(&path, "file", "f", defaultSchema, "the schema, or - for standard input")
	choiceFlag(command, &format, "format", "text", "json", "sarif", "github")
	return command
}

// validate tells what is wrong with a schema by write, or as text when that is nil.
func validate(path string, write func(io.Writer, schema.Diagnostics) error, stdin io.Reader, stdout, stderr io.Writer) error {
	src, err := readSource(path, stdin)
	if err != nil {
		return err
	}
	parsed, lock, found, err := src.parse()
	if mistakes, ok := schema.AsDiagnostics(err); ok {
		found = mistakes
	} else if err != nil {
		return err
	} else {
		found = append(found, gen.Validate(parsed, lock)...)
	}
	if write != nil {
		if err := write(stdout, found.Sort()); err != nil {
			return err
		}
		if found.HasErrors() {
			return errMistakes
		}
		return nil
	}
	if err := found.Err(); err != nil {
		return err
	}
	if _, err := io.WriteString(stderr, found.String()); err != nil {
		return err
	}
	attributes := 0
	for _, r := range parsed.Resources {
		attributes += len(r.Attributes)
	}
	_, err = fmt.Fprintf(stdout, "%s is valid: %s with %s\n", src.path, count(len(parsed.Resources), "resource"), count(attributes, "attribute"))
	return err
}

// count prints a number with its noun; a plural that does not end in s is given.
func count(n int, noun string, plural ...string) string {
	if n == 1 {
		return "1 " + noun
	}
	if len(plural) > 0 {
		return fmt.Sprintf("%d %s", n, plural[0])
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
