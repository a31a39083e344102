package schema

import (
	"encoding/base64"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// bound is a limit that can be compared with others of its kind.
type bound struct {
	value *big.Rat // nil when not given; of times nanoseconds since 1970
	text  string   // canonical
	count bool     // a number of characters, items or bytes
	rule  *rule
}

func (b bound) given() bool { return b.value != nil }

// bound reads the argument of a rule as a limit for values of the declaration.
func (d *declaration) bound(r rule) (bound, bool) {
	text, ok := d.text(r)
	if !ok {
		return bound{}, false
	}
	if d.kind.isSized() {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 || n > maxCount {
			d.report(CodeRuleArgument, r.arg.at, "rule %s needs a whole number from 0 to %d, not %s", quote(r.name), maxCount, quote(text)).
				help("it counts the %s", counted(d.kind))
			return bound{}, false
		}
		return bound{value: new(big.Rat).SetInt64(n), text: strconv.FormatInt(n, 10), count: true, rule: &r}, true
	}
	v, err := parseValue(d.kind, text)
	if err != nil {
		d.report(CodeRuleArgument, r.arg.at, "rule %s needs %s, not %s", quote(r.name), describe(d.kind), quote(text)).
			help("%s", err)
		return bound{}, false
	}
	b := bound{value: v.order, text: v.text, rule: &r}
	return b, true
}

// counted says what the size of a kind counts.
func counted(k Kind) string {
	switch k {
	case KindArray:
		return "items"
	case KindMap:
		return "entries"
	case KindBytes:
		return "bytes"
	default:
		return "characters"
	}
}

// describe says what a value of a kind looks like.
func describe(k Kind) string {
	switch k {
	case KindInteger:
		return "a whole number"
	case KindNumber, KindDecimal:
		return "a number"
	case KindDate:
		return "a day such as 2024-01-31"
	case KindDateTime:
		return "an instant such as 2024-01-31T12:00:00Z"
	case KindDuration:
		return "a duration such as 1h30m"
	case KindBoolean:
		return "true or false"
	case KindUUID:
		return "a UUID"
	case KindIP, KindIP4, KindIP6:
		return "an IP address"
	case KindEmail:
		return "an e-mail address"
	case KindURL:
		return "a URL"
	case KindBytes:
		return "base64"
	default:
		return "a text"
	}
}

// value is a value that a schema gives, of the kind of its attribute.
type value struct {
	goValue any      // see Attribute.Default
	text    string   // canonical
	order   *big.Rat // for comparison with limits; nil when the kind has none
}

// faultError says what is wrong with a value, and so what to write.
type faultError string

func (e faultError) Error() string { return string(e) }

// parseValue reads the text of a single value.
func parseValue(k Kind, text string) (value, error) {
	switch k {
	case KindInteger, KindNumber, KindDecimal:
		return parseNumber(k, text)
	case KindBoolean:
		switch text {
		case "true", "false":
			return value{goValue: text == "true", text: text}, nil
		}
		return value{}, faultError("write true or false")
	case KindDate:
		day, err := time.Parse(time.DateOnly, text)
		if err != nil || day.Year() < 1 {
			return value{}, faultError("write a day of the calendar as year-month-day, such as 2024-01-31")
		}
		return value{goValue: text, text: text, order: nanoseconds(day)}, nil
	case KindDateTime:
		instant, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			instant, err = time.Parse(time.DateOnly, text)
		}
		instant = instant.UTC()
		if err != nil || instant.Year() < 1 || instant.Year() > 9999 {
			return value{}, faultError("write an instant with its zone as in RFC 3339, such as 2024-01-31T12:00:00Z, or a day")
		}
		return value{goValue: instant, text: instant.Format(time.RFC3339Nano), order: nanoseconds(instant)}, nil
	case KindDuration:
		span, err := time.ParseDuration(text)
		if err != nil {
			return value{}, faultError("write numbers with the units h, m, s, ms, us, ns, such as 1h30m")
		}
		return value{goValue: span, text: strconv.FormatInt(int64(span), 10), order: new(big.Rat).SetInt64(int64(span))}, nil
	case KindUUID:
		if !uuidPattern.MatchString(text) {
			return value{}, faultError("write it as 00000000-0000-0000-0000-000000000000 with hexadecimal digits")
		}
		text = strings.ToLower(text)
	case KindIP, KindIP4, KindIP6:
		address, err := netip.ParseAddr(text)
		if err != nil || address.Zone() != "" || k == KindIP4 && !address.Is4() || k == KindIP6 && !address.Is6() {
			return value{}, faultError(map[Kind]string{KindIP4: "write 192.0.2.1", KindIP6: "write 2001:db8::1", KindIP: "write 192.0.2.1 or 2001:db8::1"}[k])
		}
		text = address.String()
	case KindEmail:
		if !emailPattern.MatchString(text) {
			return value{}, faultError("write name@example.com")
		}
	case KindURL:
		if u, err := url.Parse(text); err != nil || u.Scheme == "" || u.Host == "" {
			return value{}, faultError("write it with scheme and host, such as https://example.com/")
		}
	case KindBytes:
		data, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil {
			return value{}, faultError("write the bytes in standard base64 with padding")
		}
		return value{goValue: data, text: text}, nil
	default:
	}
	return value{goValue: text, text: text}, nil
}

