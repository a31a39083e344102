package s3db

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"
)

// Step brings stored documents of older versions of the schema to Version. What
// needs no step: attributes that are optional when they are new, and those that
// were removed or renamed, because the numbers of fields stay. The parts are done
// in their order; a part finds what the parts before it left. Generated code
// makes the steps of a model.
type Step struct {
	Version int // in the lock file
	Convert []Conversion
	Migrate func(*Decoder, *Encoder) error // see [MigrateWith]; nil without a function
	Drop    []int                          // numbers that Convert and Migrate have replaced
	// Defaults writes the attributes that have a default and that older documents
	// may lack; those that a document has stay as they are.
	Defaults func(*Encoder)

	lacking bool // Migrate stands for a function that only the resource's program has
}

// moves reports whether the step stores values in another way than before, so
// that a program with an older schema does not see them.
func (s *Step) moves() bool { return len(s.Convert) > 0 || s.Migrate != nil }

// Conversion makes a field of another one, without loss. A document that has the
// field already keeps it.
type Conversion struct {
	from, to int
	typ      string // of the field that is made
	convert  func(text string) (string, error)
}

// Types that conversions make, as in stored shapes.
const (
	typeNumber  = "number"
	typeDecimal = "decimal"
)

// IntToFloat makes a number of an integer. One that no number is equal to, which
// is beyond 2^53, is an error.
func IntToFloat(from, to int) Conversion {
	return Conversion{from: from, to: to, typ: typeNumber, convert: func(text string) (string, error) {
		i, err := parseBase62Int(text)
		if err != nil {
			return "", err
		}
		f := float64(i)
		if f >= 1<<63 || int64(f) != i {
			return "", fmt.Errorf("%w: the integer is not exact as a number", ErrValidation)
		}
		return string(appendFloat(nil, f)), nil
	}}
}

// IntToDecimal makes a decimal of an integer.
func IntToDecimal(from, to int) Conversion {
	return Conversion{from: from, to: to, typ: typeDecimal, convert: func(text string) (string, error) {
		i, err := parseBase62Int(text)
		if err != nil {
			return "", err
		}
		return string(appendDecimal(nil, decimal.NewFromInt(i))), nil
	}}
}

// MigrateWith makes the part Migrate of a step from a function of the program: it
// gets a document as the version before had it, and returns the attributes that
// the step's version stores in another way. Its error is that of the read.
func MigrateWith[Old, New any](decode func(*Decoder, *Old), migrate func(Old) (New, error), encode func(*Encoder, *New)) func(*Decoder, *Encoder) error {
	return func(d *Decoder, e *Encoder) error {
		var old Old
		decode(d, &old)
		if err := d.Err(); err != nil {
			return err
		}
		made, err := migrate(old)
		if err != nil {
			return err
		}
		encode(e, &made)
		return e.Err()
	}
}

// upgrade returns the fields of a document as the program's version has them.
// from is the version in the lock file that wrote the document.
func (c *engine) upgrade(r *record, from int, s sealer) (*record, error) {
	u := upgrader{sealer: s, codecs: &c.codecs}
	u.fields = slices.Concat(r.meta, r.body)
	slices.SortFunc(u.fields, func(a, b field) int { return a.number - b.number })
	for i := range c.model.Steps {
		if step := &c.model.Steps[i]; step.Version > from {
			if err := u.do(step); err != nil {
				return nil, needsProgram(step.Version, err)
			}
		}
	}
	return &record{version: r.version, meta: u.fields}, nil
}

// upgrader holds the fields of a document between steps, ascending.
type upgrader struct {
	fields []field
	sealer sealer
	codecs *codecs
}

func (u *upgrader) do(step *Step) error {
	for _, c := range step.Convert {
		i, ok := u.find(c.from)
		if _, done := u.find(c.to); !ok || done {
			continue
		}
		text, err := c.convert(u.fields[i].text)
		if err != nil {
			return fieldError(nil, inDocument, c.from, err)
		}
		u.set(field{number: c.to, text: text})
	}
	if step.Migrate != nil {
		d := u.codecs.decoder(&record{meta: u.fields}, u.sealer)
		defer u.codecs.decoders.Put(d)
		e := u.codecs.encoder(u.sealer)
		defer u.codecs.encoders.Put(e)
		if err := step.Migrate(d, e); err != nil {
			return err
		}
		for _, f := range e.fields() {
			u.set(f)
		}
	}
	u.fields = slices.DeleteFunc(u.fields, func(f field) bool { return slices.Contains(step.Drop, f.number) })
	if step.Defaults != nil {
		e := u.codecs.encoder(u.sealer)
		defer u.codecs.encoders.Put(e)
		step.Defaults(e)
		if err := e.Err(); err != nil {
			return err
		}
		for _, f := range e.fields() {
			if _, ok := u.find(f.number); !ok {
				u.set(f)
			}
		}
	}
	return nil
}

func (u *upgrader) find(number int) (int, bool) {
	return slices.BinarySearchFunc(u.fields, number, func(f field, n int) int { return f.number - n })
}

func (u *upgrader) set(f field) {
	i, ok := u.find(f.number)
	if ok {
		u.fields[i] = f
		return
	}
	u.fields = slices.Insert(u.fields, i, f)
}
