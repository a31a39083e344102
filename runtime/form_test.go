package s3db

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
)

// Types of a program. Their errors hold the value, which nobody may tell.
type (
	cents  int64
	amount struct {
		minor int64
		note  string // is not stored
	}
	ticks int64 // stored as a decimal
	stage int64 // stored as a text
)

const (
	unwritable = -1
	unreadable = 66600
)

func (a amount) MarshalText() ([]byte, error) {
	if a.minor == unwritable {
		return nil, errors.New("canary")
	}
	return fmt.Appendf(nil, "%d.%02d", a.minor/100, a.minor%100), nil
}

func (a *amount) UnmarshalText(text []byte) error {
	whole, part, _ := strings.Cut(string(text), ".")
	n, err := strconv.ParseInt(whole+(part + "00")[:2], 10, 64)
	if a.minor = n; n == unreadable {
		return errors.New("canary")
	}
	return err
}

func (t ticks) MarshalText() ([]byte, error) { return amount{minor: int64(t)}.MarshalText() }

func (t *ticks) UnmarshalText(text []byte) error {
	var a amount
	err := a.UnmarshalText(text)
	*t = ticks(a.minor)
	return err
}

func (s stage) MarshalText() ([]byte, error) { return strconv.AppendInt(nil, int64(s), 10), nil }

func (s *stage) UnmarshalText(text []byte) error {
	n, err := strconv.ParseInt(string(text), 10, 64)
	*s = stage(n)
	return err
}

func centsForm() *Form[cents, int64] {
	return ConvertForm(func(x cents) int64 { return int64(x) }, func(x int64) cents { return cents(x) }, StoredInt())
}

// TestFormRules: the rules are those of what is stored, and what the type cannot write or
// would not read again is refused without telling it.
func TestFormRules(t *testing.T) {
	form := TextForm[amount](StoredDecimal())
	rules := FormRules[amount, decimal.Decimal, DecimalRules]{Form: form, Rules: DecimalRules{Positive: true}}
	runRule(t, "text", rules, ok("0.01", amount{minor: 1}), bad("0", amount{}, "positive: must be above 0"),
		bad("not written", amount{minor: unwritable}, "goType: must be a value that its type can write"),
		bad("not read", amount{minor: unreadable}, "goType: must be a value that its type accepts"))
	runRule(t, "unique", ArrayRules[amount, FormRules[amount, decimal.Decimal, DecimalRules]]{Unique: true, Items: rules},
		ok("others", []amount{{minor: 1}, {minor: 2}}),
		bad("stored alike", []amount{{minor: 1, note: "a"}, {minor: 1, note: "b"}}, "[1] unique: repeats x[0]"))
	text := FormRules[stage, string, StringRules]{Form: TextForm[stage](StoredString()), Rules: StringRules{Max: 2}}
	runRule(t, "length", text, ok("10", stage(10)), bad("100", stage(100), "max: must have at most 2 characters, has 3"))
}

// TestFormCodec: values come back; what cannot be written or read is an error of its
// field without the value.
func TestFormCodec(t *testing.T) {
	form := TextForm[amount](StoredDecimal())
	encode := func(x amount) ([]field, error) {
		e := newEncoder(nil)
		form.Encode(e, 1, x)
		return e.fields(), e.err
	}
	decode := func(fields []field) (amount, error) {
		d := newDecoder(&record{meta: fields}, nil)
		x := form.Decode(d, 1)
		return x, d.Err()
	}
	fields, err := encode(amount{minor: 950})
	if err != nil {
		t.Fatal(err)
	}
	if x, err := decode(fields); x.minor != 950 || err != nil {
		t.Errorf("%v, %v", x, err)
	}
	_, err = encode(amount{minor: unwritable})
	if !errors.Is(err, ErrValidation) || strings.Contains(fmt.Sprint(err), "canary") {
		t.Errorf("written: %v", err)
	}
	fields, err = encode(amount{minor: unreadable})
	if err != nil {
		t.Fatal(err)
	}
	_, err = decode(fields)
	if !errors.Is(err, ErrCorrupt) || strings.Contains(fmt.Sprint(err), "canary") {
		t.Errorf("read: %v", err)
	}
}

