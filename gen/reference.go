package gen

import (
	"slices"
	"strings"

	"github.com/s3dbgen/s3dbgen/schema"
)

// Reference describes a generated package and what it keeps, for documentation.
// Package reference writes it.
type Reference struct {
	Schema    *schema.Schema
	Resources []*ResourceReference // in the order of the schema

	names *namer
}

// ResourceReference describes one resource.
type ResourceReference struct {
	*schema.Resource
	Document   string // Go type of its documents, "User"
	Insert     string // Go type of what an insert takes
	Patch      string // Go type of what an update takes
	Hooks      string // Go type of its hooks
	Field      string // of the database, "Users"
	Key        string // pattern of the key of a document
	Partitions []*IndexReference
	Uniques    []*IndexReference
	Expiry     string // pattern of the key of the entry by which a document expires; "" when none does
	Budget     schema.Budget

	movable movable
}

// IndexReference describes a partition or a unique constraint.
type IndexReference struct {
	*schema.Index
	Key  string // pattern of the keys of its entries or claims, "…/country=<country>!/…"
	Call string // how a program reads it, "ByCountry(country)"
}

// NewReference describes the package that Generate makes of a schema. The
// diagnostics are those of Validate.
func NewReference(s *schema.Schema, lock Names) (*Reference, schema.Diagnostics) {
	p, names := programOf(s, lock)
	if names.diagnostics.HasErrors() {
		return nil, names.diagnostics.Sort()
	}
	r := &Reference{Schema: s, names: names}
	for i, x := range s.Resources {
		r.Resources = append(r.Resources, newResourceReference(x, p.resources[i]))
	}
	return r, names.diagnostics
}

// TypeName returns the Go type of an enum or of an object with attributes, "" of
// other types.
func (r *Reference) TypeName(t *schema.Type) string { return r.names.types[t] }

func newResourceReference(s *schema.Resource, p *resource) *ResourceReference {
	r := &ResourceReference{
		Resource: s, Document: p.document, Insert: p.insert, Patch: p.patch, Hooks: p.hooks, Field: p.field,
		Key: "resource=" + keyName(s.Name) + "/data/id=<id>", Budget: s.Budget(),
		movable: movableIndexes(s),
	}
	if s.TTL != nil {
		r.Expiry = "resource=" + keyName(s.Name) + "/partition=byExpiry/_expires=<time>!/id=<id>!<token>"
	}
	for i, x := range s.Partitions {
		r.Partitions = append(r.Partitions, &IndexReference{
			Index: x, Call: p.reads[i].call(),
			Key: "resource=" + keyName(s.Name) + "/partition=" + keyName(x.Name) + "/" + keyValues(x) + "/id=<id>!<token>",
		})
	}
	for i, x := range s.Uniques {
		values := keyValues(x)
		if x.Hashed {
			values = "hmac=<hash>!"
		}
		r.Uniques = append(r.Uniques, &IndexReference{
			Index: x, Call: p.lookups[i].call(),
			Key: "resource=" + keyName(s.Name) + "/unique=" + keyName(x.Name) + "/" + values,
		})
	}
	return r
}

// call shows how a program asks for documents of one place of a partition.
func (p *partitionRead) call() string {
	var b strings.Builder
	b.WriteString(p.method)
	for i, s := range p.steps {
		if i > 0 {
			b.WriteString("." + s.method)
		}
		b.WriteString("(" + s.param + ")")
	}
	return b.String()
}

// call shows how a program asks for the holder of a unique value.
func (l *lookup) call() string {
	params := []string{"ctx"}
	for _, v := range l.values {
		params = append(params, v.param)
	}
	return l.method + "(" + strings.Join(params, ", ") + ")"
}

// keyValues is the part of a key that holds the values of an index.
func keyValues(x *schema.Index) string {
	segments := make([]string, len(x.Fields))
	for i, f := range x.Fields {
		segments[i] = keyName(f.Path) + "=<" + f.Path + ">!"
	}
	return strings.Join(segments, "/")
}

// keyName writes a name as it stands in keys (docs/format.md, "Keys").
func keyName(s string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c == '-', c == '.', c == '_', c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
			b.WriteByte(c)
		default:
			b.Write([]byte{'~', hexDigits[c>>4], hexDigits[c&15]})
		}
	}
	return b.String()
}

// movable counts the indexes whose values an update may change.
type movable struct{ partitions, uniques int }

func movableIndexes(r *schema.Resource) movable {
	count := func(list []*schema.Index) (n int) {
		for _, x := range list {
			if slices.ContainsFunc(x.Fields, mayMove) {
				n++
			}
		}
		return n
	}
	m := movable{count(r.Partitions), count(r.Uniques)}
	if t := r.TTL; t != nil && t.After != "createdAt" && (t.Attribute == nil || !t.Attribute.Immutable) {
		m.partitions++ // the expiry index
	}
	return m
}

// mayMove reports whether an update may change the value of an index field. What
// was created when stays, and so do a program's version and what is immutable.
func mayMove(f *schema.IndexField) bool {
	if f.Attribute == nil {
		return f.Path == "updatedAt"
	}
	top := f.Attribute
	if len(f.Through) > 0 {
		top = f.Through[0]
	}
	return !top.Immutable
}