var (
	numberPattern = regexp.MustCompile(`^[+-]?(\d+(\.\d+)?|\.\d+)([eE][+-]?\d{1,3})?$`)
	uuidPattern   = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	emailPattern  = regexp.MustCompile(`^[^\s@]+@[^\s@]+$`)
)

// maxNumberText bounds the digits of a number in a schema.
const maxNumberText = 400

func parseNumber(k Kind, text string) (value, error) {
	if !numberPattern.MatchString(text) || len(text) > maxNumberText {
		return value{}, faultError("write decimal digits, such as 12 or -0.5")
	}
	exact, ok := new(big.Rat).SetString(text)
	if !ok {
		return value{}, faultError("write decimal digits, such as 12 or -0.5")
	}
	switch k {
	case KindInteger:
		if !exact.IsInt() {
			return value{}, faultError("an integer has no fraction")
		}
		if !exact.Num().IsInt64() {
			return value{}, faultError(fmt.Sprintf("an integer lies between %d and %d", math.MinInt64, int64(math.MaxInt64)))
		}
		return value{goValue: exact.Num().Int64(), text: exact.Num().String(), order: exact}, nil
	case KindNumber:
		float, _ := exact.Float64()
		if math.IsInf(float, 0) {
			return value{}, faultError("a number of 64 bits is at most 1.8e308")
		}
		return value{goValue: float, text: strconv.FormatFloat(float, 'g', -1, 64), order: exact}, nil
	default:
	}
	plain := decimalText(text, exact)
	return value{goValue: plain, text: plain, order: exact}, nil
}

// decimalText writes a number without exponent, with the fraction digits it has.
func decimalText(text string, exact *big.Rat) string {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	_, fraction, _ := strings.Cut(mantissa, ".")
	shift, _ := strconv.Atoi(exponent) // "" is 0, other texts match numberPattern
	return exact.FloatString(max(0, len(fraction)-shift))
}

func nanoseconds(t time.Time) *big.Rat {
	n := new(big.Int).Mul(big.NewInt(t.Unix()), big.NewInt(int64(time.Second)))
	return new(big.Rat).SetInt(n.Add(n, big.NewInt(int64(t.Nanosecond()))))
}

// Broken returns what a text breaks as a value of t, a kind of text or bytes: the name of
// a rule, or of the kind itself; "" when it breaks nothing. Rules that normalise come
// first.
func (t *Type) Broken(text string) string {
	text = t.Rules.normalise(text)
	if t.Kind == KindEmail || t.Kind == KindURL {
		if _, err := parseValue(t.Kind, text); err != nil {
			return string(t.Kind)
		}
	}
	if len(t.Rules.In) > 0 && !slices.Contains(t.Rules.In, text) {
		return "enum"
	}
	return t.Rules.fault(text)
}

// holder returns the type whose rules are those of a declaration: of a secret, what it
// holds.
func (t *Type) holder() *Type {
	if t.Kind == KindSecret && t.Elem != nil {
		return t.Elem
	}
	return t
}

// fault returns the rule of t that text, a value of a text kind, breaks; "" if none.
func (r *Rules) fault(text string) string {
	n := int64(utf8.RuneCountInString(text))
	switch {
	case r.Min != nil && n < *r.Min:
		return "min"
	case r.Max != nil && n > *r.Max:
		return "max"
	case r.Length != nil && n != *r.Length:
		return "length"
	case !strings.Contains(text, r.Contains):
		return "contains"
	case !strings.HasPrefix(text, r.StartsWith):
		return "startsWith"
	case !strings.HasSuffix(text, r.EndsWith):
		return "endsWith"
	case r.Alpha && !alphaPattern.MatchString(text):
		return "alpha"
	case r.Numeric && !numericPattern.MatchString(text):
		return "numeric"
	case r.Alphanum && !alphanumPattern.MatchString(text):
		return "alphanum"
	case r.Alphadash && !alphadashPattern.MatchString(text):
		return "alphadash"
	case r.Hex && !hexPattern.MatchString(text):
		return "hex"
	case r.SingleLine && strings.ContainsAny(text, "\r\n"):
		return "singleLine"
	}
	if r.Base64 {
		if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			return "base64"
		}
	}
	if r.Pattern != "" {
		if pattern, err := regexp.Compile(r.Pattern); err == nil && !pattern.MatchString(text) {
			return "pattern"
		}
	}
	return ""
}

var (
	alphaPattern     = regexp.MustCompile(`^[a-zA-Z]*$`)
	numericPattern   = regexp.MustCompile(`^[0-9]*$`)
	alphanumPattern  = regexp.MustCompile(`^[a-zA-Z0-9]*$`)
	alphadashPattern = regexp.MustCompile(`^[a-zA-Z0-9_-]*$`)
	hexPattern       = regexp.MustCompile(`^[0-9a-fA-F]*$`)
)

// normalise applies the rules that change a value before it is checked.
func (r *Rules) normalise(text string) string {
	if r.Trim {
		text = strings.TrimSpace(text)
	}
	if r.Lowercase {
		text = strings.ToLower(text)
	}
	if r.Uppercase {
		text = strings.ToUpper(text)
	}
	return text
}
