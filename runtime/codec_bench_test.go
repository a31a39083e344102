package s3db

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
)

// A document of ten fields, as a shop would have, and its stand-in of generated
// code.
type order struct {
	Name     string        `json:"name"`
	Email    string        `json:"email"`
	Age      *int64        `json:"age,omitempty"`
	Total    float64       `json:"total"`
	Paid     bool          `json:"paid"`
	Placed   time.Time     `json:"placed"`
	Customer uuid.UUID     `json:"customer"`
	Tags     []string      `json:"tags,omitempty"`
	Counts   []int64       `json:"counts,omitempty"`
	Address  *orderAddress `json:"address,omitempty"`
}

type orderAddress struct {
	Street  string `json:"street"`
	City    string `json:"city"`
	Country string `json:"country"`
}

func encodeOrder(e *Encoder, v *order) {
	e.String(1, v.Name)
	e.String(2, v.Email)
	EncodeOptional(e, 3, v.Age, (*Encoder).Int)
	e.Float(4, v.Total)
	e.Bool(5, v.Paid)
	e.Time(6, v.Placed)
	e.UUID(7, v.Customer)
	EncodeArray(e, 8, v.Tags, (*Encoder).String)
	EncodeArray(e, 9, v.Counts, (*Encoder).Int)
	EncodeObject(e, 10, v.Address, encodeOrderAddress)
}

func encodeOrderAddress(e *Encoder, v *orderAddress) {
	e.String(1, v.Street)
	e.String(2, v.City)
	e.String(3, v.Country)
}

func decodeOrder(d *Decoder, v *order) {
	v.Name = d.String(1)
	v.Email = d.String(2)
	v.Age = DecodeOptional(d, 3, (*Decoder).Int)
	v.Total = d.Float(4)
	v.Paid = d.Bool(5)
	v.Placed = d.Time(6)
	v.Customer = d.UUID(7)
	v.Tags = DecodeArray(d, 8, (*Decoder).String)
	v.Counts = DecodeArray(d, 9, (*Decoder).Int)
	v.Address = DecodeOptionalObject(d, 10, decodeOrderAddress)
}

func decodeOrderAddress(d *Decoder, v *orderAddress) {
	v.Street = d.String(1)
	v.City = d.String(2)
	v.Country = d.String(3)
}

func someOrder() *order {
	age := int64(36)
	return &order{
		Name: "Ada Lovelace", Email: "ada@example.org", Age: &age, Total: 1289.95, Paid: true,
		Placed: time.Date(2024, 1, 15, 10, 20, 30, 123456789, time.UTC), Customer: uuid.MustParse("8d3ae1c9-60d8-4c1e-9d0b-3c7cf9c6a6f5"),
		Tags: []string{"vip", "newsletter", "beta"}, Counts: []int64{1, 2, 3, 999999},
		Address: &orderAddress{Street: "221B Baker Street", City: "London", Country: "GB"},
	}
}

// codecRun encodes an order to metadata and body, and back.
type codecRun struct {
	e Encoder
	d Decoder
	r record
}

func (c *codecRun) encode(v *order) ([]byte, map[string]string) {
	c.e.reset(nil)
	encodeOrder(&c.e, v)
	c.r = record{format: 1, rev: "0123456789abcdefABCDEF", created: v.Placed, updated: v.Placed, meta: c.e.fields()}
	return c.r.object()
}

func (c *codecRun) decode(o *Object, v *order) error {
	r, err := parseRecord(o)
	if err != nil {
		return err
	}
	c.d.reset(r, nil)
	decodeOrder(&c.d, v)
	return c.d.Err()
}

// A document of ten fields costs at most 25 allocations both ways together: the
// header map, the body and the record included.
func TestCodecAllocations(t *testing.T) {
	var c codecRun
	v := someOrder()
	body, metadata := c.encode(v)
	o := &Object{Body: body, Metadata: metadata}
	encode := testing.AllocsPerRun(100, func() { c.encode(v) })
	decode := testing.AllocsPerRun(100, func() {
		var back order
		if err := c.decode(o, &back); err != nil {
			t.Error(err)
		}
	})
	t.Logf("encode %.0f, decode %.0f allocations", encode, decode)
	if encode+decode > 25 {
		t.Errorf("%.0f + %.0f allocations, the limit is 25", encode, decode)
	}
}

func BenchmarkCodecEncode(b *testing.B) {
	var c codecRun
	v := someOrder()
	b.ReportAllocs()
	for b.Loop() {
		c.encode(v)
	}
}

func BenchmarkCodecDecode(b *testing.B) {
	var c codecRun
	body, metadata := c.encode(someOrder())
	o := &Object{Body: body, Metadata: metadata}
	b.ReportAllocs()
	for b.Loop() {
		var back order
		if err := c.decode(o, &back); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJSONEncode(b *testing.B) {
	v := someOrder()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := json.Marshal(v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJSONDecode(b *testing.B) {
	src, err := json.Marshal(someOrder())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var back order
		if err := json.Unmarshal(src, &back); err != nil {
			b.Fatal(err)
		}
	}
}
