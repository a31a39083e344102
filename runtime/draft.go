package s3db

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Draft is an encoded document on its way to the store, handed to a Behavior.
// Each attribute is in the metadata, where all of them begin, or in the body.
// Sizes are bytes on the wire after encoding: 11 for "x-amz-meta-", the name of
// the header and its value.
type Draft struct {
	limit  int
	system int // size of the system header
	size   int // of the metadata as placed now
	source draftSource
	fields []field
	inBody []bool // parallel to fields

	exceeded  int // size when ExceedsLimit was called; 0 = never
	texts     *Texts
	longest   int
	truncated []string
}

// draftSource is the document that a draft is of.
type draftSource interface {
	// encode returns the fields of the document as it is now.
	encode() ([]field, error)
	// offer collects the texts that may be cut.
	offer(*Texts)
	// name returns the name of an attribute.
	name(number int) string
}

// DraftField is one attribute of a draft.
type DraftField struct {
	Number int    // in the schema's lock file
	Name   string // in the schema
	Size   int    // bytes that it takes in the metadata
	InBody bool
}

// NewDraft encodes a document outside of any collection, as a new one that holds
// no secrets, for tests of behaviors. names are those of Model.Names; texts may
// be nil. The draft changes d when a behavior cuts its texts.
func NewDraft[T any](d *T, limit int, names []string, encode func(*Encoder, *T), texts func(*Texts, *T)) (*Draft, error) {
	source := &plainDocument[T]{document: d, encoder: newEncoder(nil), names: names, write: encode, texts: texts}
	return newDraft(source, limit, (&record{format: recordFormat}).overhead())
}

// plainDocument is the source of a draft of NewDraft.
type plainDocument[T any] struct {
	document *T
	encoder  *Encoder
	names    []string
	write    func(*Encoder, *T)
	texts    func(*Texts, *T)
}

func (p *plainDocument[T]) encode() ([]field, error) {
	p.encoder.reset(nil)
	p.write(p.encoder, p.document)
	return p.encoder.fields(), p.encoder.Err()
}

func (p *plainDocument[T]) offer(t *Texts) {
	if p.texts != nil {
		p.texts(t, p.document)
	}
}

func (p *plainDocument[T]) name(number int) string { return attributeName(p.names, number) }

// attributeName returns the name of an attribute from Model.Names, or its number
// where there is none.
func attributeName(names []string, number int) string {
	if number < len(names) && names[number] != "" {
		return names[number]
	}
	return fmt.Sprintf("field %d", number)
}

// attributePath names an attribute by the path of its field numbers. The model
// names the attributes of the document itself, not those of nested objects.
func attributePath(names []string, path string) string {
	first, _, nested := strings.Cut(path, ".")
	number, err := strconv.Atoi(first)
	if err != nil {
		return "field " + path
	}
	name := attributeName(names, number)
	if nested && name != "field "+first {
		return name + " (field " + path + ")"
	}
	if nested {
		return "field " + path
	}
	return name
}

// newDraft encodes a document. system is the size of the system header.
func newDraft(source draftSource, limit, system int) (*Draft, error) {
	d := &Draft{limit: limit, system: system, source: source}
	return d, d.encode()
}

// encode places every field in the metadata.
func (d *Draft) encode() error {
	fields, err := d.source.encode()
	if err != nil {
		return err
	}
	d.fields = fields
	d.inBody = append(d.inBody[:0], make([]bool, len(fields))...)
	d.size = d.system
	for i := range fields {
		d.size += wireSize(&fields[i])
	}
	return nil
}

// wireSize is what a field takes in the metadata.
func wireSize(f *field) int {
	const prefix = len("x-amz-meta-")
	digits := 1
	for n := f.number; n >= 10; n /= 10 {
		digits++
	}
	return prefix + digits + len(f.wire)
}

// Limit returns the bytes that the metadata may have.
func (d *Draft) Limit() int { return d.limit }

// Size returns the bytes of the metadata as the attributes are placed now, the
// runtime's own header included.
func (d *Draft) Size() int { return d.size }

// Fits reports whether the metadata is within the limit.
func (d *Draft) Fits() bool { return d.size <= d.limit }

