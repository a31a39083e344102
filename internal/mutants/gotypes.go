package main

// goTypeMutants are safeguards of types of the program: what is looked at when code is
// generated, and what such a type may store, read and be found by.
func goTypeMutants() []mutant {
	const (
		looks  = "^(TestForms|TestMistakes|TestPlaces|TestPlacesOutOfReach)$"
		goPkg  = "./gen/gosource"
		forms  = "^(TestFormRules|TestFormCodec|TestFormOrder|TestAddToForms|TestAddToNothing|TestAddOfProgramFromJSON)$"
		rtPkg  = "./runtime"
		golden = "^TestGolden$"
		gen    = "./gen"
	)
	return []mutant{
		{name: "goType of a command", file: "gen/gosource/types.go", old: `if x.Name == "main" {`, new: "if false {", run: looks, pkg: goPkg},
		{name: "goType internal to another package", file: "gen/gosource/types.go", old: "if internal && l.self != parent", new: "if false && l.self != parent", run: looks, pkg: goPkg},
		{name: "goType internal to Go", file: "gen/gosource/types.go", old: `if internal && parent == "" {`, new: "if false {", run: looks, pkg: goPkg},
		{name: "goType in a circle", file: "gen/gosource/types.go", old: "if at == l.self {", new: `if at == "" {`, run: looks, pkg: goPkg},
		{name: "goType of a package that does not compile", file: "gen/gosource/types.go", old: "if t != nil && len(x.Errors) > 0 {", new: "if false {", run: looks, pkg: goPkg},
		{name: "generic goType", file: "gen/gosource/types.go", old: "n.TypeParams().Len() > 0 && n.TypeArgs().Len() == 0", new: "false && n == nil", run: looks, pkg: goPkg},
		{name: "generic alias as goType", file: "gen/gosource/types.go", old: "ok && a.TypeParams().Len() > 0 {", new: "ok && a == nil {", run: looks, pkg: goPkg},
		{name: "interface as goType", file: "gen/gosource/types.go", old: "types.IsInterface(name.Type())", new: "false", run: looks, pkg: goPkg},
		{name: "goType with a lock", file: "gen/gosource/types.go", old: `lock != "" {
		l.fail`, new: `lock == "none" {
		l.fail`, run: looks, pkg: goPkg},
		{name: "methods before a conversion", file: "gen/gosource/form.go", old: "(methods.first || !converts)", new: "!converts", run: looks, pkg: goPkg},
		{name: "conversion before methods", file: "gen/gosource/form.go", old: "(methods.first || !converts)", new: "true", run: looks, pkg: goPkg},
		{name: "conversion of one underlying type", file: "gen/gosource/form.go", old: "types.Identical(t.Underlying(), of.typ.Underlying())", new: "of.typ.Underlying() != nil", run: looks, pkg: goPkg},
		{name: "signature of a method of goType", file: "gen/gosource/form.go", old: "ok && types.Identical(f.Signature(), want)", new: "ok && want != nil", run: looks, pkg: goPkg},
		{name: "receiver of a method that reads", file: "gen/gosource/form.go", old: "!isReference(t)", new: "false", run: looks, pkg: goPkg},
		{name: "what goType cannot write", file: "runtime/form.go", old: `		e.fail(n, errNoForm)
		return
`, new: "", run: forms, pkg: rtPkg},
		{name: "what goType cannot read", file: "runtime/form.go", old: "		d.fail(n, errNoType)\n", new: "", run: forms, pkg: rtPkg},
		{name: "stored is what goType reads again", file: "runtime/form.go", old: `	back, err := r.Form.Load(s)
	if err != nil {
`, new: `	back, err := r.Form.Load(s)
	if false {
`, run: forms, pkg: rtPkg},
		{name: "rules of what is stored for goType", file: "runtime/form.go", old: "	r.Rules.Check(v, path, &s)\n", new: "", run: forms, pkg: rtPkg},
		{name: "unique items by what is stored", file: "runtime/form.go", old: "	r.Rules.repeats(v, stored)\n", new: "", run: forms, pkg: rtPkg},
		{name: "order of what is stored", file: "runtime/form.go", old: "return f.of.kind.compare(x, y)", new: "return 0", run: forms, pkg: rtPkg},
		{name: "no key of what goType cannot write", file: "runtime/form.go", old: `			} else {
				k.Fail(errNoForm)
			}`, new: `			}`, run: forms, pkg: rtPkg},
		{name: "addition to what is no number", file: "runtime/form.go", old: `	if !countable[S]() {
		v.Add(path, "add", "only numbers can be added to")
		return
	}
`, new: "", run: forms, pkg: rtPkg},
		{name: "sum that goType refuses", file: "runtime/form.go", old: `	x, err := f.Load(sum)
	if err != nil {
`, new: `	x, err := f.Load(sum)
	if false {
`, run: forms, pkg: rtPkg},
		{name: "no second constants of an enum", file: "gen/value.go", old: "declared: t.GoType == nil,", new: "declared: true,", run: golden, pkg: gen},
	}
}
