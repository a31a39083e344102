package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/s3dbgen/s3dbgen/gen/sources"
)

// The module of this program, and the package that is its command.
const (
	ourModule = "github.com/s3dbgen/s3dbgen"
	ourTool   = ourModule + "/cmd/s3dbgen"
)

// leastGo is the release of Go that the module needs.
const leastGo = "1.26.0"

// ourSource says where a program that uses s3dbgen gets it from.
type ourSource struct {
	version string // of the module; "v0.0.0" for a checkout
	replace string // directory of a checkout, as go.mod names it; "" for none
}

// releasedVersion returns the version under which this program can be downloaded,
// and whether it has one: what was built in a checkout has none.
func releasedVersion(info *debug.BuildInfo) (string, bool) {
	built := slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool { return s.Key == "vcs.revision" })
	v := info.Main.Version
	return v, !built && info.Main.Path == ourModule && info.Main.Replace == nil && semver.IsValid(v) && semver.Build(v) == ""
}

// findSource decides where a new project gets s3dbgen from: the checkout that the
// user names; else the release that is running; else the checkout that the command
// runs in.
func findSource(replace, root string) (ourSource, error) {
	if replace == "" {
		if info, ok := debug.ReadBuildInfo(); ok {
			if version, released := releasedVersion(info); released {
				return ourSource{version: version}, nil
			}
		}
		if here, err := os.Getwd(); err == nil {
			replace = checkout(sources.Above(here, "go.mod"))
		}
		if replace == "" {
			return ourSource{}, usageError{errors.New("this s3dbgen was built from a checkout and has no version that go.mod could name; name the checkout, as in --replace ../s3dbgen")}
		}
	} else if checkout(filepath.Join(replace, "go.mod")) == "" {
		return ourSource{}, usageError{fmt.Errorf("--replace %s: the directory does not hold the module %s", replace, ourModule)}
	}
	given := replace
	if !filepath.IsAbs(replace) { // go.mod wants it relative to itself
		abs, err := filepath.Abs(replace)
		if err != nil {
			return ourSource{}, err
		}
		if given, err = filepath.Rel(root, abs); err != nil {
			given = abs
		}
	}
	given = filepath.ToSlash(given)
	if !filepath.IsAbs(given) && !strings.HasPrefix(given, "../") && given != ".." {
		given = "./" + given
	}
	return ourSource{version: "v0.0.0", replace: given}, nil
}

// checkout returns the directory of a go.mod when that is ours, else "".
func checkout(mod string) string {
	text, err := os.ReadFile(mod)
	if err != nil || modfile.ModulePath(text) != ourModule {
		return ""
	}
	return filepath.Dir(mod)
}

// newMod returns the go.mod of a new module, and what it says.
func newMod(modulePath string, from ourSource) (text []byte, said []string, err error) {
	if err := module.CheckPath(modulePath); err != nil {
		return nil, nil, usageError{fmt.Errorf("--module: %w", err)}
	}
	text, said, err = addUs("go.mod", []byte("module "+modfile.AutoQuote(modulePath)+"\n"), from)
	return text, append([]string{"module " + modulePath}, said...), err
}

// addUs adds to a go.mod what a program needs that uses s3dbgen, and returns what
// was added. What is there already stays.
func addUs(file string, text []byte, from ourSource) (edited []byte, added []string, err error) {
	f, err := modfile.Parse(file, text, nil)
	if err != nil {
		return nil, nil, err
	}
	if f.Go == nil || semver.Compare("v"+f.Go.Version, "v"+leastGo) < 0 {
		if err := f.AddGoStmt(leastGo); err != nil {
			return nil, nil, err
		}
		added = append(added, "go "+leastGo)
	}
	if !slices.ContainsFunc(f.Tool, func(t *modfile.Tool) bool { return t.Path == ourTool }) {
		if err := f.AddTool(ourTool); err != nil {
			return nil, nil, err
		}
		added = append(added, "tool "+ourTool)
	}
	if !requires(f) {
		if err := f.AddRequire(ourModule, from.version); err != nil {
			return nil, nil, err
		}
		added = append(added, "require "+ourModule+" "+from.version)
		if from.replace != "" {
			if err := f.AddReplace(ourModule, "", from.replace, ""); err != nil {
				return nil, nil, err
			}
			added = append(added, "replace "+ourModule+" => "+from.replace)
		}
	}
	f.Cleanup()
	edited, err = f.Format()
	return edited, added, err
}

// requires reports whether a module has s3dbgen already.
func requires(f *modfile.File) bool {
	return slices.ContainsFunc(f.Require, func(r *modfile.Require) bool { return r.Mod.Path == ourModule })
}
