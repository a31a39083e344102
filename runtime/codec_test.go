package s3db

import (
	"encoding/json"
	"math"
	"math/big"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// A stand-in for generated code: every type and shape there is.

type inner struct {
	Name string
	Deep *deep
	N    *int64
	Tags []string
}

type deep struct {
	Lists [][]int64
	Maps  map[string][]string
	Raw   []byte
	Text  string
}

type every struct {
	S     string
	I     int64
	F     float64
	D     decimal.Decimal
	B     bool
	T     time.Time
	Day   Date
	Dur   time.Duration
	U     uuid.UUID
	IP    netip.Addr
	Raw   []byte
	JSON  json.RawMessage
	Obj   map[string]any
	E     int
	OptS  *string
	OptT  *time.Time
	Ints  []int64
	Strs  []string
	Items []inner
	M     map[string]string
	MM    map[string]map[string]int64
	In    inner
	OptIn *inner
	Sec   Secret[string]
	SecL  Secret[[]string]
}

func encodeDeep(e *Encoder, v *deep) {
	EncodeArray(e, 1, v.Lists, putInts)
	EncodeMap(e, 2, v.Maps, putStrings)
	e.Bytes(5, v.Raw)
	e.String(6, v.Text)
}

func decodeDeep(d *Decoder, v *deep) {
	v.Lists = DecodeArray(d, 1, getInts)
	v.Maps = DecodeMap(d, 2, getStrings)
	v.Raw = d.Bytes(5)
	v.Text = d.String(6)
}

func putInts(e *Encoder, n int, v []int64)            { EncodeArray(e, n, v, (*Encoder).Int) }
func getInts(d *Decoder, n int) []int64               { return DecodeArray(d, n, (*Decoder).Int) }
func putStrings(e *Encoder, n int, v []string)        { EncodeArray(e, n, v, (*Encoder).String) }
func getStrings(d *Decoder, n int) []string           { return DecodeArray(d, n, (*Decoder).String) }
func putCounts(e *Encoder, n int, v map[string]int64) { EncodeMap(e, n, v, (*Encoder).Int) }
func getCounts(d *Decoder, n int) map[string]int64    { return DecodeMap(d, n, (*Decoder).Int) }
func putInner(e *Encoder, n int, v inner)             { EncodeObject(e, n, &v, encodeInner) }
func getInner(d *Decoder, n int) (v inner)            { DecodeObject(d, n, &v, decodeInner); return v }

func encodeInner(e *Encoder, v *inner) {
	e.String(1, v.Name)
	EncodeObject(e, 2, v.Deep, encodeDeep)
	EncodeOptional(e, 4, v.N, (*Encoder).Int)
	EncodeArray(e, 9, v.Tags, (*Encoder).String)
}

func decodeInner(d *Decoder, v *inner) {
	v.Name = d.String(1)
	v.Deep = DecodeOptionalObject(d, 2, decodeDeep)
	v.N = DecodeOptional(d, 4, (*Decoder).Int)
	v.Tags = DecodeArray(d, 9, (*Decoder).String)
}

func encodeEvery(e *Encoder, v *every) {
	e.String(1, v.S)
	e.Int(2, v.I)
	e.Float(3, v.F)
	e.Decimal(4, v.D)
	e.Bool(5, v.B)
	e.Time(6, v.T)
	e.Date(7, v.Day)
	e.Duration(8, v.Dur)
	e.UUID(9, v.U)
	e.IP(10, v.IP)
	e.Bytes(11, v.Raw)
	e.JSON(12, v.JSON)
	e.Object(13, v.Obj)
	e.Enum(14, v.E)
	EncodeOptional(e, 15, v.OptS, (*Encoder).String)
	EncodeOptional(e, 16, v.OptT, (*Encoder).Time)
	EncodeArray(e, 17, v.Ints, (*Encoder).Int)
	EncodeArray(e, 18, v.Strs, (*Encoder).String)
	EncodeArray(e, 19, v.Items, putInner)
	EncodeMap(e, 20, v.M, (*Encoder).String)
	EncodeMap(e, 21, v.MM, putCounts)
	EncodeObject(e, 22, &v.In, encodeInner)
	EncodeObject(e, 123, v.OptIn, encodeInner)
	EncodeSecret(e, 200, v.Sec, (*Encoder).String)
	EncodeSecret(e, 201, v.SecL, putStrings)
}

func decodeEvery(d *Decoder, v *every) {
	v.S = d.String(1)
	v.I = d.Int(2)
	v.F = d.Float(3)
	v.D = d.Decimal(4)
	v.B = d.Bool(5)
	v.T = d.Time(6)
	v.Day = d.Date(7)
	v.Dur = d.Duration(8)
	v.U = d.UUID(9)
	v.IP = d.IP(10)
	v.Raw = d.Bytes(11)
	v.JSON = d.JSON(12)
	v.Obj = d.Object(13)
	v.E = d.Enum(14)
	v.OptS = DecodeOptional(d, 15, (*Decoder).String)
	v.OptT = DecodeOptional(d, 16, (*Decoder).Time)
	v.Ints = DecodeArray(d, 17, (*Decoder).Int)
	v.Strs = DecodeArray(d, 18, (*Decoder).String)
	v.Items = DecodeArray(d, 19, getInner)
	v.M = DecodeMap(d, 20, (*Decoder).String)
	v.MM = DecodeMap(d, 21, getCounts)
	DecodeObject(d, 22, &v.In, decodeInner)
	v.OptIn = DecodeOptionalObject(d, 123, decodeInner)
	v.Sec = DecodeSecret(d, 200, (*Decoder).String)
	v.SecL = DecodeSecret(d, 201, getStrings)
}

// xorSealer binds a text to its path, and nothing more.
type xorSealer struct{}

func (xorSealer) seal(path string, plain []byte) ([]byte, error) {
	return append([]byte(path+":"), plain...), nil
}

func (x xorSealer) reseal(path string, plain, _ []byte) ([]byte, error) { return x.seal(path, plain) }

func (xorSealer) open(path string, sealed []byte) ([]byte, error) {
	if len(sealed) <= len(path) || string(sealed[:len(path)+1]) != path+":" {
		return nil, ErrDecrypt
	}
	return append([]byte{}, sealed[len(path)+1:]...), nil
}

// compare two documents to the bit.
var sameValues = cmp.Options{
	cmp.Comparer(func(a, b decimal.Decimal) bool {
		return a.Exponent() == b.Exponent() && a.Coefficient().Cmp(b.Coefficient()) == 0
	}),
	cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }),
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b Secret[string]) bool { return a.Reveal() == b.Reveal() }),
	cmp.Comparer(func(a, b Secret[[]string]) bool { return cmp.Equal(a.Reveal(), b.Reveal()) }),
}

