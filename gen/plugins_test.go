package gen_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/gen"
	"github.com/s3dbgen/s3dbgen/gen/plugin"
)

// fake is a plugin that answers as a test says.
type fake struct {
	files    []plugin.File
	problems []plugin.Problem
	err      error
}

func (fake) Name() string { return "fake" }

func (f fake) Generate(context.Context, *plugin.Request) (*plugin.Response, error) {
	if f.err != nil {
		return nil, f.err
	}
	return &plugin.Response{Files: f.files, Problems: f.problems}, nil
}

// project is a directory with a schema.
type project struct {
	*testing.T

	dir string
}

func newProject(t *testing.T) project {
	t.Helper()
	p := project{t, t.TempDir()}
	writeText(t, p.at("schema.yaml"), "package: shop\nresources:\n  users:\n    attributes:\n      profile: {city: string}\n")
	return p
}

func (p project) at(name string) string { return filepath.Join(p.dir, filepath.FromSlash(name)) }

// run generates with plugins, and returns what is printed, without the directory.
func (p project) run(check bool, plugins ...plugin.Plugin) (string, error) {
	p.Helper()
	var out strings.Builder
	err := gen.Run(p.Context(), gen.Options{Schema: p.at("schema.yaml"), Check: check, Plugins: plugins, Stdout: &out, Stderr: &out})
	if err != nil && !errors.Is(err, gen.ErrDifferent) {
		out.WriteString(err.Error())
	}
	return strings.ReplaceAll(out.String(), p.dir+string(filepath.Separator), ""), err
}

// want fails unless a run prints exactly this.
func (p project) want(want string, check bool, plugins ...plugin.Plugin) {
	p.Helper()
	got, _ := p.run(check, plugins...)
	if diff := cmp.Diff(want, got); diff != "" {
		p.Errorf("printed (-want +got):\n%s", diff)
	}
}

// TestPluginFiles: files of plugins are written, checked, brought up to date and removed
// like generated ones.
func TestPluginFiles(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	a := fake{files: []plugin.File{{Name: "docs/a.csv", Content: "a\r\n"}, {Name: "b.bin", Data: []byte{0, 255, '\r', '\n'}}}}
	p.want("wrote schema.lock.yaml\nwrote shop/b.bin\nwrote shop/client.go\nwrote shop/docs/a.csv\nwrote shop/s3dbgen.files\nwrote shop/users.go\n", false, a)
	p.want("", true, a)

	writeText(t, p.at("shop/docs/a.csv"), "by hand\n")
	p.want("shop/docs/a.csv: edited by hand\n", true, a)
	a.files[0].Content = "new\n"
	p.want("wrote shop/docs/a.csv\nwrote shop/s3dbgen.files\n", false, a)
	p.want("", true, a)

	// A file of somebody else is never overwritten, nor is one that was edited removed.
	writeText(t, p.at("shop/mine.txt"), "mine\n")
	got, err := p.run(false, fake{files: append(a.files, plugin.File{Name: "mine.txt"})})
	if err == nil || !strings.Contains(got, "shop/mine.txt: there is a file that s3dbgen did not generate") {
		t.Errorf("told %s", got)
	}
	writeText(t, p.at("shop/b.bin"), "by hand")
	p.want("wrote shop/s3dbgen.files\n", false, fake{files: a.files[:1]})
	p.want("removed shop/docs/a.csv\nremoved shop/s3dbgen.files\n", false)
	for _, gone := range []string{"shop/docs", "shop/s3dbgen.files"} {
		if _, err := os.Stat(p.at(gone)); !os.IsNotExist(err) {
			t.Errorf("%s is still there", gone)
		}
	}
	if readText(t, p.at("shop/b.bin")) != "by hand" {
		t.Error("an edited file is gone")
	}
}

// TestPluginsStayInside: nothing is written when a file would lie elsewhere, or in the
// place of another.
func TestPluginsStayInside(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	for name, want := range map[string]string{
		"":              "has no name",
		"../x":          "is not below the directory of the package",
		"/x":            "is not below the directory of the package",
		"a/../../x":     "is not below the directory of the package",
		"a//b":          "is not written in the shortest way",
		"a/":            "is not written in the shortest way",
		".git/config":   "is hidden",
		`a\b`:           "has a character that not every system allows",
		"c:x":           "has a character that not every system allows",
		"Client.go":     "is already one of the generated package",
		"s3dbgen.files": "is already one of the list of files of plugins",
		"twice":         "is already one of plugin fake",
	} {
		got, err := p.run(false, fake{files: []plugin.File{{Name: "TWICE"}, {Name: name}}})
		if err == nil || !strings.Contains(got, want) || !strings.Contains(got, "[S3D0521]") {
			t.Errorf("file %q: told %s, want %s", name, got, want)
		}
	}
	if _, err := os.Stat(p.at("shop")); !os.IsNotExist(err) {
		t.Error("something was written")
	}
	outside := t.TempDir()
	if err := os.Mkdir(p.at("shop"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, p.at("shop/docs")); err != nil {
		t.Fatal(err)
	}
	got, err := p.run(false, fake{files: []plugin.File{{Name: "docs/x"}}})
	if err == nil || !strings.Contains(got, "shop/docs: there is a symbolic link where a directory should be") {
		t.Errorf("through a link: told %s", got)
	}
}

// TestPluginProblems puts what a plugin finds at its place in the schema.
func TestPluginProblems(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.want(`schema.yaml:5:17: plugin fake: no such town [S3D0520]
  5 |       profile: {city: string}
    |                 ^^^^
  help: name it`, false, fake{problems: []plugin.Problem{{Path: "users.profile.city", Message: "no such\ntown", Help: "name it"}}})
	p.want("schema.yaml: plugin fake: out of order [S3D0520]", false, fake{err: errors.New("out of order")})
	got, err := p.run(false, fake{problems: []plugin.Problem{{Path: "users", Message: "odd", Warning: true}}})
	if err != nil || !strings.Contains(got, "schema.yaml:3:3: warning: plugin fake: odd [S3D0520]") || !strings.Contains(got, "wrote shop/users.go") {
		t.Errorf("a warning: %v, told %s", err, got)
	}
}

// TestProcessOfSchema runs the plugin that a schema names, and places its failure.
func TestProcessOfSchema(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	writeText(t, p.at("schema.yaml"), "package: shop\nplugins:\n  - {name: own, cmd: [sh, ./own.sh]}\nresources: {users: {attributes: {name: string}}}\n")
	writeText(t, p.at("own.sh"), "cat >/dev/null; echo 'no ink' >&2; exit 7\n")
	got, err := p.run(false)
	if err == nil || !strings.Contains(got, "schema.yaml:3:5: plugin own: sh ended with exit code 7: no ink [S3D0520]") {
		t.Errorf("told %s", got)
	}
	writeText(t, p.at("own.sh"), `cat >request.json; echo '{"files": [{"name": "own.txt", "content": "x"}]}'`)
	if got, err := p.run(false); err != nil || !strings.Contains(got, "wrote shop/own.txt") {
		t.Errorf("%v, told %s", err, got)
	}
	want := `{"protocol":1,"plugin":"own","package":{"name":"shop","resources":[{"name":"users","go":"User","collection":"Users","behavior":"user-managed","version":0,` +
		`"id":{"go":"UserID","generator":"nanoid","size":22},"attributes":[{"name":"name","path":"name","go":"Name","number":1,"type":{"kind":"string","go":"string"}}]}]}}`
	if diff := cmp.Diff(want, readText(t, p.at("request.json"))); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}
