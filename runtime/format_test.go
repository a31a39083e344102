package s3db

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/s3dbgen/s3dbgen/internal/snippets"
)

// formatBlocks returns the fenced blocks of docs/format.md by their info strings,
// such as "vectors integer".
func formatBlocks(t *testing.T) map[string]string {
	t.Helper()
	pages, err := snippets.Read("..", "docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[string]string{}
	for _, block := range pages[0].Blocks {
		blocks[block.Kind()] += block.Text
	}
	return blocks
}

// The tables that the document prints are those of the program.
func TestFormatTables(t *testing.T) {
	want := map[string]string{}
	var b strings.Builder
	for _, p := range pageOne {
		fmt.Fprintf(&b, "~%c %04X\n", p.symbol, p.char)
	}
	want["table page-one"] = b.String()
	b.Reset()
	for i := 0; i < len(pageTwo); i += 16 {
		fmt.Fprintf(&b, "`%c %s\n", '!'+i, codePoints(pageTwo[i:min(i+16, len(pageTwo))]))
	}
	want["table page-two"] = b.String()
	b.Reset()
	for i, w := range windows {
		fmt.Fprintf(&b, "~%d %s\n", i, codePoints(w))
	}
	want["table windows"] = b.String()
	want["table window-symbols"] = windowLiterals + "\n" + windowSymbols + "\n"
	want["table digits"] = armourDigits + "\n"
	b.Reset()
	for _, r := range groupRanges {
		fmt.Fprintf(&b, "%5d %04X-%04X\n", r.index, r.low, r.high)
	}
	want["table groups"] = b.String()
	b.Reset()
	for _, e := range escapes {
		for _, r := range e.ranges {
			fmt.Fprintf(&b, "~%c %d %04X-%04X from %d\n", e.symbol, e.digits, r.low, r.high, r.index)
		}
	}
	want["table escapes"] = b.String()
	got := formatBlocks(t)
	straight, _, _ := strings.Cut(got["table mirror"], "\n")
	b.Reset()
	for _, c := range []byte(straight) {
		b.WriteByte(mirrorKey([]byte{c}, 0)[0])
	}
	want["table mirror"] = straight + "\n" + b.String() + "\n"
	for name, text := range want {
		if diff := cmp.Diff(text, got[name]); diff != "" {
			t.Errorf("%s (-program +document):\n%s\nthe program's:\n%s", name, diff, text)
		}
	}
}

// codePoints prints characters in hexadecimal, runs of three and more as ranges.
func codePoints(list []rune) string {
	var words []string
	for i := 0; i < len(list); {
		j := i
		for j+1 < len(list) && list[j+1] == list[j]+1 {
			j++
		}
		if j > i+1 {
			words = append(words, fmt.Sprintf("%04X-%04X", list[i], list[j]))
		} else {
			for _, c := range list[i : j+1] {
				words = append(words, fmt.Sprintf("%04X", c))
			}
		}
		i = j + 1
	}
	return strings.Join(words, " ")
}

// The test vectors of the document hold, both ways.
func TestFormatVectors(t *testing.T) {
	blocks := formatBlocks(t)
	codecs := map[string]func(t *testing.T, value string) string{
		"armour": func(t *testing.T, value string) string {
			wire := string(appendArmour(nil, value))
			if back, err := unarmour(wire); err != nil || back != value {
				t.Errorf("%q is read as %q, %v", wire, back, err)
			}
			return wire
		},
		"integer":  vector(parseInt, (*Encoder).Int, (*Decoder).Int),
		"number":   vector(func(s string) (float64, error) { return strconv.ParseFloat(s, 64) }, (*Encoder).Float, (*Decoder).Float),
		"decimal":  vector(decimal.NewFromString, (*Encoder).Decimal, (*Decoder).Decimal),
		"boolean":  vector(strconv.ParseBool, (*Encoder).Bool, (*Decoder).Bool),
		"datetime": vector(func(s string) (time.Time, error) { return time.Parse(time.RFC3339Nano, s) }, (*Encoder).Time, (*Decoder).Time),
		"date":     vector(ParseDate, (*Encoder).Date, (*Decoder).Date),
		"duration": vector(time.ParseDuration, (*Encoder).Duration, (*Decoder).Duration),
		"uuid":     vector(uuid.Parse, (*Encoder).UUID, (*Decoder).UUID),
		"ip":       vector(netip.ParseAddr, (*Encoder).IP, (*Decoder).IP),
		"bytes":    vector(hex.DecodeString, (*Encoder).Bytes, (*Decoder).Bytes),
		"packed": func(t *testing.T, value string) string {
			var v any
			if err := json.Unmarshal([]byte(value), &v); err != nil {
				t.Fatal(err)
			}
			e := newEncoder(nil)
			putAny(e, 1, v)
			if err := e.Err(); err != nil {
				t.Error(err)
			}
			return e.fields()[0].text
		},
		"key": func(t *testing.T, value string) string {
			kind, value, _ := strings.Cut(value, " ")
			return keyOf(t, func(k *KeyBuilder) { putKey(t, k, kind, value) })
		},
		"expiry": func(t *testing.T, value string) string {
			said := strings.Fields(value)
			from, err := time.Parse(time.RFC3339Nano, said[0])
			life, wrongLife := time.ParseDuration(said[1])
			every, wrongEvery := time.ParseDuration(said[2])
			if err := errors.Join(err, wrongLife, wrongEvery); err != nil {
				t.Fatal(err)
			}
			m := &model{TTL: &ttl{TTL: TTL[struct{}]{For: life, Every: every}}}
			m.Meta = func(document) *Meta { return &Meta{Expires: m.TTL.expires(nil, from, from)} }
			return keyOf(t, func(k *KeyBuilder) { x := m.expiryIndex(); x.Key(k, nil) })
		},
		"hashed": func(t *testing.T, value string) string {
			var parts []string
			if err := json.Unmarshal([]byte(value), &parts); err != nil || len(parts) < 3 {
				t.Fatal(parts, err)
			}
			key, err := hkdf.Key(sha256.New, bytes.Repeat([]byte{7}, keySize), []byte("0123456789abcdef"), hashKeyInfo, keySize)
			if err != nil {
				t.Fatal(err)
			}
			db := &Database{hashKey: key}
			var b KeyBuilder
			for _, v := range parts[2:] {
				b.String(v)
			}
			path, err := db.claimPath(parts[0], parts[1], make([]string, len(parts)-2), true, &b)
			if err != nil {
				t.Error(err)
			}
			return path
		},
		"name": func(_ *testing.T, value string) string { return string(appendKeyName(nil, value)) },
	}
	for name, codec := range codecs {
		lines := strings.Split(strings.TrimSpace(blocks["vectors "+name]), "\n")
		if len(lines) < 2 {
			t.Errorf("docs/format.md has no vectors of %s", name)
			continue
		}
		for _, line := range lines {
			t.Run(name, func(t *testing.T) {
				value, text := vectorLine(t, line)
				if got := codec(t, value); got != text {
					t.Errorf("%s: the program writes %q", line, got)
				}
			})
		}
	}
}

// vectorLine reads two JSON strings.
func vectorLine(t *testing.T, line string) (value, text string) {
	t.Helper()
	r := json.NewDecoder(strings.NewReader(line))
	if err := r.Decode(&value); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	if err := r.Decode(&text); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return value, text
}

func parseInt(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }

// vector checks that a value is read again, and returns its text.
func vector[T any](parse func(string) (T, error), put func(*Encoder, int, T), get func(*Decoder, int) T) func(*testing.T, string) string {
	return func(t *testing.T, s string) string {
		v, err := parse(s)
		if err != nil {
			t.Fatal(err)
		}
		e := newEncoder(nil)
		put(e, 1, v)
		if err := e.Err(); err != nil {
			t.Fatal(err)
		}
		d := newDecoder(&record{meta: e.fields()}, nil)
		if diff := cmp.Diff(v, get(d, 1), sameValues); diff != "" || d.Err() != nil {
			t.Errorf("%s: %v %s", s, d.Err(), diff)
		}
		return e.fields()[0].text
	}
}

// putAny packs a JSON value: arrays as arrays, objects as maps, or, when their
// names are numbers, as objects; null as an absent value.
func putAny(e *Encoder, n int, v any) {
	switch v := v.(type) {
	case nil:
		e.absent(n)
	case string:
		e.String(n, v)
	case []any:
		EncodeArray(e, n, v, putAny)
	case map[string]any:
		numbers := map[int]any{}
		for k, x := range v {
			if i, err := strconv.Atoi(k); err == nil {
				numbers[i] = x
			}
		}
		if len(numbers) < len(v) || len(v) == 0 {
			EncodeMap(e, n, v, putAny)
			return
		}
		EncodeObject(e, n, &numbers, func(e *Encoder, numbers *map[int]any) {
			for _, i := range slices.Sorted(maps.Keys(*numbers)) {
				putAny(e, i, (*numbers)[i])
			}
		})
	}
}

func putKey(t *testing.T, k *KeyBuilder, kind, value string) {
	t.Helper()
	kind, desc := strings.CutPrefix(kind, "desc-")
	if desc {
		k.Desc()
	}
	var err error
	switch kind {
	case "text":
		k.String(value)
	case "integer":
		var v int64
		v, err = parseInt(value)
		k.Int(v)
	case "number":
		var v float64
		v, err = strconv.ParseFloat(value, 64)
		k.Float(v)
	case "decimal":
		var v decimal.Decimal
		v, err = decimal.NewFromString(value)
		k.Decimal(v)
	case "datetime":
		var v time.Time
		v, err = time.Parse(time.RFC3339Nano, value)
		k.Time(v)
	case "date":
		var v Date
		v, err = ParseDate(value)
		k.Date(v)
	case "ip":
		var v netip.Addr
		v, err = netip.ParseAddr(value)
		k.IP(v)
	case "boolean":
		k.Bool(value == "true")
	default:
		t.Errorf("no kind %s", kind)
	}
	if err != nil {
		t.Error(err)
	}
}

// The example document is what the program writes and reads.
func TestFormatExample(t *testing.T) {
	blocks := formatBlocks(t)
	metadata := map[string]string{}
	for line := range strings.Lines(blocks["example headers"]) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if !ok {
			t.Fatalf("%q is no header", line)
		}
		metadata[strings.TrimPrefix(name, "x-amz-meta-")] = value
	}
	body := strings.ReplaceAll(blocks["example body"], "\n", "")
	r, err := parseRecord(&Object{Body: []byte(body), Metadata: metadata})
	if err != nil {
		t.Fatal(err)
	}
	again, headers := r.object()
	if diff := cmp.Diff(body, string(again)); diff != "" {
		t.Errorf("body (-document +program):\n%s", diff)
	}
	if diff := cmp.Diff(metadata, headers); diff != "" {
		t.Errorf("headers (-document +program):\n%s", diff)
	}
	d := newDecoder(r, nil)
	if name, age := d.String(1), d.Int(3); name != "Ada Löwe" || age != 36 || d.Err() != nil {
		t.Error(name, age, d.Err())
	}
}
