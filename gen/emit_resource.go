package gen

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dave/jennifer/jen"
)

// emitResource prints the file of a resource.
func emitResource(p *program, r *resource) *jen.File {
	f := newFile(p.name, nil, r.imports)
	emitTypes(f, r)
	emitAccess(f, r)
	emitRelations(f, r)
	for _, o := range append([]*object{r.root}, r.objects...) {
		emitAttributes(f, o)
	}
	emitModel(f, r)
	emitInputs(f, r)
	for _, o := range append([]*object{r.root}, r.objects...) {
		emitObject(f, o)
	}
	for _, i := range r.items {
		emitPutItem(f, i)
		emitGetItem(f, i)
	}
	emitForms(f, r)
	emitRules(f, r)
	return f
}

// newFile starts a file with its imports. Jennifer sorts imports into one group,
// so they are printed here.
func newFile(name string, doc []string, i imports) *jen.File {
	f := jen.NewFile(name)
	f.NoFormat = true
	for _, line := range doc {
		f.PackageComment(comment(line))
	}
	lines := i.lines()
	switch len(lines) {
	case 0:
	case 1:
		f.Id("import").Id(lines[0])
	default:
		f.Id("import").Parens(jen.Id("\n" + strings.Join(lines, "\n") + "\n"))
	}
	return f
}

// comment is one line of a comment. It always begins with "//", so that jennifer
// prints it as it is.
func comment(line string) string {
	if line == "" {
		return "//"
	}
	return "// " + line
}

func emitDoc(g *jen.Group, doc []string) {
	for _, line := range doc {
		g.Comment(comment(line))
	}
}

func emitTypes(f *jen.File, r *resource) {
	f.Line()
	f.Commentf("%s identifies a document of the resource %s.", r.id, r.name)
	f.Type().Id(r.id).String()
	f.Line()
	emitDoc(f.Group, r.root.doc)
	f.Type().Id(r.document).StructFunc(func(g *jen.Group) {
		g.Id("ID").Id(r.id).Id(tag("id", false))
		for _, x := range r.root.fields {
			emitField(g, x, x.document, x.optional)
		}
		if r.times {
			g.Id("CreatedAt").Id("time.Time").Id(tag("createdAt", false))
			g.Id("UpdatedAt").Id("time.Time").Id(tag("updatedAt", false))
		}
		g.Id("Meta").Id("s3db.Meta").Id("`json:\"-\"`")
	})
	for _, o := range r.objects {
		f.Line()
		emitDoc(f.Group, o.doc)
		f.Type().Id(o.name).StructFunc(func(g *jen.Group) {
			for _, x := range o.fields {
				emitField(g, x, x.document, x.optional)
			}
		})
	}
	for _, e := range r.enums {
		emitEnum(f, e)
	}
	f.Line()
	f.Commentf("%s is what an insert into %s takes. Without an ID the document gets a generated one.", r.insert, r.name)
	f.Type().Id(r.insert).StructFunc(func(g *jen.Group) {
		g.Id("ID").Id(r.id).Id(tag("id", true))
		for _, x := range r.root.fields {
			emitField(g, x, x.insert, x.optional || x.given())
		}
	})
	f.Line()
	f.Commentf("%s changes some attributes of a document: s3db.Set sets one, s3db.Clear removes an optional one.", r.patch)
	f.Type().Id(r.patch).StructFunc(func(g *jen.Group) {
		for _, x := range r.root.fields {
			if !x.immutable {
				emitField(g, x, "s3db.Change["+x.change+"]", true)
			}
		}
	})
	f.Line()
	f.Commentf("%s reads and writes the documents of the resource %s.", r.collection, r.name)
	if len(r.deprecated) > 0 {
		emitDoc(f.Group, append([]string{""}, r.deprecated...))
	}
	f.Type().Id(r.collection).StructFunc(func(g *jen.Group) {
		g.Op("*").Id("s3db.Collection" + r.types())
		if len(r.relations) > 0 {
			g.Id("db").Op("*").Id("DB")
		}
	})
	f.Line()
	f.Commentf("%s are functions around the operations on %s, for the method Hook.", r.hooks, r.name)
	f.Id(fmt.Sprintf("type %s = s3db.Hooks[%s, %s]", r.hooks, r.document, r.id))
	f.Line()
	f.Commentf("%s wraps methods of %s, for the method Use.", r.middleware, r.name)
	f.Id(fmt.Sprintf("type %s = s3db.Middleware%s", r.middleware, r.types()))
}

