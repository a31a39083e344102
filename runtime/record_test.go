package s3db

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

const (
	bodyStart = `{"rev":"0123456789abcdefABCDEF","created":"2024-01-15T10:20:30.5Z","updated":"2024-01-16T00:00:00Z"`
	plainBody = bodyStart + `}`
)

var compareRecords = cmp.AllowUnexported(record{}, field{}, claimRef{}, rawMember{})

// A record with all it can hold is stored in one way and comes back the same.
func TestRecordRoundTrip(t *testing.T) {
	r := &record{
		format: 1, version: 62, flags: "az", rev: "0123456789abcdefABCDEF", fence: "fence", past: "aaaaaaaaaaabbbbbbbbbbb",
		created: time.Date(2024, 1, 15, 10, 20, 30, 5e8, time.UTC), updated: time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
		entries: map[string]string{"byCountry": "token", "by\"é\n\x01": "t0"},
		claims:  map[string]claimRef{"email": {token: "t", etag: `"abc"`, extra: []rawMember{{"x", "[1]"}}}, "name": {token: "u"}},
		meta:    []field{{number: 1, text: "Ada", wire: "Ada"}, {number: 12, text: "é", wire: "~i"}},
		body:    []field{{number: 2, text: ""}, {number: 999999999, text: "\"\\\u2028\x7f\x00😀"}},
		extra:   []rawMember{{"later", `{"a":[1,2.5e3,"x",null,true,false]}`}, {"z", `"é"`}},
		headers: map[string]string{"mtime": "1.5"},
	}
	body, metadata := r.object()
	want := `{"rev":"0123456789abcdefABCDEF","fence":"fence","past":"aaaaaaaaaaabbbbbbbbbbb","created":"2024-01-15T10:20:30.5Z","updated":"9999-12-31T23:59:59.999999999Z",` +
		`"p":{"by\"é\n\u0001":"t0","byCountry":"token"},"u":{"email":{"t":"t","e":"\"abc\"","x":[1]},"name":{"t":"u","e":""}},` +
		"\"fields\":{\"2\":\"\",\"999999999\":\"\\\"\\\\\u2028\x7f\\u0000😀\"},\"later\":{\"a\":[1,2.5e3,\"x\",null,true,false]},\"z\":\"é\"}"
	if diff := cmp.Diff(want, string(body)); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"s": "1-10-az", "1": "Ada", "12": "~i", "mtime": "1.5"}, metadata); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	got, err := parseRecord(&Object{Body: body, Metadata: metadata})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, got, compareRecords); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	if got := r.overhead(); got != 11+1+len("1-10-az")+11+len("mtime")+len("1.5") {
		t.Error("overhead", got)
	}
}

