package gosource

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/tools/go/packages"

	"github.com/s3dbgen/s3dbgen/gen/sources"
)

// goVariables change what the go command finds.
func goVariables() []string {
	return []string{
		"CGO_ENABLED", "GO111MODULE", "GOARCH", "GOENV", "GOEXPERIMENT", "GOFLAGS", "GOMODCACHE", "GOOS", "GOPACKAGESDRIVER",
		"GOPATH", "GOROOT", "GOTOOLCHAIN", "GOWORK", "HOME", "PATH", "XDG_CONFIG_HOME", "AppData", "USERPROFILE",
	}
}

// dependencies are the sources of packages and of all that they import, and what decides
// which those are. Packages of the standard library and of modules in the module cache
// are not among them: they cannot change without go.mod or the go command.
func (p place) dependencies(ctx context.Context, roots []*packages.Package) sources.Set {
	set := p.environment(ctx)
	s := sources.Set{Variables: goVariables(), Trees: p.settings(set)}
	packages.Visit(roots, nil, func(x *packages.Package) {
		if inCache(x, set["GOROOT"]) {
			return
		}
		if m := x.Module; m != nil && m.GoMod != "" {
			s.Trees = append(s.Trees, m.GoMod)
		}
		dir := dirOf(x)
		if dir == "" {
			dir = p.expected(x.PkgPath)
		}
		if dir != "" {
			s.Packages = append(s.Packages, dir)
			s.Trees = append(s.Trees, x.EmbedFiles...)
		}
	})
	if command, err := exec.LookPath("go"); err == nil {
		s.Programs = []string{command}
	}
	return s.Merge(sources.Set{})
}

// settings are the files that tell the go command which modules there are. Each directory
// above may get one.
func (p place) settings(set map[string]string) []string {
	var files []string
	for dir := p.output; ; dir = filepath.Dir(dir) {
		files = append(files, filepath.Join(dir, "go.work"))
		if p.root == "" || len(dir) >= len(p.root) {
			files = append(files, filepath.Join(dir, "go.mod"))
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	if p.root != "" {
		files = append(files, filepath.Join(p.root, "go.sum"), filepath.Join(p.root, "vendor", "modules.txt"))
	}
	if work := set["GOWORK"]; filepath.IsAbs(work) {
		files = append(files, work, strings.TrimSuffix(work, ".work")+".work.sum", filepath.Join(filepath.Dir(work), "vendor", "modules.txt"))
	}
	if env := set["GOENV"]; filepath.IsAbs(env) {
		files = append(files, env)
	}
	if root := set["GOROOT"]; filepath.IsAbs(root) {
		files = append(files, filepath.Join(root, "go.env"))
	}
	return files
}

// environment asks the go command where it looks; the answer is empty where there is
// none.
func (p place) environment(ctx context.Context) map[string]string {
	command := exec.CommandContext(ctx, "go", "env", "-json", "GOWORK", "GOENV", "GOROOT")
	command.Dir = p.dir
	command.Env = append(os.Environ(), "PWD="+p.dir)
	set := map[string]string{}
	if out, err := command.Output(); err == nil {
		_ = json.Unmarshal(out, &set) // what is no answer says nothing
	}
	return set
}

// inCache reports whether a package cannot change: it is one of the standard library, or
// of a module in the module cache.
func inCache(x *packages.Package, root string) bool {
	m := x.Module
	if m == nil {
		below, err := filepath.Rel(root, dirOf(x))
		return err == nil && filepath.IsLocal(below)
	}
	if m.Replace != nil {
		m = m.Replace
	}
	vendored := strings.Contains(filepath.ToSlash(dirOf(x)), "/vendor/")
	return !m.Main && m.Version != "" && !vendored
}

func dirOf(x *packages.Package) string {
	for _, list := range [][]string{x.GoFiles, x.OtherFiles, x.IgnoredFiles} {
		if len(list) > 0 {
			return filepath.Dir(list[0])
		}
	}
	return ""
}