// types are the type arguments of the collection and the model.
func (r *resource) types() string {
	return fmt.Sprintf("[%s, %s, %s, %s]", r.document, r.id, r.insert, r.patch)
}

func emitField(g *jen.Group, x *field, typ string, omit bool) {
	emitDoc(g, x.doc)
	g.Id(x.name).Id(typ).Id(tag(x.attribute, omit))
}

func tag(name string, omit bool) string {
	if omit {
		name += ",omitzero"
	}
	return "`json:\"" + name + "\"`"
}

func emitEnum(f *jen.File, e *enum) {
	if e.declared {
		emitConstants(f, e)
	}
	f.Line()
	f.Commentf("%s holds the values of %s under the numbers that stand for them in storage.", e.table, e.of)
	f.Var().Id(e.table).Op("=").Id("s3db.Enum["+e.name+"]").CustomFunc(e.layout(), func(g *jen.Group) {
		for _, c := range e.constants {
			g.Id(strconv.Itoa(c.number)).Op(":").Id(c.name)
		}
	})
}

func emitConstants(f *jen.File, e *enum) {
	f.Line()
	emitDoc(f.Group, e.doc)
	f.Type().Id(e.name).String()
	f.Line()
	f.Commentf("The values of %s.", e.name)
	f.Const().DefsFunc(func(g *jen.Group) {
		for _, c := range e.constants {
			emitDoc(g, c.doc)
			g.Id(c.name).Id(e.name).Op("=").Id(strconv.Quote(c.value))
		}
	})
}

// layout puts a long list of values one to a line.
func (e *enum) layout() jen.Options {
	const width = 80
	length := 0
	for _, c := range e.constants {
		length += len(c.name) + len("1: , ")
	}
	if length > width {
		return lines
	}
	return jen.Options{Open: "{", Close: "}", Separator: ", "}
}

func emitModel(f *jen.File, r *resource) {
	f.Line()
	f.Commentf("%s is the stored shape of a document, by which databases know its versions.", r.schema)
	f.Const().Id(r.schema).Op("=").Id(stringLiteral(r.shape))
	f.Line()
	f.Func().Id(r.model).Params().Op("*").Id("s3db.Model" + r.types()).Block(
		jen.Return().Op("&").Id("s3db.Model"+r.types()).CustomFunc(lines, func(g *jen.Group) {
			entry(g, "Resource", strconv.Quote(r.name))
			entry(g, "Names", r.root.names())
			entry(g, "Schema", r.schema)
			entry(g, "Settings", stringLiteral(r.settings))
			if r.versions != nil {
				entry(g, "Version", strconv.Itoa(r.version))
				entry(g, "Hashes", r.versions.hashes+"()")
				if r.versions.steps != "" {
					entry(g, "Steps", r.versions.steps+"()")
				}
			}
			entry(g, "Behavior", "behaviors."+r.behavior)
			if r.newID != "" {
				entry(g, "NewID", r.newID)
			}
			if r.history {
				entry(g, "History", "true")
			}
			if r.anyID {
				entry(g, "AnyID", "true")
			}
			if r.secrets {
				entry(g, "Secrets", "true")
			}
			entry(g, "ID", fmt.Sprintf("func(d *%s) *%s { return &d.ID }", r.document, r.id))
			entry(g, "Meta", fmt.Sprintf("func(d *%s) *s3db.Meta { return &d.Meta }", r.document))
			if r.times {
				entry(g, "Times", fmt.Sprintf("func(d *%s) (created, updated *time.Time) { return &d.CreatedAt, &d.UpdatedAt }", r.document))
			}
			entry(g, "InsertID", fmt.Sprintf("func(in *%s) %s { return in.ID }", r.insert, r.id))
			entry(g, "New", r.new)
			entry(g, "Merge", r.merge)
			if r.keep != "" {
				entry(g, "Keep", r.keep)
			}
			entry(g, "Apply", r.apply)
			entry(g, "Validate", r.root.validate)
			entry(g, "Encode", r.root.encode)
			entry(g, "Decode", r.root.decode)
			if r.root.cuttable {
				entry(g, "Texts", r.root.texts)
			}
			if r.ttl != "" {
				entry(g, "TTL", r.ttl)
			}
			emitIndexes(g, r, "Partitions", r.partitions)
			emitIndexes(g, r, "Uniques", r.uniques)
		}),
	)
}

