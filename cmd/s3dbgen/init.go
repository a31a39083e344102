package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/mod/modfile"

	"github.com/s3dbgen/s3dbgen/gen"
	"github.com/s3dbgen/s3dbgen/schema"
	"github.com/s3dbgen/s3dbgen/templates"
)

func newInit() *cobra.Command {
	var p initiation
	command := &cobra.Command{
		Use:                   "init [DIR] [--package NAME] [--module PATH] [--replace CHECKOUT]",
		DisableFlagsInUseLine: true,
		Short:                 "Begin a project: schema, client, program and test",
		Long: `Init writes what a program needs that keeps documents with s3dbgen: schema.yaml
with comments, generate.go with the directives for "go generate", the generated
client, a program that uses it, and a test of the program in memory. It tells what
it wrote and what to run next.

In an empty directory it begins a Go module, named after the repository at its
origin, or after the directory. In a module that exists, it adds to go.mod what is
missing, and puts the program into a directory of its own below cmd. A schema.yaml
that is there is used as it is, then without program and test. No file but go.mod
and those of generate is ever changed, and each that is kept is named.

Without DIR it works in the current directory.`,
		Example: `  s3dbgen init blog
  s3dbgen init --package inventory internal/inventory
  s3dbgen init --module example.com/blog --replace ../s3dbgen blog`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError{fmt.Errorf("unexpected argument %q; init works in one directory", args[1])}
			}
			return nil
		},
		RunE: func(command *cobra.Command, args []string) error {
			p.dir = "."
			if len(args) > 0 {
				p.dir = args[0]
			}
			return p.run(command.Context(), command.OutOrStdout(), command.ErrOrStderr())
		},
	}
	command.Flags().StringVar(&p.name, "package", "", "`name` of the generated package (default: store, or another that is free)")
	command.Flags().StringVar(&p.module, "module", "", "`path` of the new Go module (default: that of the repository, or example.com/DIR)")
	command.Flags().StringVar(&p.replace, "replace", "", "take s3dbgen from a `checkout` instead of a release")
	return command
}

// initiation is one run of init.
type initiation struct {
	dir, name, module, replace string
}

// editorFile has the JSON Schema of schema.yaml, beside it.
const editorFile = "s3dbgen.schema.json"

func (p *initiation) run(ctx context.Context, stdout, stderr io.Writer) error {
	if p.name != "" && !validPackage(p.name) {
		return usageError{fmt.Errorf("--package %s: not the name of a package that can be generated; use lower-case letters, digits and _", p.name)}
	}
	w, err := lookAround(p.dir)
	if err != nil {
		return err
	}
	project := &newProject{initiation: p, place: w}
	if err := project.goModule(ctx); err != nil {
		return err
	}
	project.chooseNames()
	if err := project.files(ctx, stderr); err != nil {
		return err
	}
	if err := project.plan.Apply(); err != nil {
		return err
	}
	return project.report(stdout)
}

// newProject is what init is about to write.
type newProject struct {
	*initiation

	place   *workplace
	modText []byte   // of go.mod as it shall be
	modNews []string // what go.mod gets
	names   templates.Project
	within  string // directory of the program, relative to that of the schema; "." for the same
	wanted  []wantedFile
	kept    []string // files that are there already
	plan    *planned
}

// wantedFile is a file of a project beside those of generate.
type wantedFile struct {
	path, about string
	text        []byte
}

// goModule decides what go.mod says.
func (p *newProject) goModule(ctx context.Context) error {
	w := p.place
	if w.modText == nil {
		from, err := findSource(p.replace, w.root)
		if err != nil {
			return err
		}
		name := p.module
		if name == "" {
			name = w.modulePath(ctx)
		}
		p.modText, p.modNews, err = newMod(name, from)
		return err
	}
	file := p.shown("go.mod", w.root)
	if p.module != "" {
		return usageError{fmt.Errorf("--module is for a new module, and there is %s", file)}
	}
	f, err := modfile.Parse(file, w.modText, nil)
	switch {
	case err != nil:
		return err
	case f.Module == nil:
		return fmt.Errorf("%s does not name its module", file)
	case f.Module.Mod.Path == ourModule:
		return usageError{errors.New("this is the module of s3dbgen itself; name another directory, as in init ../blog")}
	}
	var from ourSource
	if !requires(f) {
		if from, err = findSource(p.replace, w.root); err != nil {
			return err
		}
	}
	p.modText, p.modNews, err = addUs(file, w.modText, from)
	return err
}

// chooseNames guesses what the user has not said.
func (p *newProject) chooseNames() {
	w := p.place
	modulePath := modfile.ModulePath(p.modText)
	n := templates.Project{Package: p.name, Beside: "main", Program: path.Base(modulePath), Editor: editorFile}
	if n.Package == "" {
		n.Package = w.freePackage()
	}
	p.within = "."
	if w.used { // the program must not mix with those that are there
		n.Program = n.Package + "-demo"
		p.within = "cmd/" + n.Program
		if n.Beside = w.pkg; n.Beside == "" {
			n.Beside = packageName(filepath.Base(w.dir))
		}
		if n.Beside == "" {
			n.Beside = n.Package
		}
	}
	below, err := filepath.Rel(w.root, w.dir)
	if err != nil { // both are absolute, so there is a way from one to the other but on another disk
		below = ""
	}
	n.Import = path.Join(modulePath, filepath.ToSlash(below), n.Package)
	n.Database = n.Package + ".db"
	p.names = n
}

