package schema

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/snippets"
)

var (
	docsBlock = regexp.MustCompile("(?ms)^```.*?^```$")
	docsCode  = regexp.MustCompile("`([^`]+)`")
)

// TestDocsAreComplete shows that docs/schema.md names every type, rule and option.
func TestDocsAreComplete(t *testing.T) {
	text, err := os.ReadFile("../docs/schema.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, code := range docsCode.FindAllStringSubmatch(docsBlock.ReplaceAllString(string(text), ""), -1) {
		for word := range strings.FieldsFuncSeq(code[1], func(r rune) bool { return strings.ContainsRune(":| \\", r) }) {
			named[word] = true
		}
	}
	want := kindNames()
	for _, rule := range ruleSpecs() {
		want = append(want, rule.name)
	}
	p := &parser{}
	for _, o := range p.settingOptions(&settings{}) {
		want = append(want, o.name)
	}
	want = append(want, "package", "output", "stores", "defaults", "resources", "attributes", "partitions", "removed",
		"nanoid", "uuidv1", "uuidv4", "uuidv7", "ulid", "custom", "size", "charset", "generator",
		"user-managed", "enforce-limits", "truncate-data", "body-overflow", "body-only", "s3", "file", "mem",
		"date", "maxlength", "desc", "byCreatedDate", "byUpdatedDate", "byVersion", "_v")
	for _, word := range want {
		if !named[word] {
			t.Errorf("docs/schema.md does not name `%s`", word)
		}
	}
}

// TestDocsShape holds the example of a stored shape in docs/format.md to what the
// schema beside it has.
func TestDocsShape(t *testing.T) {
	pages, err := snippets.Read("..", "docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string) string {
		t.Helper()
		for _, b := range pages[0].Blocks {
			if b.Kind() == kind {
				return b.Text
			}
		}
		t.Fatalf("docs/format.md has no block %q", kind)
		return ""
	}
	s, found := Parse("schema.yaml", []byte(block("yaml shape")))
	lock, more := ReadLock("", nil)
	if found = append(found, more...); len(found) == 0 {
		found = s.Assign(lock)
	}
	if len(found) > 0 {
		t.Fatal(found)
	}
	want := strings.ReplaceAll(block("json shape"), "\n", "")
	if got := s.Resources[0].StoredShape(); got != want {
		t.Errorf("the stored shape is\n%s\nthe page says\n%s", got, want)
	}
}