// JSON that another writer formats otherwise reads the same.
func TestRecordOfOtherWriters(t *testing.T) {
	body := " {\n\t\"updated\" : \"2024-01-16T01:00:00+01:00\",\r\"fields\": {\"7\":\"\\u00e9\\ud83d\\ude00\\/\", \"3\":\"x\"},\"rev\":\"aaaaaaaaaaabbbbbbbbbbb\",\"created\":\"2024-01-15T10:20:30.500Z\"} "
	r, err := parseRecord(&Object{Body: []byte(body), Metadata: map[string]string{"s": "1-0"}})
	if err != nil {
		t.Fatal(err)
	}
	want := &record{format: 1, rev: "aaaaaaaaaaabbbbbbbbbbb", created: time.Date(2024, 1, 15, 10, 20, 30, 5e8, time.UTC), updated: time.Date(2024, 1, 16, 0, 0, 0, 0, time.UTC),
		meta: []field{}, body: []field{{number: 3, text: "x"}, {number: 7, text: "é😀/"}}}
	if len(r.meta) == 0 {
		r.meta = []field{}
	}
	if diff := cmp.Diff(want, r, compareRecords); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRecordErrors(t *testing.T) {
	const secret = "hunter2"
	for _, c := range []struct {
		name, system, body string
		header             map[string]string
		is                 error
		says               string
	}{
		{name: "no header", body: plainBody, is: ErrCorrupt, says: `header "s" is missing`},
		{name: "empty header", system: "-", body: plainBody, is: ErrCorrupt, says: `header "s": no format`},
		{name: "format zero", system: "0-0", body: plainBody, is: ErrCorrupt, says: `header "s": no format`},
		{name: "no version", system: "1", body: plainBody, is: ErrCorrupt, says: `header "s": no schema version`},
		{name: "bad version", system: "1-x_", body: plainBody, is: ErrCorrupt, says: `header "s": no schema version`},
		{name: "no flags", system: "1-0-", body: plainBody, is: ErrCorrupt, says: `header "s": no flags`},
		{name: "bad flags", system: "1-0-a1", body: plainBody, is: ErrCorrupt, says: "not different letters"},
		{name: "flag twice", system: "1-0-aa", body: plainBody, is: ErrCorrupt, says: "not different letters"},
		{name: "newer format", system: "2-0", body: "…", is: ErrNewerFormat, says: "storage format 2, this program knows 1"},
		{name: "newer format with more", system: "Z-whatever", body: "…", is: ErrNewerFormat, says: "storage format 61"},
		{name: "critical flag", system: "1-0-aT", body: plainBody, is: ErrNewerFormat, says: `critical flag "T"`},
		{name: "bad armour", system: "1-0", body: plainBody, header: map[string]string{"3": secret + "~"}, is: ErrCorrupt, says: `header "3"`},
		{name: "raw UTF-8", system: "1-0", body: plainBody, header: map[string]string{"3": secret + "é"}, is: ErrCorrupt, says: `header "3"`},
		{name: "no body", system: "1-0", body: "", is: ErrCorrupt, says: "byte 0 of 0"},
		{name: "no object", system: "1-0", body: `"` + secret + `"`, is: ErrCorrupt, says: "byte 0 of 9"},
		{name: "truncated", system: "1-0", body: bodyStart, is: ErrCorrupt, says: "byte 99 of 99"},
		{name: "more after it", system: "1-0", body: plainBody + "x", is: ErrCorrupt, says: "byte 100 of 101"},
		{name: "comma", system: "1-0", body: bodyStart + ",}", is: ErrCorrupt, says: "byte 100"},
		{name: "no revision", system: "1-0", body: `{"created":"2024-01-15T10:20:30Z","updated":"2024-01-15T10:20:30Z"}`, is: ErrCorrupt, says: "no revision"},
		{name: "empty revision", system: "1-0", body: `{"rev":"","created":"2024-01-15T10:20:30Z","updated":"2024-01-15T10:20:30Z"}`, is: ErrCorrupt, says: `"rev": not a token`},
		{name: "short revision", system: "1-0", body: `{"rev":"abc"}`, is: ErrCorrupt, says: `"rev": not a token`},
		{name: "token that leaves its key", system: "1-0", body: bodyStart + `,"p":{"a":"../../x"}}`, is: ErrCorrupt, says: `"p": "a": not a token`},
		{name: "claim's token", system: "1-0", body: bodyStart + `,"u":{"a":{"t":"a/b"}}}`, is: ErrCorrupt, says: `"u": "a": "t": not a token`},
		{name: "fence", system: "1-0", body: bodyStart + `,"fence":"é"}`, is: ErrCorrupt, says: `"fence": not a token`},
		{name: "half a token of the past", system: "1-0", body: bodyStart + `,"past":"abc"}`, is: ErrCorrupt, says: `"past": not a token`},
		{name: "no times", system: "1-0", body: `{"rev":"aaaaaaaaaaabbbbbbbbbbb"}`, is: ErrCorrupt, says: "no times"},
		{name: "bad time", system: "1-0", body: `{"rev":"aaaaaaaaaaabbbbbbbbbbb","created":"` + secret + `"}`, is: ErrCorrupt, says: `"created": not a time`},
		{name: "year 0", system: "1-0", body: `{"rev":"aaaaaaaaaaabbbbbbbbbbb","created":"0000-01-15T10:20:30Z"}`, is: ErrCorrupt, says: `"created": not a time`},
		{name: "revision twice", system: "1-0", body: bodyStart + `,"rev":"aaaaaaaaaaabbbbbbbbbbb"}`, is: ErrCorrupt, says: `"rev": member repeats`},
		{name: "escaped twice", system: "1-0", body: bodyStart + `,"r\u0065v":"aaaaaaaaaaabbbbbbbbbbb"}`, is: ErrCorrupt, says: `"rev": member repeats`},
		{name: "unknown twice", system: "1-0", body: bodyStart + `,"x":1,"x":2}`, is: ErrCorrupt, says: `"x": member repeats`},
		{name: "unknown inner twice", system: "1-0", body: bodyStart + `,"x":{"a":1,"a":2}}`, is: ErrCorrupt, says: `"x": "a": member repeats`},
		{name: "partition twice", system: "1-0", body: bodyStart + `,"p":{"a":"1","a":"2"}}`, is: ErrCorrupt, says: `"p": "a": member repeats`},
		{name: "claim twice", system: "1-0", body: bodyStart + `,"u":{"a":{"t":"1","t":"2"}}}`, is: ErrCorrupt, says: `"u": "a": "t": member repeats`},
		{name: "partition is a number", system: "1-0", body: bodyStart + `,"p":{"a":1}}`, is: ErrCorrupt, says: `"p": "a": not valid JSON`},
		{name: "field twice", system: "1-0", body: bodyStart + `,"fields":{"3":"` + secret + `","3":""}}`, is: ErrCorrupt, says: `"fields": "3": member repeats`},
		{name: "field name", system: "1-0", body: bodyStart + `,"fields":{"03":"` + secret + `"}}`, is: ErrCorrupt, says: `"fields": "03": not the number of a field`},
		{name: "field is a number", system: "1-0", body: bodyStart + `,"fields":{"3":3}}`, is: ErrCorrupt, says: `"fields": "3": not valid JSON`},
		{name: "field in both", system: "1-0", body: bodyStart + `,"fields":{"3":"` + secret + `"}}`, header: map[string]string{"3": "x"}, is: ErrCorrupt, says: "field 3 is in the metadata and in the body"},
		{name: "invalid UTF-8", system: "1-0", body: bodyStart + ",\"fields\":{\"3\":\"\xff\"}}", is: ErrCorrupt, says: `"fields": "3": not valid UTF-8`},
		{name: "half a surrogate pair", system: "1-0", body: bodyStart + `,"fields":{"3":"\ud83d"}}`, is: ErrCorrupt, says: `"fields": "3": not valid JSON`},
		{name: "newline in a string", system: "1-0", body: bodyStart + ",\"fields\":{\"3\":\"\n\"}}", is: ErrCorrupt, says: `"fields": "3": not valid JSON`},
		{name: "too deep", system: "1-0", body: bodyStart + `,"x":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, is: ErrCorrupt, says: `"x": not valid JSON`},
	} {
		metadata := maps.Clone(c.header)
		if metadata == nil {
			metadata = map[string]string{}
		}
		if c.system != "" {
			metadata["s"] = c.system
		}
		r, err := parseRecord(&Object{Body: []byte(c.body), Metadata: metadata})
		switch {
		case err == nil:
			t.Errorf("%s: no error but %v", c.name, r)
		case !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says):
			t.Errorf("%s: %v; want %q", c.name, err, c.says)
		case strings.Contains(err.Error(), secret):
			t.Errorf("%s: the error holds a value: %v", c.name, err)
		}
	}
}

// Errors of the decoder name the field and never hold its value.
func TestDecoderErrors(t *testing.T) {
	const secret = "hunter2|_"
	texts := func(fields ...string) *record {
		r := &record{}
		for i, s := range fields {
			r.meta = append(r.meta, field{number: i + 1, text: s})
		}
		return r
	}
	for name, c := range map[string]struct {
		record *record
		decode func(*Decoder)
		says   string
	}{
		"absent":          {texts(), func(d *Decoder) { _ = d.String(7) }, "field 7: corrupt: a required value is absent"},
		"integer":         {texts(secret), func(d *Decoder) { d.Int(1) }, "field 1: corrupt: not a base62 number"},
		"number":          {texts(secret), func(d *Decoder) { d.Float(1) }, "field 1: corrupt: not a number"},
		"boolean":         {texts("2"), func(d *Decoder) { d.Bool(1) }, "field 1: corrupt: not a boolean"},
		"date":            {texts("ZZZZZ"), func(d *Decoder) { d.Date(1) }, "field 1: corrupt: not a calendar day"},
		"bytes":           {texts("a"), func(d *Decoder) { d.Bytes(1) }, "field 1: corrupt: not base64url"},
		"stray bits":      {texts("_B"), func(d *Decoder) { d.Bytes(1) }, "field 1: corrupt: not base64url"},
		"JSON":            {texts("{"), func(d *Decoder) { d.JSON(1) }, "field 1: corrupt: not valid JSON"},
		"JSON blanks":     {texts("[1, 2]"), func(d *Decoder) { d.JSON(1) }, "field 1: corrupt: not valid JSON"},
		"null object":     {texts("null"), func(d *Decoder) { d.Object(1) }, "field 1: corrupt: not valid JSON"},
		"enum":            {texts("0"), func(d *Decoder) { d.Enum(1) }, "field 1: corrupt: not a value of the enum"},
		"password":        {texts(secret), func(d *Decoder) { d.Password(1) }, "field 1: corrupt: "},
		"array":           {texts("1||2"), func(d *Decoder) { DecodeArray(d, 1, (*Decoder).Int) }, "field 1: corrupt: not a base62 number"},
		"absent element":  {texts("1|^-"), func(d *Decoder) { DecodeArray(d, 1, (*Decoder).Int) }, "field 1: corrupt: not a packed text"},
		"bracket":         {texts("1)|2"), func(d *Decoder) { DecodeArray(d, 1, (*Decoder).Int) }, "field 1: corrupt: not a packed text"},
		"nested":          {texts("(1|2"), func(d *Decoder) { DecodeArray(d, 1, getInts) }, "field 1: corrupt: not a packed text"},
		"flat":            {texts("1|2"), func(d *Decoder) { DecodeArray(d, 1, getInts) }, "field 1: corrupt: not a packed text"},
		"map order":       {texts("b=1|a=2"), func(d *Decoder) { DecodeMap(d, 1, (*Decoder).Int) }, "field 1: corrupt: not a packed text"},
		"map twice":       {texts("a=1|a=2"), func(d *Decoder) { DecodeMap(d, 1, (*Decoder).Int) }, "field 1: corrupt: not a packed text"},
		"map without key": {texts(secret), func(d *Decoder) { DecodeMap(d, 1, (*Decoder).Int) }, "field 1: corrupt: not a packed text"},
		"escape":          {texts("a^b"), func(d *Decoder) { DecodeArray(d, 1, (*Decoder).String) }, "field 1: corrupt: not a packed text"},
		"object":          {texts("a|^1:b"), func(d *Decoder) { DecodeOptionalObject(d, 1, decodeInner) }, "field 1.2: corrupt: not a packed text"},
		"object's field":  {texts("a|^4:" + "!"), func(d *Decoder) { DecodeOptionalObject(d, 1, decodeInner) }, "field 1.4: corrupt: not a base62 number"},
		"object lacks":    {texts("^2:(^6:x)"), func(d *Decoder) { DecodeOptionalObject(d, 1, decodeInner) }, "field 1.1: corrupt: a required value is absent"},
		"element lacks":   {texts("(^4:1)"), func(d *Decoder) { DecodeArray(d, 1, getInner) }, "field 1.1: corrupt: a required value is absent"},
		"moved secret":    {texts("Mjp4"), func(d *Decoder) { DecodeSecret(d, 1, (*Decoder).String) }, "field 1: cannot decrypt"},
	} {
		d := newDecoder(c.record, xorSealer{})
		c.decode(d)
		c.decode(d)
		err := d.Err()
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v; want %q", name, err, c.says)
			continue
		}
		if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrDecrypt) {
			t.Errorf("%s: %v matches no sentinel", name, err)
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error holds a value: %v", name, err)
		}
	}
}

// Mistakes of the caller and values that cannot be stored stick.
func TestEncoderErrors(t *testing.T) {
	for name, c := range map[string]struct {
		encode func(*Encoder)
		says   string
	}{
		"invalid UTF-8":   {func(e *Encoder) { e.String(3, "a\xff") }, "field 3: not valid UTF-8"},
		"surrogate":       {func(e *Encoder) { e.String(3, "\xed\xa0\x80") }, "field 3: not valid UTF-8"},
		"UTF-8 in a map":  {func(e *Encoder) { EncodeMap(e, 3, map[string]string{"\xff": ""}, (*Encoder).String) }, "field 3: not valid UTF-8"},
		"UTF-8 in JSON":   {func(e *Encoder) { e.JSON(3, json.RawMessage("\"\xff\"")) }, "field 3: not valid UTF-8"},
		"UTF-8 free-form": {func(e *Encoder) { e.Object(3, map[string]any{"a": []any{"\xff"}}) }, "field 3: not valid UTF-8"},
		"UTF-8 key":       {func(e *Encoder) { e.Object(3, map[string]any{"\xff": 1}) }, "field 3: not valid UTF-8"},
		"JSON":            {func(e *Encoder) { e.JSON(3, json.RawMessage("{")) }, "field 3: not valid JSON"},
		"empty JSON":      {func(e *Encoder) { e.JSON(3, json.RawMessage{}) }, "field 3: not valid JSON"},
		"free-form":       {func(e *Encoder) { e.Object(3, map[string]any{"a": func() {}}) }, "field 3: holds a value that JSON cannot represent"},
		"NaN":             {func(e *Encoder) { e.Float(3, nan()) }, "field 3: NaN and infinities"},
		"infinity":        {func(e *Encoder) { e.Float(3, 1/zero()) }, "field 3: NaN and infinities"},
		"year 0":          {func(e *Encoder) { e.Time(3, time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC)) }, "field 3: the year"},
		"year 10000":      {func(e *Encoder) { e.Time(3, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)) }, "field 3: the year"},
		"date":            {func(e *Encoder) { e.Date(3, Date{Year: 2023, Month: 2, Day: 29}) }, "field 3: not a calendar day"},
		"zero date":       {func(e *Encoder) { e.Date(3, Date{}) }, "field 3: not a calendar day"},
		"enum":            {func(e *Encoder) { e.Enum(3, 0) }, "field 3: not a value of the enum"},
		"order":           {func(e *Encoder) { e.Int(3, 1); e.Int(2, 1) }, "field 2: fields must be written in ascending order"},
		"twice":           {func(e *Encoder) { e.Int(3, 1); e.Int(3, 1) }, "field 3: fields must be written in ascending order"},
		"order in objects": {func(e *Encoder) {
			EncodeObject(e, 3, &inner{}, func(e *Encoder, _ *inner) { e.Int(2, 1); e.Int(1, 1) })
		}, "field 3.1: fields must be written"},
		"in an element":  {func(e *Encoder) { EncodeArray(e, 3, []float64{1, nan()}, (*Encoder).Float) }, "field 3: NaN"},
		"secret, no key": {func(e *Encoder) { EncodeSecret(e, 3, NewSecret("x"), (*Encoder).String) }, "field 3: no key for secrets"},
		"no secret":      {func(e *Encoder) { EncodeSecret(e, 3, Secret[string]{}, (*Encoder).String) }, "field 3: a required value is absent"},
		"no password":    {func(e *Encoder) { e.Password(3, PasswordHash{}) }, "field 3: a required value is absent"},
	} {
		e := newEncoder(nil)
		c.encode(e)
		err := e.Err()
		e.Int(100, 1)
		if err == nil || !strings.Contains(err.Error(), c.says) || !errors.Is(e.Err(), err) {
			t.Errorf("%s: %v; want %q", name, err, c.says)
		}
	}
}

func zero() float64 { return 0 }
func nan() float64  { return zero() / zero() }

// Fields that this program does not know survive reading and writing: those of
// the document, and those of objects in it, however deep.
func TestUnknownFieldsSurvive(t *testing.T) {
	texts := []field{
		{number: 1, text: "before"}, {number: 3, text: "Ada|(x^'|^3:(deep|^5:^<|z)|^9:tag)|new|5|^9:(^)"}, {number: 50, text: "é"},
	}
	for i := range texts {
		texts[i].wire = string(appendArmour(nil, texts[i].text))
	}
	// The object has the fields 1, 2 and 9 of inner, and 3 and 4 from a newer
	// program; Deep has 6, and 3, 5 and 9 are from a newer program.
	type outer struct{ In *outerInner }
	decode := func(d *Decoder, v *outer) { v.In = DecodeOptionalObject(d, 3, decodeOuterInner) }
	d := newDecoder(&record{meta: texts}, nil)
	var v outer
	decode(d, &v)
	if err := d.Err(); err != nil {
		t.Fatal(err)
	}
	v.In.Name = "Ada Lovelace"
	e := newEncoder(nil)
	e.preserve(d.unknown())
	EncodeObject(e, 3, v.In, encodeOuterInner)
	if err := e.Err(); err != nil {
		t.Fatal(err)
	}
	want := []field{texts[0], {number: 3, text: strings.Replace(texts[1].text, "Ada", "Ada Lovelace", 1)}, texts[2]}
	want[1].wire = string(appendArmour(nil, want[1].text))
	if diff := cmp.Diff(want, e.fields(), cmp.AllowUnexported(field{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// An object that is cleared takes its fields along.
	e.reset(nil)
	e.preserve(d.unknown())
	EncodeObject(e, 3, nil, encodeOuterInner)
	if diff := cmp.Diff([]field{texts[0], texts[2]}, e.fields(), cmp.AllowUnexported(field{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

type outerInner struct {
	Name string
	Deep *outerDeep
	N    int64
	List []string
}

type outerDeep struct{ A, Z string }

func encodeOuterInner(e *Encoder, v *outerInner) {
	e.String(1, v.Name)
	EncodeObject(e, 2, v.Deep, encodeOuterDeep)
	e.Int(4, v.N)
	EncodeArray(e, 9, v.List, (*Encoder).String)
}

func decodeOuterInner(d *Decoder, v *outerInner) {
	v.Name = d.String(1)
	v.Deep = DecodeOptionalObject(d, 2, decodeOuterDeep)
	v.N = d.Int(4)
	v.List = DecodeArray(d, 9, (*Decoder).String)
}

func encodeOuterDeep(e *Encoder, v *outerDeep) {
	e.String(1, v.A)
	e.String(9, v.Z)
}

func decodeOuterDeep(d *Decoder, v *outerDeep) {
	v.A = d.String(1)
	v.Z = d.String(9)
}

// Inside a list there is no place to write an unknown field again: reading goes,
// writing is refused and says what is at stake.
func TestUnknownFieldInAListIsNotLost(t *testing.T) {
	for name, text := range map[string]string{"array": "(Ada)|(Bob|^7:x)", "map": "a=(Ada|^7:x)"} {
		d := newDecoder(&record{meta: []field{{number: 5, text: text}}}, nil)
		if name == "array" {
			DecodeArray(d, 5, getInner)
		} else {
			DecodeMap(d, 5, getInner)
		}
		if err := d.Err(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		e := newEncoder(nil)
		e.preserve(d.unknown())
		if err := e.Err(); !errors.Is(err, ErrNewerFormat) || !strings.Contains(err.Error(), "field 5.7 ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzRecord(f *testing.F) {
	f.Add(plainBody, "1-0", "1", "Ada")
	f.Add(bodyStart+`,"u":{"e":{"t":"q","e":"","x":1}},"p":{"a":"b"},"fields":{"3":"x"},"later":[{}]}`, "1-0-a", "mtime", "1")
	f.Add(`{"rev":"aaaaaaaaaaabbbbbbbbbb\u0062","created":"0001-01-01T00:00:00Z","updated":"9999-12-31T23:59:59.999999999Z"}`, "1-Z", "12", "~i")
	f.Fuzz(func(t *testing.T, body, system, name, value string) {
		r, err := parseRecord(&Object{Body: []byte(body), Metadata: map[string]string{systemHeader: system, name: value}})
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrNewerFormat) {
				t.Errorf("%v matches no sentinel", err)
			}
			return
		}
		again, metadata := r.object()
		if !json.Valid(again) {
			t.Errorf("%s is not JSON", again)
		}
		back, err := parseRecord(&Object{Body: again, Metadata: metadata})
		if err != nil {
			t.Fatalf("%s, which was %s: %v", again, body, err)
		}
		if diff := cmp.Diff(r, back, compareRecords); diff != "" {
			t.Errorf("(-first +second):\n%s", diff)
		}
	})
}

// The reader of bodies accepts what encoding/json accepts, but for repeated
// names, invalid UTF-8 and half surrogate pairs, and reads strings the same.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,-0.5e+3,true,false,null,"\u00e9\ud83d\ude00"]}`, `"\ud83d"`, `{"a":1,"a":2}`, `[01]`, ` [ ] `, `1.`, `-`, "\"\x7f\xff\"", `"\/\b\f"`, "[1,]", `{"a":}`, `tru`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		p := jsonParser{src: src}
		_, err := p.raw()
		if err == nil {
			err = p.end()
		}
		valid := json.Valid([]byte(src))
		if err == nil && !valid {
			t.Errorf("%q is taken for JSON", src)
		}
		if err != nil && valid && utf8.ValidString(src) && !errors.Is(err, errTwice) && !strings.Contains(src, `\u`) {
			t.Errorf("%q: %v", src, err)
		}
		p = jsonParser{src: src}
		if got, err := p.string(); err == nil && p.end() == nil {
			var want string
			if err := json.Unmarshal([]byte(src), &want); err != nil || got != want {
				t.Errorf("%q is %q, want %q (%v)", src, got, want, err)
			}
		}
		if utf8.ValidString(src) {
			quoted := string(appendJSONString(nil, src))
			p = jsonParser{src: quoted}
			if got, err := p.string(); err != nil || got != src || !json.Valid([]byte(quoted)) {
				t.Errorf("%q is %s is %q, %v", src, quoted, got, err)
			}
		}
	})
}

