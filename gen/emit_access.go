package gen

import (
	"fmt"
	"strings"

	"github.com/dave/jennifer/jen"
)

// emitAccess prints the methods that read partitions and unique values.
func emitAccess(f *jen.File, r *resource) {
	for _, p := range r.reads {
		emitPartitionRead(f, r, p)
	}
	for _, d := range r.distincts {
		f.Line()
		f.Commentf("%s returns the values of %s that documents have, in their order, with about 2 requests for each.", d.method, d.path)
		f.Id(fmt.Sprintf("func (c %s) %s(ctx context.Context) ([]%s, error)", r.collection, d.method, d.typ)).Block(
			jen.Id(fmt.Sprintf("return s3db.Distinct(ctx, c.Collection, %q, func(d *%s) %s { return %s })", d.partition, r.document, d.typ, d.value)))
	}
	for _, l := range r.lookups {
		var params, calls []string
		for _, v := range l.values {
			params = append(params, v.param+" "+v.typeOf)
			calls = append(calls, v.call)
		}
		f.Line()
		f.Commentf("%s returns the document that holds the unique %s, with 2 requests, or s3db.ErrNotFound.", l.method, pathsOf(l.values))
		f.Id(fmt.Sprintf("func (c %s) %s(ctx context.Context, %s) (*%s, error)", r.collection, l.method, strings.Join(params, ", "), r.document)).Block(
			jen.Id(fmt.Sprintf("return s3db.GetByUnique(ctx, c.Collection, %q, func(k *s3db.KeyBuilder) {\n%s\n})", l.name, strings.Join(calls, "\n"))))
	}
}

// emitPartitionRead prints the methods of one partition.
func emitPartitionRead(f *jen.File, r *resource, p *partitionRead) {
	for n, s := range p.steps {
		query := fmt.Sprintf("s3db.PartitionQuery[%s, %s, %s]", r.document, r.id, s.typeOf)
		receiver, start, method := "c "+r.collection, fmt.Sprintf("s3db.InPartition(c.Collection, %q, %s, ", p.name, s.put), p.method
		if n > 0 {
			receiver, start, method = "q "+p.steps[n-1].typ, fmt.Sprintf("s3db.Then(q.PartitionQuery, %s, ", s.put), s.method
		}
		if s.typ == "" {
			f.Line()
			f.Commentf("%s %s", method, p.about(n))
			f.Id(fmt.Sprintf("func (%s) %s(%s ...%s) %s", receiver, method, s.param, s.typeOf, query)).Block(
				jen.Id("return " + start + s.param + "...)"))
			continue
		}
		f.Line()
		f.Commentf("%s reads the partition %s below values of %s.", s.typ, p.name, s.path)
		f.Type().Id(s.typ).Struct(jen.Id(query))
		f.Line()
		f.Commentf("%s %s", method, p.about(n))
		f.Id(fmt.Sprintf("func (%s) %s(%s %s, more ...%[4]s) %s", receiver, method, s.param, s.typeOf, s.typ)).Block(
			jen.Id(fmt.Sprintf("return %s{%sappend([]%s{%s}, more...)...)}", s.typ, start, s.typeOf, s.param)))
	}
}

// about says what the method of step n reads.
func (p *partitionRead) about(n int) string {
	what := "reads the documents"
	if n > 0 {
		what = "goes on with the documents"
	}
	if n+1 < len(p.steps) {
		return fmt.Sprintf("%s with one of the given values of %s, in the partition %s.", what, p.steps[n].path, p.name)
	}
	return fmt.Sprintf("%s with one of the given values of %s, or with any, in the partition %s.", what, p.steps[n].path, p.name)
}

func pathsOf(values []keyValue) string {
	var paths []string
	for _, v := range values {
		paths = append(paths, v.path)
	}
	return strings.Join(paths, " and ")
}
