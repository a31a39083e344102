package schema

import (
	"strings"
	"testing"
)

func TestDocument(t *testing.T) {
	d := ReadDocument("c.yaml", []byte("a: &x {b: one}\nc: [1, two]\nd: *x\ne:\n"), "{}")
	root := d.Root()
	if len(d.Diagnostics()) > 0 || !root.IsMapping() || len(root.Pairs()) != 4 {
		t.Fatal(d.Diagnostics(), root)
	}
	list, alias, nothing := root.Pairs()[1].Value, root.Pairs()[2].Value, root.Pairs()[3].Value
	if !list.IsList() || list.Items()[1].Text() != "two" || list.Items()[1].Position().String() != "c.yaml:2:8" {
		t.Errorf("the list: %v", list)
	}
	if alias.Pairs()[0].Value.Text() != "one" || !nothing.IsNull() || nothing.Text() != "" || list.Text() != "" || list.Kind() != "a list" || nothing.Kind() != "nothing" {
		t.Errorf("values: %v, %v", alias, nothing)
	}
	d.Report(list.Items()[1], Mistake{Code: CodeRoute, Message: "m", Help: "h", From: 1, To: 2})
	d.Report(list, Mistake{Code: CodeRoute, Message: "hidden", Hidden: true})
	d.Unknown(root.Pairs()[0].Key, []string{"aa"}, false)
	want := "c.yaml:1:1: unknown key \"a\" [S3D0010]\n  1 | a: &x {b: one}\n    | ^\n  help: did you mean \"aa\"?\n\n" +
		"c.yaml:2:4: hidden [S3D0705]\n\n" +
		"c.yaml:2:9: m [S3D0705]\n  2 | c: [1, two]\n    |         ^\n  help: h\n"
	if got := d.Diagnostics().String(); got != want {
		t.Errorf("diagnostics:\n%s\nwant\n%s", got, want)
	}
	if found := ReadDocument("c.yaml", []byte("a: ["), "{}"); found.Root().Exists() || len(found.Diagnostics()) != 1 {
		t.Errorf("no YAML: %s", found.Diagnostics())
	}
	if found := ReadDocument("c.yaml", nil, "{x: y}").Diagnostics(); len(found) != 1 || !strings.Contains(found[0].Suggestion, "{x: y}") {
		t.Errorf("nothing: %s", found)
	}
}
