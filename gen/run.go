package gen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/s3dbgen/s3dbgen/gen/gosource"
	"github.com/s3dbgen/s3dbgen/gen/plugin"
	"github.com/s3dbgen/s3dbgen/gen/sources"
	"github.com/s3dbgen/s3dbgen/schema"
)

// Input is what Prepare makes a plan from.
type Input struct {
	Schema   *schema.Schema // numbered by Assign
	Lock     *schema.Lock
	LockPath string          // where the lock file is written
	Dir      string          // of the package
	Plugins  []plugin.Plugin // beside those that the schema names
	Stderr   io.Writer       // gets what plugins write to standard error
}

// Prepared is a plan, and what it was made from.
type Prepared struct {
	*Plan             // nil when a diagnostic is an error
	Sources   Sources // of types and plugins, also without a plan
	Unbounded bool    // a plugin may read more than Sources
}

// Sources are the files on which a generation depends beside the schema.
type Sources = sources.Set

// Prepare looks at the types that a schema names, generates its package, with the files
// of plugins, and compares both with what is on disk. It writes nothing. There is no
// plan when a diagnostic is an error.
func Prepare(ctx context.Context, in Input) (Prepared, schema.Diagnostics, error) {
	prepared := Prepared{Unbounded: len(in.Plugins) > 0}
	found, types, err := gosource.Types(ctx, in.Schema, in.Dir)
	prepared.Sources = types
	if err != nil {
		return prepared, found, err
	}
	reads, err := readByPlugins(ctx, in.Schema)
	if err != nil {
		return prepared, found, err
	}
	prepared.Sources = types.Merge(reads)
	for _, x := range in.Schema.Plugins {
		prepared.Unbounded = prepared.Unbounded || x.Unbounded
	}
	p, more := newProgram(in.Schema, in.Lock)
	if found = append(found, more...); found.HasErrors() {
		return prepared, found.Sort(), nil
	}
	files, err := p.render()
	if err != nil {
		return prepared, found, err
	}
	var plugins []plugin.Plugin
	for _, process := range processes(in.Schema, in.Stderr) {
		plugins = append(plugins, process)
	}
	if plugins = append(plugins, in.Plugins...); len(plugins) > 0 {
		var more schema.Diagnostics
		files, more = extend(ctx, in.Schema, p, files, plugins)
		if err := ctx.Err(); err != nil {
			return prepared, found, err
		}
		if found = append(found, more...); found.HasErrors() {
			return prepared, found, nil
		}
	}
	prepared.Plan, err = NewPlan(in.Dir, in.Schema.Package, files)
	if err != nil {
		return prepared, found, err
	}
	return prepared, found, prepared.Add(in.LockPath, in.Lock.Bytes())
}

// Directory decides where the package of a schema goes: to output if it is not "", else
// to the directory that the schema names, relative to its file, else to the one beside
// the file that is called like the package.
func Directory(s *schema.Schema, output string) string {
	beside := filepath.Dir(s.File)
	switch {
	case output != "":
		return filepath.Clean(output)
	case s.Output != "":
		return filepath.Join(beside, filepath.FromSlash(s.Output))
	default:
		return filepath.Join(beside, s.Package)
	}
}

// LockPath is the name of the lock file: schema.yaml has schema.lock.yaml.
func LockPath(schemaPath string) string {
	return strings.TrimSuffix(schemaPath, filepath.Ext(schemaPath)) + ".lock.yaml"
}

// Options are those of Run.
type Options struct {
	Schema  string          // file; "" is schema.yaml
	Output  string          // directory of the package; "" as Directory decides
	Check   bool            // write nothing, and fail with ErrDifferent when something would be
	Plugins []plugin.Plugin // beside those that the schema names
	Stdout  io.Writer       // gets the names of written files; nil for os.Stdout
	Stderr  io.Writer       // gets warnings, and what plugins write there; nil for os.Stderr
}

// ErrDifferent says that a generation would change files.
var ErrDifferent = errors.New("generated files are not up to date")

// Run does what "s3dbgen generate" does, with plugins in Go. A program of a user calls
// it from its main, and a comment //go:generate runs that program. An error of the
// schema prints as its diagnostics, see schema.AsDiagnostics.
func Run(ctx context.Context, o Options) error {
	if o.Schema == "" {
		o.Schema = "schema.yaml"
	}
	if o.Stdout == nil {
		o.Stdout = os.Stdout
	}
	if o.Stderr == nil {
		o.Stderr = os.Stderr
	}
	in, found, err := o.read()
	if err != nil {
		return err
	}
	plan, more, err := Prepare(ctx, in)
	if err != nil {
		return err
	}
	found = append(found, more...).Sort()
	if err := found.Err(); err != nil {
		return err
	}
	if _, err := io.WriteString(o.Stderr, found.String()); err != nil {
		return err
	}
	if !o.Check {
		if err := plan.Apply(); err != nil {
			return err
		}
	}
	changes := plan.Changes()
	for _, s := range changes {
		line := "wrote " + s.Path
		switch {
		case o.Check:
			line = fmt.Sprintf("%s: %s", s.Path, s.State)
		case s.State == LeftOver:
			line = "removed " + s.Path
		}
		if _, err := fmt.Fprintln(o.Stdout, line); err != nil {
			return err
		}
	}
	if o.Check && len(changes) > 0 {
		return ErrDifferent
	}
	return nil
}

// read reads, edits and checks the schema.
func (o *Options) read() (Input, schema.Diagnostics, error) {
	in := Input{LockPath: LockPath(o.Schema), Plugins: o.Plugins, Stderr: o.Stderr}
	text, err := os.ReadFile(o.Schema)
	if err != nil {
		return in, nil, err
	}
	lockText, err := os.ReadFile(in.LockPath)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return in, nil, err
	}
	s, found := schema.Parse(o.Schema, text, edits(o.Plugins)...)
	lock, lockFound := schema.ReadLock(in.LockPath, lockText)
	found = append(found, lockFound...)
	if err := found.Err(); err != nil {
		return in, nil, err
	}
	if found = append(found, s.Assign(lock)...); found.HasErrors() {
		return in, nil, found.Err()
	}
	in.Schema, in.Lock, in.Dir = s, lock, Directory(s, o.Output)
	return in, append(found, s.CheckBudgets()...), nil
}
