package gen

import "fmt"

// create is the statement of newX that fills the field of d from the input.
func (f *field) create() []string {
	in, d := "in."+f.name, "d."+f.name
	switch {
	case f.value.kind == passwordValue && f.generate > 0:
		return one("%s = s3db.HashOrGenerate(v, %q, %s, %d, %s)", d, f.attribute, in, f.generate, f.input)
	case f.value.kind == passwordValue && f.optional:
		return one("%s = s3db.HashOptional(v, %q, %s, %s)", d, f.attribute, in, f.input)
	case f.value.kind == passwordValue:
		return one("%s = s3db.HashPassword(v, %q, %s, %s)", d, f.attribute, in, f.input)
	case f.generate > 0:
		return one("%s = s3db.OrGenerate(%s, %d)", d, in, f.generate)
	case f.def != "" && f.value.kind == customValue && !f.value.absent:
		return one("%s", f.fill())
	case f.def != "" && f.value.nilable():
		def := f.def
		if f.value.kind == customValue {
			def = fmt.Sprintf("%s(%s)", f.value.typ, def)
		}
		return []string{fmt.Sprintf("%s = %s", d, def), fmt.Sprintf("s3db.MergeSlice(%s, &%s)", in, d)}
	case f.def != "":
		return one("%s = s3db.OrDefault(%s, %s)", d, in, f.def)
	}
	return one("%s = %s", d, in)
}

// merge is the statement of mergeX that sets the field of d when the input gives
// it.
func (f *field) merge() string {
	args := fmt.Sprintf("in.%s, &d.%[1]s", f.name)
	switch {
	case f.value.kind == passwordValue && f.generate > 0:
		return fmt.Sprintf("s3db.MergePassword(v, %q, %s, %s)", f.attribute, args, f.input)
	case f.value.kind == passwordValue && f.optional:
		return fmt.Sprintf("s3db.MergeOptionalPassword(v, %q, %s, %s)", f.attribute, args, f.input)
	case (f.optional || f.def != "") && f.value.nilable():
		return fmt.Sprintf("s3db.Merge%s(%s)", f.value.container(), args)
	case f.given():
		return fmt.Sprintf("s3db.MergeDefault(%s)", args)
	case f.optional:
		return fmt.Sprintf("s3db.MergeOptional(%s)", args)
	}
	return f.create()[0]
}

// apply is the statement of applyX that applies the patch p.
func (f *field) apply() string {
	change := "p." + f.name
	switch {
	case f.value.kind == passwordValue && f.optional:
		return fmt.Sprintf("s3db.ApplyOptionalPassword(v, %q, %s, &d.%s, %s)", f.attribute, change, f.name, f.input)
	case f.value.kind == passwordValue:
		return fmt.Sprintf("s3db.ApplyPassword(v, %q, %s, &d.%s, %s)", f.attribute, change, f.name, f.input)
	case f.pointer() && f.value.kind == customValue:
		return fmt.Sprintf("s3db.ApplyOptionalForm(v, %q, %s, &d.%s, %s)", f.attribute, change, f.name, f.value.form)
	case f.pointer() && f.value.number():
		return fmt.Sprintf("s3db.ApplyOptionalNumber(v, %q, %s, &d.%s)", f.attribute, change, f.name)
	case f.pointer():
		return fmt.Sprintf("s3db.ApplyOptional(%s, &d.%s)", change, f.name)
	case f.optional:
		return fmt.Sprintf("s3db.Apply%s(%s, &d.%s)", f.value.container(), change, f.name)
	}
	if f.value.kind == customValue {
		return fmt.Sprintf("s3db.ApplyForm(v, %q, %s, &d.%s, %s)", f.attribute, change, f.name, f.value.form)
	}
	return fmt.Sprintf("s3db.Apply(v, %q, %s, &d.%s)", f.attribute, change, f.name)
}

// check is the statement that validates the field of d; "" when there is
// nothing to check.
func (f *field) check() string {
	switch {
	case f.rules == "":
		return ""
	case f.pointer():
		return fmt.Sprintf("s3db.CheckOptional(v, %q, &d.%s, %s)", f.attribute, f.name, f.rules)
	}
	return fmt.Sprintf("s3db.Check(v, %q, &d.%s, %s)", f.attribute, f.name, f.rules)
}

// cut is the statement that offers the strings of the field for cutting; "" when
// none may be cut.
func (f *field) cut() string {
	at := fmt.Sprintf("&d.%s", f.name)
	switch {
	case f.text != nil && f.text.list:
		return fmt.Sprintf("t.AddStrings(%q, %d, %s)", f.attribute, f.text.min, at)
	case f.text != nil && f.text.optional:
		return fmt.Sprintf("t.AddOptional(%q, %d, %s)", f.attribute, f.text.min, at)
	case f.text != nil:
		return fmt.Sprintf("t.Add(%q, %d, %s)", f.attribute, f.text.min, at)
	case !f.value.cuttable():
		return ""
	case f.value.kind == arrayValue:
		return fmt.Sprintf("s3db.AddTexts(t, %q, %s, %s)", f.attribute, at, f.value.elem.object.texts)
	case f.optional:
		return fmt.Sprintf("s3db.AddOptionalObjectTexts(t, %q, %s, %s)", f.attribute, at, f.value.object.texts)
	}
	return fmt.Sprintf("s3db.AddObjectTexts(t, %q, %s, %s)", f.attribute, at, f.value.object.texts)
}

// container is the end of the names of runtime functions for types with nil.
func (v *value) container() string {
	if v.kind == mapValue || v.kind == dictValue {
		return "Map"
	}
	return "Slice"
}

func one(format string, args ...any) []string { return []string{fmt.Sprintf(format, args...)} }
