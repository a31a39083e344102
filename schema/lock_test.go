package schema

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// assign numbers a schema of one resource with the attributes given one a line,
// by a lock file, and returns the schema and the next lock file.
func assign(t *testing.T, attributes, lock string) (s *Schema, next string, found Diagnostics) {
	t.Helper()
	text := attributesOf("      " + strings.ReplaceAll(attributes, "\n", "\n      ") + "\n")
	s, found = Parse("schema.yaml", []byte(text))
	if len(found) > 0 {
		t.Fatal(found)
	}
	l, found := ReadLock("schema.lock.yaml", []byte(lock))
	if len(found) > 0 {
		t.Fatal(found)
	}
	found = s.Assign(l)
	return s, string(l.Bytes()), found
}

// numbers lists the numbers of attributes and enum values as "path=number".
func numbers(attributes []*Attribute) string {
	var all []string
	var walk func([]*Attribute)
	walk = func(attributes []*Attribute) {
		for _, a := range attributes {
			all = append(all, fmt.Sprintf("%s %d", a.Path, a.Number))
			leaf := a.Type.leaf()
			for _, v := range leaf.Enum {
				all = append(all, fmt.Sprintf("%s=%s %d", a.Path, v.Name, v.Number))
			}
			walk(leaf.Fields)
		}
	}
	walk(attributes)
	return strings.Join(all, ", ")
}

