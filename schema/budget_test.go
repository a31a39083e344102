package schema_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/schema"
)

// measured is a schema whose values all have a greatest size.
const measured = `package: shop
resources:
  things:
    behavior: enforce-limits
    attributes:
      text: string|max:12|optional
      long: text|max:200|optional
      word: string|alphadash|length:9|optional
      hex: string|hex|max:40|optional
      code: {type: string, pattern: '^[A-Z]{2,3}-(x|\d{4}|[^a-z])?$', optional: true}
      choice: string|enum:a,"~~",ÿ|optional
      email: email|optional
      shortEmail: email|max:9|optional
      url: url|max:60|optional
      integer: integer|optional
      small: integer|min:-61|max:61|optional
      natural: integer|positive|optional
      seven: integer|equal:7|optional
      number: number|optional
      share: number|min:0|max:1|optional
      flag: boolean|optional
      day: date|optional
      recent: date|min:2000-01-01|optional
      instant: datetime|optional
      lasts: duration|optional
      wait: duration|min:-500ms|max:90s|optional
      uuid: uuid|optional
      ip: ip|optional
      ip4: ip4|optional
      ip6: ip6|optional
      state: enum:a,b,c|optional
      bytes: bytes|max:20|optional
      password: password|optional
      tags: {type: array, items: {type: string, max: 4}, max: 5, optional: true}
      words: {type: array, items: {type: string, alphanum: true, max: 4}, max: 5, optional: true}
      flags: {type: array, items: boolean, unique: true, optional: true}
      matrix: {type: array, max: 3, items: {type: array, max: 2, items: {type: string, max: 1}}, optional: true}
      address:
        type: object
        optional: true
        fields:
          a: boolean|optional
          b: boolean|optional
          c: string|max:3
          d: string|max:2|optional
          e: integer|optional
          inner: {type: object, optional: true, fields: {x: string|max:2|optional, y: email|max:20|optional}}
      list: {type: array, max: 3, optional: true, items: {type: object, fields: {k: string|max:2, v: 'bytes|max:2', w: boolean|optional}}}
`

func parse(t *testing.T, text string) *schema.Schema {
	t.Helper()
	s, found := schema.Parse("schema.yaml", []byte(text))
	lock, more := schema.ReadLock("schema.lock.yaml", nil)
	found = append(found, more...)
	if !found.HasErrors() {
		found = append(found, s.Assign(lock)...)
	}
	if len(found) > 0 {
		t.Fatal(found)
	}
	return s
}

// document is a value for each attribute that is present.
type document map[string]any

// encode writes a document as the codec of a generated client does.
func encode(attributes []*schema.Attribute) func(*s3db.Encoder, *document) {
	sorted := slices.SortedFunc(slices.Values(attributes), func(a, b *schema.Attribute) int { return a.Number - b.Number })
	return func(e *s3db.Encoder, d *document) {
		for _, a := range sorted {
			if v, ok := (*d)[a.Name]; ok {
				put(a.Type)(e, a.Number, v)
			}
		}
	}
}

func put(t *schema.Type) func(e *s3db.Encoder, n int, v any) {
	return func(e *s3db.Encoder, n int, v any) {
		switch v := v.(type) {
		case string:
			e.String(n, v)
		case int64:
			e.Int(n, v)
		case float64:
			e.Float(n, v)
		case decimal.Decimal:
			e.Decimal(n, v)
		case bool:
			e.Bool(n, v)
		case s3db.Date:
			e.Date(n, v)
		case time.Time:
			e.Time(n, v)
		case time.Duration:
			e.Duration(n, v)
		case uuid.UUID:
			e.UUID(n, v)
		case netip.Addr:
			e.IP(n, v)
		case schema.EnumValue:
			e.Enum(n, v.Number)
		case []byte:
			e.Bytes(n, v)
		case s3db.PasswordHash:
			e.Password(n, v)
		case []any:
			s3db.EncodeArray(e, n, v, put(t.Elem))
		case map[string]any:
			s3db.EncodeMap(e, n, v, put(t.Elem))
		case document:
			s3db.EncodeObject(e, n, &v, encode(t.Fields))
		default:
			e.Float(n, math.NaN()) // which is refused
		}
	}
}