// Fields returns the attributes, in the order of their numbers.
func (d *Draft) Fields() []DraftField {
	list := make([]DraftField, len(d.fields))
	for i := range d.fields {
		f := &d.fields[i]
		list[i] = DraftField{Number: f.number, Name: d.source.name(f.number), Size: wireSize(f), InBody: d.inBody[i]}
	}
	slices.SortFunc(list, func(a, b DraftField) int { return cmp.Compare(a.Number, b.Number) })
	return list
}

// ToBody moves an attribute from the metadata to the body.
func (d *Draft) ToBody(number int) {
	for i := range d.fields {
		if d.fields[i].number == number && !d.inBody[i] {
			d.inBody[i] = true
			d.size -= wireSize(&d.fields[i])
		}
	}
}

// AllToBody moves every attribute to the body.
func (d *Draft) AllToBody() {
	for i := range d.inBody {
		d.inBody[i] = true
	}
	d.size = d.system
}

// OverflowToBody moves the largest attributes to the body until the others fit;
// of two that are equally large, the one with the lower number.
func (d *Draft) OverflowToBody() {
	order := make([]int, len(d.fields))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		fa, fb := &d.fields[a], &d.fields[b]
		return cmp.Or(cmp.Compare(wireSize(fb), wireSize(fa)), cmp.Compare(fa.number, fb.number))
	})
	for _, i := range order {
		if d.Fits() {
			return
		}
		if !d.inBody[i] {
			d.inBody[i] = true
			d.size -= wireSize(&d.fields[i])
		}
	}
}

// ExceedsLimit raises the event of that name, once, with the size that the draft
// has now. Subscribers get it after the document was written.
func (d *Draft) ExceedsLimit() {
	if d.exceeded == 0 {
		d.exceeded = d.size
	}
}

// Exceeded reports whether ExceedsLimit was called, and the size that the draft
// had then.
func (d *Draft) Exceeded() (size int, yes bool) { return d.exceeded, d.exceeded != 0 }

// Truncated returns the paths of the strings that are cut.
func (d *Draft) Truncated() []string { return slices.Clone(d.truncated) }

// LongestText returns the bytes of the longest string that may be cut, as it was
// before any cut; 0 when there is none.
func (d *Draft) LongestText() int {
	d.collect()
	return d.longest
}

func (d *Draft) collect() {
	if d.texts != nil {
		return
	}
	d.texts = new(Texts)
	d.source.offer(d.texts)
	for i := range d.texts.texts {
		d.longest = max(d.longest, len(d.texts.texts[i].original))
	}
}

// CutTexts shortens every string that may be cut and is longer than maxBytes to
// that many bytes of UTF-8, "..." at its end included, and encodes the document
// again with every attribute in the metadata. Each call starts from the original
// strings. A string is never cut below the rule "min" of its attribute.
func (d *Draft) CutTexts(maxBytes int) error {
	d.collect()
	d.texts.cut(maxBytes)
	d.truncated = d.texts.truncated()
	return d.encode()
}

// TooLarge returns the error of a document that does not fit. It is a
// *SizeError.
func (d *Draft) TooLarge() error {
	e := &SizeError{Size: d.size, Limit: d.limit}
	for i := range d.fields {
		f := &d.fields[i]
		if size := wireSize(f); !d.inBody[i] && size > e.FieldSize {
			e.Field, e.FieldSize = d.source.name(f.number), size
		}
	}
	return e
}

// SizeError is the error of a document that does not fit the limit for metadata.
// It matches ErrTooLarge.
type SizeError struct {
	Size, Limit int    // bytes on the wire
	Field       string // the largest attribute
	FieldSize   int    // its part of Size
}

// Error implements error.
func (e *SizeError) Error() string {
	text := fmt.Sprintf("%v: %d bytes on the wire, limit %d", ErrTooLarge, e.Size, e.Limit)
	if e.Field == "" {
		return text
	}
	return fmt.Sprintf("%s; the largest attribute is %s with %d", text, e.Field, e.FieldSize)
}

// Unwrap returns ErrTooLarge.
func (e *SizeError) Unwrap() error { return ErrTooLarge }