// TestNumbersStay follows resources through changes of their schema: a number
// stays with its attribute and is never used for another.
func TestNumbersStay(t *testing.T) {
	type step struct {
		attributes string
		want       string // numbers
		version    int
		removed    string // burned number paths
	}
	tests := map[string][]step{
		"order in the file does not matter": {
			{"a: string\nb: string", "a 1, b 2", 0, ""},
			{"b: string\na: string", "b 2, a 1", 0, ""},
		},
		"added attributes get new numbers": {
			{"a: string", "a 1", 0, ""},
			{"z: string|optional\na: string\nb: string|optional", "z 2, a 1, b 3", 1, ""},
		},
		"a removed number is burned": {
			{"a: string\nb: string", "a 1, b 2", 0, ""},
			{"a: string", "a 1", 1, "2"},
			{"a: string\nc: integer|optional", "a 1, c 3", 2, "2"},
		},
		"the same name after removal gets a new number": {
			{"a: string\nb: string", "a 1, b 2", 0, ""},
			{"a: string", "a 1", 1, "2"},
			{"a: string\nb: integer|optional", "a 1, b 3", 2, "2"},
			{"a: string", "a 1", 1, "2 3"},
		},
		"a declared rename keeps the number": {
			{"a: string\nb: string", "a 1, b 2", 0, ""},
			{"a: string\nc: string|was:b", "a 1, c 2", 1, ""},
			{"a: string\nc: string|was:b", "a 1, c 2", 1, ""},
			{"a: string\nc: string", "a 1, c 2", 1, ""},
		},
		"a rename can be declared late": {
			{"a: string\nb: string", "a 1, b 2", 0, ""},
			{"a: string", "a 1", 1, "2"},
			{"a: string\nc: string|was:b", "a 1, c 2", 2, ""},
		},
		"a chain of renames": {
			{"a: string", "a 1", 0, ""},
			{"b: string|was:a", "b 1", 1, ""},
			{"c: string|was:b", "c 1", 2, ""},
			{"d: {type: string, was: c}", "d 1", 3, ""},
		},
		"a rename of an object keeps what is inside": {
			{"p: {a: string, q: {b: enum:x}}", "p 1, p.a 1, p.q 2, p.q.b 1, p.q.b=x 1", 0, ""},
			{"r: {type: object, was: p, fields: {q: {b: enum:x}, c: string|was:a}}", "r 1, r.q 2, r.q.b 1, r.q.b=x 1, r.c 1", 1, ""},
		},
		"a late rename of an object keeps what is inside": {
			{"n: string\np: {a: string, e: enum:x}", "n 1, p 2, p.a 1, p.e 2, p.e=x 1", 0, ""},
			{"n: string", "n 1", 1, "2 2.1 2.2 2.2=1"},
			{"n: string\nr: {type: object, was: p, fields: {a: string, e: enum:x}}", "n 1, r 2, r.a 1, r.e 2, r.e=x 1", 2, ""},
		},
		"numbers count within their object": {
			{"a: string\np: {x: string, y: string}\nl: {type: array, items: {x: string}}", "a 1, p 2, p.x 1, p.y 2, l 3, l.x 1", 0, ""},
			{"a: string\np: {y: string, z: string|optional}\nl: {type: array, items: {w: string|optional, x: string}}", "a 1, p 2, p.y 2, p.z 3, l 3, l.w 2, l.x 1", 1, "2.1"},
		},
		"a new object under an old name starts anew": {
			{"a: string\np: {x: string}", "a 1, p 2, p.x 1", 0, ""},
			{"a: string", "a 1", 1, "2 2.1"},
			{"a: string\np: {type: object, optional: true, fields: {y: string, x: integer}}", "a 1, p 3, p.y 1, p.x 2", 2, "2 2.1"},
		},
		"enum values": {
			{"e: enum:x,y,z", "e 1, e=x 1, e=y 2, e=z 3", 0, ""},
			{"e: enum:z,a,y,x", "e 1, e=z 3, e=a 4, e=y 2, e=x 1", 1, ""},
			{"e: {type: enum, values: [x, {name: y, removed: true}, z, a]}", "e 1, e=x 1, e=z 3, e=a 4", 2, "1=2"},
			{"e: enum:x,y,z,a", "e 1, e=x 1, e=y 5, e=z 3, e=a 4", 3, "1=2"},
			{"e: {type: enum, values: [{name: ex, was: x}, y, z, a]}", "e 1, e=ex 1, e=y 5, e=z 3, e=a 4", 4, "1=2"},
		},
		"an attribute that goes takes its values along": {
			{"a: string\ne: enum:x,y", "a 1, e 2, e=x 1, e=y 2", 0, ""},
			{"a: string", "a 1", 1, "2 2=1 2=2"},
		},
		"types that read each other": {
			{"a: string\nb: ip4\nc: object\nd: array|items:string", "a 1, b 2, c 3, d 4", 0, ""},
			{"a: text\nb: ip\nc: json\nd: array|items:email", "a 1, b 2, c 3, d 4", 1, ""},
			{"a: email\nb: ip6\nc: json\nd: array|items:url", "a 1, b 2, c 3, d 4", 2, ""},
		},
		"rules and descriptions make no version": {
			{"a: string", "a 1", 0, ""},
			{"a: string|min:2|description:Text|go:Name|deprecated:use b", "a 1", 0, ""},
			{"a: string|optional", "a 1", 1, ""},
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			lock := ""
			for i, step := range steps {
				s, next, found := assign(t, step.attributes, lock)
				if found.HasErrors() {
					t.Fatalf("step %d: %v", i, found)
				}
				if diff := cmp.Diff(step.want, numbers(s.Resources[0].Attributes)); diff != "" {
					t.Errorf("step %d: numbers (-want +got)\n%s", i, diff)
				}
				if s.Resources[0].Version != step.version {
					t.Errorf("step %d: version is %d, want %d", i, s.Resources[0].Version, step.version)
				}
				l, found := ReadLock("schema.lock.yaml", []byte(next))
				if len(found) > 0 {
					t.Fatalf("step %d: its own lock file: %v", i, found)
				}
				removed := slices.SortedFunc(maps.Keys(l.resources["users"].removed), compareNumberPaths)
				if got := strings.Join(removed, " "); got != step.removed {
					t.Errorf("step %d: removed %q, want %q", i, got, step.removed)
				}
				_, again, found := assign(t, step.attributes, next)
				if found.HasErrors() {
					t.Fatalf("step %d, again: %v", i, found)
				}
				if diff := cmp.Diff(next, again); diff != "" {
					t.Errorf("step %d: not stable (-first +second)\n%s", i, diff)
				}
				lock = next
			}
		})
	}
}

// TestSwapIsNotGuessed shows that a swap of two names by was is refused, since
// one run cannot tell it from a finished one.
func TestSwapIsNotGuessed(t *testing.T) {
	_, lock, _ := assign(t, "a: string\nb: string", "")
	_, _, found := assign(t, "a: string|was:b\nb: string|was:a", lock)
	if len(found) != 2 || found[0].Code != CodeWas || found[1].Code != CodeWas {
		t.Errorf("found %v", found)
	}
}

// TestRemovedResourceStays shows that a resource which leaves the schema and
// comes back finds its numbers.
func TestRemovedResourceStays(t *testing.T) {
	_, lock, _ := assign(t, "a: string\nb: string", "")
	other, found := Parse("schema.yaml", []byte("package: shop\nresources: {orders: {attributes: {n: integer}}}\n"))
	if len(found) > 0 {
		t.Fatal(found)
	}
	l, _ := ReadLock("schema.lock.yaml", []byte(lock))
	if found := other.Assign(l); len(found) > 0 {
		t.Fatal(found)
	}
	s, _, found := assign(t, "b: string\na: string", string(l.Bytes()))
	if len(found) > 0 {
		t.Fatal(found)
	}
	if got := numbers(s.Resources[0].Attributes); got != "b 2, a 1" {
		t.Errorf("numbers are %s", got)
	}
}

