package fulltext

import (
	"strings"
	"testing"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// TestOlderPrograms: a program may index what newer versions of the schema no longer
// have, but nothing that has become a secret.
func TestOlderPrograms(t *testing.T) {
	type doc struct{ text string }
	at := s3db.DocumentOf[*doc]()
	on := func(path string) Resource {
		return On("notes", s3db.StringAt(at, path, func(d *doc) *string { return &d.text }))
	}
	d := &s3db.Description{Resources: []s3db.DescribedResource{{Name: "notes", Version: 1, Versions: []s3db.DescribedVersion{
		{Version: 0, Schema: `{"fields":[{"name":"old","type":"text"},{"name":"both","type":"string"},{"name":"diary","type":"text"}]}`},
		{Version: 1, Schema: `{"fields":[{"name":"both","type":"email"},{"name":"new","type":"url"},{"name":"diary","type":"secret"},{"name":"in","type":"object","fields":[{"name":"text","type":"text"}]}]}`},
	}}}}
	for path, want := range map[string]string{
		"old": "", "both": "", "new": "", "in.text": "", "diary": "is never indexed", "in": "its type is object", "in.none": "no such attribute", "never": "no such attribute",
	} {
		err := on(path).check(d)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	d.Resources[0].Versions[0].Schema = "{"
	if err := on("old").check(d); err == nil || !strings.Contains(err.Error(), "version 0 of the stored shape of notes") {
		t.Errorf("a damaged registry: %v", err)
	}
}
