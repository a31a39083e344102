package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/s3dbgen/s3dbgen/gen"
	"github.com/s3dbgen/s3dbgen/schema"
)

const (
	defaultSchema = "schema.yaml" // unless -f names another
	standardInput = "-"           // names the schema that comes through a pipe
)

// source is a schema with its lock file, as they were read.
type source struct {
	path     string // of the schema, as the user gave it
	text     []byte
	lockPath string
	lockText []byte // nil when there is no lock file yet
}

// readSource reads the files. A schema from standard input has no lock file.
func readSource(path string, stdin io.Reader) (*source, error) {
	if path == standardInput {
		text, err := io.ReadAll(stdin)
		return &source{path: "<stdin>", text: text}, err
	}
	s := &source{path: path, lockPath: gen.LockPath(path)}
	var err error
	if s.text, err = readFile(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			if path == defaultSchema {
				return nil, fmt.Errorf(`%w; name the schema with -f, or begin a project with "s3dbgen init"`, err)
			}
			return nil, err
		}
		return nil, err
	}
	if s.lockText, err = readFile(s.lockPath); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return s, nil
}

// readFile reads a file. Without the special case a directory is "read" with an
// error that does not say so.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s is a directory, a file is needed", path)
	}
	return os.ReadFile(path)
}

// parse checks the schema and numbers it. Warnings are returned beside it;
// errors as a *schema.DiagnosticsError.
func (s *source) parse() (*schema.Schema, *schema.Lock, schema.Diagnostics, error) {
	parsed, found := schema.Parse(s.path, s.text)
	lock, lockFound := schema.ReadLock(s.lockPath, s.lockText)
	found = append(found, lockFound...)
	if err := found.Err(); err != nil {
		return nil, nil, nil, err
	}
	found = append(found, parsed.Assign(lock)...)
	if err := found.Err(); err != nil {
		return nil, nil, nil, err
	}
	return parsed, lock, append(found, parsed.CheckBudgets()...), nil
}