// lines is a composite literal with one entry a line.
var lines = jen.Options{Open: "{", Close: "}", Separator: ",", Multi: true} //nolint:gochecknoglobals // a constant in all but name

func entry(g *jen.Group, name, value string) { g.Id(name).Op(":").Id(value) }

// names lists the attributes under their numbers.
func (o *object) names() string {
	list := make([]string, len(o.fields))
	for i, x := range o.fields {
		list[i] = fmt.Sprintf("%d: %q", x.number, x.attribute)
	}
	return "[]string{" + strings.Join(list, ", ") + "}"
}

func emitIndexes(g *jen.Group, r *resource, name string, list []*index) {
	if len(list) == 0 {
		return
	}
	g.Id(name).Op(":").Index().Id("s3db.Index["+r.document+"]").CustomFunc(lines, func(g *jen.Group) {
		for _, i := range list {
			hashed := ""
			if i.hashed {
				hashed = "Hashed: true, "
			}
			g.Id(fmt.Sprintf("{Name: %q, Fields: []string{%s}, Forms: []s3db.KeyForm{%s}, %sKey: func(k *s3db.KeyBuilder, d *%s) {\n%s\n}}",
				i.name, quoted(i.fields), strings.Join(i.forms, ", "), hashed, r.document, strings.Join(i.key, "\n")))
		}
	})
}

// emitInputs prints the functions that bring inputs and patches into a document.
func emitInputs(f *jen.File, r *resource) {
	var create, merge, keep, apply []string
	for _, x := range r.root.fields {
		create = append(create, x.create()...)
		if x.immutable {
			keep = append(keep, fmt.Sprintf("d.%s = old.%[1]s", x.name))
			continue
		}
		merge = append(merge, x.merge())
		apply = append(apply, x.apply())
	}
	emitFunc(f, r.new, create, param{"v", "*s3db.Validator"}, param{"in", "*" + r.insert}, param{"d", "*" + r.document})
	emitFunc(f, r.merge, merge, param{"v", "*s3db.Validator"}, param{"in", "*" + r.insert}, param{"d", "*" + r.document})
	if r.keep != "" {
		emitFunc(f, r.keep, keep, param{"old", "*" + r.document}, param{"d", "*" + r.document})
	}
	emitFunc(f, r.apply, apply, param{"v", "*s3db.Validator"}, param{"p", "*" + r.patch}, param{"d", "*" + r.document})
}

