package s3db

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// storedShape is what a version of a resource says in the registry of how its
// documents are stored (docs/format.md, "Stored shape").
type storedShape struct {
	Fields     []storedField `json:"fields"`
	Partitions []storedIndex `json:"partitions"`
	Uniques    []storedIndex `json:"uniques"`
	TTL        *storedTTL    `json:"ttl"`
}

type storedField struct {
	Number   int    `json:"number"`
	Name     string `json:"name"`
	Optional bool   `json:"optional"`
	storedType
}

type storedType struct {
	Type   string        `json:"type"`
	Items  *storedType   `json:"items"`
	Fields []storedField `json:"fields"`
	Values []storedValue `json:"values"`
}

type storedValue struct {
	Number int    `json:"number"`
	Name   string `json:"name"`
}

type storedIndex struct {
	Name   string             `json:"name"`
	Hashed bool               `json:"hashed"`
	Fields []storedIndexField `json:"fields"`
}

type storedIndexField struct {
	Path      string `json:"path"`
	Date      bool   `json:"date"`
	MaxLength int    `json:"maxlength"`
	Desc      bool   `json:"desc"`
}

func parseShape(text []byte) (*storedShape, error) {
	s := &storedShape{}
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("%w: stored shape: %w", ErrCorrupt, err)
	}
	return s, nil
}

// indexes returns the definitions of partitions and unique constraints under the
// names that indexName makes.
func (s *storedShape) indexes() map[string]storedIndex {
	all := map[string]storedIndex{}
	for _, x := range s.Partitions {
		all[partitionName(x.Name)] = x
	}
	for _, x := range s.Uniques {
		all[uniqueName(x.Name)] = x
	}
	return all
}

func partitionName(name string) string { return "partition " + name }
func uniqueName(name string) string    { return "unique " + name }

// storedTTL is what the keys of the expiry index depend on.
type storedTTL struct {
	After string `json:"after"`
	For   string `json:"for"`
	Every string `json:"every"`
}

// sameKeys reports whether an index has the same key for a document under both
// shapes, so that programs of either version keep it up for each other.
func sameKeys(a, b *storedShape, x, y storedIndex) bool {
	if x.Hashed != y.Hashed || !slices.Equal(x.Fields, y.Fields) {
		return false
	}
	for _, f := range x.Fields {
		if f.Path == expiryPath && (a.TTL == nil || b.TTL == nil || *a.TTL != *b.TTL || !sameValue(a.Fields, b.Fields, a.TTL.After)) {
			return false
		}
		if !sameValue(a.Fields, b.Fields, f.Path) {
			return false
		}
	}
	return true
}

// sameValue reports whether a path names one attribute of one type in both. One
// that neither has is a system field.
func sameValue(a, b []storedField, path string) bool {
	first, rest, nested := strings.Cut(path, ".")
	byName := func(f storedField) bool { return f.Name == first }
	i, j := slices.IndexFunc(a, byName), slices.IndexFunc(b, byName)
	switch {
	case i < 0 || j < 0:
		return i == j
	case a[i].Number != b[j].Number || textFamily(a[i].Type) != textFamily(b[j].Type):
		return false
	case nested:
		return sameValue(a[i].Fields, b[j].Fields, rest)
	}
	for _, v := range a[i].Values { // keys hold the names of enum values
		for _, w := range b[j].Values {
			if (v.Number == w.Number) != (v.Name == w.Name) {
				return false
			}
		}
	}
	return true
}

// textFamily groups types whose values have the same text.
func textFamily(typ string) string {
	switch typ {
	case "text", "email", "url":
		return "string"
	case "ip4", "ip6":
		return "ip"
	}
	return typ
}

// conflict returns the path of numbers of a field that has another type in the
// other shape, "" when there is none. A number has one type for ever; two types
// mean that lock files of two branches gave it twice, or that one was lost.
func conflict(a, b []storedField) string {
	for _, f := range a {
		i := slices.IndexFunc(b, func(g storedField) bool { return g.Number == f.Number })
		if i < 0 {
			continue
		}
		if inner, clash := f.storedType.conflict(b[i].storedType); clash {
			return strings.TrimSuffix(fmt.Sprintf("%d.%s", f.Number, inner), ".")
		}
	}
	return ""
}

func (t storedType) conflict(u storedType) (inner string, clash bool) {
	freeform := func(t storedType) bool { return t.Type == "json" || t.Type == "object" && len(t.Fields) == 0 }
	switch {
	case freeform(t) && freeform(u):
		return "", false
	case textFamily(t.Type) != textFamily(u.Type), (t.Items == nil) != (u.Items == nil):
		return "", true
	case t.Items != nil:
		return t.Items.conflict(*u.Items)
	}
	inner = conflict(t.Fields, u.Fields)
	return inner, inner != ""
}

// without returns the numbers of the attributes that the other shape does not
// have.
func (s *storedShape) without(other *storedShape) []int {
	var numbers []int
	for _, f := range s.Fields {
		if !slices.ContainsFunc(other.Fields, func(g storedField) bool { return g.Number == f.Number }) {
			numbers = append(numbers, f.Number)
		}
	}
	return numbers
}
