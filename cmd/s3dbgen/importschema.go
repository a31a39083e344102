package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/spf13/cobra"

	"github.com/s3dbgen/s3dbgen/gen"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/s3store"
	"github.com/s3dbgen/s3dbgen/s3dbjs"
	"github.com/s3dbgen/s3dbgen/s3dbjs/convert"
	"github.com/s3dbgen/s3dbgen/schema"
)

func newImportSchema() *cobra.Command {
	var output, name string
	command := &cobra.Command{
		Use:                   "import-schema URL [-o schema.yaml] [--package name]",
		DisableFlagsInUseLine: true,
		Short:                 "Write a schema for a database of s3db.js",
		Long: `Import-schema reads the definition of a database that s3db.js, the Node library,
has written (s3db.json), and writes a schema file for it. Comments in the file
tell where information is missing and where the two differ. The result is valid;
look through it before you generate code from it. The database is only read.

Without -o the schema goes to standard output. A file that exists is not
overwritten.`,
		Example: `  s3dbgen import-schema s3://bucket/old -o schema.yaml
  s3dbgen import-schema 's3://KEY:SECRET@bucket/old?endpoint=http://127.0.0.1:9000'`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Errorf("import-schema takes one database URL, got %d", len(args))}
			}
			return nil
		},
		RunE: func(command *cobra.Command, args []string) error {
			return importSchema(command.Context(), args[0], output, name, command.OutOrStdout())
		},
	}
	command.Flags().StringVarP(&output, "output", "o", "", "the file to write, instead of standard output")
	command.Flags().StringVar(&name, "package", "", "name of the generated Go package (default: the last part of the URL)")
	return command
}

// importSchema checks what it made before it writes anything.
func importSchema(ctx context.Context, url, output, name string, stdout io.Writer) (err error) {
	if name == "" {
		name = packageOf(url)
	}
	reader, err := s3db.OpenReader(ctx, url, []s3db.Driver{s3store.Driver()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	db, err := s3dbjs.Open(ctx, reader, "")
	if err != nil {
		return err
	}
	text := convert.Schema(db.Definition, name)
	parsed, found := schema.Parse("schema.yaml", []byte(text))
	if err := found.Err(); err != nil {
		return err
	}
	lock, found := schema.ReadLock("schema.lock.yaml", nil)
	found = append(found, parsed.Assign(lock)...)
	if err := append(found, gen.Validate(parsed, lock)...).Err(); err != nil {
		return err
	}
	if output == "" {
		_, err = io.WriteString(stdout, text)
		return err
	}
	if err := writeNew(output, text); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s: %s\n", output, count(len(db.Definition.Resources), "resource"))
	return err
}

// writeNew writes a file that does not exist yet, whole or not at all.
func writeNew(name, text string) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists; name another file with -o, or remove it first", name)
	}
	if err != nil {
		return err
	}
	_, err = io.WriteString(file, text)
	if err = errors.Join(err, file.Close()); err != nil {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}

// packageOf makes a package name of the last part of a URL.
func packageOf(url string) string {
	u, err := s3db.ParseURL(url)
	if err != nil {
		return "db"
	}
	base := path.Base("/" + u.Path)
	if base == "/" {
		base = u.Host
	}
	if name := packageName(base); name != "" {
		return name
	}
	return "db"
}
