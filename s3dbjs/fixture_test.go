package s3dbjs_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/s3dbjs"
)

// fixture is a whole database that s3db.js wrote, with what it reads from it.
type fixture struct {
	Passphrase string
	Release    string
	Objects    []struct {
		Key      string
		Metadata map[string]string
		Body     []byte
	}
	Expected map[string]map[string]expectation // by resource and id
}

// expectation is what s3db.js returns for a document.
type expectation struct {
	Get     map[string]any
	Given   map[string]any // what was written, where it is not the same
	Content *struct {
		Base64      []byte
		ContentType string
	}
}

// loadFixture reads testdata/NAME.json. JavaScript shows the bytes of headers as
// Latin-1; Go sees the bytes.
func loadFixture(tb testing.TB, name string) *fixture {
	tb.Helper()
	text, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		tb.Fatal(err)
	}
	f := &fixture{}
	if err := json.Unmarshal(text, f); err != nil {
		tb.Fatal(err)
	}
	for _, o := range f.Objects {
		for k, v := range o.Metadata {
			o.Metadata[k] = latin1(v)
		}
	}
	return f
}

// latin1 returns the bytes that a text of JavaScript stands for.
func latin1(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteByte(byte(r))
	}
	return b.String()
}

func (f *fixture) definition(tb testing.TB) *s3dbjs.Definition {
	tb.Helper()
	def, err := s3dbjs.ParseDefinition(f.object("s3db.json").Body)
	if err != nil {
		tb.Fatal(err)
	}
	return def
}

func (f *fixture) object(key string) *s3db.Object {
	for _, o := range f.Objects {
		if o.Key == key {
			return &s3db.Object{Body: o.Body, Metadata: o.Metadata, Size: int64(len(o.Body))}
		}
	}
	return nil
}

// plain returns a record as s3db.js shows documents.
func plain(r *s3dbjs.Record) map[string]any {
	m := map[string]any{"id": r.ID}
	for k, v := range r.Values {
		m[k] = plainValue(v)
	}
	for name, t := range map[string]time.Time{"createdAt": r.Created, "updatedAt": r.Updated} {
		if !t.IsZero() {
			m[name] = plainValue(t)
		}
	}
	return m
}

func plainValue(v any) any {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case decimal.Decimal:
		f, _ := v.Float64()
		return f
	case time.Time:
		return v.Format("2006-01-02T15:04:05.000Z")
	case time.Duration:
		return isoDuration(v)
	case []byte:
		return "Buffer:" + hex.EncodeToString(v)
	case json.RawMessage:
		var out any
		if err := json.NewDecoder(bytes.NewReader(v)).Decode(&out); err != nil {
			return fmt.Sprintf("invalid JSON: %v", err)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plainValue(v[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k := range v {
			out[k] = plainValue(v[k])
		}
		return out
	}
	return v
}

// isoDuration writes PT1H30M, and PT1.500S with milliseconds.
func isoDuration(d time.Duration) string {
	var b strings.Builder
	b.WriteString("PT")
	if h := d / time.Hour; h > 0 {
		fmt.Fprintf(&b, "%dH", h)
	}
	if m := d % time.Hour / time.Minute; m > 0 {
		fmt.Fprintf(&b, "%dM", m)
	}
	switch s := d % time.Minute; {
	case s%time.Second != 0:
		fmt.Fprintf(&b, "%.3fS", s.Seconds())
	case s > 0:
		fmt.Fprintf(&b, "%sS", strconv.Itoa(int(s/time.Second)))
	}
	return b.String()
}
