package gen

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dave/jennifer/jen"
)

// emitVersions prints the file of the older versions of a resource.
func emitVersions(p *program, v *versions) *jen.File {
	f := newFile(p.name, nil, v.imports)
	f.Line()
	f.Commentf("// %s returns the hashes of the stored shapes of %s, by version.", v.hashes, v.resource)
	f.Func().Id(v.hashes).Params().Index().String().Block(jen.Return(jen.Index().String().CustomFunc(lines, func(g *jen.Group) {
		for _, h := range v.hash {
			g.Id(strconv.Quote(h))
		}
	})))
	if v.steps == "" {
		return f
	}
	f.Line()
	f.Commentf("// %s returns what documents of older versions of %s need.", v.steps, v.resource)
	f.Func().Id(v.steps).Params().Index().Id("s3db.Step").Block(jen.Return(jen.Index().Id("s3db.Step").CustomFunc(lines, func(g *jen.Group) {
		for _, s := range v.list {
			g.Id(s.literal())
		}
	})))
	for _, s := range v.list {
		if m := s.migration; m != nil {
			emitFrozen(f, m.old, false)
			emitFrozen(f, m.new, true)
		}
	}
	return f
}

// literal is the step as a composite literal without its type.
func (s *step) literal() string {
	var b strings.Builder
	fmt.Fprintf(&b, "{\nVersion: %d,\n", s.version)
	if len(s.convert) > 0 {
		fmt.Fprintf(&b, "Convert: %s,\n", sliceOf("s3db.Conversion", s.convert))
	}
	if m := s.migration; m != nil {
		// The compiler says "undefined" for a function that the program has not
		// written yet; the comment says what to do.
		fmt.Fprintf(&b, "// If the next line does not compile, write in this package\n//\n//\tfunc %s(old %s) (%s, error)\n",
			m.function, m.old.root.name, m.new.root.name)
		fmt.Fprintf(&b, "Migrate: s3db.MigrateWith(%s, %s, %s),\n", m.old.root.decode, m.function, m.new.root.encode)
	}
	if len(s.drop) > 0 {
		fmt.Fprintf(&b, "Drop: %s,\n", sliceOf("int", s.drop))
	}
	if len(s.defaults) > 0 {
		fmt.Fprintf(&b, "Defaults: func(e *s3db.Encoder) {\n%s\n},\n", strings.Join(s.defaults, "\n"))
	}
	b.WriteString("}")
	return b.String()
}

// emitFrozen prints the types of a version, with the half of the codec that a
// migration needs: it reads the old one and writes the new one.
func emitFrozen(f *jen.File, r *resource, encode bool) {
	for _, o := range r.declared() {
		f.Line()
		emitDoc(f.Group, o.doc)
		f.Type().Id(o.name).StructFunc(func(g *jen.Group) {
			for _, x := range o.fields {
				g.Id(x.name).Id(x.document)
			}
		})
	}
	for _, e := range r.enums {
		emitEnum(f, e)
	}
	for _, o := range r.declared() {
		var statements []string
		for _, x := range o.byNumber() {
			if encode {
				statements = append(statements, x.encode())
			} else {
				statements = append(statements, x.decode())
			}
		}
		d := param{"d", "*" + o.name}
		if encode {
			emitFunc(f, o.encode, statements, param{"e", "*s3db.Encoder"}, d)
			emitPutObject(f, o)
		} else {
			emitFunc(f, o.decode, statements, param{"r", "*s3db.Decoder"}, d)
			emitGetObject(f, o)
		}
	}
	for _, i := range r.items {
		if encode {
			emitPutItem(f, i)
		} else {
			emitGetItem(f, i)
		}
	}
}
