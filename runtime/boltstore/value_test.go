package boltstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/internal/s3rules"
)

func TestValueRoundTrip(t *testing.T) {
	modified := time.Date(2024, 2, 29, 12, 0, 0, 123456789, time.UTC)
	for _, test := range []struct {
		body     string
		metadata map[string]string
	}{
		{"", map[string]string{}}, {"body", map[string]string{"1": "x"}},
		{strings.Repeat("b", 1<<16), map[string]string{"1": strings.Repeat("v", 1000), "2": "y", "s": "1-0"}},
	} {
		value, etag := encodeValue([]byte(test.body), test.metadata, modified)
		got, err := decodeValue(value, true)
		if err != nil {
			t.Fatal(err)
		}
		want := &s3db.Object{Body: []byte(test.body), Metadata: test.metadata, ETag: s3rules.ETag([]byte(test.body)), Size: int64(len(test.body)), LastModified: modified}
		if diff := cmp.Diff(want, got); diff != "" || etag != want.ETag {
			t.Errorf("ETag %s, (-want +got):\n%s", etag, diff)
		}
		item, err := decodeItem(value)
		if err != nil || item.Size != want.Size || item.ETag != etag || !item.LastModified.Equal(modified) {
			t.Errorf("item %+v, %v", item, err)
		}
		head, err := decodeValue(value, false)
		if err != nil || head.Body != nil || head.Size != want.Size {
			t.Errorf("head %+v, %v", head, err)
		}
	}
}

// Every changed bit and every cut is found.
func TestValueDamage(t *testing.T) {
	value, _ := encodeValue([]byte("the body"), map[string]string{"1": "Ada", "s": "1-0"}, time.Unix(1, 0))
	for i := range value {
		for bit := range 8 {
			damaged := bytes.Clone(value)
			damaged[i] ^= 1 << bit
			if _, err := decodeValue(damaged, true); !errors.Is(err, s3db.ErrCorrupt) && !errors.Is(err, s3db.ErrNewerFormat) {
				t.Errorf("bit %d of byte %d: error %v", bit, i, err)
			}
		}
		if _, err := decodeValue(value[:i], true); !errors.Is(err, s3db.ErrCorrupt) {
			t.Errorf("cut to %d bytes: error %v", i, err)
		}
	}
}

func FuzzDecodeValue(f *testing.F) {
	for _, metadata := range []map[string]string{nil, {"1": "Ada"}, {"1": "a", "2": "b"}} {
		value, _ := encodeValue([]byte("body"), metadata, time.Unix(1, 0))
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		if _, err := decodeItem(value); err == nil && value[0] != valueVersion {
			t.Error("decoded an unknown version")
		}
		if len(value) > headersAt { // with a right checksum the decoder gets further
			value = bytes.Clone(value)
			binary.BigEndian.PutUint32(value[crcAt:], checksum(value))
		}
		o, err := decodeValue(value, true)
		if err != nil {
			return
		}
		if item, err := decodeItem(value); err != nil || item.Size != int64(len(o.Body)) {
			t.Errorf("item %+v (%v) of an object of %d bytes", item, err, len(o.Body))
		}
	})
}

func TestPathOf(t *testing.T) {
	for _, test := range []struct{ path, goos, want string }{
		{"./shop.db", "linux", "./shop.db"}, {"shop.db", "linux", "shop.db"}, {"/var/shop.db", "linux", "/var/shop.db"},
		{"localhost/var/shop.db", "linux", "/var/shop.db"}, {"/C:/shop.db", "linux", "/C:/shop.db"},
		{"/C:/data/shop.db", "windows", `C:\data\shop.db`}, {`C:\data\shop.db`, "windows", `C:\data\shop.db`}, {"C:/shop.db", "windows", `C:\shop.db`},
		{"./shop.db", "windows", `.\shop.db`}, {"localhost/C:/shop.db", "windows", `C:\shop.db`},
	} {
		if got := pathOf(test.path, test.goos); got != test.want {
			t.Errorf("%s on %s: %s, want %s", test.path, test.goos, got, test.want)
		}
	}
}
