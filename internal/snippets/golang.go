package snippets

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// surroundings is the file that Go blocks are compiled with: its imports are
// theirs, and so are its variables.
//
//go:embed testdata/surroundings.go
var surroundings string

// Compiler checks the Go blocks of pages.
//
// A block is a file when it says package, declarations when it has a function or an
// import, and otherwise statements. The statements of a page follow each other as in one
// function in which each block opens a scope: a block knows what the ones before it
// declared and may declare it anew. All know the packages and variables of
// testdata/surroundings.go: ctx, db and so on. Variables that are not used are no
// error.
//
// A block of "go schema" stands alone, and its package shop is that of the last block of
// "yaml schema" before it.
type Compiler struct {
	// Generate returns the files of the package that a schema describes.
	Generate func(schema string) ([]string, error)

	dir     string // of the module
	set     *token.FileSet
	imports []*ast.ImportSpec
	from    types.Importer
}

// NewCompiler returns a compiler of blocks that use the packages of the module at
// dir. It needs the go command, which compiles what was not compiled yet.
func NewCompiler(ctx context.Context, dir string) (*Compiler, error) {
	c := &Compiler{dir: dir, set: token.NewFileSet()}
	file, err := parser.ParseFile(c.set, "internal/snippets/testdata/surroundings.go", surroundings, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	c.imports = file.Imports
	args := []string{"list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}"}
	for _, spec := range c.imports {
		args = append(args, importPath(spec))
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // the paths are ours
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, stderr.Bytes())
	}
	exports := map[string]string{}
	for line := range strings.Lines(stdout.String()) {
		name, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		exports[name] = file
	}
	c.from = importer.ForCompiler(c.set, "gc", func(name string) (io.ReadCloser, error) {
		if exports[name] == "" {
			return nil, fmt.Errorf("not among the imports of internal/snippets/testdata/surroundings.go")
		}
		return os.Open(exports[name])
	})
	return c, nil
}

// Check returns what is wrong with the Go blocks of a page, each problem with page
// and line.
func (c *Compiler) Check(page *Page) []string {
	var problems []string
	var body strings.Builder
	open := 0
	files := []string{}
	schema := ""
	for _, block := range page.Blocks {
		if block.Kind() == "yaml schema" {
			schema = block.Text
		}
		if block.Language != "go" || block.Unchecked != "" {
			continue
		}
		if problem := unformatted(block); problem != "" {
			problems = append(problems, problem)
		}
		if isFile(block.Text) {
			problems = append(problems, c.check(block.Place(), lineOf(block.Page, block.Line)+whole(block.Text))...)
			continue
		}
		if block.Detail == "schema" {
			problems = append(problems, c.checkWith(block, schema)...)
			continue
		}
		all := parts(block)
		if own, ok := declarations(block.Text); ok {
			slices.Reverse(all) // its imports come first
			var src strings.Builder
			src.WriteString(c.header(slices.DeleteFunc(slices.Clone(c.imports), func(spec *ast.ImportSpec) bool { return own[importPath(spec)] })))
			for _, part := range all {
				src.WriteString(lineOf(page.Path, part.Line) + part.Text)
			}
			files = append(files, src.String())
			continue
		}
		for _, part := range all {
			body.WriteString(lineOf(page.Path, part.Line) + part.Text)
		}
		body.WriteString("{\n")
		open++
	}
	if open > 0 {
		files = append(files, c.header(c.imports)+"func _() {\n"+body.String()+strings.Repeat("}", open)+"}\n")
	}
	if len(files) == 0 {
		return problems
	}
	return append(problems, c.check(page.Path, append(files, surroundings)...)...)
}

// checkWith type-checks a block that uses the package of a schema.
func (c *Compiler) checkWith(block *Block, schema string) []string {
	sources, err := c.Generate(schema)
	if err != nil {
		return []string{fmt.Sprintf("%s: %v", block.Place(), err)}
	}
	shop, problems := c.packageOf(block.Place(), c.from, sources)
	if len(problems) > 0 {
		return problems
	}
	src := c.header(c.imports) + lineOf(block.Page, block.Line) + whole(block.Text)
	_, problems = c.packageOf(block.Place(), generated{c.from, importPath(c.imports[c.shop()]), shop}, []string{src})
	return problems
}