func store(t *testing.T, e *Encoder, inBody bool) *record {
	t.Helper()
	if err := e.Err(); err != nil {
		t.Fatal(err)
	}
	r := &record{format: 1, rev: "0123456789abcdefABCDEF", created: time.Unix(1, 0), updated: time.Unix(2, 5)}
	if inBody {
		r.body = e.fields()
	} else {
		r.meta = e.fields()
	}
	body, metadata := r.object()
	for k, v := range metadata {
		if !portable(v) {
			t.Errorf("header %s is not portable: %q", k, v)
		}
	}
	if !json.Valid(body) {
		t.Errorf("body is not JSON: %s", body)
	}
	got, err := parseRecord(&Object{Body: body, Metadata: metadata})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// portable reports whether a value of a header survives every server.
func portable(s string) bool {
	if s == "" || s[0] == ' ' || s[len(s)-1] == ' ' || (len(s) > 1 && s[:2] == "=?") {
		return false
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7E || (i > 0 && s[i] == ' ' && s[i-1] == ' ') {
			return false
		}
	}
	return true
}

func fullDocument() every {
	text, when := " x ", time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)
	n := int64(math.MinInt64)
	in := inner{Name: "null", N: &n, Tags: []string{""}, Deep: &deep{
		Lists: [][]int64{nil, {}, {1}, {math.MaxInt64, math.MinInt64, 0}},
		Maps:  map[string][]string{"": {}, "a=b|(c)^": nil, "z": {"", "|()^=^-", "^"}},
		Raw:   []byte{}, Text: "(((",
	}}
	big1, _ := new(big.Int).SetString("-123456789012345678901234567890123456789012345678901234567890", 10)
	return every{
		S: "=?utf-8?Q?x?= é \x00 \x7f 👩‍👩‍👧", I: math.MinInt64, F: math.Copysign(0, -1), D: decimal.NewFromBigInt(big1, -2147483648),
		B: true, T: time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC), Day: Date{9999, time.December, 31}, Dur: math.MinInt64,
		U: uuid.MustParse("ffffffff-ffff-ffff-ffff-ffffffffffff"), IP: netip.MustParseAddr("fe80::1%eth|0"), Raw: []byte{0, 255},
		JSON: json.RawMessage(`{"b":[1.0,"é\u0000<"],"a":null}`), Obj: map[string]any{"n": 1.5, "big": json.Number("9007199254740993"), "<": []any{"&", nil, true, map[string]any{}}},
		E: 62, OptS: &text, OptT: &when, Ints: []int64{1, 2, 3, 999999}, Strs: []string{"", "a|b", "^-", "ёж"}, Items: []inner{in, {Name: ""}, in},
		M: map[string]string{"k=1": "v=1", "": ""}, MM: map[string]map[string]int64{"a": nil, "b": {}, "c": {"(": 1}}, In: in, OptIn: &in,
		Sec: NewSecret("hush"), SecL: NewSecret([]string{"a|", ""}),
	}
}

func TestRoundTripOfEveryType(t *testing.T) {
	minimal := every{U: uuid.Nil, IP: netip.MustParseAddr("0.0.0.0"), T: time.Unix(0, 0).UTC(), Day: Date{1, 1, 1}, E: 1, Sec: NewSecret(""), SecL: NewSecret([]string(nil))}
	minimal.SecL = NewSecret([]string{})
	for name, doc := range map[string]every{"full": fullDocument(), "minimal": minimal} {
		for _, inBody := range []bool{false, true} {
			e := newEncoder(xorSealer{})
			encodeEvery(e, &doc)
			r := store(t, e, inBody)
			d := newDecoder(r, xorSealer{})
			var got every
			decodeEvery(d, &got)
			if err := d.Err(); err != nil {
				t.Fatalf("%s, in the body %v: %v", name, inBody, err)
			}
			if diff := cmp.Diff(doc, got, sameValues); diff != "" {
				t.Errorf("%s, in the body %v (-want +got):\n%s", name, inBody, diff)
			}
			if u := d.unknown(); len(u.fields)+len(u.nested) > 0 || u.lost != "" {
				t.Errorf("%s: unknown fields %v", name, u)
			}
		}
	}
}