// emitObject prints the validation and the codec of a struct.
func emitObject(f *jen.File, o *object) {
	var check, encode, decode, cut []string
	for _, x := range o.fields {
		check = appendNonEmpty(check, x.check())
		cut = appendNonEmpty(cut, x.cut())
	}
	for _, x := range o.byNumber() {
		encode = append(encode, x.encode())
		decode = append(decode, x.decode())
	}
	d := param{"d", "*" + o.name}
	emitFunc(f, o.validate, check, param{"v", "*s3db.Validator"}, d)
	emitFunc(f, o.encode, encode, param{"e", "*s3db.Encoder"}, d)
	emitFunc(f, o.decode, decode, param{"r", "*s3db.Decoder"}, d)
	emitPutObject(f, o)
	emitGetObject(f, o)
	if o.cuttable {
		emitFunc(f, o.texts, cut, param{"t", "*s3db.Texts"}, d)
	}
}

// emitPutObject prints the function that writes a struct as an item, if it ever
// is one.
func emitPutObject(f *jen.File, o *object) {
	if o.put == "" {
		return
	}
	f.Line()
	f.Func().Id(o.put).Params(jen.Id("e *s3db.Encoder"), jen.Id("n int"), jen.Id("d "+o.name)).Block(
		jen.Id(fmt.Sprintf("s3db.EncodeObject(e, n, &d, %s)", o.encode)))
}

// emitGetObject prints the function that reads a struct as an item.
func emitGetObject(f *jen.File, o *object) {
	if o.get == "" {
		return
	}
	f.Line()
	f.Func().Id(o.get).Params(jen.Id("r *s3db.Decoder"), jen.Id("n int")).Params(jen.Id("d "+o.name)).Block(
		jen.Id(fmt.Sprintf("s3db.DecodeObject(r, n, &d, %s)", o.decode)), jen.Return(jen.Id("d")))
}

// emitPutItem prints the function that writes a container inside a container.
func emitPutItem(f *jen.File, i *item) {
	f.Line()
	f.Func().Id(i.put).Params(jen.Id("e *s3db.Encoder"), jen.Id("n int"), jen.Id("x "+i.value.typ)).Block(
		jen.Id(i.value.encode("e", "n", "x")))
}

// emitGetItem prints the function that reads one.
func emitGetItem(f *jen.File, i *item) {
	f.Line()
	f.Func().Id(i.get).Params(jen.Id("r *s3db.Decoder"), jen.Id("n int")).Id(i.value.typ).Block(
		jen.Return(jen.Id(i.value.decode("r", "n"))))
}

func emitForms(f *jen.File, r *resource) {
	if len(r.forms) == 0 {
		return
	}
	f.Line()
	f.Comment("// How values of types of the program are stored.")
	f.Var().DefsFunc(func(g *jen.Group) {
		for _, x := range r.forms {
			g.Id(x.name).Op("=").Id(x.literal)
		}
	})
}

func emitRules(f *jen.File, r *resource) {
	if len(r.rules) == 0 {
		return
	}
	f.Line()
	f.Comment("// Rules that are made once.")
	f.Var().DefsFunc(func(g *jen.Group) {
		for _, x := range r.rules {
			g.Id(x.name).Op("=").Id(x.literal)
		}
	})
}

// param is a parameter of a function.
type param struct{ name, typ string }

// emitFunc prints a function of statements. Parameters that no statement names
// become blank.
func emitFunc(f *jen.File, name string, statements []string, params ...param) {
	f.Line()
	f.Func().Id(name).ParamsFunc(func(g *jen.Group) {
		for _, p := range params {
			g.Id(p.usedIn(statements) + " " + p.typ)
		}
	}).BlockFunc(func(g *jen.Group) {
		for _, s := range statements {
			g.Id(s)
		}
	})
}

// usedIn returns the name, or "_" when no statement uses it.
func (p param) usedIn(statements []string) string {
	for _, s := range statements {
		for _, form := range []string{p.name + ".", "(" + p.name + ","} {
			if strings.Contains(s, form) {
				return p.name
			}
		}
	}
	return "_"
}

func appendNonEmpty(list []string, s string) []string {
	if s == "" {
		return list
	}
	return append(list, s)
}