// shop returns the place of the example's client among the imports.
func (c *Compiler) shop() int {
	return slices.IndexFunc(c.imports, func(spec *ast.ImportSpec) bool { return importName(spec) == "shop" })
}

// generated imports a package in place of the one of its path.
type generated struct {
	types.Importer
	path    string
	instead *types.Package
}

// Import implements [types.Importer].
func (g generated) Import(path string) (*types.Package, error) {
	if path == g.path {
		return g.instead, nil
	}
	return g.Importer.Import(path)
}

// check type-checks files that are a package.
func (c *Compiler) check(name string, sources ...string) []string {
	_, problems := c.packageOf(name, c.from, sources)
	return problems
}

func (c *Compiler) packageOf(name string, from types.Importer, sources []string) (*types.Package, []string) {
	var files []*ast.File
	for _, src := range sources {
		// Pages in line comments are relative to the folder of the file, hence no folder.
		file, err := parser.ParseFile(c.set, "snippets.go", src, parser.SkipObjectResolution)
		if err != nil {
			return nil, []string{fmt.Sprintf("%s: %v", name, err)}
		}
		files = append(files, file)
	}
	var problems []string
	config := types.Config{Importer: from, Error: func(err error) {
		var e types.Error
		// A variable or an import may be unused. Other soft errors are mistakes, such as a
		// type argument that does not satisfy its constraint.
		if !errors.As(err, &e) || !e.Soft || !strings.Contains(e.Msg, " and not used") {
			problems = append(problems, err.Error())
		}
	}}
	checked, _ := config.Check("main", c.set, files, nil) // config.Error has its errors
	return checked, problems
}

// header returns the head of a file.
func (c *Compiler) header(imports []*ast.ImportSpec) string {
	var b strings.Builder
	b.WriteString("package main\n")
	for _, spec := range imports {
		fmt.Fprintf(&b, "import %s %s\n", importName(spec), spec.Path.Value)
	}
	return b.String()
}

// Run runs the blocks whose output is shown, by a text block after them or by the
// comments behind the lines that print, and returns what was printed otherwise. Each
// of them runs with what its comment gives, the blocks before it do not.
func (c *Compiler) Run(ctx context.Context, pages []*Page) (problems []string, err error) {
	var blocks []*Block
	var functions strings.Builder
	for _, page := range pages {
		for _, block := range page.Blocks {
			if block.Language != "go" || block.Unchecked != "" || isFile(block.Text) || output(block) == "" {
				continue
			}
			fmt.Fprintf(&functions, "func run%d(ctx context.Context, db *shop.DB) {\n", len(blocks))
			blocks = append(blocks, block)
			names := map[string]bool{}
			for _, part := range parts(block) {
				functions.WriteString(lineOf(page.Path, part.Line) + part.Text)
				declaredBy(part.Text, names)
			}
			for name := range names {
				fmt.Fprintf(&functions, "used(%s)\n", name)
			}
			functions.WriteString("}\n")
		}
	}
	if len(blocks) == 0 {
		return nil, nil
	}
	functions.WriteString("func main() {\n")
	for i := range blocks {
		fmt.Fprintf(&functions, "fmt.Println(%q)\nin(run%d)\n", separator, i)
	}
	functions.WriteString("}\n")

	_, rest, _ := strings.Cut(surroundings, "\n)\n") // behind the imports
	src := rest + "\n" + functions.String()
	out, err := c.runProgram(ctx, c.header(c.used(src))+src)
	if err != nil {
		return nil, err
	}
	outputs := strings.Split(out, separator+"\n")[1:]
	for i, block := range blocks {
		if shown := output(block); !matches(shown, outputs[i]) {
			problems = append(problems, fmt.Sprintf("%s: %v\nshown:\n%sprinted:\n%s", block.Place(), ErrOutput, shown, outputs[i]))
		}
	}
	return problems, nil
}

// separator is printed before the output of each block.
const separator = "---- next block"

func (c *Compiler) runProgram(ctx context.Context, src string) (string, error) {
	dir, err := os.MkdirTemp("", "snippets")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "main.go")
	if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
		return "", err
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", "run", file) //nolint:gosec // a program that was just written
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.dir, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%w\n%s\n%s", err, stdout.Bytes(), stderr.Bytes())
	}
	return stdout.String(), nil
}