// TestFormOrder: the order is that of what is stored, as are keys; what cannot be written
// comes last and has no key.
func TestFormOrder(t *testing.T) {
	k := kindOfForm(TextForm[stage](StoredString()))
	if two, ten := stage(2), stage(10); k.compare(&ten, &two) >= 0 || k.compare(&two, &two) != 0 {
		t.Error(`"10" does not come before "2"`)
	}
	k = kindOfForm(TextForm[amount](StoredDecimal()))
	none, some := amount{minor: unwritable}, amount{minor: 5}
	if k.compare(&none, &some) <= 0 || k.compare(&some, &none) >= 0 || k.compare(&none, &none) != 0 {
		t.Error("what cannot be written does not come last")
	}
	key := func(put func(*KeyBuilder)) (string, error) {
		var b KeyBuilder
		put(&b)
		return b.path([]string{"x"})
	}
	got, err := key(func(b *KeyBuilder) { k.put(b, &amount{minor: 950, note: "a"}) })
	want, wantErr := key(func(b *KeyBuilder) { b.Decimal(decimal.RequireFromString("9.5")) })
	if got != want || err != nil || wantErr != nil {
		t.Errorf("key %q, %v; want %q, %v", got, err, want, wantErr)
	}
	if _, err := key(func(b *KeyBuilder) { k.put(b, &none) }); !errors.Is(err, ErrValidation) {
		t.Errorf("a key of nothing: %v", err)
	}
}

// TestAddToForms: a change adds to what is stored, whatever a value is in Go; what is
// stored as something else than a number cannot be added to.
func TestAddToForms(t *testing.T) {
	testAddToForm(t, centsForm(), 40, 2, 42, "")
	testAddToForm(t, centsForm(), math.MaxInt64, 1, math.MaxInt64, "integer")
	testAddToForm(t, TextForm[ticks](StoredDecimal()), 1, 2, 3, "")
	testAddToForm(t, TextForm[ticks](StoredDecimal()), 1, unwritable, 1, "goType")
	testAddToForm(t, TextForm[ticks](StoredDecimal()), unreadable-1, 1, unreadable-1, "goType")
	testAddToForm(t, TextForm[stage](StoredString()), 1, 2, 1, "add")
}

func testAddToForm[T interface{ ~int64 }, S any](t *testing.T, form *Form[T, S], from, add, want T, rule string) {
	t.Helper()
	var v Validator
	read := from
	required, optional := from, &read
	ApplyForm(&v, "n", Add(add), &required, form)
	ApplyOptionalForm(&v, "n", Add(add), &optional, form)
	if required != want || *optional != want || read != from {
		t.Errorf("%v + %v = %v and %v, want %v", from, add, required, *optional, want)
	}
	var rules []string
	for _, x := range v.violations {
		rules = append(rules, x.Rule)
	}
	if got := strings.Join(rules, " "); got != strings.TrimSpace(rule+" "+rule) {
		t.Errorf("%v + %v: violations of %q, want twice %q", from, add, got, rule)
	}
	if rule != "" {
		return
	}
	var none *T
	ApplyOptionalForm(&v, "n", Add(add), &none, form)
	if none == nil || *none != add {
		t.Errorf("%v was added to nothing: %v", add, none)
	}
	ApplyForm(&v, "n", Set(from), &required, form)
	ApplyOptionalForm(&v, "n", Clear[T](), &none, form)
	if required != from || none != nil || v.Err() != nil {
		t.Errorf("set to %v, cleared to %v, %v", required, none, v.Err())
	}
}

// TestAddToNothing: an absent text is not taken for a number either.
func TestAddToNothing(t *testing.T) {
	var v Validator
	var none *stage
	ApplyOptionalForm(&v, "n", Add(stage(1)), &none, TextForm[stage](StoredString()))
	if v.Err() == nil {
		t.Error("added")
	}
}

// TestAddOfProgramFromJSON: additions to types of the program go through JSON; one whose
// JSON is an object is set to it.
func TestAddOfProgramFromJSON(t *testing.T) {
	text, err := json.Marshal(Add(cents(3)))
	if err != nil {
		t.Fatal(err)
	}
	var c Change[cents]
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	if n, ok := c.Added(); !ok || n != 3 {
		t.Errorf("%s was read as %v", text, c)
	}
	var o Change[object]
	if err := json.Unmarshal([]byte(`{"n": 4}`), &o); err != nil {
		t.Fatal(err)
	}
	if x, ok := o.Value(); !ok || x != 4 {
		t.Errorf("read as %v", o)
	}
}

// object is a number whose JSON is an object.
type object int64

func (o *object) UnmarshalJSON(text []byte) error {
	var x struct{ N *int64 }
	if err := json.Unmarshal(text, &x); err != nil {
		return err
	}
	if x.N == nil {
		return errors.New("no n")
	}
	*o = object(*x.N)
	return nil
}