// sizes returns what the codec makes of a document: all of it, and its attributes.
func sizes(t *testing.T, r *schema.Resource, d document) (int, map[int]int) {
	t.Helper()
	draft, err := s3db.NewDraft(&d, s3db.DefaultMetadataLimit, nil, encode(r.Attributes), nil)
	if err != nil {
		t.Fatal(err)
	}
	fields := map[int]int{}
	for _, f := range draft.Fields() {
		fields[f.Number] = f.Size
	}
	return draft.Size(), fields
}

// source makes random values that keep the rules, mostly as large as they allow.
type source struct{ *rand.Rand }

// scripts are characters that the armour writes in different ways.
var scripts = []string{"a", "~", "`", "|()^=", " ", "\x00\n", "é", "Āž", "ƀ", "αЖ", "漢字", "a漢", "𐀀", "👍", "αĀ", "漢Ā", "~`|^a漢α𐀀Ā ("}

func (s source) text(alphabet string, n int) string {
	runes := []rune(alphabet)
	out := make([]rune, n)
	for i := range out {
		out[i] = runes[s.IntN(len(runes))]
	}
	return string(out)
}

func (s source) count(r schema.Rules, otherwise int) int {
	low, high := 0, otherwise
	if r.Max != nil {
		high = int(*r.Max)
	}
	if r.Min != nil {
		low = int(*r.Min)
	}
	if r.Length != nil {
		return int(*r.Length)
	}
	if s.IntN(3) > 0 {
		return high
	}
	return low + s.IntN(high-low+1)
}

func (s source) string(a *schema.Type) string {
	r := a.Rules
	alphabet := scripts[s.IntN(len(scripts))]
	switch {
	case len(r.In) > 0:
		return r.In[s.IntN(len(r.In))]
	case r.Pattern != "":
		return s.text("ABZ", 2+s.IntN(2)) + "-" + []string{"", "x", "1234", "𐀀", "`", "漢"}[s.IntN(6)]
	case r.Hex:
		alphabet = "09afAF"
	case r.Alphanum:
		alphabet = "azAZ09"
	case r.Alphadash:
		alphabet = "az_-09"
	case a.Kind == schema.KindURL:
		return "http://a/" + s.text([]string{"~", "漢", "𐀀", "a漢", "αĀ"}[s.IntN(5)], max(0, s.count(r, 0)-len("http://a/")))
	case a.Kind == schema.KindEmail:
		for {
			local, label := []string{"~", "`~", "|^~", "漢", "漢`", "α`", "𐀀"}[s.IntN(7)], []string{"漢", "Ā", "αĀ", "𐀀", "漢Ā"}[s.IntN(5)]
			text := s.text(local, 1+s.IntN(64)) + "@" + s.text(label, 1+s.IntN(31)) + "." + s.text(label, 1+s.IntN(31)) + "." + s.text(label, 1+s.IntN(31))
			if r.Max != nil {
				text = s.text(local, int(*r.Max)-4) + "@" + s.text(label, 1) + "." + s.text(label, 1)
			}
			var v s3db.Validator
			s3db.StringRules{Format: s3db.FormatEmail}.Check(&v, "", &text)
			if v.Err() == nil {
				return text
			}
		}
	}
	return s.text(alphabet, s.count(r, 0))
}

