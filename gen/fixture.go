package gen

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/s3dbgen/s3dbgen/schema"
)

// fixtures are the file with the functions that make example documents for tests.
type fixtures struct {
	file    string
	imports imports
	list    []*fixtureFunc
}

// fixtureFunc makes inputs of one resource.
type fixtureFunc struct {
	name, resource, insert string
	fields                 []fixtureField
}

// fixtureField is a field with an expression over n.
type fixtureField struct{ name, value string }

// number is the name of the parameter, of which inputs without fields make no use.
func (f *fixtureFunc) number() string {
	if len(f.fields) == 0 {
		return "_"
	}
	return "n"
}

// fixtureMaker decides the values of the fixtures of one resource.
type fixtureMaker struct {
	*builder

	imports imports
	found   *schema.Diagnostics
}

// fixtureFor decides the function of a resource whose builder is done.
func (x *fixtures) fixtureFor(b *builder, found *schema.Diagnostics) *fixtureFunc {
	inner := *b
	inner.imports = x.imports
	m := &fixtureMaker{builder: &inner, imports: x.imports, found: found}
	f := &fixtureFunc{name: b.local("New" + b.r.document + "Fixture"), resource: b.r.name, insert: b.r.insert}
	for i, a := range b.schema.Attributes {
		field := b.r.root.fields[i]
		if (field.given() || a.HasDefault()) && !b.unique(a) {
			continue // the document gets one that is as good
		}
		value := m.value(a, a.Type)
		if strings.HasPrefix(field.insert, "*") {
			value = "new(" + value + ")"
		}
		f.fields = append(f.fields, fixtureField{field.name, value})
	}
	return f
}

// call is a call of a function of package fixture.
func (m *fixtureMaker) call(function string, args ...string) string {
	return m.imports.qualified(pkgFixture, function) + "(" + strings.Join(append([]string{"n"}, args...), ", ") + ")"
}

// value is an expression over n for a value of a type of an attribute.
func (m *fixtureMaker) value(a *schema.Attribute, t *schema.Type) string {
	stored := m.kindValue(a, t)
	switch {
	case t.GoType == nil:
		return stored
	case t.GoType.Converts():
		return fmt.Sprintf("%s(%s)", m.goTypeName(m.imports, t.GoType), stored)
	}
	return fmt.Sprintf("%s(%s.Load(%s))", m.imports.qualified(pkgFixture, "Must"), m.customs[t].form, stored)
}

// kindValue is an expression over n for a value as it is stored.
func (m *fixtureMaker) kindValue(a *schema.Attribute, t *schema.Type) string {
	switch t.Kind {
	case schema.KindInteger:
		return m.integer(a, t, 1, "", "int64")
	case schema.KindNumber:
		return m.number(a, t)
	case schema.KindDecimal:
		return m.decimalValue(a, t)
	case schema.KindDuration:
		return m.duration(a, t)
	case schema.KindBoolean:
		return m.call("Pick", "true", "false")
	case schema.KindDate, schema.KindDateTime:
		return m.instant(t)
	case schema.KindUUID:
		return fmt.Sprintf("%s(%s)", m.imports.qualified(pkgUUID, "MustParse"),
			m.text(fmt.Sprintf("00000000-0000-%d000-8000-[0-9a-f]{12}", max(4, t.Rules.UUIDVersion))))
	case schema.KindIP, schema.KindIP4:
		return fmt.Sprintf("%s(%s)", m.imports.qualified(pkgNetip, "MustParseAddr"), m.text("10.[1-9][0-9].[1-9][0-9].[1-9][0-9]"))
	case schema.KindIP6:
		return fmt.Sprintf("%s(%s)", m.imports.qualified(pkgNetip, "MustParseAddr"), m.text("2001:db8::[1-9a-f][0-9a-f]{3}"))
	case schema.KindEnum:
		return m.call("Pick", m.constantsOf(t)...)
	case schema.KindBytes:
		return fmt.Sprintf("[]byte(%s)", m.textOf(a, t))
	case schema.KindJSON:
		return fmt.Sprintf("%s(%s)", m.imports.qualified(pkgJSON, "RawMessage"), m.text("[1-9][0-9]{3}"))
	case schema.KindArray:
		return m.call("List", strconv.Itoa(m.sizeOf(a, t)), m.itemFunc(a, t.Elem))
	case schema.KindMap:
		return m.call("Map", strconv.Itoa(m.sizeOf(a, t)), m.itemFunc(a, t.Elem))
	case schema.KindSecret:
		return fmt.Sprintf("%s(%s)", m.imports.rt("NewSecret"), m.value(a, secretElem(t)))
	case schema.KindPassword:
		return fmt.Sprintf("%s(%s)", m.imports.rt("Password"), m.textOf(a, t))
	case schema.KindObject:
		return m.objectOf(t)
	default:
		if t.Ref != nil {
			return fmt.Sprintf("%s(%s)", m.resources[t.Ref].id(), m.textOf(a, t))
		}
		return m.textOf(a, t)
	}
}

