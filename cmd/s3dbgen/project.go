package main

import (
	"context"
	"errors"
	"fmt"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/mod/module"

	"github.com/s3dbgen/s3dbgen/gen/sources"
	"github.com/s3dbgen/s3dbgen/schema"
)

// workplace is the directory that init works in, as it finds it.
type workplace struct {
	dir     string // absolute
	root    string // of its Go module; dir when there is none yet
	modText []byte // of go.mod, nil when there is none yet
	pkg     string // package of the Go files in dir; "" when there are none
	used    bool   // there are Go files in dir or below it
	directs bool   // one of them has a directive that runs s3dbgen
	work    string // go.work of a workspace that the module is outside of; "" if none
	vendor  bool   // the module keeps its dependencies in vendor
}

// lookAround reads what is in a directory and above it. A directory that does not
// exist is like an empty one.
func lookAround(dir string) (*workplace, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	w := &workplace{dir: dir, root: dir}
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%s is a file, a directory is needed", dir)
	}
	if mod := sources.Above(dir, "go.mod"); mod != "" {
		w.root = filepath.Dir(mod)
		if w.modText, err = readFile(mod); err != nil {
			return nil, err
		}
	} else if os.Getenv("GOWORK") == "" {
		w.work = sources.Above(dir, "go.work")
	}
	_, err = os.Stat(filepath.Join(w.root, "vendor", "modules.txt"))
	w.vendor = err == nil
	if err := w.readGoFiles(); err != nil {
		return nil, err
	}
	return w, nil
}

// directive is a line that runs s3dbgen on the schema.
var directive = regexp.MustCompile(`(?m)^//go:generate .*s3dbgen.* generate\b`)

// readGoFiles finds out what Go files there are.
func (w *workplace) readGoFiles() error {
	err := filepath.WalkDir(w.dir, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && file == w.dir:
			return err
		case err != nil: // what cannot be read is nobody's program
			return filepath.SkipDir
		case d.IsDir() && file != w.dir && notSource(d.Name()):
			return filepath.SkipDir
		case !d.IsDir() && filepath.Ext(file) == ".go":
			w.used = true
			return filepath.SkipAll
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(globQuote(w.dir), "*.go"))
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		w.directs = w.directs || directive.Match(text)
		if match, err := build.Default.MatchFile(w.dir, filepath.Base(file)); err != nil || !match || strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, text, parser.PackageClauseOnly)
		if err != nil {
			return fmt.Errorf("the package of the Go files is not known: %w", err)
		}
		w.pkg = parsed.Name.Name
	}
	return nil
}

// notSource reports whether a directory of the name holds no packages of a module.
func notSource(name string) bool {
	return name[0] == '.' || name[0] == '_' || slices.Contains([]string{"vendor", "testdata", "node_modules"}, name)
}

// globQuote makes a pattern that matches a path alone.
func globQuote(path string) string {
	if filepath.Separator == '\\' {
		return path // where the separator is \, it does not quote
	}
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// has reports whether there is something of that name in the directory.
func (w *workplace) has(name string) bool {
	_, err := os.Lstat(filepath.Join(w.dir, filepath.FromSlash(name)))
	return err == nil
}

// modulePath guesses the path of a module in the directory: that of the repository
// at its origin, or one below example.com, which Go keeps for examples.
func (w *workplace) modulePath(ctx context.Context) string {
	origin, below := repository(ctx, w.dir)
	if guess := path.Join(origin, below); origin != "" && module.CheckPath(guess) == nil {
		return guess
	}
	name := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '.', r == '_':
			return r
		case r >= 'A' && r <= 'Z':
			return unicode.ToLower(r)
		}
		return '-'
	}, filepath.Base(w.dir)), "-.")
	if guess := "example.com/" + name; module.CheckPath(guess) == nil {
		return guess
	}
	return "example.com/app"
}

// repository returns the path of the repository that holds a directory, by its origin,
// and that of the directory in it; nothing when there is none.
func repository(ctx context.Context, dir string) (origin, below string) {
	there := sources.Existing(dir)
	git := func(args ...string) string {
		out, err := exec.CommandContext(ctx, "git", append([]string{"-C", there}, args...)...).Output()
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(out))
	}
	if origin = repositoryPath(git("config", "--get", "remote.origin.url")); origin == "" {
		return "", ""
	}
	missing, err := filepath.Rel(there, dir)
	if err != nil {
		return "", ""
	}
	return origin, path.Join(git("rev-parse", "--show-prefix"), filepath.ToSlash(missing))
}

// repositoryPath makes a module path of the URL of a repository, "" when it names no
// host: https://host/path.git, ssh://git@host/path or git@host:path.
func repositoryPath(origin string) string {
	if !strings.Contains(origin, "://") {
		host, rest, ok := strings.Cut(origin, ":")
		if _, after, user := strings.Cut(host, "@"); user {
			host = after
		}
		if !ok || strings.Contains(host, "/") || !strings.Contains(host, ".") {
			return ""
		}
		return strings.TrimSuffix(path.Join(host, rest), ".git")
	}
	u, err := url.Parse(origin)
	if err != nil || !strings.Contains(u.Hostname(), ".") {
		return ""
	}
	return strings.TrimSuffix(path.Join(u.Hostname(), u.Path), ".git")
}

// freePackage returns the first name of a package whose directory is free.
func (w *workplace) freePackage() string {
	names := []string{"store", "documents", "s3client"}
	i := slices.IndexFunc(names, func(name string) bool { return !w.has(name) })
	if i < 0 {
		return names[0]
	}
	return names[i]
}

// packageName makes the name of a package of a text, "" when it cannot be one.
func packageName(text string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return unicode.ToLower(r)
		}
		return -1
	}, text)
	if !validPackage(name) {
		return ""
	}
	return name
}

// validPackage reports whether a schema may name its package so.
func validPackage(name string) bool {
	_, found := schema.Parse("schema.yaml", []byte("package: "+name+"\nresources: {x: {attributes: {y: string}}}\n"))
	return name != "" && found.Err() == nil
}
