package main

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

// TestRepositoryPath makes module paths of the URLs that git knows.
func TestRepositoryPath(t *testing.T) {
	t.Parallel()
	for origin, want := range map[string]string{
		"https://github.com/ada/shop.git":       "github.com/ada/shop",
		"https://github.com/ada/shop":           "github.com/ada/shop",
		"https://token@example.com:8443/a/b.go": "example.com/a/b.go",
		"ssh://git@example.com:22/ada/shop.git": "example.com/ada/shop",
		"git@github.com:ada/shop.git":           "github.com/ada/shop",
		"example.com:ada/shop":                  "example.com/ada/shop",
		"":                                      "",
		"/srv/git/shop.git":                     "",
		"../shop":                               "",
		"file:///srv/git/shop.git":              "",
		"https://localhost/ada/shop":            "",
		"host:shop":                             "",
		`C:\git\shop`:                           "",
		"https://%zz/shop":                      "",
	} {
		if got := repositoryPath(origin); got != want {
			t.Errorf("%s: %q, want %q", origin, got, want)
		}
	}
}

// TestReleasedVersion names a version only when it can be downloaded.
func TestReleasedVersion(t *testing.T) {
	t.Parallel()
	build := func(path, version string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Path: path, Version: version}, Settings: settings}
	}
	replaced := build(ourModule, "v1.2.3")
	replaced.Main.Replace = &debug.Module{Path: "../s3dbgen"}
	for name, test := range map[string]struct {
		info *debug.BuildInfo
		want bool
	}{
		"installed":        {build(ourModule, "v1.2.3"), true},
		"of a branch":      {build(ourModule, "v0.0.0-20260102030405-0123456789ab"), true},
		"checkout":         {build(ourModule, "(devel)"), false},
		"checkout of git":  {build(ourModule, "v1.2.3", debug.BuildSetting{Key: "vcs.revision", Value: "0123"}), false},
		"changed":          {build(ourModule, "v1.2.3+dirty"), false},
		"replaced":         {replaced, false},
		"of another":       {build("example.com/fork", "v1.2.3"), false},
		"nothing is known": {&debug.BuildInfo{}, false},
	} {
		if version, ok := releasedVersion(test.info); ok != test.want || ok && version != test.info.Main.Version {
			t.Errorf("%s: %q, %t", name, version, ok)
		}
	}
}

// TestLeastGo holds what init writes into go.mod to what this module needs.
func TestLeastGo(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := modfile.Parse("go.mod", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	if f.Go.Version != leastGo || f.Module.Mod.Path != ourModule {
		t.Errorf("go.mod is of %s and says go %s, init writes %s and go %s", f.Module.Mod.Path, f.Go.Version, ourModule, leastGo)
	}
}

// TestAddUsKeepsGoMod adds lines to a go.mod, and changes none but an older release
// of Go.
func TestAddUsKeepsGoMod(t *testing.T) {
	t.Parallel()
	const before = `// The app.
module example.com/app

go 1.30

require (
	example.com/b v1.0.0 // needed
	github.com/s3dbgen/s3dbgen v0.1.0
)

tool example.com/b/cmd/b
`
	text, added, err := addUs("go.mod", []byte(before), ourSource{version: "v9.9.9"})
	if err != nil {
		t.Fatal(err)
	}
	if want := "tool " + ourTool; strings.Join(added, "\n") != want {
		t.Errorf("added %q, want %q", added, want)
	}
	after := string(text)
	for line := range strings.Lines(before) {
		if !strings.Contains(after, strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "tool ")) {
			t.Errorf("%q is gone from\n%s", line, after)
		}
	}
	if again, added, err := addUs("go.mod", text, ourSource{}); err != nil || len(added) > 0 || string(again) != after {
		t.Errorf("the second time: %q, %v\n%s", added, err, again)
	}
	if _, _, err := addUs("go.mod", []byte("modul x"), ourSource{}); err == nil || !strings.HasPrefix(err.Error(), "go.mod:1:") {
		t.Errorf("a broken go.mod: %v", err)
	}
}