// files plans what to write.
func (p *newProject) files(ctx context.Context, stderr io.Writer) error {
	given := p.place.has(templates.SchemaFile)
	if given && p.name != "" {
		return usageError{fmt.Errorf("--package is for a new schema, and there is %s", p.shown(templates.SchemaFile, p.place.dir))}
	}
	g := generation{schema: p.shown(templates.SchemaFile, p.place.dir)}
	src, err := p.source(g.schema, given)
	if err != nil {
		return err
	}
	if p.plan, err = g.plan(ctx, src, stderr); err != nil {
		return err
	}
	if len(p.modNews) > 0 {
		p.wanted = append(p.wanted, wantedFile{p.shown("go.mod", p.place.root), strings.Join(p.modNews, "\n"), p.modText})
	}
	errs := []error{
		p.want(templates.SchemaFile, "what is kept, and by which rules", src.text),
		p.want(editorFile, "tells editors the keys of schema.yaml", schema.JSONSchema()),
	}
	if !p.place.directs {
		name := templates.GenerateFile
		if p.place.has(name) {
			name = "generate_" + p.names.Package + ".go"
		}
		errs = append(errs, p.wantTemplate(name, templates.GenerateFile, `what "go generate" runs`))
	}
	if !given {
		errs = append(errs,
			p.wantTemplate(path.Join(p.within, templates.MainFile), templates.MainFile, "a program that uses the client"),
			p.wantTemplate(path.Join(p.within, templates.TestFile), templates.TestFile, "its test, in memory"))
	}
	for _, f := range slices.Backward(p.wanted) { // each is added in front of the others
		errs = append(errs, p.plan.Add(f.path, f.text))
	}
	return errors.Join(errs...)
}

// source returns the schema, which is made unless it is given.
func (p *newProject) source(file string, given bool) (*source, error) {
	if given {
		return readSource(file, nil)
	}
	text, err := p.names.File(templates.SchemaFile)
	if err != nil {
		return nil, err
	}
	src := &source{path: file, text: text, lockPath: gen.LockPath(file)}
	src.lockText, err = readFile(src.lockPath)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return src, err
}

// wantTemplate is want for the text of a template.
func (p *newProject) wantTemplate(name, template, about string) error {
	text, err := p.names.File(template)
	if err != nil {
		return err
	}
	return p.want(name, about, text)
}

// want notes a file to be written, unless there is one of its name.
func (p *newProject) want(name, about string, text []byte) error {
	file := p.shown(name, p.place.dir)
	if p.place.has(name) {
		p.kept = append(p.kept, file)
		return nil
	}
	p.wanted = append(p.wanted, wantedFile{file, about, text})
	return nil
}

// shown is the path of a file as the user would write it in the current directory.
func (p *newProject) shown(name, dir string) string {
	file := filepath.Join(dir, filepath.FromSlash(name))
	here, err := os.Getwd()
	if err != nil {
		return file
	}
	if short, err := filepath.Rel(here, file); err == nil && !strings.HasPrefix(short, filepath.Join("..", "..")) {
		return short
	}
	return file
}

// report tells what was written and what to run next.
func (p *newProject) report(stdout io.Writer) error {
	lines := p.lines()
	width := 0
	for _, l := range lines {
		width = max(width, len(l.path))
	}
	var b strings.Builder
	here := p.shown("", p.place.dir)
	if here == "." {
		here = "this directory"
	}
	fmt.Fprintf(&b, "In %s:\n", here)
	for _, l := range lines {
		for i, about := range strings.Split(l.about, "\n") {
			if i > 0 {
				l.verb, l.path = "", ""
			}
			fmt.Fprintln(&b, strings.TrimRight(fmt.Sprintf("  %-7s  %-*s  %s", l.verb, width, l.path, about), " "))
		}
	}
	fmt.Fprintln(&b, "\nNext:")
	for _, step := range p.steps() {
		fmt.Fprintf(&b, "  %s\n", step)
	}
	_, err := io.WriteString(stdout, b.String())
	return err
}

// line tells of one file.
type line struct{ verb, path, about string }

// lines tell of the files that were written and of those that were kept.
func (p *newProject) lines() []line {
	about := map[string]string{gen.LockPath(p.shown(templates.SchemaFile, p.place.dir)): "the numbers of attributes; commit it"}
	for _, f := range p.wanted {
		about[f.path] = f.about
	}
	var lines []line
	for _, s := range p.plan.Changes() {
		verb := "wrote"
		switch s.State {
		case gen.LeftOver:
			verb = "removed"
		case gen.Stale, gen.Edited:
			verb = "changed"
		default:
		}
		lines = append(lines, line{verb, p.below(s.Path), about[s.Path]})
	}
	for _, file := range p.kept {
		lines = append(lines, line{"kept", p.below(file), ""})
	}
	return lines
}

// below is the path of a file as the user would write it in the directory of init.
func (p *newProject) below(file string) string {
	abs, err := filepath.Abs(file)
	if err != nil {
		return file
	}
	short, err := filepath.Rel(p.place.dir, abs)
	if err != nil {
		return file
	}
	return short
}

// steps are the commands to run next.
func (p *newProject) steps() []string {
	var list []string
	if short := p.shown("", p.place.dir); short != "." {
		list = append(list, "cd "+short)
	}
	if p.place.work != "" {
		list = append(list, "go work use .")
	}
	if len(p.plan.Changes()) > 0 {
		list = append(list, "go mod tidy")
		if p.place.vendor {
			list = append(list, "go mod vendor")
		}
	}
	if !slices.Contains(p.kept, p.shown(templates.SchemaFile, p.place.dir)) {
		program := "."
		if p.within != "." {
			program = "./" + p.within
		}
		list = append(list, "go run "+program, "go test "+program)
	}
	return append(list, "go generate    # after each change of schema.yaml; or leave running: go tool s3dbgen watch")
}