// What is packed comes back; what else is read fails or is packed the same way.
func FuzzPacked(f *testing.F) {
	f.Add("a", "b|(c)^", "k=1", int64(-5), "(a|^)|^-")
	f.Add("", "", "", int64(0), "a=(1)|b=^-")
	f.Add("^", "^-", "^2:", int64(1), "x|(^3:^/)|^9:^")
	f.Fuzz(func(t *testing.T, a, b, key string, n int64, text string) {
		if utf8.ValidString(a) && utf8.ValidString(b) && utf8.ValidString(key) {
			in := inner{Name: a, N: &n, Tags: []string{b, a}, Deep: &deep{
				Lists: [][]int64{nil, {}, {n}}, Maps: map[string][]string{key: {a}, a: {b, key}, b: nil}, Raw: []byte(b), Text: key,
			}}
			doc := packedDocument{In: in, Items: []inner{in, {Name: b}, in}, MM: map[string]map[string]int64{key: {a: n}, b: {}}}
			e := newEncoder(nil)
			encodePacked(e, &doc)
			r := store(t, e, false)
			var got packedDocument
			decodePacked(newDecoder(r, nil), &got)
			if diff := cmp.Diff(doc, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
		if !utf8.ValidString(text) {
			return
		}
		for i := range 3 {
			r := &record{meta: []field{{number: i + 1, text: text}}}
			d := newDecoder(r, nil)
			e := newEncoder(nil)
			switch i {
			case 0:
				v := DecodeOptionalObject(d, 1, decodeInner)
				e.preserve(d.unknown())
				EncodeObject(e, 1, v, encodeInner)
			case 1:
				v := DecodeArray(d, 2, getInner)
				e.preserve(d.unknown())
				EncodeArray(e, 2, v, putInner)
			case 2:
				v := DecodeMap(d, 3, getStrings)
				EncodeMap(e, 3, v, putStrings)
			}
			if d.Err() != nil || e.Err() != nil {
				continue
			}
			if again := e.fields(); len(again) != 1 || again[0].text != text {
				t.Errorf("%d: %q is packed again as %v", i, text, again)
			}
		}
	})
}

type packedDocument struct {
	In    inner
	Items []inner
	MM    map[string]map[string]int64
}

func encodePacked(e *Encoder, v *packedDocument) {
	EncodeObject(e, 1, &v.In, encodeInner)
	EncodeArray(e, 2, v.Items, putInner)
	EncodeMap(e, 3, v.MM, putCounts)
}

func decodePacked(d *Decoder, v *packedDocument) {
	DecodeObject(d, 1, &v.In, decodeInner)
	v.Items = DecodeArray(d, 2, getInner)
	v.MM = DecodeMap(d, 3, getCounts)
}

// Escapes do not multiply with the depth.
func TestNestingCostsOnce(t *testing.T) {
	var put func(e *Encoder, n int, depth int)
	put = func(e *Encoder, n int, depth int) {
		if depth == 0 {
			e.String(n, "|()^")
			return
		}
		EncodeArray(e, n, []int{depth - 1}, put)
	}
	e := newEncoder(nil)
	EncodeArray(e, 1, []int{50}, put)
	if got, want := len(e.fields()[0].text), 2*50+8; e.Err() != nil || got != want {
		t.Errorf("%d bytes, want %d; %v", got, want, e.Err())
	}
}

// Fields handed out stay as they are when the encoder is used again.
func TestFieldsOutliveReset(t *testing.T) {
	e := newEncoder(nil)
	e.String(1, "first é")
	f := e.fields()[0]
	for i := range 10 {
		e.reset(nil)
		e.String(1, fmt.Sprint("other", i))
		e.fields()
	}
	if f.text != "first é" || f.wire != "first ~i" {
		t.Error(f)
	}
}
