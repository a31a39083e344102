package gen

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/s3dbgen/s3dbgen/schema"
)

// literal collects the fields of a composite literal.
type literal struct{ fields []string }

func (l *literal) add(name, value string) { l.fields = append(l.fields, name+": "+value) }

func (l *literal) flag(name string, on bool) {
	if on {
		l.add(name, "true")
	}
}

func (l *literal) size(name string, n *int64) {
	if n != nil && *n != 0 {
		l.add(name, strconv.FormatInt(*n, 10))
	}
}

func (l *literal) sizes(r schema.Rules) {
	l.size("Min", r.Min)
	l.size("Max", r.Max)
	l.size("Length", r.Length)
}

func (l *literal) of(typ string) string { return typ + "{" + strings.Join(l.fields, ", ") + "}" }

// normal adds the rules that change a text.
func (l *literal) normal(r schema.Rules) {
	l.flag("Trim", r.Trim)
	l.flag("Lowercase", r.Lowercase)
	l.flag("Uppercase", r.Uppercase)
}

// normal returns the rules that change a text, with which keys and queries bring
// theirs to the form that is stored; "" where there are none.
func (b *builder) normal(r schema.Rules) string {
	var l literal
	if l.normal(r); len(l.fields) == 0 {
		return ""
	}
	return l.of(b.imports.rt("StringRules"))
}

// rulesLiteral sets the rules of a value: their type and the literal.
func (b *builder) rulesLiteral(v *value, t *schema.Type, optional bool) {
	var l literal
	r := t.Rules
	switch v.kind {
	case enumValue:
		v.rule, v.rules = fmt.Sprintf("%s[%s]", b.imports.rt("Enum"), v.typ), v.enum.table
		return
	case objectValue:
		v.rule = fmt.Sprintf("%s[%s]", b.imports.rt("ObjectRules"), v.typ)
		l.add("Validate", v.object.validate)
		l.flag("Normalizes", v.normalizes)
	case arrayValue:
		v.rule = fmt.Sprintf("%s[%s, %s]", b.imports.rt("ArrayRules"), v.elem.typ, v.elem.rule)
		l.flag("Optional", optional)
		l.sizes(r)
		l.flag("Unique", r.UniqueItems)
		l.inner(v, "Items")
	case dictValue:
		v.rule = fmt.Sprintf("%s[%s, %s]", b.imports.rt("MapRules"), v.elem.typ, v.elem.rule)
		l.flag("Optional", optional)
		l.sizes(r)
		l.inner(v, "Values")
	case secretValue:
		v.rule = fmt.Sprintf("%s[%s, %s]", b.imports.rt("SecretRules"), v.elem.typ, v.elem.rule)
		l.inner(v, "Value")
	case mapValue:
		v.rule = b.imports.rt("FreeObjectRules")
		l.flag("Optional", optional)
		l.size("Min", r.Min)
		l.size("Max", r.Max)
	case passwordValue:
		v.rule = b.imports.rt("PasswordHashRules")
	default:
		b.scalarRules(&l, v, t, optional)
	}
	v.rules = l.of(v.rule)
	if v.ref {
		var id literal
		if v.rules != v.rule+"{}" {
			id.add("Text", v.rules)
		}
		id.flag("Any", t.Ref.ID.Any)
		v.rule = fmt.Sprintf("%s[%s]", b.imports.rt("IDRules"), v.typ)
		v.rules = id.of(v.rule)
	}
}

// inner adds the rules of the items, unless they are the zero rules, which only
// look at the form of a value.
func (l *literal) inner(v *value, name string) {
	v.hoisted = v.hoisted || v.elem.hoisted
	v.normalizes = v.elem.normalizes
	if v.elem.rules != v.elem.rule+"{}" {
		l.add(name, v.elem.rules)
	}
}

