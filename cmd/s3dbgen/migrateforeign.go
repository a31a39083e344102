package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/s3store"
	"github.com/s3dbgen/s3dbgen/s3dbjs"
	"github.com/s3dbgen/s3dbgen/s3dbjs/convert"
	"github.com/s3dbgen/s3dbgen/s3dbjs/migrate"
	"github.com/s3dbgen/s3dbgen/schema"
)

// foreignPassphraseEnv names the environment variable with the passphrase of the
// database of s3db.js.
const foreignPassphraseEnv = "S3DBJS_PASSPHRASE"

// copying is a copy of a database of s3db.js, as the command line says it.
type copying struct {
	from, to          string
	schema            string
	passphraseFile    string
	defaultPassphrase bool
	dryRun            bool
	format            string
	keys              *keyFlags
}

func (m *copying) check() error {
	switch {
	case m.to == "" && !m.dryRun:
		return usageError{errors.New("migrate needs the URL of the new database: --to")}
	case m.defaultPassphrase && m.passphraseFile != "":
		return usageError{errors.New("--from-default-passphrase and --from-passphrase-file exclude each other")}
	}
	return nil
}

func (m *copying) run(ctx context.Context, stdin io.Reader, stdout io.Writer) (err error) {
	if err := m.check(); err != nil {
		return err
	}
	passphrase, err := m.foreignPassphrase()
	if err != nil {
		return err
	}
	reader, err := s3db.OpenReader(ctx, m.from, []s3db.Driver{s3store.Driver()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	source, err := s3dbjs.Open(ctx, reader, passphrase)
	if err != nil {
		return err
	}
	parsed, err := m.targetSchema(source.Definition, stdin)
	if err != nil {
		return err
	}
	target := migrate.Target{URL: m.to, Drivers: drivers(), Options: m.keys.list()}
	if len(target.Options) == 0 && !m.dryRun && migrate.HasSecrets(parsed) {
		return fmt.Errorf("the schema has secret attributes: give their key with --passphrase-file, --key-file or %s", passphraseEnv)
	}
	report, err := migrate.Run(ctx, source, target, parsed, m.dryRun)
	if err != nil {
		return err
	}
	if m.format == "json" {
		err = indented(stdout).Encode(report)
	} else {
		err = printCopy(stdout, report)
	}
	if err == nil && !report.Complete() {
		err = errTold
	}
	return err
}

func (m *copying) foreignPassphrase() (string, error) {
	switch {
	case m.defaultPassphrase:
		return s3dbjs.DefaultPassphrase, nil
	case m.passphraseFile == "":
		return os.Getenv(foreignPassphraseEnv), nil
	}
	text, err := readFile(m.passphraseFile)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return "", fmt.Errorf("%s: the first line is empty, it must be the passphrase", m.passphraseFile)
	}
	return line, nil
}

// targetSchema returns the schema of the copy with its numbers. Those of a file
// must be in its lock file, because documents will hold them.
func (m *copying) targetSchema(def *s3dbjs.Definition, stdin io.Reader) (*schema.Schema, error) {
	if m.schema == "" {
		parsed, found := schema.Parse("schema.yaml", []byte(convert.Schema(def, "db")))
		lock, lockFound := schema.ReadLock("schema.lock.yaml", nil)
		found = append(found, lockFound...)
		if err := found.Err(); err != nil {
			return nil, err
		}
		return parsed, parsed.Assign(lock).Err()
	}
	src, err := readSource(m.schema, stdin)
	if err != nil {
		return nil, err
	}
	before, _ := schema.ReadLock(src.lockPath, src.lockText)
	locked := before.Bytes()
	parsed, lock, _, err := src.parse()
	if err != nil {
		return nil, err
	}
	if src.lockText == nil || !bytes.Equal(locked, lock.Bytes()) {
		return nil, fmt.Errorf("%s has changes that its lock file does not know; run %q first", src.path, "s3dbgen generate -f "+src.path)
	}
	return parsed, nil
}

func printCopy(w io.Writer, report *migrate.Report) error {
	var b strings.Builder
	for _, p := range report.Problems {
		fmt.Fprintln(&b, p)
	}
	for _, key := range report.Left.Examples {
		fmt.Fprintf(&b, "unknown object %s\n", key)
	}
	copied := "copied"
	if report.DryRun {
		copied = "to copy"
	}
	for _, r := range report.Resources {
		fmt.Fprintf(&b, "%s: %s, %d %s, %d unchanged, %d not copied", r.Name, count(r.Documents, "document"), r.Copied, copied, r.Unchanged, r.Failed)
		if r.Contents > 0 {
			fmt.Fprintf(&b, ", %s", count(r.Contents, "content"))
		}
		if r.Target != "" && r.Target != r.Name {
			fmt.Fprintf(&b, ", as %s", r.Target)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%s and %s built; %s; left alone: %s, %s, %s, %s\n",
		count(report.Entries, "partition entry", "partition entries"), count(report.Claims, "unique claim"), count(len(report.Problems), "problem"),
		count(report.Left.References, "partition reference"), count(report.Left.Historical, "historical copy", "historical copies"),
		count(report.Left.Plugins, "plugin object"), count(report.Left.Others, "unknown object"))
	_, err := io.WriteString(w, b.String())
	return err
}
