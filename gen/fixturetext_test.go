package gen

import (
	"fmt"
	"strings"
	"testing"

	"github.com/s3dbgen/s3dbgen/runtime/fixture"
	"github.com/s3dbgen/s3dbgen/schema"
)

// attribute parses the type of one attribute.
func attribute(t *testing.T, rules string) *schema.Type {
	t.Helper()
	s, found := schema.Parse("schema.yaml", []byte("package: shop\nresources: {users: {attributes: {userName: "+rules+"}}}"))
	if found.HasErrors() {
		t.Fatal(found)
	}
	return s.Resources[0].Attributes[0].Type
}

// TestTextFixture fixes the templates of typical rules, and holds each to its rules.
func TestTextFixture(t *testing.T) {
	t.Parallel()
	for rules, want := range map[string]string{
		"string":                                `user-name-[0-9]{4}`,
		"string|max:8":                          `user[0-9]{4}`,
		"string|max:2":                          `[0-9]{2}`,
		"string|length:1":                       `[0-9]`,
		"string|min:20":                         `user-name-[x]{6}[0-9]{4}`,
		"text|uppercase":                        `USER-NAME-[0-9]{4}`,
		"string|alpha":                          `username[a-z]{4}`,
		"string|numeric|length:12":              `[0]{8}[0-9]{4}`,
		"string|hex|min:6":                      `[0]{2}[0-9a-f]{4}`,
		"string|base64|min:5":                   `[0-9A-Z]{8}`,
		"string|alpha|hex":                      `[a-f]{4}`,
		"string|startsWith:A|endsWith:.csv":     `Auser-name-[0-9]{4}.csv`,
		`"string|contains:[x]"`:                 `user-name-\[x\][0-9]{4}`,
		"string|example:yes":                    `yes`,
		"email":                                 `user-name-[0-9]{4}@example.com`,
		"email|max:9":                           `[0-9]{4}@a.io`,
		"email|endsWith:@corp.org":              `user-name-[0-9]{4}@corp.org`,
		"email|endsWith:.org":                   `user-name-[0-9]{4}@example.com.org`,
		"{type: email, contains: '@corp.'}":     `user-name-[0-9]{4}@corp.example.com`,
		"url":                                   `https://example.com/user-name-[0-9]{4}`,
		"url|schemes:ftp|endsWith:.zip":         `ftp://example.com/user-name-[0-9]{4}.zip`,
		"{type: url, startsWith: 'https://x/'}": `https://x/user-name-[0-9]{4}`,
		"{type: string, pattern: '^[A-Z]{2}-[0-9]{4}$'}":         `[A-Z]{2}-[0-9]{4}`,
		"{type: string, pattern: '^(A|B)x*$'}":                   `[AB]xxx`,
		"{type: string, pattern: '^[a-z]+$', length: 8}":         `[a-z]{8}`,
		"{type: string, pattern: '[0-9]', min: 8}":               `[x]{7}[0-9]`,
		"{type: string, pattern: '^(v1|v22)$', length: 3}":       `v22`,
		"{type: string, pattern: '^a.b$'}":                       `a[a-z]b`,
		"{type: string, pattern: '(?i)^ab$', lowercase: true}":   `AB`,
		"{type: string, pattern: 'b$', startsWith: abc, min: 6}": `abc[x]{2}b`,
	} {
		typ := attribute(t, rules)
		got, broken := textFixture(typ, "user-name", false)
		if broken != "" {
			t.Errorf("%s: no template, breaks %s", rules, broken)
			continue
		}
		if got != want {
			t.Errorf("%s: template %s, want %s", rules, got, want)
		}
		holds(t, rules, typ, got)
	}
}

// TestTextFixturesDiffer: an example gives way where texts must differ, unless it is all
// there is.
func TestTextFixturesDiffer(t *testing.T) {
	t.Parallel()
	for rules, want := range map[string]string{
		"string|numeric|length:3|example:007":                       `[0-9]{3}`,
		"{type: string, pattern: '^..$', contains: Q, example: Qu}": `Qu`,
	} {
		if got, broken := textFixture(attribute(t, rules), "user-name", true); got != want || broken != "" {
			t.Errorf("%s: template %s (breaks %q), want %s", rules, got, broken, want)
		}
	}
}

// holds checks many texts of a template.
func holds(t *testing.T, rules string, typ *schema.Type, template string) {
	t.Helper()
	count := fixture.Count(template)
	seen := map[string]bool{}
	for n := range min(count, 1000) {
		text := fixture.Text(int(n), template)
		if b := typ.Broken(text); b != "" {
			t.Fatalf("%s: text %q of %s breaks %s", rules, text, template, b)
		}
		seen[text] = true
	}
	if uint64(len(seen)) != min(count, 1000) {
		t.Errorf("%s: %d texts of %d differ", rules, len(seen), min(count, 1000))
	}
}

// FuzzTextFixture: a template is found that obeys the rules, or one of them is named.
func FuzzTextFixture(f *testing.F) {
	f.Add("string", "^[a-f]+(x|yz){2,3}[^a]?$", 3, 20, "", "")
	f.Add("email", "", 0, 12, "a", ".org")
	f.Add("url", `/\d+$`, 30, 0, "https://", "")
	f.Fuzz(func(t *testing.T, kind, pattern string, least, most int, start, end string) {
		quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
		rules := "{type: " + quote(kind)
		for name, text := range map[string]string{"pattern": pattern, "startsWith": start, "endsWith": end} {
			if text != "" {
				rules += ", " + name + ": " + quote(text)
			}
		}
		for name, n := range map[string]int{"min": least, "max": most} {
			if n > 0 && n < 2000 {
				rules += fmt.Sprintf(", %s: %d", name, n)
			}
		}
		s, found := schema.Parse("schema.yaml", []byte("package: shop\nresources: {users: {attributes: {userName: "+rules+"}}}}"))
		if found.HasErrors() || len(s.Resources[0].Attributes) == 0 {
			return
		}
		typ := s.Resources[0].Attributes[0].Type
		switch typ.Kind {
		case schema.KindString, schema.KindText, schema.KindEmail, schema.KindURL:
		default:
			return
		}
		template, broken := textFixture(typ, "user-name", false)
		if broken == "" && typ.Broken(fixture.Text(0, template)) != "" {
			t.Errorf("%s: %q", rules, template)
		}
	})
}