func (s source) value(t *schema.Type) any {
	extreme := func(ends ...int64) int64 { return ends[s.IntN(len(ends))] }
	switch t.Kind {
	case schema.KindInteger:
		switch {
		case t.Rules.Equal != "":
			return int64(7)
		case t.Rules.MaxNumber != "":
			return extreme(-61, 61, s.Int64N(61))
		case t.Rules.Positive:
			return extreme(1, math.MaxInt64, 1+s.Int64N(math.MaxInt64-1))
		}
		return extreme(math.MinInt64, math.MaxInt64, s.Int64())
	case schema.KindNumber:
		if t.Rules.MaxNumber != "" {
			return []float64{0, 1, 5e-324, s.Float64(), s.Float64() * 1e-300}[s.IntN(5)]
		}
		for {
			if v := math.Float64frombits(s.Uint64()); v-v == 0 {
				return []float64{v, -math.MaxFloat64, math.Round(s.Float64() * 1e18), -999999999999999000}[s.IntN(4)]
			}
		}
	case schema.KindBoolean:
		return s.IntN(2) == 0
	case schema.KindDate:
		first := 1
		if t.Rules.MinTime != "" {
			first = 2000
		}
		return s3db.Date{Year: []int{first, 9999, first + s.IntN(7000)}[s.IntN(3)], Month: 1 + time.Month(s.IntN(12)), Day: 1 + s.IntN(28)}
	case schema.KindDateTime:
		return time.Unix(extreme(-62135596800, 253402300799, s.Int64N(1e11)-5e10), extreme(0, 999_999_999, 1e6, s.Int64N(1e9))).UTC()
	case schema.KindDuration:
		if t.Rules.MaxNumber != "" {
			return time.Duration(extreme(-5e8, 90e9, -1, s.Int64N(89e9)))
		}
		return time.Duration(extreme(math.MinInt64, math.MaxInt64, -1, s.Int64()))
	case schema.KindUUID:
		return uuid.New()
	case schema.KindIP, schema.KindIP4, schema.KindIP6:
		var six [16]byte
		for i := range six {
			six[i] = []byte{0xff, byte(s.IntN(256))}[s.IntN(2)]
		}
		if t.Kind == schema.KindIP4 || t.Kind == schema.KindIP && s.IntN(2) == 0 {
			return netip.AddrFrom4([4]byte(six[:4]))
		}
		return netip.AddrFrom16(six)
	case schema.KindEnum:
		return t.Enum[s.IntN(len(t.Enum))]
	case schema.KindBytes:
		b := make([]byte, s.count(t.Rules, 0))
		for i := range b {
			b[i] = byte(s.IntN(256))
		}
		return b
	case schema.KindPassword:
		return longestPassword()
	case schema.KindArray:
		list := []any{}
		for range s.count(t.Rules, 2) {
			list = append(list, s.value(t.Elem))
		}
		return list
	case schema.KindObject:
		return s.object(t.Fields)
	default:
		return s.string(t)
	}
}

func (s source) object(attributes []*schema.Attribute) document {
	d := document{}
	for _, a := range attributes {
		if !a.Optional || s.IntN(3) > 0 {
			d[a.Name] = s.value(a.Type)
		}
	}
	return d
}

func longestPassword() s3db.PasswordHash {
	h, _ := s3db.ParsePasswordHash("$argon2id$v=19$m=1048576,t=64,p=64$" + strings.Repeat("/", 170) + "w$" + strings.Repeat("+", 170) + "w") // the codec refuses the zero hash
	return h
}

// TestBudgetIsNeverPassed: no document that keeps the rules is larger than the
// budget says, attribute by attribute. Sizes that no document comes near are
// useless, so every one must be nearly reached.
func TestBudgetIsNeverPassed(t *testing.T) {
	r := parse(t, measured).Resources[0]
	budget := r.Budget()
	s := source{rand.New(rand.NewPCG(1, 2))}
	seen := map[int]int{}
	for range 3000 {
		d := s.object(r.Attributes)
		size, fields := sizes(t, r, d)
		if size > budget.Worst {
			t.Fatalf("%d bytes, the budget says %d: %v", size, budget.Worst, d)
		}
		for _, f := range budget.Fields {
			size := fields[f.Attribute.Number]
			if size > f.Worst {
				t.Fatalf("%s has %d bytes, the budget says %d: %q", f.Attribute.Name, size, f.Worst, d[f.Attribute.Name])
			}
			seen[f.Attribute.Number] = max(seen[f.Attribute.Number], size)
		}
	}
	for _, f := range budget.Fields {
		// The random documents do not all have the worst of each value at once.
		if got := seen[f.Attribute.Number]; got*4 < f.Worst*3 {
			t.Errorf("%s: at most %d bytes seen, the budget says %d", f.Attribute.Name, got, f.Worst)
		}
	}
}

