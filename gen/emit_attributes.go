package gen

import (
	"fmt"
	"strings"

	"github.com/dave/jennifer/jen"
)

// emitAttributes prints the table of an object's attributes.
func emitAttributes(f *jen.File, o *object) {
	t := o.attributes
	if t == nil {
		return
	}
	if t.where != "" {
		f.Line()
		f.Commentf("%s makes the predicates and orders of queries, as in %s.", t.where, t.example())
		f.Var().Id(t.where).Op("=").Id(fmt.Sprintf("%s(s3db.DocumentOf[*%s]())", t.make, o.name))
	}
	f.Line()
	f.Commentf("%s are the attributes of %s %s by which documents D are found.", t.name, article(o.name), o.name)
	f.Type().Id(t.name + "[D any]").StructFunc(func(g *jen.Group) {
		for _, x := range t.groups {
			g.Id(strings.Join(x.names, ", ")).Id(x.typ)
		}
	})
	f.Line()
	at := "at"
	if len(t.values) == 0 {
		at = "_"
	}
	f.Id(fmt.Sprintf("func %s[D any](%s s3db.Place[D, *%s]) %s[D]", t.make, at, o.name, t.name)).Block(
		jen.Return(jen.Id(t.name+"[D]").CustomFunc(lines, func(g *jen.Group) {
			for _, x := range t.values {
				g.Id(x)
			}
		})))
}