// used returns the imports that a program names.
func (c *Compiler) used(src string) []*ast.ImportSpec {
	names := map[string]bool{}
	file, err := parser.ParseFile(token.NewFileSet(), "", "package main\n"+src, parser.SkipObjectResolution)
	if err != nil {
		return nil // the compiler says it better
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok {
				names[x.Name] = true
			}
		}
		return true
	})
	var used []*ast.ImportSpec
	for _, spec := range c.imports {
		if names[importName(spec)] {
			used = append(used, spec)
		}
	}
	return used
}

// parts returns what a block gives and the block itself, without what is left out.
func parts(b *Block) []Given {
	all := append(slices.Clone(b.Given), Given{Line: b.Line, Text: b.Text})
	for i := range all {
		all[i].Text = whole(all[i].Text)
	}
	return all
}

var leftOut = regexp.MustCompile(`(?:, *)?…`)

// whole removes the signs for what is left out, and with each a comma before it.
func whole(text string) string { return leftOut.ReplaceAllString(text, "") }

// printed finds lines that print and say what.
var printed = regexp.MustCompile(`(?m)^\s*fmt\.Print.*\) +// (.*)$`)

// output returns what a block prints according to its page, or "" when the page does
// not say.
func output(b *Block) string {
	if b.Output != nil {
		return b.Output.Text
	}
	var lines strings.Builder
	for _, m := range printed.FindAllStringSubmatch(b.Text, -1) {
		lines.WriteString(m[1] + "\n")
	}
	return lines.String()
}

// unformatted says that gofmt would print a block otherwise.
func unformatted(b *Block) string {
	if strings.Contains(b.Text, "…") {
		return "" // no Go yet
	}
	formatted, err := format.Source([]byte(b.Text))
	if err != nil || string(formatted) == b.Text {
		return "" // the compiler tells errors
	}
	return fmt.Sprintf("%s: not as gofmt prints it, which is:\n%s", b.Place(), formatted)
}

func isFile(text string) bool {
	f, err := parser.ParseFile(token.NewFileSet(), "", text, parser.PackageClauseOnly)
	return err == nil && f.Name != nil
}

// declarations reports whether a block is declarations, and what it imports.
func declarations(text string) (imports map[string]bool, ok bool) {
	f, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+whole(text), parser.SkipObjectResolution)
	if err != nil {
		return nil, false
	}
	imports = map[string]bool{}
	for _, spec := range f.Imports {
		imports[importPath(spec)] = true
	}
	return imports, len(imports) > 0 || slices.ContainsFunc(f.Decls, func(d ast.Decl) bool {
		_, ok := d.(*ast.FuncDecl)
		return ok
	})
}

// declaredBy adds the names of the variables that statements declare in the scope
// they stand in.
func declaredBy(text string, names map[string]bool) {
	f, err := parser.ParseFile(token.NewFileSet(), "", "package p\nfunc _() {\n"+text+"}", parser.SkipObjectResolution)
	if err != nil || len(f.Decls) != 1 {
		return // the compiler says it better
	}
	add := func(e ast.Expr) {
		if name, ok := e.(*ast.Ident); ok && name.Name != "_" {
			names[name.Name] = true
		}
	}
	for _, s := range f.Decls[0].(*ast.FuncDecl).Body.List { //nolint:forcetypeassert // it is written above
		switch s := s.(type) {
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE {
				for _, e := range s.Lhs {
					add(e)
				}
			}
		case *ast.DeclStmt:
			for _, spec := range s.Decl.(*ast.GenDecl).Specs { //nolint:forcetypeassert // no other is in a function
				if v, ok := spec.(*ast.ValueSpec); ok {
					for _, name := range v.Names {
						add(name)
					}
				}
			}
		}
	}
}

func lineOf(page string, line int) string { return fmt.Sprintf("//line %s:%d\n", page, line) }

func importPath(spec *ast.ImportSpec) string {
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return spec.Path.Value
	}
	return p
}

var major = regexp.MustCompile(`^v[0-9]+$`)

func importName(spec *ast.ImportSpec) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	base := path.Base(importPath(spec))
	if major.MatchString(base) {
		base = path.Base(path.Dir(importPath(spec)))
	}
	return base
}