// TestBudgetIsReached has the values that are as large as the budget says.
func TestBudgetIsReached(t *testing.T) {
	largest := netip.AddrFrom16([16]byte(slices.Repeat([]byte{0xff}, 16)))
	for _, test := range []struct {
		declaration string
		value       any
	}{
		{"string|max:7", strings.Repeat("𐀀", 7)},
		{"string|max:1", "漢"},
		{"string|max:0", ""},
		{"text|max:300", strings.Repeat("𐀀", 300)},
		{"string|alphanum|max:30", strings.Repeat("x", 30)},
		{"string|base64|max:4", "ab=="},
		{"{type: string, pattern: '^[a-z]{2}-[A-Z]{2}$'}", "pt-BR"},
		{"{type: string, pattern: '^[!-~]{1,3}$'}", "~~~"},
		{"{type: string, pattern: '^(a|.b)$'}", "𐀀b"},
		{"string|enum:a,bcd", "bcd"},
		{"string|enum:a,~~", "~~"},
		{"email", strings.Repeat("~", 64) + "@" + strings.Repeat(strings.Repeat("漢Ā", 12)+".", 3) + "漢漢"},
		{"integer", int64(math.MinInt64)},
		{"integer|min:0", int64(math.MaxInt64)},
		{"integer|min:-5|max:62", int64(62)},
		{"number", -math.MaxFloat64},
		{"number|positive", math.MaxFloat64},
		{"boolean", true},
		{"date", s3db.Date{Year: 1, Month: 1, Day: 1}},
		{"date|min:1970-01-01", s3db.Date{Year: 9999, Month: 12, Day: 31}},
		{"datetime", time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC)},
		{"datetime|min:2000-01-01", time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)},
		{"duration", time.Duration(-9223372035_999_999_999)},
		{"duration|min:-2s|max:59s", time.Duration(-1_999_999_999)},
		{"uuid", uuid.Max},
		{"ip4", netip.AddrFrom4([4]byte{255, 255, 255, 255})},
		{"ip6", largest},
		{"ip", largest},
		{"bytes|max:10", make([]byte, 10)},
		{"password", longestPassword()},
		{"{type: array, items: boolean, max: 5}", []any{true, true, true, true, true}},
		{"array|items:boolean|unique", []any{true, false}},
		{"{type: array, max: 2, items: {type: string, max: 1}}", []any{"𐀀", "𐀀"}},
		{"{type: array, max: 2, items: {type: array, max: 1, items: 'string|alpha|max:1'}}", []any{[]any{"x"}, []any{"y"}}},
		{"{a: boolean|optional, b: boolean, c: boolean|optional}", document{"b": true, "c": true}},
		// The number of the third is longer than the second.
		{"{a: boolean, b: boolean|optional, c: string|alpha|max:2}", document{"a": true, "c": "xy"}},
	} {
		r := parse(t, "package: shop\nresources: {things: {attributes: {v: "+quoteRules(test.declaration)+"}}}\n").Resources[0]
		_, fields := sizes(t, r, document{"v": test.value})
		worst := r.Budget().Fields[0].Worst
		slack := 0
		if strings.Contains(test.declaration, "array, max: 2, items: {type: string") || strings.HasPrefix(test.declaration, "{a: boolean, b") {
			slack = 2 // what a mode of the armour may leave behind
		}
		if fields[1] > worst || fields[1] < worst-slack {
			t.Errorf("%s: %d bytes, the budget says %d", test.declaration, fields[1], worst)
		}
	}
}

func quoteRules(declaration string) string {
	if strings.HasPrefix(declaration, "{") {
		return declaration
	}
	return "'" + declaration + "'"
}

