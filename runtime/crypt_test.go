package s3db

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

func testSalt() []byte { return []byte("0123456789abcdef") }

func rawKey(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

func testRing(t *testing.T, sources ...keySource) *keyring {
	t.Helper()
	ring, err := newKeyring(testSalt(), sources...)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// The vectors of docs/format.md, with the nonce 00 01 … 0b. A second
// implementation must give the same bytes.
func TestSealKnownAnswer(t *testing.T) {
	page, err := os.ReadFile("../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		source keySource
		sealed string
	}{
		{"raw key with an id", keySource{id: "k1", raw: rawKey(7)}, "01026b31000102030405060708090a0b754d46f4a7cab19c089fb7c559bb25f9576fd84b72"},
		{"raw key without an id", keySource{raw: rawKey(7)}, "01084a56645f7677654a000102030405060708090a0b754d46f4a788275fc6da29632374a7394dd24ac750"},
		{"passphrase", keySource{passphrase: []byte("correct horse battery staple")}, "01084b4c5634564d3331000102030405060708090a0b9c40990a418ff0d1250407b6f62c995250aa255e22"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ring := testRing(t, tt.source)
			ring.random = bytes.NewReader([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})
			s := newSealer(ring, "db", "users", "ada")
			sealed, err := s.seal("5.2", []byte("hello"))
			if err != nil {
				t.Fatal(err)
			}
			if got := hex.EncodeToString(sealed); got != tt.sealed {
				t.Errorf("sealed = %s, want %s", got, tt.sealed)
			}
			if !bytes.Contains(page, []byte("`"+tt.sealed+"`")) {
				t.Errorf("docs/format.md does not have the vector %s", tt.sealed)
			}
		})
	}
}

// The same, written down from the text of docs/format.md with the standard
// library alone.
func TestSealFollowsTheFormat(t *testing.T) {
	key, err := hkdf.Key(sha256.New, rawKey(7), testSalt(), "s3dbgen 1 secrets", 32)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := newSealer(testRing(t, keySource{id: "k1", raw: rawKey(7)}), "db", "users", "ada").seal("5.2", []byte("hello"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(sealed, []byte("\x01\x02k1")) || len(sealed) != 4+12+5+16 {
		t.Fatalf("sealed = %x", sealed)
	}
	additional := "\x00\x00\x00\x10s3dbgen secret 1" + "\x00\x00\x00\x02db" + "\x00\x00\x00\x05users" + "\x00\x00\x00\x03ada" + "\x00\x00\x00\x035.2" + "\x00\x00\x00\x02k1"
	plain, err := gcm.Open(nil, sealed[4:16], sealed[16:], []byte(additional))
	if err != nil || string(plain) != "hello" {
		t.Errorf("opened %q, %v", plain, err)
	}
}

func TestSealRoundTrip(t *testing.T) {
	s := newSealer(testRing(t, keySource{raw: rawKey(1)}), "db", "users", "ada")
	seen := map[string]bool{}
	for _, plain := range []string{"", "x", "\x00\xff", strings.Repeat("long ", 10_000)} {
		for range 3 {
			sealed, err := s.seal("1", []byte(plain))
			if err != nil {
				t.Fatal(err)
			}
			if seen[string(sealed)] {
				t.Fatal("the same value was sealed to the same bytes twice")
			}
			seen[string(sealed)] = true
			if len(plain) > 8 && bytes.Contains(sealed, []byte(plain[:8])) {
				t.Error("the sealed value holds the plain one")
			}
			back, err := s.open("1", sealed)
			if err != nil || string(back) != plain {
				t.Errorf("opened %d bytes of %d, %v", len(back), len(plain), err)
			}
		}
	}
}

// A sealed value opens where it was sealed, with the key it was sealed with, and
// byte for byte as it was; nothing else yields a value.
func TestSealedValueIsBoundToItsPlace(t *testing.T) {
	ring := testRing(t, keySource{id: "a", raw: rawKey(1)}, keySource{id: "b", raw: rawKey(2)})
	sealed, err := newSealer(ring, "db", "users", "ada").seal("5", []byte("hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	open := func(database, resource, id, path string, ring *keyring, sealed []byte) error {
		plain, err := newSealer(ring, database, resource, id).open(path, sealed)
		if err == nil && string(plain) != "hunter2" {
			return fmt.Errorf("opened as %q", plain)
		}
		return err
	}
	if err := open("db", "users", "ada", "5", ring, sealed); err != nil {
		t.Fatal(err)
	}
	if err := open("db", "users", "ada", "5", testRing(t, keySource{id: "b", raw: rawKey(2)}, keySource{id: "a", raw: rawKey(1)}), sealed); err != nil {
		t.Errorf("after the active key changed: %v", err)
	}
	renamed := bytes.Replace(sealed, []byte("\x01\x01a"), []byte("\x01\x01b"), 1)
	twin := testRing(t, keySource{id: "a", raw: rawKey(1)}, keySource{id: "c", raw: rawKey(1)})
	twinRenamed := bytes.Replace(sealed, []byte("\x01\x01a"), []byte("\x01\x01c"), 1)
	tests := map[string]error{
		"other database":                 open("db2", "users", "ada", "5", ring, sealed),
		"other resource":                 open("db", "users2", "ada", "5", ring, sealed),
		"other document":                 open("db", "users", "bob", "5", ring, sealed),
		"other field":                    open("db", "users", "ada", "6", ring, sealed),
		"field of an object":             open("db", "users", "ada", "5.1", ring, sealed),
		"parts shifted":                  open("dbu", "sers", "ada", "5", ring, sealed),
		"parts shifted to the id":        open("db", "user", "sada", "5", ring, sealed),
		"wrong key under the same id":    open("db", "users", "ada", "5", testRing(t, keySource{id: "a", raw: rawKey(3)}), sealed),
		"missing key":                    open("db", "users", "ada", "5", testRing(t, keySource{id: "b", raw: rawKey(2)}), sealed),
		"no keys":                        open("db", "users", "ada", "5", nil, sealed),
		"id of another key":              open("db", "users", "ada", "5", ring, renamed),
		"other id of the same key":       open("db", "users", "ada", "5", twin, twinRenamed),
		"nothing":                        open("db", "users", "ada", "5", ring, nil),
		"longer":                         open("db", "users", "ada", "5", ring, append(slices.Clone(sealed), 0)),
		"id longer than the whole value": open("db", "users", "ada", "5", ring, []byte{1, 255, 'a'}),
	}
	for name, err := range tests {
		if !errors.Is(err, ErrDecrypt) {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error shows the value: %v", name, err)
		}
	}
	if err := tests["missing key"]; !strings.Contains(err.Error(), `needs the key "a", and Open was given ["b"]`) {
		t.Errorf("missing key: %v", err)
	}
	for n := range sealed {
		if err := open("db", "users", "ada", "5", ring, sealed[:n]); !errors.Is(err, ErrDecrypt) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	for bit := range len(sealed) * 8 {
		changed := slices.Clone(sealed)
		changed[bit/8] ^= 1 << (bit % 8)
		if err := open("db", "users", "ada", "5", ring, changed); !errors.Is(err, ErrDecrypt) {
			t.Errorf("bit %d flipped: %v", bit, err)
		}
	}
}

func TestKeyIDs(t *testing.T) {
	ring := testRing(t, keySource{passphrase: []byte("new")}, keySource{passphrase: []byte("old")}, keySource{id: "raw-1", raw: rawKey(1)})
	ids := ring.ids()
	if len(ids) != 3 || len(ids[0]) != 8 || ids[0] == ids[1] || ids[2] != "raw-1" {
		t.Fatalf("ids = %q", ids)
	}
	sealed, err := newSealer(ring, "db", "r", "d").seal("1", []byte("x"))
	if err != nil || !bytes.HasPrefix(sealed, []byte("\x01\x08"+ids[0])) {
		t.Errorf("the first key is not the active one: %x, %v", sealed, err)
	}
	again := testRing(t, keySource{passphrase: []byte("new")})
	if again.ids()[0] != ids[0] {
		t.Error("the id of a passphrase is not stable")
	}
	if plain, err := newSealer(again, "db", "r", "d").open("1", sealed); err != nil || string(plain) != "x" {
		t.Errorf("opened %q, %v", plain, err)
	}
	other, err := newKeyring([]byte("another database"), keySource{passphrase: []byte("new")})
	if err != nil || other.ids()[0] == ids[0] {
		t.Errorf("one passphrase gives two databases the same key: %v", err)
	}
}

func TestNewKeyringRefuses(t *testing.T) {
	for name, sources := range map[string][]keySource{
		"short key":        {{raw: rawKey(1)[:31]}},
		"no key":           {{id: "a"}},
		"both":             {{raw: rawKey(1), passphrase: []byte("x")}},
		"same id twice":    {{id: "a", raw: rawKey(1)}, {id: "a", raw: rawKey(2)}},
		"same key twice":   {{raw: rawKey(1)}, {raw: rawKey(1)}},
		"id with a blank":  {{id: "a b", raw: rawKey(1)}},
		"id that is long":  {{id: strings.Repeat("a", 33), raw: rawKey(1)}},
		"id not in ASCII":  {{id: "é", raw: rawKey(1)}},
		"empty passphrase": {{passphrase: []byte{}}},
	} {
		if _, err := newKeyring(testSalt(), sources...); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := newKeyring(testSalt()[:15], keySource{raw: rawKey(1)}); !errors.Is(err, ErrConfig) {
		t.Errorf("short salt: %v", err)
	}
	ring, err := newKeyring(nil)
	if ring != nil || err != nil {
		t.Errorf("no keys: %v, %v", ring, err)
	}
	if _, err := newSealer(nil, "db", "r", "d").seal("1", nil); !errors.Is(err, ErrConfig) {
		t.Errorf("sealing without a key: %v", err)
	}
	broken := testRing(t, keySource{raw: rawKey(1)})
	broken.random = bytes.NewReader([]byte{1, 2, 3})
	if _, err := newSealer(broken, "db", "r", "d").seal("1", nil); err == nil {
		t.Error("sealed without enough random numbers")
	}
}

func FuzzOpenSealed(f *testing.F) {
	ring, err := newKeyring(testSalt(), keySource{id: "k1", raw: rawKey(7)})
	if err != nil {
		f.Fatal(err)
	}
	ring.random = bytes.NewReader(make([]byte, nonceSize)) // the same in every worker
	s := newSealer(ring, "db", "users", "ada")
	sealed, err := s.seal("5", []byte("hello"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add([]byte{})
	f.Add([]byte{1, 2, 'k', '1'})
	f.Fuzz(func(t *testing.T, data []byte) {
		plain, err := s.open("5", data)
		if err == nil && !bytes.Equal(data, sealed) {
			t.Fatalf("a forged value opened as %q", plain)
		}
		if err != nil && !errors.Is(err, ErrDecrypt) {
			t.Fatalf("error = %v", err)
		}
	})
}
