package s3db

import (
	std "encoding"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// Form says how values of T, a type of the program, are stored as values of S, the
// type of an attribute's kind. What is stored, and the keys, rules and orders of it,
// know S alone. Generated code makes one for each type that the rule goType of a
// schema names.
type Form[T, S any] struct {
	store func(x *T) (S, error)
	load  func(s S, x *T) error
	of    StoredType[S]
}

// StoredType is the type of a kind as it is stored.
type StoredType[S any] struct {
	put    func(*Encoder, int, S)
	get    func(*Decoder, int) S
	kind   kind // without functions when keys cannot hold the values
	format func(S) string
	parse  func(string) (S, error)
}

// ConvertForm stores values by a conversion to S and back, which loses nothing because
// both types have one underlying type.
func ConvertForm[T, S any](to func(T) S, from func(S) T, of StoredType[S]) *Form[T, S] {
	return &Form[T, S]{
		store: func(x *T) (S, error) { return to(*x), nil },
		load: func(s S, x *T) error {
			*x = from(s)
			return nil
		},
		of: of,
	}
}

// TextForm stores the text that MarshalText writes, as a value of S; UnmarshalText
// reads it again.
func TextForm[T, S any, P interface {
	*T
	std.TextMarshaler
	std.TextUnmarshaler
}](of StoredType[S]) *Form[T, S] {
	return &Form[T, S]{
		store: func(x *T) (S, error) {
			text, err := P(x).MarshalText()
			if err != nil {
				var none S
				return none, err
			}
			return of.parse(string(text))
		},
		load: func(s S, x *T) error { return P(x).UnmarshalText([]byte(of.format(s))) },
		of:   of,
	}
}

// BinaryForm stores the bytes that MarshalBinary writes; UnmarshalBinary reads them
// again.
func BinaryForm[T any, P interface {
	*T
	std.BinaryMarshaler
	std.BinaryUnmarshaler
}]() *Form[T, []byte] {
	return &Form[T, []byte]{
		store: func(x *T) ([]byte, error) {
			data, err := P(x).MarshalBinary()
			if data == nil {
				data = []byte{} // nil is an absent value
			}
			return data, err
		},
		load: func(s []byte, x *T) error { return P(x).UnmarshalBinary(slices.Clone(s)) },
		of:   StoredBytes(),
	}
}

// JSONForm stores the JSON that MarshalJSON writes; UnmarshalJSON reads it again.
func JSONForm[T any, P interface {
	*T
	json.Marshaler
	json.Unmarshaler
}]() *Form[T, json.RawMessage] {
	return &Form[T, json.RawMessage]{
		store: func(x *T) (json.RawMessage, error) { return P(x).MarshalJSON() },
		load:  func(s json.RawMessage, x *T) error { return P(x).UnmarshalJSON(slices.Clone(s)) },
		of:    StoredJSON(),
	}
}

// Errors never quote those of the type, which may hold the value.
var (
	errNoForm = fmt.Errorf("%w: its type cannot write the value", ErrValidation)
	errNoType = fmt.Errorf("%w: its type cannot read the value", ErrCorrupt)
)

// Encode writes a value as field or item n.
func (f *Form[T, S]) Encode(e *Encoder, n int, x T) {
	s, err := f.store(&x)
	if err != nil {
		e.fail(n, errNoForm)
		return
	}
	f.of.put(e, n, s)
}

// Decode reads the value of field or item n.
func (f *Form[T, S]) Decode(d *Decoder, n int) (x T) {
	s := f.of.get(d, n)
	if d.err != nil {
		return x
	}
	if f.load(s, &x) != nil {
		d.fail(n, errNoType)
	}
	return x
}

// Key adds a value to a key. Forms of bytes and JSON have no keys.
func (f *Form[T, S]) Key(k *KeyBuilder, x T) {
	s, err := f.store(&x)
	if err != nil {
		k.Fail(errNoForm)
		return
	}
	f.of.kind.put(k, &s)
}

// Stored returns the value that is stored for x, the zero value when there is none.
func (f *Form[T, S]) Stored(x T) S {
	s, _ := f.store(&x)
	return s
}

// StoredPointer returns a pointer to the value that is stored for *x, nil when x is nil
// or there is none.
func (f *Form[T, S]) StoredPointer(x *T) *S {
	if x == nil {
		return nil
	}
	s, err := f.store(x)
	if err != nil {
		return nil
	}
	return &s
}

// Load returns the value that is stored as s, or why its type cannot read it.
func (f *Form[T, S]) Load(s S) (x T, err error) {
	err = f.load(s, &x)
	return x, err
}

// OrDefaultForm returns the value that p points to, or the one that is stored as def
// when p is nil; a default that the type cannot read is a violation. Generated code
// fills defaults with it.
func OrDefaultForm[T, S any](v *Validator, path string, p *T, f *Form[T, S], def S) T {
	if p != nil {
		return *p
	}
	x, err := f.Load(def)
	if err != nil {
		v.Add(path, "default", "has a default that its type cannot read")
	}
	return x
}

// ApplyForm applies the change of a required attribute of a type of the program. What a
// change adds is added to the number that is stored. Generated code calls it.
func ApplyForm[T, S any](v *Validator, path string, c Change[T], dst *T, f *Form[T, S]) {
	if c.kind == addValue {
		f.add(v, path, dst, c.value)
		return
	}
	Apply(v, path, c, dst)
}

// ApplyOptionalForm applies the change of an optional attribute of a type of the
// program; an absent one counts as 0. Generated code calls it.
func ApplyOptionalForm[T, S any](v *Validator, path string, c Change[T], dst **T, f *Form[T, S]) {
	if c.kind != addValue {
		ApplyOptional(c, dst)
		return
	}
	if *dst == nil {
		ApplyOptional(Set(c.value), dst)
		if !countable[S]() {
			v.Add(path, "add", "only numbers can be added to")
		}
		return
	}
	sum := **dst
	f.add(v, path, &sum, c.value)
	*dst = &sum
}

// add adds n to *dst, or adds a violation and leaves *dst as it was.
func (f *Form[T, S]) add(v *Validator, path string, dst *T, n T) {
	sum, err := f.store(dst)
	added, addedErr := f.store(&n)
	if err != nil || addedErr != nil {
		v.Add(path, "goType", "must be a value that its type can write")
		return
	}
	if !countable[S]() {
		v.Add(path, "add", "only numbers can be added to")
		return
	}
	if rule := addNumber(&sum, added); rule != "" {
		v.Add(path, rule, "the sum is beyond what the type can hold")
		return
	}
	x, err := f.Load(sum)
	if err != nil {
		v.Add(path, "goType", "must be a value that its type accepts")
		return
	}
	*dst = x
}

// kindOfForm makes values of T compare, and stand in keys, as those that are stored.
// One that its type cannot write comes after all others.
func kindOfForm[T, S any](f *Form[T, S]) kind {
	stored := func(x any) *S { return f.StoredPointer(x.(*T)) } //nolint:forcetypeassert // the type of the attribute
	return kind{
		put: func(k *KeyBuilder, x any) {
			if s := stored(x); s != nil {
				f.of.kind.put(k, s)
			} else {
				k.Fail(errNoForm)
			}
		},
		compare: func(a, b any) int {
			x, y := stored(a), stored(b)
			if x == nil || y == nil {
				return btoi(x == nil) - btoi(y == nil)
			}
			return f.of.kind.compare(x, y)
		},
	}
}

// FormAt is an attribute of a type of the program, in the order of what is stored.
func FormAt[D, O, T, S any](at Place[D, O], name string, f *Form[T, S], get func(O) *T) OrderedAttr[D, T] {
	return OrderedAttr[D, T]{FormEqualAt(at, name, f, get)}
}

// FormEqualAt is an attribute of a type of the program whose stored values have no
// order.
func FormEqualAt[D, O, T, S any](at Place[D, O], name string, f *Form[T, S], get func(O) *T) EqualAttr[D, T] {
	return equal(at, name, kindOfForm(f), get)
}

// TextAt is an attribute of a type of the program that is a string.
func TextAt[D, O any, T ~string](at Place[D, O], name string, get func(O) *T) TextAttr[D, T] {
	return TextAttr[D, T]{OrderedAttr[D, T]{equal(at, name, textKind[T](), get)}}
}

// FormRules are the rules of values of a type of the program: those of what is stored.
// Beside these, the type must be able to write a value, and to read what it wrote, so
// that no document is stored that cannot be read.
type FormRules[T, S any, R Rule[S]] struct {
	Form  *Form[T, S]
	Rules R
}

// Check implements Rule.
func (r FormRules[T, S, R]) Check(v *Validator, path string, value *T) {
	s, err := r.Form.store(value)
	if err != nil {
		v.Add(path, "goType", "must be a value that its type can write")
		return
	}
	changes := r.Rules.changes(v, &s)
	r.Rules.Check(v, path, &s)
	back, err := r.Form.Load(s)
	if err != nil {
		v.Add(path, "goType", "must be a value that its type accepts")
		return
	}
	if changes {
		*value = back
	}
}

func (r FormRules[T, S, R]) changes(v *Validator, value *T) bool {
	s, err := r.Form.store(value)
	return err == nil && r.Rules.changes(v, &s)
}

func (r FormRules[T, S, R]) repeats(v *Validator, items []T) {
	stored := make([]S, len(items))
	for i := range items {
		s, err := r.Form.store(&items[i])
		if err != nil {
			return // Check has told
		}
		stored[i] = s
	}
	r.Rules.repeats(v, stored)
}

// StoredString is the type of texts.
func StoredString() StoredType[string] {
	return StoredType[string]{
		(*Encoder).String, (*Decoder).String, stringKind(),
		func(s string) string { return s }, func(text string) (string, error) { return text, nil },
	}
}

// StoredInt is the type of integers.
func StoredInt() StoredType[int64] {
	return StoredType[int64]{
		(*Encoder).Int, (*Decoder).Int, intKind(),
		func(n int64) string { return strconv.FormatInt(n, 10) }, func(text string) (int64, error) { return strconv.ParseInt(text, 10, 64) },
	}
}

// StoredFloat is the type of numbers.
func StoredFloat() StoredType[float64] {
	return StoredType[float64]{put: (*Encoder).Float, get: (*Decoder).Float, kind: floatKind()}
}

// StoredBool is the type of booleans.
func StoredBool() StoredType[bool] {
	return StoredType[bool]{put: (*Encoder).Bool, get: (*Decoder).Bool, kind: boolKind()}
}

// StoredDecimal is the type of decimals.
func StoredDecimal() StoredType[decimal.Decimal] {
	return StoredType[decimal.Decimal]{(*Encoder).Decimal, (*Decoder).Decimal, decimalKind(), decimal.Decimal.String, decimal.NewFromString}
}

// StoredDuration is the type of durations.
func StoredDuration() StoredType[time.Duration] {
	return StoredType[time.Duration]{put: (*Encoder).Duration, get: (*Decoder).Duration, kind: durationKind()}
}

// StoredDate is the type of days. Their text is that of ISO 8601, 2006-01-02.
func StoredDate() StoredType[Date] {
	return StoredType[Date]{(*Encoder).Date, (*Decoder).Date, dateKind(), Date.String, ParseDate}
}

// StoredTime is the type of instants. Their text is that of RFC 3339.
func StoredTime() StoredType[time.Time] {
	return StoredType[time.Time]{
		(*Encoder).Time, (*Decoder).Time, timeKind(),
		func(t time.Time) string { return t.Format(time.RFC3339Nano) }, func(text string) (time.Time, error) { return time.Parse(time.RFC3339Nano, text) },
	}
}

// StoredUUID is the type of UUIDs.
func StoredUUID() StoredType[uuid.UUID] {
	return StoredType[uuid.UUID]{(*Encoder).UUID, (*Decoder).UUID, uuidKind(), uuid.UUID.String, uuid.Parse}
}

// StoredIP is the type of addresses.
func StoredIP() StoredType[netip.Addr] {
	return StoredType[netip.Addr]{(*Encoder).IP, (*Decoder).IP, ipKind(), netip.Addr.String, netip.ParseAddr}
}

// StoredEnum is the type of the values of an enum. Their text is their name.
func StoredEnum[E ~string](values Enum[E]) StoredType[E] {
	return StoredType[E]{
		values.Encode, values.Decode, enumKind[E](),
		func(value E) string { return string(value) }, func(text string) (E, error) { return E(text), nil },
	}
}

// StoredBytes is the type of bytes.
func StoredBytes() StoredType[[]byte] {
	return StoredType[[]byte]{put: (*Encoder).Bytes, get: (*Decoder).Bytes}
}

// StoredJSON is the type of raw JSON.
func StoredJSON() StoredType[json.RawMessage] {
	return StoredType[json.RawMessage]{put: (*Encoder).JSON, get: (*Decoder).JSON}
}
