package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/s3dbgen/s3dbgen/gen"
	"github.com/s3dbgen/s3dbgen/schema"
)

func newBreaking() *cobra.Command {
	var path, against, format string
	command := &cobra.Command{
		Use:                   "breaking --against REV|FILE [-f schema.yaml] [--format text|json]",
		DisableFlagsInUseLine: true,
		Short:                 "Tell what a change of the schema breaks",
		Long: `Breaking compares a schema and its lock file with an earlier one, in a revision
of git or in another file, and tells for each change whom it breaks:

  wire-breaking    programs of the earlier schema that still run cannot read or
                   change documents that the present one writes, or miss some
  source-breaking  programs need a change to compile
  safe             neither

Exit code 1 means that something breaks.`,
		Example: `  s3dbgen breaking --against main
  s3dbgen breaking --against HEAD~1 -f schemas/shop.yaml
  s3dbgen breaking --against old/schema.yaml --format json`,
		Args: noArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := oneOf("format", format, "text", "json"); err != nil {
				return err
			}
			switch {
			case against == "":
				return usageError{errors.New("breaking needs --against, a revision of git or a file")}
			case path == standardInput:
				return usageError{errors.New("breaking needs a file: the lock file lies beside it")}
			}
			return breaking(command.Context(), path, against, format, command.OutOrStdout())
		},
	}
	command.Flags().StringVarP(&path, "file", "f", defaultSchema, "the schema")
	command.Flags().StringVar(&against, "against", "", "`revision` of git, or file, to compare with")
	choiceFlag(command, &format, "format", "text", "json")
	return command
}

func breaking(ctx context.Context, path, against, format string, stdout io.Writer) error {
	src, err := readSource(path, nil)
	if err != nil {
		return err
	}
	now, _, _, err := src.parse()
	if err != nil {
		return err
	}
	before, err := earlierSource(ctx, path, against)
	if err != nil {
		return err
	}
	earlier, _, _, err := before.parse()
	if err != nil {
		return err
	}
	changes := now.Compare(earlier)
	if format == "json" {
		err = writeChanges(stdout, changes)
	} else {
		err = printChanges(stdout, changes)
	}
	for _, c := range changes {
		if err == nil && c.Effect != schema.Safe {
			err = errTold
		}
	}
	return err
}

// earlierSource reads the schema to compare with: a file of that name if there is
// one, else the same file in a revision of git.
func earlierSource(ctx context.Context, path, against string) (*source, error) {
	if _, err := os.Stat(against); err == nil {
		return readSource(against, nil)
	}
	s := &source{path: against + ":" + path, lockPath: against + ":" + gen.LockPath(path)}
	var err error
	if s.text, err = gitShow(ctx, against, path); err != nil {
		return nil, fmt.Errorf("--against %s: neither a file nor a revision that has the schema: %w", against, err)
	}
	if s.lockText, err = gitShow(ctx, against, gen.LockPath(path)); err != nil {
		return nil, fmt.Errorf("--against %s: the schema has no lock file there: %w", against, err)
	}
	return s, nil
}

// gitShow returns a file as it is in a revision.
func gitShow(ctx context.Context, revision, path string) ([]byte, error) {
	if strings.HasPrefix(revision, "-") {
		return nil, errors.New("not the name of a revision")
	}
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(ctx, "git", "-C", filepath.Dir(path), "show", revision+":./"+filepath.Base(path))
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		if text := strings.TrimSpace(stderr.String()); text != "" {
			err = errors.New(strings.ReplaceAll(text, "\n", " "))
		}
		return nil, err
	}
	return stdout.Bytes(), nil
}

func printChanges(w io.Writer, changes []schema.Change) error {
	counts := map[schema.Effect]int{}
	for _, c := range changes {
		counts[c.Effect]++
		if _, err := fmt.Fprintf(w, "%s: %s: %s%s\n", c.Position, c.Effect, changeSubject(c), c.Message); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d wire-breaking, %d source-breaking, %d safe\n",
		counts[schema.WireBreaking], counts[schema.SourceBreaking], counts[schema.Safe])
	return err
}

// changeSubject names what changed, in front of the message.
func changeSubject(c schema.Change) string {
	switch {
	case c.Resource == "":
		return ""
	case c.Path == "":
		return c.Resource + ": "
	}
	return c.Resource + "." + c.Path + ": "
}

func writeChanges(w io.Writer, changes []schema.Change) error {
	type change struct {
		Effect   schema.Effect `json:"effect"`
		File     string        `json:"file"`
		Line     int           `json:"line"`
		Column   int           `json:"column"`
		Resource string        `json:"resource,omitempty"`
		Path     string        `json:"path,omitempty"`
		Message  string        `json:"message"`
	}
	list := []change{}
	for _, c := range changes {
		list = append(list, change{c.Effect, c.Position.File, c.Position.Line, c.Position.Column, c.Resource, c.Path, c.Message})
	}
	return indented(w).Encode(list)
}
