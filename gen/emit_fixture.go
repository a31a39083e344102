package gen

import (
	"fmt"

	"github.com/dave/jennifer/jen"
)

// emitFixtures prints the file with the fixtures.
func emitFixtures(p *program) *jen.File {
	x := p.fixtures
	f := newFile(p.name, nil, x.imports)
	for _, fn := range x.list {
		f.Line()
		f.Commentf("%s returns the input of example document n of %s, for tests. It is valid, and the same", fn.name, fn.resource)
		f.Comment("// for the same n; other numbers differ, in unique attributes as well. Changes come last.")
		f.Func().Id(fn.name).Params(jen.Id(fn.number()+" int"), jen.Id(fmt.Sprintf("changes ...func(*%s)", fn.insert))).Id(fn.insert).Block(
			jen.Return(jen.Id("fixture.New").Call(
				jen.Id(fn.insert).CustomFunc(lines, func(g *jen.Group) {
					for _, x := range fn.fields {
						entry(g, x.name, x.value)
					}
				}),
				jen.Id("changes..."),
			)),
		)
	}
	return f
}