func (b *builder) scalarRules(l *literal, v *value, t *schema.Type, optional bool) {
	r := t.Rules
	switch v.scalar {
	case "String":
		v.rule = b.imports.rt("StringRules")
		b.stringRules(l, v, t)
	case "Int":
		v.rule = b.imports.rt("IntRules")
		b.numberRules(l, r, func(n string) string { return "int64(" + n + ")" })
	case "Float":
		v.rule = b.imports.rt("FloatRules")
		b.numberRules(l, r, b.float)
	case "Duration":
		v.rule = b.imports.rt("DurationRules")
		b.numberRules(l, r, func(n string) string {
			ns, _ := strconv.ParseInt(n, 10, 64) // checked by the parser
			return b.duration(time.Duration(ns))
		})
	case "Decimal":
		v.rule = b.imports.rt("DecimalRules")
		v.hoisted = b.numberRules(l, r, b.decimal)
	case "Bool":
		v.rule = b.imports.rt("BoolRules")
	case "Time":
		v.rule = b.imports.rt("TimeRules")
		v.normalizes = true // to UTC
		v.hoisted = b.timeLimits(l, r, func(text string) string {
			at, _ := time.Parse(time.RFC3339Nano, text) // checked by the parser
			return b.time(at)
		})
	case "Date":
		v.rule = b.imports.rt("DateRules")
		b.timeLimits(l, r, b.date)
	case "UUID":
		v.rule = b.imports.rt("UUIDRules")
		if r.UUIDVersion != 0 {
			l.add("Version", strconv.Itoa(r.UUIDVersion))
		}
	case "IP":
		v.rule = b.imports.rt("IPRules")
		l.flag("V4", t.Kind == schema.KindIP4)
		l.flag("V6", t.Kind == schema.KindIP6)
	case "Bytes":
		v.rule = b.imports.rt("BytesRules")
		l.flag("Optional", optional)
		l.sizes(r)
	case "JSON":
		v.rule = b.imports.rt("JSONRules")
		l.flag("Optional", optional)
	}
}

func (b *builder) stringRules(l *literal, v *value, t *schema.Type) {
	r := t.Rules
	l.normal(r)
	v.normal = b.normal(r)
	v.normalizes = v.normal != ""
	l.sizes(r)
	var formats []string
	for _, f := range []struct {
		on   bool
		name string
	}{
		{t.Kind == schema.KindEmail, "FormatEmail"},
		{t.Kind == schema.KindURL, "FormatURL"},
		{r.Alpha, "FormatAlpha"},
		{r.Numeric, "FormatNumeric"},
		{r.Alphanum, "FormatAlphanum"},
		{r.Alphadash, "FormatAlphadash"},
		{r.Hex, "FormatHex"},
		{r.Base64, "FormatBase64"},
		{r.SingleLine, "FormatSingleLine"},
	} {
		if f.on {
			formats = append(formats, b.imports.rt(f.name))
		}
	}
	if len(formats) > 0 {
		l.add("Format", strings.Join(formats, " | "))
	}
	if len(r.Schemes) > 0 {
		l.add("Schemes", "[]string{"+quoted(r.Schemes)+"}")
	}
	if r.Pattern != "" {
		l.add("Pattern", fmt.Sprintf("%s(%s)", b.imports.qualified(pkgRegexp, "MustCompile"), stringLiteral(r.Pattern)))
	}
	for _, f := range []struct{ name, value string }{{"Contains", r.Contains}, {"StartsWith", r.StartsWith}, {"EndsWith", r.EndsWith}} {
		if f.value != "" {
			l.add(f.name, strconv.Quote(f.value))
		}
	}
	if len(r.In) > 0 {
		l.add("In", "[]string{"+quoted(r.In)+"}")
	}
	v.hoisted = len(r.Schemes) > 0 || r.Pattern != "" || len(r.In) > 0
}

// numberRules adds the limits of a number and reports whether there are any.
func (b *builder) numberRules(l *literal, r schema.Rules, number func(string) string) bool {
	found := false
	for _, f := range []struct{ name, value string }{
		{"Min", r.MinNumber}, {"Max", r.MaxNumber}, {"Equal", r.Equal}, {"NotEqual", r.NotEqual},
	} {
		if f.value != "" {
			found = true
			l.add(f.name, fmt.Sprintf("%s(%s)", b.imports.rt("At"), number(f.value)))
		}
	}
	l.flag("Positive", r.Positive)
	l.flag("Negative", r.Negative)
	return found
}

func (b *builder) timeLimits(l *literal, r schema.Rules, at func(string) string) bool {
	if r.MinTime != "" {
		l.add("Min", at(r.MinTime))
	}
	if r.MaxTime != "" {
		l.add("Max", at(r.MaxTime))
	}
	return r.MinTime != "" || r.MaxTime != ""
}

