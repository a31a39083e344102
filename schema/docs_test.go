package schema

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	docsFence = regexp.MustCompile("(?ms)^```yaml ?([a-z]*)\n(.*?)^```$")
	docsBlock = regexp.MustCompile("(?ms)^```.*?^```$")
	docsCode  = regexp.MustCompile("`([^`]+)`")
)

// TestDocs reads each YAML block of docs/schema.md: it must be a valid schema,
// or attributes or options of a resource as its fence says.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../docs/schema.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := docsFence.FindAllStringSubmatchIndex(string(text), -1)
	if len(blocks) < 15 {
		t.Errorf("found only %d examples", len(blocks))
	}
	for _, at := range blocks {
		kind, body := string(text[at[2]:at[3]]), string(text[at[4]:at[5]])
		line := strings.Count(string(text[:at[0]]), "\n") + 1
		indented := func(by string) string {
			return by + strings.TrimSuffix(strings.ReplaceAll(body, "\n", "\n"+by), by)
		}
		switch kind {
		case "schema":
		case "attributes":
			body = attributesOf(indented("      "))
		case "resource":
			body = attributesOf("      name: string\n") + indented("    ")
		default:
			t.Errorf("docs/schema.md:%d: block is marked %q", line, kind)
			continue
		}
		if _, found := Parse("schema.yaml", []byte(body)); len(found) > 0 {
			t.Errorf("docs/schema.md:%d: %s\n%s", line, found, body)
		}
	}
}

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
	text, err := os.ReadFile("../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	block := func(info string) string {
		t.Helper()
		_, rest, found := strings.Cut(string(text), "\n```"+info+"\n")
		body, _, ended := strings.Cut(rest, "```\n")
		if !found || !ended {
			t.Fatalf("docs/format.md has no block %q", info)
		}
		return body
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
