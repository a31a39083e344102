package gen

import (
	"fmt"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/s3dbgen/s3dbgen/schema"
)

// relations decides the methods that load documents of other resources.
func (b *builder) relations() {
	methods := scope{}
	for _, x := range b.schema.Relations {
		to := b.resources[x.To]
		r := &relation{
			method: methods.unique("Load" + goName(x.Name)), name: x.Name, many: x.Kind == schema.HasMany, to: &to,
			doc: docText("", x.Description, ""),
		}
		holder := b.r.document
		if r.many {
			holder, r.partition = to.document, x.Partition.Name
		}
		by := b.fields[x.By]
		pointer := "&d." + by
		if x.By.Optional {
			pointer = "d." + by
		}
		r.held = fmt.Sprintf("func(d *%s) *%s { return %s }", holder, b.resources[x.By.Type.Ref].id(), pointer)
		b.imports[pkgContext] = true
		b.r.relations = append(b.r.relations, r)
	}
}

// emitRelations prints the methods that load documents of other resources.
func emitRelations(f *jen.File, r *resource) {
	for _, x := range r.relations {
		f.Line()
		if x.many {
			f.Commentf("%s returns the documents of %s that belong to each document, those that satisfy where: nil where they", x.method, x.to.field)
			f.Comment("cannot be read, which the error tells. It takes 1 LIST for each document or 1,000 found, and a GET for each found.")
		} else {
			f.Commentf("%s returns the document of %s that each document belongs to: nil where it names none, and where it is missing,", x.method, x.to.field)
			f.Comment("which the error tells. It takes 1 GET for each different one.")
		}
		if len(x.doc) > 0 {
			emitDoc(f.Group, append([]string{""}, x.doc...))
		}
		if x.many {
			f.Id(fmt.Sprintf("func (c %s) %s(ctx context.Context, documents []*%s, where ...s3db.Predicate[*%s]) ([][]*%[4]s, error)",
				r.collection, x.method, r.document, x.to.document)).Block(
				jen.Id(fmt.Sprintf("return s3db.LoadMany(ctx, documents, func(d *%s) *%s { return &d.ID }, c.db.%s.Collection, %q,\n%s, where)", r.document, r.id, x.to.field, x.partition, x.held)))
			continue
		}
		f.Id(fmt.Sprintf("func (c %s) %s(ctx context.Context, documents []*%s) ([]*%s, error)", r.collection, x.method, r.document, x.to.document)).Block(
			jen.Id(fmt.Sprintf("return s3db.LoadOne(ctx, documents, c.db.%s.Collection, %s)", x.to.field, x.held)))
	}
}

// connect are the statements that let collections whose documents are related find
// each other in the client c.
func (p *program) connect() []string {
	var list []string
	for _, r := range p.resources {
		if len(r.relations) > 0 {
			list = append(list, fmt.Sprintf("c.%s.db = c", r.field))
		}
	}
	return list
}

// collectionOf is the composite literal of a collection.
func (r *resource) collectionOf() string {
	made := fmt.Sprintf("s3db.NewCollection(db, %s())", r.model)
	if len(r.relations) > 0 {
		made = "Collection: " + made
	}
	return strings.Join([]string{r.collection, "{", made, "}"}, "")
}
