package dynamic

import (
	"fmt"
	"slices"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Index names a partition or a unique constraint and the paths of its fields.
type Index struct {
	Name   string
	Fields []string
}

// Partitions returns the partitions of the resource, in the order of their names.
func (r *Resource) Partitions() []Index { return described(r.shape.partitions) }

// Uniques returns the unique constraints of the resource, in the order of their
// names.
func (r *Resource) Uniques() []Index { return described(r.shape.uniques) }

func described(list []*index) []Index {
	all := make([]Index, len(list))
	for i, x := range list {
		all[i] = Index{Name: x.name, Fields: x.model().Fields}
	}
	return all
}

// ID is the id of documents, for predicates.
func (r *Resource) ID() s3db.TextAttr[*Document, string] {
	return s3db.IDAt(s3db.DocumentOf[*Document](), func(d *Document) *string { return &d.ID })
}

// InPartition returns the query of the documents whose first fields of a partition
// have the values given, of the types of Values. Without values it is the whole
// partition. Errors match s3db.ErrConfig.
func (r *Resource) InPartition(name string, values ...any) (s3db.Query[Document, string], error) {
	var none s3db.Query[Document, string]
	i := slices.IndexFunc(r.shape.partitions, func(x *index) bool { return x.name == name })
	if i < 0 {
		return none, fmt.Errorf("%w: %s has no partition %q", s3db.ErrConfig, r.Name(), name)
	}
	x := r.shape.partitions[i]
	if len(values) > len(x.fields) {
		return none, fmt.Errorf("%w: partition %s has %d fields, %d values are given", s3db.ErrConfig, name, len(x.fields), len(values))
	}
	for i, v := range values {
		f := &x.fields[i]
		if _, day := v.(s3db.Date); day && f.date {
			continue
		}
		if !f.scalar().holds(v) {
			return none, fmt.Errorf("%w: %s must be %s (%s), is of type %T", s3db.ErrConfig, f.path, f.scalar().want, f.scalar().goType, v)
		}
	}
	first := 0
	if len(values) > 0 {
		first = 1
	}
	q := s3db.InPartition(r.Collection, name, x.fields[0].put, values[:first]...)
	for i := first; i < len(values); i++ {
		q = s3db.Then(q, x.fields[i].put, values[i])
	}
	return q.Query, nil
}

// PartitionFor returns the first partition whose leading fields are exactly these
// paths, in any order, and its fields in the order of its keys.
func (r *Resource) PartitionFor(paths ...string) (Index, bool) {
	for _, x := range r.Partitions() {
		if len(paths) > len(x.Fields) {
			continue
		}
		leading := slices.Sorted(slices.Values(x.Fields[:len(paths)]))
		if slices.Equal(leading, slices.Sorted(slices.Values(paths))) {
			return x, true
		}
	}
	return Index{}, false
}