// text is a call that makes a text of a template.
func (m *fixtureMaker) text(template string) string { return m.call("Text", stringLiteral(template)) }

// textOf is an expression for a text that obeys the rules of a type.
func (m *fixtureMaker) textOf(a *schema.Attribute, t *schema.Type) string {
	var allowed []string
	for _, text := range t.Rules.In {
		if t.Broken(text) == "" {
			allowed = append(allowed, strconv.Quote(text))
		}
	}
	differ := m.unique(a)
	if len(allowed) > 0 && (t.Rules.Example == "" || differ) {
		return m.call("Pick", allowed...)
	}
	template, broken := textFixture(t, strings.Join(words(a.Name), "-"), differ)
	if broken != "" {
		m.fail(a, t, fmt.Sprintf("no text for fixtures is found that obeys all rules of %s; the best guess breaks %s", a.Path, broken))
	}
	return m.text(template)
}

// fail reports an attribute without a value.
func (m *fixtureMaker) fail(a *schema.Attribute, t *schema.Type, message string) {
	pos := t.Pos
	if !pos.IsValid() {
		pos = a.Pos
	}
	help := "loosen one of the rules"
	if isText(t.Kind) {
		help = "give one with the rule example, as in example: …, or loosen one of the rules"
	}
	*m.found = append(*m.found, m.namer.schema.Diagnose(schema.CodeFixture, pos, message, help))
}

// isText reports whether the rule example applies to a kind.
func isText(k schema.Kind) bool {
	switch k {
	case schema.KindString, schema.KindText, schema.KindEmail, schema.KindURL, schema.KindPassword:
		return true
	default:
		return false
	}
}

// constantsOf are the constants of an enum, without those that are deprecated if
// others are left.
func (m *fixtureMaker) constantsOf(t *schema.Type) []string {
	var list, all []string
	for i := range t.Enum {
		name := m.enumConstant(t, &t.Enum[i])
		all = append(all, name)
		if t.Enum[i].Deprecated == "" {
			list = append(list, name)
		}
	}
	if len(list) == 0 {
		return all
	}
	return list
}

// sizeOf is the number of items of an array or a map: two, unless the rules or the
// values of its items allow fewer or ask for more.
func (m *fixtureMaker) sizeOf(a *schema.Attribute, t *schema.Type) int {
	n := max(2, size(t.Rules.Min))
	if t.Rules.Max != nil {
		n = min(n, size(t.Rules.Max))
	}
	if t.Rules.Length != nil {
		n = size(t.Rules.Length)
	}
	var few int // values that an item can have; 0 for many
	switch t.Elem.Kind {
	case schema.KindEnum:
		few = len(m.constantsOf(t.Elem))
	case schema.KindBoolean:
		few = 2
	default:
		few = len(t.Elem.Rules.In)
	}
	if t.Rules.UniqueItems && few > 0 && n > few {
		if n = few; n < max(size(t.Rules.Min), size(t.Rules.Length)) {
			m.fail(a, t, fmt.Sprintf("no value for fixtures: the items of %s must differ, and they have fewer values than there must be items", a.Path))
		}
	}
	return n
}

// itemFunc is a function that makes an item.
func (m *fixtureMaker) itemFunc(a *schema.Attribute, t *schema.Type) string {
	return fmt.Sprintf("func(n int) %s { return %s }", m.typeOf(t), m.value(a, t))
}