// TestBudgetOfSecrets compares with what a database stores, under the longest id
// that a key can have.
func TestBudgetOfSecrets(t *testing.T) {
	r := parse(t, `package: shop
resources:
  things:
    attributes:
      pin: {type: secret, items: {type: string, max: 5}}
      card: {type: secret, items: {type: object, fields: {number: string|numeric|max:19, valid: date}}}
      inner: {token: 'secret|max:3'}
`).Resources[0]
	for name, test := range map[string]struct {
		key  string
		size func(schema.FieldBudget) int
		row  string
	}{
		"worst": {strings.Repeat("k", 32), func(f schema.FieldBudget) int { return f.Worst },
			`{"id":"a","pin":"𐀀𐀀𐀀𐀀𐀀","card":{"number":"1234567890123456789","valid":"0001-01-01"},"inner":{"token":"𐀀𐀀𐀀"}}`},
		"typical": {"kkkkkkkk", func(f schema.FieldBudget) int { return f.Typical },
			`{"id":"a","pin":"aaaaa","card":{"number":"1234567890123456789","valid":"2024-02-29"},"inner":{"token":"aaa"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			store := registry(t, r)
			db, err := dynamic.New(t.Context(), store, dynamic.Config{Reveal: true}, s3db.WithKey(test.key, make([]byte, 32)))
			if err != nil {
				t.Fatal(err)
			}
			things, err := db.Resource("things")
			if err != nil {
				t.Fatal(err)
			}
			row, err := things.ParseInput([]byte(test.row))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := things.Insert(t.Context(), row); err != nil {
				t.Fatal(err)
			}
			object, err := store.Get(t.Context(), "resource=things/data/id=a")
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range r.Budget().Fields {
				number := strconv.Itoa(f.Attribute.Number)
				if got, want := len("x-amz-meta-")+len(number)+len(object.Metadata[number]), test.size(f); got != want {
					t.Errorf("%s: %d bytes, the budget says %d", f.Attribute.Name, got, want)
				}
			}
		})
	}
}

// registry returns a store with the registry of a database that has one resource.
func registry(t *testing.T, r *schema.Resource) *memstore.Store {
	t.Helper()
	shape := r.StoredShape()
	entry := map[string]any{"version": 0, "settings": json.RawMessage(r.StoredSettings()), "versions": []any{
		map[string]any{"version": 0, "hash": fmt.Sprintf("%x", sha256.Sum256([]byte(shape))), "created": time.Time{}, "schema": json.RawMessage(shape)},
	}}
	text, err := json.Marshal(map[string]any{"format": 1, "database": "db", "salt": make([]byte, 32), "resources": map[string]any{r.Name: entry}})
	if err != nil {
		t.Fatal(err)
	}
	store := memstore.New()
	if _, err := store.Put(t.Context(), "s3db.json", text, nil, s3db.Condition{}); err != nil {
		t.Fatal(err)
	}
	return store
}

// TestTypicalSizes: the codec writes a document of typical values in exactly the
// bytes that the budget calls typical.
func TestTypicalSizes(t *testing.T) {
	r := parse(t, strings.ReplaceAll(measured, "enforce-limits", "user-managed")+`      price: decimal
      free: json
      shape: object
      labels: {type: map, items: string}
      title: string
      prose: text
      site: url
`).Resources[0]
	d := typicalObject(r.Attributes)
	size, fields := sizes(t, r, d)
	budget := r.Budget()
	for _, f := range budget.Fields {
		if fields[f.Attribute.Number] != f.Typical {
			t.Errorf("%s: %d bytes, typical are %d", f.Attribute.Name, fields[f.Attribute.Number], f.Typical)
		}
	}
	if size != budget.Typical {
		t.Errorf("%d bytes, typical are %d", size, budget.Typical)
	}
}

func typicalObject(attributes []*schema.Attribute) document {
	d := document{}
	for _, a := range attributes {
		d[a.Name] = typicalValue(a.Type)
	}
	return d
}

func typicalValue(t *schema.Type) any {
	size, integer := schema.Typical(t)
	switch t.Kind {
	case schema.KindInteger:
		return integer
	case schema.KindNumber:
		return 19.99
	case schema.KindDecimal:
		return decimal.New(1999, -2)
	case schema.KindBoolean:
		return true
	case schema.KindDate:
		return s3db.Date{Year: 2024, Month: 2, Day: 29}
	case schema.KindDateTime:
		return time.Date(2024, 1, 15, 10, 20, 30, 123e6, time.UTC)
	case schema.KindDuration:
		return time.Hour
	case schema.KindUUID:
		return uuid.Max
	case schema.KindIP, schema.KindIP4:
		return netip.MustParseAddr("192.168.0.1")
	case schema.KindIP6:
		return netip.AddrFrom16([16]byte(slices.Repeat([]byte{0xff}, 16)))
	case schema.KindEnum:
		return t.Enum[len(t.Enum)-1]
	case schema.KindPassword:
		h, _ := s3db.ParsePasswordHash("$argon2id$v=19$m=19456,t=2,p=1$" + strings.Repeat("a", 21) + "A$" + strings.Repeat("a", 42) + "A") // the codec refuses the zero hash
		return h
	case schema.KindJSON, schema.KindObject:
		if t.Fields != nil {
			return typicalObject(t.Fields)
		}
		return strings.Repeat("j", schema.TypicalJSON)
	}
	switch t.Kind {
	case schema.KindBytes:
		return make([]byte, size)
	case schema.KindArray:
		list := []any{}
		for range size {
			list = append(list, typicalValue(t.Elem))
		}
		return list
	case schema.KindMap:
		m := map[string]any{}
		for i := range size {
			m[strings.Repeat(string(rune('a'+i)), schema.TypicalKey)] = typicalValue(t.Elem)
		}
		return m
	}
	return strings.Repeat("a", size)
}

// TestMetadataLimit: the budget and the runtime count against one limit.
func TestMetadataLimit(t *testing.T) {
	if schema.MetadataLimit != s3db.DefaultMetadataLimit {
		t.Errorf("the schema has %d, the runtime %d", schema.MetadataLimit, s3db.DefaultMetadataLimit)
	}
}
