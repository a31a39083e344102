package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/s3dbgen/s3dbgen/schema"
)

func newExplain() *cobra.Command {
	return &cobra.Command{
		Use:                   "explain [CODE]",
		DisableFlagsInUseLine: true,
		Short:                 "Explain the code of a message",
		Long: `Explain says more about a message than fits beside a line of the schema: why it is
a mistake, what to do, and an example of both. The code stands at the end of the
message, in brackets. Without a code, all of them are listed.`,
		Example: `  s3dbgen explain S3D0201
  s3dbgen explain`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError{fmt.Errorf("unexpected argument %q; codes are explained one at a time", args[1])}
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var list []string
			if len(args) == 0 {
				for _, code := range schema.Codes() {
					e, _ := schema.Explain(code)
					list = append(list, string(code)+"\t"+e.Title)
				}
			}
			return list, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(command *cobra.Command, args []string) error {
			if len(args) == 0 {
				return listCodes(command.OutOrStdout())
			}
			e, ok := schema.Explain(codeOf(args[0]))
			if !ok {
				return usageError{fmt.Errorf("unknown code %q; without a code, explain lists all of them", args[0])}
			}
			_, err := io.WriteString(command.OutOrStdout(), explanation(e))
			return err
		},
	}
}

// codeOf reads a code as people give it: with the brackets of a message, in lower case, or
// as its number alone.
func codeOf(text string) schema.Code {
	text = strings.ToUpper(strings.Trim(text, "[]"))
	if len(text) == 4 {
		text = "S3D" + text
	}
	return schema.Code(text)
}

func listCodes(stdout io.Writer) error {
	for _, code := range schema.Codes() {
		e, _ := schema.Explain(code)
		if _, err := fmt.Fprintf(stdout, "%s  %s\n", code, e.Title); err != nil {
			return err
		}
	}
	return nil
}

// explanation is the page of a code.
func explanation(e schema.Explanation) string {
	kind := ""
	if e.Severity == schema.Warning {
		kind = "warning: "
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s%s\n\n%s\n", e.Code, kind, e.Title, wrap(e.Text))
	for _, example := range []struct{ title, text string }{
		{"Raises it:", e.Wrong},
		{"With this lock file:", e.Lock},
		{"Put right:", e.Right},
	} {
		if example.text != "" {
			fmt.Fprintf(&b, "\n%s\n\n  %s\n", example.title, strings.ReplaceAll(strings.TrimSuffix(example.text, "\n"), "\n", "\n  "))
		}
	}
	return b.String()
}

// wrap breaks a text into lines of at most 80 characters.
func wrap(text string) string {
	const width = 80
	var b strings.Builder
	column := 0
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case column+1+len(word) > width:
			b.WriteByte('\n')
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}
