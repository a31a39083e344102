package gen

import (
	"slices"
	"strings"

	"github.com/dave/jennifer/jen"
)

// emitClient prints the file with the database.
func emitClient(p *program) *jen.File {
	i := imports{pkgContext: true, pkgRuntime: true}
	var made, forms []string
	for _, d := range p.drivers {
		made = append(made, i.qualified(d.pkg, "Driver")+"()")
		forms = append(forms, d.form)
	}
	f := newFile(p.name, p.doc, i)
	f.Line()
	emitDoc(f.Group, []string{
		"If this line does not compile, these files and the runtime are of different releases.",
		"Bring them together with",
		"",
		"\tgo get " + module + "@latest && go generate ./...",
	})
	f.Const().Id("_").Op("=").Id("s3db.GeneratedV1")

	f.Line()
	f.Comment("// DB is the database. It is safe for concurrent use.")
	f.Type().Id("DB").StructFunc(func(g *jen.Group) {
		for _, r := range p.resources {
			if len(r.deprecated) > 0 {
				emitDoc(g, r.deprecated)
			}
			g.Id(r.field).Id(r.collection)
		}
		g.Line().Id("database").Id("*s3db.Database")
	})
	f.Line()
	emitDoc(f.Group, []string{
		"Open opens the database at a URL, and creates it when the place is empty. The form of",
		"the URL is " + either(forms) + ".",
	})
	f.Func().Id("Open").Params(jen.Id("ctx context.Context"), jen.Id("url string"), jen.Id("options ...s3db.Option")).
		Params(jen.Id("*DB"), jen.Error()).
		Block(jen.Return(jen.Id("s3db.OpenClient(ctx, url, config(), newDB, options...)")))
	f.Line()
	emitDoc(f.Group, []string{
		"New opens the database at the root of a store that the program has opened itself, and",
		"that it closes itself.",
	})
	f.Func().Id("New").Params(jen.Id("ctx context.Context"), jen.Id("store s3db.Store"), jen.Id("options ...s3db.Option")).
		Params(jen.Id("*DB"), jen.Error()).
		Block(jen.Return(jen.Id("s3db.NewClient(ctx, store, config(), newDB, options...)")))
	f.Line()
	f.Comment("// Close releases what Open opened. Operations that still run fail.")
	f.Func().Params(jen.Id("db *DB")).Id("Close").Params().Error().Block(jen.Return(jen.Id("db.database.Close()")))
	f.Line()
	f.Comment("// Database returns the database without its types, for tools and plugins.")
	f.Func().Params(jen.Id("db *DB")).Id("Database").Params().Id("*s3db.Database").Block(jen.Return(jen.Id("db.database")))
	var collections []string
	for _, r := range p.resources {
		collections = append(collections, "db."+r.field)
	}
	f.Line()
	emitDoc(f.Group, []string{
		"Migrate brings all documents to the versions of this program, and shuts out writers",
		"of older ones. See s3db.Collection.Migrate.",
	})
	f.Func().Params(jen.Id("db *DB")).Id("Migrate").Params(jen.Id("ctx context.Context"), jen.Id("o s3db.MigrateOptions")).
		Params(jen.Index().Id("s3db.MigrateReport"), jen.Error()).
		Block(jen.Return(jen.Id("s3db.MigrateAll(" + strings.Join(append([]string{"ctx", "o"}, collections...), ", ") + ")")))
	if swept := p.swept(); len(swept) > 0 {
		f.Line()
		f.Comment("// Sweep deletes the documents that have expired. See s3db.Collection.Sweep.")
		f.Func().Params(jen.Id("db *DB")).Id("Sweep").Params(jen.Id("ctx context.Context"), jen.Id("o s3db.SweepOptions")).
			Params(jen.Index().Id("s3db.SweepReport"), jen.Error()).
			Block(jen.Return(jen.Id("s3db.SweepAll(" + strings.Join(append([]string{"ctx", "o"}, swept...), ", ") + ")")))
	}
	f.Line()
	f.Func().Id("config").Params().Id("s3db.Config").Block(jen.Return().Id("s3db.Config").CustomFunc(lines, func(g *jen.Group) {
		g.Id("Drivers").Op(":").Id("[]s3db.Driver{" + strings.Join(made, ", ") + "}")
		g.Id("Resources").Op(":").Id("[]s3db.Resource").CustomFunc(lines, func(g *jen.Group) {
			for _, r := range p.resources {
				g.Id(r.model + "()")
			}
		})
	}))
	f.Line()
	client := jen.Op("&").Id("DB").CustomFunc(lines, func(g *jen.Group) {
		for _, r := range p.resources {
			entry(g, r.field, r.collectionOf())
		}
		entry(g, "database", "db")
	})
	f.Func().Id("newDB").Params(jen.Id("db *s3db.Database")).Id("*DB").BlockFunc(func(g *jen.Group) {
		connect := p.connect()
		if len(connect) == 0 {
			g.Return(client)
			return
		}
		g.Id("c").Op(":=").Add(client)
		for _, statement := range connect {
			g.Id(statement)
		}
		g.Return(jen.Id("c"))
	})
	return f
}

// either lists alternatives in prose.
func either(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	last := len(list) - 1
	return strings.Join(slices.Clone(list[:last]), ", ") + " or " + list[last]
}