// typeOf is the Go type of an item.
func (m *fixtureMaker) typeOf(t *schema.Type) string {
	switch {
	case t.GoType != nil:
		return m.goTypeName(m.imports, t.GoType)
	case t.Kind == schema.KindEnum, t.Kind == schema.KindObject && t.Fields != nil:
		return m.types[t]
	case t.Kind == schema.KindObject:
		return "map[string]any"
	case t.Kind == schema.KindArray:
		return "[]" + m.typeOf(t.Elem)
	case t.Kind == schema.KindMap:
		return "map[string]" + m.typeOf(t.Elem)
	}
	v := &value{}
	m.scalar(v, t.Kind)
	return v.typ
}

// objectOf is a literal of a nested object.
func (m *fixtureMaker) objectOf(t *schema.Type) string {
	if t.Fields == nil {
		n := max(1, size(t.Rules.Min), size(t.Rules.Length))
		return m.call("Map", strconv.Itoa(n), "func(n int) any { return n }")
	}
	var b strings.Builder
	b.WriteString(m.types[t] + "{\n")
	for _, inner := range t.Fields {
		value := m.value(inner, inner.Type)
		if o := m.objects[t]; o != nil {
			for _, f := range o.fields {
				if f.attribute == inner.Name && f.pointer() {
					value = "new(" + value + ")"
				}
			}
		}
		fmt.Fprintf(&b, "%s: %s,\n", m.fields[inner], value)
	}
	b.WriteString("}")
	return b.String()
}

// limits returns the least and the most value of a number; nil for none.
func limits(r schema.Rules) (least, most *big.Rat) {
	read := func(text string) *big.Rat {
		if text == "" {
			return nil
		}
		x, _ := new(big.Rat).SetString(text) // checked by the parser
		return x
	}
	if r.Equal != "" {
		return read(r.Equal), read(r.Equal)
	}
	return read(r.MinNumber), read(r.MaxNumber)
}

// whole returns whole numbers of a unit between the limits of a number, at most a
// million of them; ok is false when there is none.
func whole(r schema.Rules, unit int64) (from, to *big.Int, ok bool) {
	least, most := limits(r)
	floor := func(x *big.Rat) *big.Int { // of x in units
		q := new(big.Rat).Quo(x, new(big.Rat).SetInt64(unit))
		return new(big.Int).Div(q.Num(), q.Denom()) // rounds down: the denominator is positive
	}
	const many = 1000000
	from, to = big.NewInt(1), big.NewInt(many)
	if r.Negative {
		from, to = big.NewInt(-many), big.NewInt(-1)
	}
	if least != nil {
		low := floor(new(big.Rat).Neg(least))
		low.Neg(low) // rounded up
		if low.Cmp(to) > 0 && !r.Negative {
			to = new(big.Int).Add(low, big.NewInt(many))
		}
		if low.Cmp(from) > 0 || !r.Positive && !r.Negative && low.Sign() <= 0 && most != nil {
			from = low
		}
	}
	if most != nil {
		high := floor(most)
		if high.Cmp(from) < 0 && !r.Positive && least == nil {
			from = new(big.Int).Sub(high, big.NewInt(many))
		}
		if high.Cmp(to) < 0 {
			to = high
		}
	}
	from, to = without(r.NotEqual, unit, from, to)
	return from, to, from.Cmp(to) <= 0
}

// without cuts a number that is not allowed off a range, with the smaller part.
func without(text string, unit int64, from, to *big.Int) (low, high *big.Int) {
	x, found := new(big.Rat).SetString(text)
	if !found {
		return from, to
	}
	x.Quo(x, new(big.Rat).SetInt64(unit))
	if !x.IsInt() || x.Num().Cmp(from) < 0 || x.Num().Cmp(to) > 0 {
		return from, to
	}
	below, above := new(big.Int).Sub(x.Num(), from), new(big.Int).Sub(to, x.Num())
	if below.Cmp(above) > 0 {
		return from, new(big.Int).Sub(x.Num(), big.NewInt(1))
	}
	return new(big.Int).Add(x.Num(), big.NewInt(1)), to
}

// integer is an expression for a whole number of units, of a Go type.
func (m *fixtureMaker) integer(a *schema.Attribute, t *schema.Type, unit int64, unitName, typ string) string {
	from, to, ok := whole(t.Rules, unit)
	if !ok || !from.IsInt64() || !to.IsInt64() {
		m.fail(a, t, fmt.Sprintf("no number for fixtures is found that obeys all rules of %s", a.Path))
		return "0"
	}
	call := m.call("Int", from.String(), to.String())
	if typ != "int64" {
		call = typ + "(" + call + ")"
	}
	if unitName != "" {
		call += " * " + unitName
	}
	return call
}

