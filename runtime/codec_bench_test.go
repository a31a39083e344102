package s3db

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// A document of ten attributes and its timestamps, as a shop would have, and its
// stand-in of generated code.
type buyer struct {
	Name      string          `json:"name"`
	Email     string          `json:"email"`
	Age       *int64          `json:"age,omitzero"`
	Balance   decimal.Decimal `json:"balance"`
	Rating    float64         `json:"rating"`
	Active    bool            `json:"active"`
	Birthday  Date            `json:"birthday"`
	LastLogin *time.Time      `json:"lastLogin,omitzero"`
	Tags      []string        `json:"tags,omitzero"`
	Address   *buyerAddress   `json:"address,omitzero"`
	CreatedAt time.Time       `json:"createdAt"`
	UpdatedAt time.Time       `json:"updatedAt"`
}

type buyerAddress struct {
	Street  string `json:"street"`
	City    string `json:"city"`
	Country string `json:"country"`
}

func encodeBuyer(e *Encoder, v *buyer) {
	e.String(1, v.Name)
	e.String(2, v.Email)
	EncodeOptional(e, 3, v.Age, (*Encoder).Int)
	e.Decimal(4, v.Balance)
	e.Float(5, v.Rating)
	e.Bool(6, v.Active)
	e.Date(7, v.Birthday)
	EncodeOptional(e, 8, v.LastLogin, (*Encoder).Time)
	EncodeArray(e, 9, v.Tags, (*Encoder).String)
	EncodeObject(e, 10, v.Address, encodeBuyerAddress)
}

func encodeBuyerAddress(e *Encoder, v *buyerAddress) {
	e.String(1, v.Street)
	e.String(2, v.City)
	e.String(3, v.Country)
}

func decodeBuyer(d *Decoder, v *buyer) {
	v.Name = d.String(1)
	v.Email = d.String(2)
	v.Age = DecodeOptional(d, 3, (*Decoder).Int)
	v.Balance = d.Decimal(4)
	v.Rating = d.Float(5)
	v.Active = d.Bool(6)
	v.Birthday = d.Date(7)
	v.LastLogin = DecodeOptional(d, 8, (*Decoder).Time)
	v.Tags = DecodeArray(d, 9, (*Decoder).String)
	v.Address = DecodeOptionalObject(d, 10, decodeBuyerAddress)
}

func decodeBuyerAddress(d *Decoder, v *buyerAddress) {
	v.Street = d.String(1)
	v.City = d.String(2)
	v.Country = d.String(3)
}

func someBuyer() *buyer {
	age, login := int64(36), time.Date(2024, 3, 1, 22, 1, 2, 345000000, time.UTC)
	return &buyer{
		Name: "Ada Lovelace", Email: "ada@example.org", Age: &age, Balance: decimal.RequireFromString("1289.95"), Rating: 4.75,
		Active: true, Birthday: Date{Year: 1988, Month: time.December, Day: 10}, LastLogin: &login,
		Tags:      []string{"vip", "newsletter", "beta"},
		Address:   &buyerAddress{Street: "221B Baker Street", City: "London", Country: "GB"},
		CreatedAt: time.Date(2024, 1, 15, 10, 20, 30, 123456789, time.UTC), UpdatedAt: time.Date(2024, 3, 1, 22, 1, 2, 345678901, time.UTC),
	}
}

// codecRun encodes a buyer to metadata and body, and back.
type codecRun struct {
	e Encoder
	d Decoder
	r record
}

func (c *codecRun) encode(v *buyer) ([]byte, map[string]string) {
	c.e.reset(nil)
	encodeBuyer(&c.e, v)
	c.r = record{format: 1, rev: "0123456789abcdefABCDEF", created: v.CreatedAt, updated: v.UpdatedAt, meta: c.e.fields()}
	return c.r.object()
}

func (c *codecRun) decode(o *Object, v *buyer) error {
	r, err := parseRecord(o)
	if err != nil {
		return err
	}
	c.d.reset(r, nil)
	decodeBuyer(&c.d, v)
	v.CreatedAt, v.UpdatedAt = r.created, r.updated
	return c.d.Err()
}

// A document of ten fields costs at most 25 allocations both ways together: the
// header map, the body and the record included.
func TestCodecAllocations(t *testing.T) {
	var c codecRun
	v := someBuyer()
	body, metadata := c.encode(v)
	o := &Object{Body: body, Metadata: metadata}
	encode := testing.AllocsPerRun(100, func() { c.encode(v) })
	decode := testing.AllocsPerRun(100, func() {
		var back buyer
		if err := c.decode(o, &back); err != nil {
			t.Error(err)
		}
	})
	t.Logf("encode %.0f, decode %.0f allocations", encode, decode)
	if encode+decode > 25 {
		t.Errorf("%.0f + %.0f allocations, the limit is 25", encode, decode)
	}
}

