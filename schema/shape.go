package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// shape is the JSON form of what documents of a resource look like in storage.
type shape struct {
	Resource   string       `json:"resource"`
	Fields     []shapeField `json:"fields"`
	Partitions []shapeIndex `json:"partitions,omitempty"`
	Uniques    []shapeIndex `json:"uniques,omitempty"`
	TTL        *shapeTTL    `json:"ttl,omitempty"`
}

type shapeField struct {
	Number   int    `json:"number"`
	Name     string `json:"name"`
	Optional bool   `json:"optional,omitempty"`
	shapeType
}

type shapeType struct {
	Type   string       `json:"type"`
	Items  *shapeType   `json:"items,omitempty"`
	Fields []shapeField `json:"fields,omitempty"`
	Values []shapeValue `json:"values,omitempty"`
}

type shapeValue struct {
	Number int    `json:"number"`
	Name   string `json:"name"`
}

type shapeIndex struct {
	Name   string            `json:"name"`
	Hashed bool              `json:"hashed,omitempty"`
	Fields []shapeIndexField `json:"fields"`
}

type shapeIndexField struct {
	Path      string `json:"path"`
	Date      bool   `json:"date,omitempty"`
	MaxLength int    `json:"maxlength,omitempty"`
	Desc      bool   `json:"desc,omitempty"`
}

// StoredShape returns what documents of r look like in storage, as canonical
// compact JSON. With it a program without generated code can decode documents
// and find the keys of their entries and claims:
//
//	{"resource":"users",
//	 "fields":[
//	  {"number":1,"name":"name","type":"string"},
//	  {"number":2,"name":"role","type":"enum","values":[{"number":1,"name":"admin"}]},
//	  {"number":3,"name":"tags","optional":true,"type":"array","items":{"type":"string"}},
//	  {"number":4,"name":"profile","type":"object","fields":[…]}],
//	 "partitions":[{"name":"byDay","fields":[{"path":"createdAt","date":true}]}],
//	 "uniques":[{"name":"email","fields":[{"path":"email"}]}]}
//
// With ttl there are also the partition byExpiry over _expires, and
// "ttl":{"after":"createdAt","for":"720h0m0s","every":"24h0m0s"}.
//
// It stands on one line. Types are the kinds of the schema language; items are
// those of an array, the values of a map, or what a secret holds; an object
// without fields is free-form JSON. Fields and values are ordered by number,
// indexes by name, and their fields as in the key. Absent members are false, 0
// or empty. Rules, defaults, descriptions and Go names are not part of it.
//
// Its SHA-256 is the hash of the version in the lock file and in the database's
// registry. Numbers are those of Assign.
func (r *Resource) StoredShape() string {
	partitions := r.Partitions
	if r.TTL != nil {
		partitions = append(slices.Clip(partitions), &Index{Name: expiryIndex, Fields: []*IndexField{{Path: expiryPath}}})
	}
	s := shape{
		Resource:   r.Name,
		Fields:     shapeFields(r.Attributes),
		Partitions: shapeIndexes(partitions),
		Uniques:    shapeIndexes(r.Uniques),
		TTL:        r.TTL.shape(),
	}
	return canonicalJSON(s)
}

// shapeHash returns the hash of a stored shape.
func shapeHash(shape string) string {
	sum := sha256.Sum256([]byte(shape))
	return hex.EncodeToString(sum[:])
}

func shapeFields(attributes []*Attribute) []shapeField {
	fields := make([]shapeField, len(attributes))
	for i, a := range attributes {
		fields[i] = shapeField{Number: a.Number, Name: a.Name, Optional: a.Optional, shapeType: shapeOf(a.Type)}
	}
	slices.SortFunc(fields, func(a, b shapeField) int { return a.Number - b.Number })
	return fields
}

func shapeOf(t *Type) shapeType {
	s := shapeType{Type: string(t.Kind)}
	if t.Elem != nil {
		items := shapeOf(t.Elem)
		s.Items = &items
	}
	if t.Fields != nil {
		s.Fields = shapeFields(t.Fields)
	}
	for _, v := range t.Enum {
		s.Values = append(s.Values, shapeValue{v.Number, v.Name})
	}
	slices.SortFunc(s.Values, func(a, b shapeValue) int { return a.Number - b.Number })
	return s
}

func shapeIndexes(indexes []*Index) []shapeIndex {
	var all []shapeIndex
	for _, x := range indexes {
		s := shapeIndex{Name: x.Name, Hashed: x.Hashed}
		for _, f := range x.Fields {
			s.Fields = append(s.Fields, shapeIndexField{f.Path, f.Date, f.MaxLength, f.Desc})
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b shapeIndex) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// freeform is the signature of an object without fields.
const freeform = "freeform"

// signature names a type in the lock file: "string", "array(object)".
func (t *Type) signature() string {
	switch {
	case t.Elem != nil:
		return string(t.Kind) + "(" + t.Elem.signature() + ")"
	case t.Kind == KindObject && t.Fields == nil:
		return freeform
	}
	return string(t.Kind)
}

// leaf returns the type inside containers: the object of an array of objects.
func (t *Type) leaf() *Type {
	for t.Elem != nil {
		t = t.Elem
	}
	return t
}

func validSignature(s string) bool {
	outer, inner, ok := strings.Cut(s, "(")
	if !ok {
		return s == freeform || Kind(s).known()
	}
	container := outer == string(KindArray) || outer == string(KindMap) || outer == string(KindSecret)
	return container && strings.HasSuffix(inner, ")") && validSignature(strings.TrimSuffix(inner, ")"))
}

// readsAs reports whether values stored with one signature can be read with another.
func readsAs(stored, now string) bool {
	storedOuter, storedInner, a := strings.Cut(stored, "(")
	nowOuter, nowInner, b := strings.Cut(now, "(")
	if a && b {
		return storedOuter == nowOuter && readsAs(strings.TrimSuffix(storedInner, ")"), strings.TrimSuffix(nowInner, ")"))
	}
	return a == b && (Kind(stored).family() == Kind(now).family() || stored == freeform && now == string(KindJSON))
}