// TestMergeOfAdditions shows what git makes of two branches that add an
// attribute each: lines that merge, and one number twice, which is an error; and
// that the way out which the error tells works.
func TestMergeOfAdditions(t *testing.T) {
	_, base, _ := assign(t, "m: string", "")
	_, ours, _ := assign(t, "m: string\na: string|optional", base)
	_, theirs, _ := assign(t, "m: string\nz: string|optional", base)
	line := "      z: {number: 2, type: string, optional: true, since: 1}\n"
	if !strings.Contains(theirs, line) {
		t.Fatalf("no line %q in\n%s", line, theirs)
	}
	merged := strings.Replace(ours, "      m: {number: 1, type: string}\n", "      m: {number: 1, type: string}\n"+line, 1)
	_, found := ReadLock("schema.lock.yaml", []byte(merged))
	if len(found) != 1 || found[0].Code != CodeLockNumber || len(found[0].Related) != 1 || found[0].Suggestion != mergeHelp {
		t.Fatalf("found %v", found)
	}
	s, _, found := assign(t, "m: string\na: string|optional\nz: string|optional", ours)
	if len(found) > 0 {
		t.Fatal(found)
	}
	if got := numbers(s.Resources[0].Attributes); got != "m 1, a 2, z 3" {
		t.Errorf("numbers are %s", got)
	}
}

// TestGoName shows that names are frozen, survive the file, and go when nobody
// asks for them.
func TestGoName(t *testing.T) {
	_, lock, _ := assign(t, "url: string\nkind: enum:a.b", "")
	l, _ := ReadLock("schema.lock.yaml", []byte(lock))
	for _, path := range []string{"users", "users.url", "users.kind=a.b"} {
		if got := l.GoName(path, "Old"); got != "Old" {
			t.Errorf("GoName(%s) = %s", path, got)
		}
	}
	if got := l.GoName("orders.total", "Total"); got != "Total" {
		t.Errorf("of an unknown resource: %s", got)
	}
	text := string(l.Bytes())
	for _, line := range []string{"      users: Old\n", "      users.url: Old\n", "      users.kind=a.b: Old\n"} {
		if !strings.Contains(text, line) {
			t.Errorf("no line %q in\n%s", line, text)
		}
	}

	l, found := ReadLock("schema.lock.yaml", []byte(text))
	if len(found) > 0 {
		t.Fatal(found)
	}
	if diff := cmp.Diff(text, string(l.Bytes())); diff != "" {
		t.Errorf("without asking (-want +got)\n%s", diff)
	}
	if got := l.GoName("users.url", "New"); got != "Old" {
		t.Errorf("a frozen name became %s", got)
	}
	if text := string(l.Bytes()); strings.Contains(text, "users: Old") || !strings.Contains(text, "users.url: Old") {
		t.Errorf("names not asked for stay, or others go:\n%s", text)
	}
}

// TestLockQuotesHostileNames shows that any name of an enum value survives the file.
func TestLockQuotesHostileNames(t *testing.T) {
	names := []string{"null", "~", "- a", "a: b", "#a", "'", `"`, `\`, "日本", "😀", "\u202e", "{", "1", "0x1", "yes", "=", "a=b", "a.b", "&a", "*a", "!a", "|", "%", "@", "`", "é\u0301", "x\u00a0y"}
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quoteYAML(name)
	}
	s, lock, found := assign(t, "e: {type: enum, values: ["+strings.Join(quoted, ", ")+"]}", "")
	if len(found) > 0 {
		t.Fatal(found)
	}
	l, found := ReadLock("schema.lock.yaml", []byte(lock))
	if len(found) > 0 {
		t.Fatal(found)
	}
	for _, v := range s.Resources[0].Attributes[0].Type.Enum {
		if f := l.resources["users"].values["e="+v.Name]; f == nil || f.number != v.Number {
			t.Errorf("%q: %v, want number %d", v.Name, f, v.Number)
		}
	}
}

// TestSinceAndUntil shows that the lock tells in which versions a number was used.
func TestSinceAndUntil(t *testing.T) {
	_, lock, _ := assign(t, "a: string", "")
	_, lock, _ = assign(t, "a: string\nb: string|optional", lock)
	_, lock, _ = assign(t, "a: string", lock)
	// The shape of the first version is back; b was in the second only.
	want := `"2": {name: b, type: string, optional: true, since: 1, until: 1}`
	if !strings.Contains(lock, want) {
		t.Errorf("no %s in\n%s", want, lock)
	}
}