// account is a document of ten scalars, one of most types.
type account struct {
	Name    string          `json:"name"`
	Email   string          `json:"email"`
	Age     int64           `json:"age"`
	Balance decimal.Decimal `json:"balance"`
	Rating  float64         `json:"rating"`
	Active  bool            `json:"active"`
	Birth   Date            `json:"birth"`
	Login   time.Time       `json:"login"`
	Owner   uuid.UUID       `json:"owner"`
	City    string          `json:"city"`
}

func encodeAccount(e *Encoder, v *account) {
	e.String(1, v.Name)
	e.String(2, v.Email)
	e.Int(3, v.Age)
	e.Decimal(4, v.Balance)
	e.Float(5, v.Rating)
	e.Bool(6, v.Active)
	e.Date(7, v.Birth)
	e.Time(8, v.Login)
	e.UUID(9, v.Owner)
	e.String(10, v.City)
}

func decodeAccount(d *Decoder, v *account) {
	v.Name = d.String(1)
	v.Email = d.String(2)
	v.Age = d.Int(3)
	v.Balance = d.Decimal(4)
	v.Rating = d.Float(5)
	v.Active = d.Bool(6)
	v.Birth = d.Date(7)
	v.Login = d.Time(8)
	v.Owner = d.UUID(9)
	v.City = d.String(10)
}

func someAccount() *account {
	b := someBuyer()
	return &account{b.Name, b.Email, *b.Age, b.Balance, b.Rating, b.Active, b.Birthday, *b.LastLogin, uuid.MustParse("8d3ae1c9-60d8-4c1e-9d0b-3c7cf9c6a6f5"), "London"}
}

// BenchmarkCodecAgainstJSON gives the ratios of one run to encoding/json of the
// same struct, there and back. "x-codec" is the encoder and the decoder: attributes
// to the texts of the fields and back; the goal is 5. "x-headers" adds the header
// map, made and read, which alone costs as much as half of the codec; "x-document"
// is the whole stored object, with its body, revision and timestamps, which the JSON
// does not have. Each is a ratio of the shortest of many short rounds, taken in
// turn, so that a busy machine disturbs all alike. "flat" has ten scalars; "nested"
// has an array and an object among its ten attributes, and timestamps.
func BenchmarkCodecAgainstJSON(b *testing.B) {
	b.Run("flat", func(b *testing.B) { againstJSON(b, someAccount(), encodeAccount, decodeAccount) })
	b.Run("nested", func(b *testing.B) { againstJSON(b, someBuyer(), encodeBuyer, decodeBuyer) })
}

func againstJSON[T any](b *testing.B, v *T, encode func(*Encoder, *T), decode func(*Decoder, *T)) {
	b.Helper()
	src, err := json.Marshal(v)
	if err != nil {
		b.Fatal(err)
	}
	var c, whole codecRun
	at := time.Date(2024, 1, 15, 10, 20, 30, 123456789, time.UTC)
	toObject := func() ([]byte, map[string]string) {
		whole.e.reset(nil)
		encode(&whole.e, v)
		whole.r = record{format: 1, rev: "0123456789abcdefABCDEF", created: at, updated: at, meta: whole.e.fields()}
		return whole.r.object()
	}
	body, metadata := toObject()
	o := &Object{Body: body, Metadata: metadata}
	fail := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	work := [4]func(){
		func() {
			var back T
			_, err := json.Marshal(v)
			fail(err)
			fail(json.Unmarshal(src, &back))
		},
		func() {
			var back T
			c.e.reset(nil)
			encode(&c.e, v)
			c.r = record{meta: append(c.r.meta[:0], c.e.fields()...)}
			c.d.reset(&c.r, nil)
			decode(&c.d, &back)
			fail(c.d.Err())
		},
		func() {
			var back T
			c.e.reset(nil)
			encode(&c.e, v)
			fields := c.e.fields()
			m := make(map[string]string, len(fields)+1)
			for i := range fields {
				m[strconv.Itoa(fields[i].number)] = fields[i].wire
			}
			m[systemHeader] = "1-0"
			c.r = record{meta: c.r.meta[:0]}
			fail(c.r.parseMetadata(metadata))
			c.d.reset(&c.r, nil)
			decode(&c.d, &back)
			fail(c.d.Err())
		},
		func() {
			var back T
			toObject()
			r, err := parseRecord(o)
			fail(err)
			whole.d.reset(r, nil)
			decode(&whole.d, &back)
			fail(whole.d.Err())
		},
	}
	best := [len(work)]time.Duration{time.Hour, time.Hour, time.Hour, time.Hour}
	for b.Loop() {
		for i, f := range work {
			const times = 20
			start := time.Now()
			for range times {
				f()
			}
			best[i] = min(best[i], time.Since(start)/times)
		}
	}
	for i, name := range [len(work)]string{"json", "codec", "headers", "document"} {
		b.ReportMetric(float64(best[i]), name+"-ns")
		if i > 0 {
			b.ReportMetric(float64(best[0])/float64(best[i]), "x-"+name)
		}
	}
	b.ReportMetric(0, "ns/op") // the sum of all says nothing
}