// number is an expression for a float64: a whole one, if there is one.
func (m *fixtureMaker) number(a *schema.Attribute, t *schema.Type) string {
	const exact = 1 << 53
	from, to, ok := whole(t.Rules, 1)
	if ok && from.CmpAbs(big.NewInt(exact)) <= 0 && to.CmpAbs(big.NewInt(exact)) <= 0 {
		return m.integer(a, t, 1, "", "float64")
	}
	least, most := bounded(t.Rules)
	low, _ := least.Float64()
	high, _ := most.Float64()
	return m.call("Float", m.float(strconv.FormatFloat(low, 'g', -1, 64)), m.float(strconv.FormatFloat(high, 'g', -1, 64)))
}

// bounded returns the limits of a number between which there is no whole one, or which
// are too large to count, inside of zero.
func bounded(r schema.Rules) (least, most *big.Rat) {
	least, most = limits(r)
	thousandth := big.NewRat(1, 1000)
	if least == nil {
		least = new(big.Rat)
		if most != nil {
			least.Mul(most, thousandth)
		}
		if most != nil && most.Sign() <= 0 {
			least.Sub(most, big.NewRat(1, 1))
		}
	}
	if most == nil {
		most = new(big.Rat).Mul(least, thousandth)
		if least.Sign() >= 0 {
			most.Add(least, big.NewRat(1, 1))
		}
	}
	if r.Positive && least.Sign() <= 0 {
		least = new(big.Rat).Mul(most, thousandth)
	}
	if r.Negative && most.Sign() >= 0 {
		most = new(big.Rat).Mul(least, thousandth)
	}
	return least, most
}

// decimalValue is an expression for a decimal: a whole number, if there is one, else
// one value.
func (m *fixtureMaker) decimalValue(a *schema.Attribute, t *schema.Type) string {
	from, to, ok := whole(t.Rules, 1)
	if ok && from.IsInt64() && to.IsInt64() {
		return fmt.Sprintf("%s(%s)", m.imports.qualified(pkgDecimal, "NewFromInt"), m.integer(a, t, 1, "", "int64"))
	}
	least, most := bounded(t.Rules)
	middle := new(big.Rat).Add(least, most)
	middle.Quo(middle, big.NewRat(2, 1))
	const digits = 30
	return m.decimal(strings.TrimRight(middle.FloatString(digits), "0"))
}

// duration is an expression for a duration in the largest unit that fits.
func (m *fixtureMaker) duration(a *schema.Attribute, t *schema.Type) string {
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{time.Second, "Second"}, {time.Millisecond, "Millisecond"}, {time.Microsecond, "Microsecond"}} {
		if _, _, ok := whole(t.Rules, int64(u.unit)); ok {
			return m.integer(a, t, int64(u.unit), m.imports.qualified(pkgTime, u.name), m.imports.qualified(pkgTime, "Duration"))
		}
	}
	return m.integer(a, t, 1, "", m.imports.qualified(pkgTime, "Duration"))
}

// instant is an expression for a datetime or a date: hours or days after the first of
// January 2024, or where the rules put it.
func (m *fixtureMaker) instant(t *schema.Type) string {
	read := func(text string) (time.Time, bool) {
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			at, err = time.Parse(time.DateOnly, text)
		}
		return at, err == nil
	}
	const years = 20
	from := time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC)
	least, isLeast := read(t.Rules.MinTime)
	most, isMost := read(t.Rules.MaxTime)
	if isLeast && least.After(from) {
		from = least
	}
	if isMost && most.Before(from) {
		if from = most.AddDate(-years, 0, 0); isLeast && least.After(from) {
			from = least
		}
	}
	to := from.AddDate(years, 0, 0)
	if isMost && most.Before(to) {
		to = most
	}
	step, name := time.Hour, "Hour"
	for to.Sub(from) < step && step > 1 {
		step, name = time.Nanosecond, "Nanosecond"
	}
	if t.Kind == schema.KindDate {
		return fmt.Sprintf("%s(%s)", m.imports.rt("DateOf"), m.call("Time", m.time(from), m.time(to), "24*"+m.imports.qualified(pkgTime, "Hour")))
	}
	return m.call("Time", m.time(from), m.time(to), m.imports.qualified(pkgTime, name))
}