// rulesOf returns the rules of a field as its check names them; "" when every
// value of its type is right.
func (b *builder) rulesOf(name string, v *value) string {
	if v.scalar == "Bool" {
		return ""
	}
	if !v.hoisted {
		return v.rules
	}
	r := &ruleVar{name: b.local(unexported(name) + "Rules"), literal: v.rules}
	b.r.rules = append(b.r.rules, r)
	return r.name
}

// passwordRules returns the rules that a password has to obey before it is
// hashed.
func (b *builder) passwordRules(name string, t *schema.Type) string {
	v := &value{scalar: "String", rule: b.imports.rt("StringRules")}
	var l literal
	b.stringRules(&l, v, t)
	v.rules = l.of(v.rule)
	return b.rulesOf(name, v)
}

// literal is the default of an attribute in Go.
func (b *builder) literal(a *schema.Attribute) string {
	switch d := a.Default.(type) {
	case bool:
		return strconv.FormatBool(d)
	case int64:
		return strconv.FormatInt(d, 10)
	case float64:
		return b.float(strconv.FormatFloat(d, 'g', -1, 64))
	case time.Time:
		return b.time(d)
	case time.Duration:
		return b.duration(d)
	case []byte:
		return fmt.Sprintf("[]byte(%q)", d)
	case string:
		return b.textLiteral(a.Type, d)
	}
	return ""
}

// textLiteral is a default that the schema holds as text.
func (b *builder) textLiteral(t *schema.Type, text string) string {
	switch t.Kind {
	case schema.KindDecimal:
		return b.decimal(text)
	case schema.KindUUID:
		return fmt.Sprintf("%s(%q)", b.imports.qualified(pkgUUID, "MustParse"), text)
	case schema.KindIP, schema.KindIP4, schema.KindIP6:
		return fmt.Sprintf("%s(%q)", b.imports.qualified(pkgNetip, "MustParseAddr"), text)
	case schema.KindDate:
		return b.date(text)
	case schema.KindEnum:
		for i := range t.Enum {
			if t.Enum[i].Name == text {
				return b.enumConstant(t, &t.Enum[i])
			}
		}
	default:
	}
	return strconv.Quote(text)
}

// stringLiteral prefers a raw literal, which shows a pattern as it is.
func stringLiteral(s string) string {
	if strconv.CanBackquote(s) {
		return "`" + s + "`"
	}
	return strconv.Quote(s)
}

func (b *builder) decimal(text string) string {
	return fmt.Sprintf("%s(%q)", b.imports.qualified(pkgDecimal, "RequireFromString"), text)
}

// float is a constant of type float64, also when it is a whole number.
func (b *builder) float(text string) string {
	f, _ := strconv.ParseFloat(text, 64) // checked by the parser
	if f == 0 && math.Signbit(f) {
		return b.imports.qualified(pkgMath, "Copysign") + "(0, -1)"
	}
	s := strconv.FormatFloat(f, 'g', -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

func (b *builder) time(t time.Time) string {
	t = t.UTC()
	return fmt.Sprintf("%s(%d, %s, %d, %d, %d, %d, %d, %s)", b.imports.qualified(pkgTime, "Date"), t.Year(),
		b.imports.qualified(pkgTime, t.Month().String()), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), b.imports.qualified(pkgTime, "UTC"))
}

func (b *builder) date(text string) string {
	t, _ := time.Parse(time.DateOnly, text) // checked by the parser
	return fmt.Sprintf("%s{Year: %d, Month: %d, Day: %d}", b.imports.rt("Date"), t.Year(), t.Month(), t.Day())
}

// duration writes a duration with the largest unit that divides it.
func (b *builder) duration(d time.Duration) string {
	for _, u := range []struct {
		unit time.Duration
		name string
	}{
		{time.Hour, "Hour"}, {time.Minute, "Minute"}, {time.Second, "Second"}, {time.Millisecond, "Millisecond"}, {time.Microsecond, "Microsecond"},
	} {
		if d != 0 && d%u.unit == 0 {
			return fmt.Sprintf("%d * %s", d/u.unit, b.imports.qualified(pkgTime, u.name))
		}
	}
	return fmt.Sprintf("%s(%d)", b.imports.qualified(pkgTime, "Duration"), d)
}
