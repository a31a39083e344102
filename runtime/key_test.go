package s3db

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// keyOf returns the segment of a value.
func keyOf(t *testing.T, put func(*KeyBuilder)) string {
	t.Helper()
	var k KeyBuilder
	put(&k)
	path, err := k.path([]string{"v"})
	if err != nil {
		t.Fatal(err)
	}
	checkPath(t, path)
	return path
}

// checkPath checks that every server takes the segments.
func checkPath(t *testing.T, path string) {
	t.Helper()
	t.Helper()
	for s := range strings.SplitSeq(path, "/") {
		if s == "" || s == "." || s == ".." || len(s) > maxKeySegment {
			t.Errorf("segment %q of %d bytes", s, len(s))
		}
	}
	for i := range len(path) {
		if path[i] <= ' ' || path[i] > '~' {
			t.Errorf("byte %x in %q", path[i], path)
		}
	}
}

// inOrder checks that the keys of ascending values ascend, descend with Desc, and
// that none is the start of another.
func inOrder[T any](t *testing.T, put func(*KeyBuilder, T), values ...T) {
	t.Helper()
	up, down := make([]string, len(values)), make([]string, len(values))
	for i, v := range values {
		up[i] = keyOf(t, func(k *KeyBuilder) { put(k, v) })
		down[len(values)-1-i] = keyOf(t, func(k *KeyBuilder) { put(k.Desc(), v) })
	}
	for _, keys := range [][]string{up, down} {
		for i := 1; i < len(keys); i++ {
			if keys[i-1] >= keys[i] || strings.HasPrefix(keys[i], keys[i-1]) {
				t.Errorf("%q is not before %q, or is its start", keys[i-1], keys[i])
			}
		}
	}
}

func TestKeyOrder(t *testing.T) {
	var bytes256 []string
	for c := range 256 {
		bytes256 = append(bytes256, string([]byte{byte(c)}))
	}
	inOrder(t, (*KeyBuilder).String, bytes256...)
	inOrder(t, (*KeyBuilder).String, "", "\x00", "\x00\x00", "!", "US", "US\x00", "US!", "US-A", "US/", "USA", "us", "ÿ")
	inOrder(t, (*KeyBuilder).Int, math.MinInt64, math.MinInt64+1, -1000, -999, -100, -99, -10, -9, -2, -1, 0, 1, 2, 9, 10, 11, 99, 100, 101, 1e18, math.MaxInt64)
	inOrder(t, (*KeyBuilder).Float, -math.MaxFloat64, -1e300, -1e21, -1e20, -123.5, -123.45, -123.4, -1, -0.5, -1e-19, -1e-20, -1e-25, -5e-324,
		0, 5e-324, 1e-300, 1e-25, 1e-21, 1e-20, 1e-19, 0.001, 0.1, 0.42, 0.425, 0.5, 1, 1.5, 2, 10, 10.5, 42, 42.5, 100, 1e19, 1e20, 1e21, 1e22, 1e100, 1.5e100, math.MaxFloat64)
	var decimals []decimal.Decimal
	for _, v := range []struct {
		mant int64
		exp  int32
	}{
		{-1, 2000000000}, {-1, 21}, {-100001, -3}, {-1, 2}, {-1, -4}, {-1, -2000000000}, {0, 0}, {1, -2000000000},
		{1, -4}, {11, -5}, {10, -1}, {99999, -3}, {1, 2}, {100001, -3}, {1, 21}, {123456789012345678, 10}, {1, 2000000000},
	} {
		decimals = append(decimals, decimal.New(v.mant, v.exp))
	}
	inOrder(t, (*KeyBuilder).Decimal, decimals...)
	inOrder(t, (*KeyBuilder).Bool, false, true)
	base := time.Date(2024, 1, 15, 10, 20, 30, 0, time.UTC)
	inOrder(t, (*KeyBuilder).Time, time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1969, 12, 31, 23, 59, 59, 999, time.UTC), base, base.Add(1), base.Add(10), base.Add(time.Millisecond), base.Add(500*time.Millisecond),
		base.Add(time.Second), base.Add(time.Hour), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC))
	inOrder(t, (*KeyBuilder).Date, Date{Year: 1, Month: 1, Day: 1}, Date{Year: 999, Month: 12, Day: 31}, Date{Year: 1000, Month: 1, Day: 1}, Date{Year: 2024, Month: 2, Day: 29}, Date{Year: 2024, Month: 10, Day: 1})
	inOrder(t, (*KeyBuilder).Duration, -time.Hour, -1, 0, 1, time.Second, time.Hour)
	inOrder(t, (*KeyBuilder).UUID, uuid.Nil, uuid.MustParse("00000000-0000-0000-0000-000000000001"), uuid.MustParse("8d3ae1c9-60d8-4c1e-9d0b-3c7cf9c6a6f5"), uuid.Max)
	var addresses []netip.Addr
	for _, s := range []string{"0.0.0.0", "9.0.0.0", "10.0.0.0", "10.0.0.9", "10.0.0.10", "100.0.0.0", "255.255.255.255", "::", "::1", "::ffff:1.2.3.4", "2001:db8::1", "fe80::1", "fe80::1%a", "fe80::1%b"} {
		addresses = append(addresses, netip.MustParseAddr(s))
	}
	inOrder(t, (*KeyBuilder).IP, addresses...)
}

// Numbers of all sizes: the order of the keys is that of the values.
func TestKeyOrderOfRandomNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var floats []float64
	var ints []int64
	for range 2000 {
		v := math.Float64frombits(r.Uint64())
		if v-v == 0 {
			floats = append(floats, v, math.Trunc(v), float64(r.IntN(2000)-1000)/8)
		}
		ints = append(ints, int64(r.Uint64()>>r.IntN(64)), -int64(r.Uint64()>>(1+r.IntN(63)))) //nolint:gosec // any number will do
	}
	slices.Sort(floats)
	slices.Sort(ints)
	inOrder(t, (*KeyBuilder).Float, slices.Compact(floats)...)
	inOrder(t, (*KeyBuilder).Int, slices.Compact(ints)...)
}

func TestKeyVectors(t *testing.T) {
	for want, put := range map[string]func(*KeyBuilder){
		"v=US!":                          func(k *KeyBuilder) { k.String("US") },
		"v=!":                            func(k *KeyBuilder) { k.String("") },
		"v=S~C3~A3o,20Paulo!":            func(k *KeyBuilder) { k.String("São Paulo") },
		"v=.2E.2E.2F,00_5F~7E!":          func(k *KeyBuilder) { k.String("../\x00_~") },
		"v=b42!":                         func(k *KeyBuilder) { k.Int(42) },
		"v=-YvxPz!":                      func(k *KeyBuilder) { k.String("-YvxPz") },
		"v=b425!":                        func(k *KeyBuilder) { k.Float(42.5) },
		"v=Z5!":                          func(k *KeyBuilder) { k.Decimal(decimal.RequireFromString("0.50")) },
		"v=0!":                           func(k *KeyBuilder) { k.Float(math.Copysign(0, -1)) },
		"v=2024-01-15!":                  func(k *KeyBuilder) { k.MaxLength(10).Time(time.Date(2024, 1, 15, 23, 0, 0, 0, time.UTC)) },
		"v=2024-01-15T10=3A20=3A30.2E5!": func(k *KeyBuilder) { k.Time(time.Date(2024, 1, 15, 10, 20, 30, 5e8, time.UTC)) },
		"v=~C3~A9~C3~A9!":                func(k *KeyBuilder) { k.MaxLength(2).String("ééé") },
		"v=true!":                        func(k *KeyBuilder) { k.Bool(true) },
		"v=010-000-002-200!":             func(k *KeyBuilder) { k.IP(netip.MustParseAddr("10.0.2.200")) },
		"v=hj~!":                         func(k *KeyBuilder) { k.Desc().String("EC") },
		"":                               func(k *KeyBuilder) { k.Absent() },
	} {
		if got := keyOf2(t, put); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func keyOf2(t *testing.T, put func(*KeyBuilder)) string {
	t.Helper()
	var k KeyBuilder
	put(&k)
	path, err := k.path([]string{"v"})
	if err != nil {
		t.Error(err)
	}
	return path
}

func TestKeyBuilderRefuses(t *testing.T) {
	for name, put := range map[string]func(*KeyBuilder){
		"NaN":        func(k *KeyBuilder) { k.Float(math.NaN()) },
		"infinity":   func(k *KeyBuilder) { k.Float(math.Inf(1)) },
		"zero IP":    func(k *KeyBuilder) { k.IP(netip.Addr{}) },
		"year 10000": func(k *KeyBuilder) { k.Time(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)) },
		"two values": func(k *KeyBuilder) { k.Int(1); k.Int(2) },
	} {
		var k KeyBuilder
		put(&k)
		if path, err := k.path([]string{"v"}); err == nil {
			t.Errorf("%s: %q", name, path)
		}
	}
}

// Values above the limit are cut and hashed; they keep apart, and no other value
// can have their keys.
func TestKeyOfLongValues(t *testing.T) {
	seen := map[string]int{}
	for n := 140; n < 2100; n++ {
		for _, c := range []string{"a", "é", "/", "\x00"} {
			for _, desc := range []bool{false, true} {
				var k KeyBuilder
				if desc {
					k.Desc()
				}
				k.String(strings.Repeat(c, n))
				path, err := k.path([]string{"a", "b", "c"})
				if err != nil {
					t.Fatal(err)
				}
				checkPath(t, path)
				if was, ok := seen[path]; ok {
					t.Fatalf("%d and %d times %q have the key %q", was, n, c, path)
				}
				seen[path] = n
				if k.hashed != strings.Contains(path, "!!") || (c == "a" && k.hashed != (n > 160 || desc && n == 160)) {
					t.Errorf("%d times %q: hashed %v: %q", n, c, k.hashed, path)
				}
			}
		}
	}
	var k KeyBuilder
	for range 8 {
		k.String(strings.Repeat("x", 3000))
	}
	path, err := k.path(slices.Repeat([]string{"profile.address.country"}, 8))
	if err == nil {
		checkPath(t, path)
		if key := entryKey("some/prefix", "resource", "partition", path, strings.Repeat("~", 66), "12345678901"); len(key) > 1024 {
			t.Errorf("a key of %d bytes", len(key))
		}
	}
}

// A list prefix of one value never lists another's entries, users never users2.
func TestKeysKeepApart(t *testing.T) {
	names := []string{"country", "city"}
	path := func(values ...string) string {
		var k KeyBuilder
		for _, v := range values {
			k.String(v)
		}
		p, err := k.path(names)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	entry := entryKey("app", "users", "byPlace", path("USA", "X"), "ada", "tokentoken1")
	if want := "app/resource=users/partition=byPlace/country=USA!/city=X!/id=ada!tokentoken1"; entry != want {
		t.Errorf("got %s, want %s", entry, want)
	}
	for prefix, want := range map[string]bool{
		entryPrefix("app", "users", "byPlace", ""):               true,
		entryPrefix("app", "users", "byPlace", path("USA")):      true,
		entryPrefix("app", "users", "byPlace", path("USA", "X")): true,
		entryPrefix("app", "users", "byPlace", path("US")):       false,
		entryPrefix("app", "users", "byPlace", path("USA", "")):  false,
		entryPrefix("app", "user", "byPlace", ""):                false,
		entryPrefix("app", "users", "byPlac", ""):                false,
		entryPrefix("ap", "users", "byPlace", ""):                false,
	} {
		if got := strings.HasPrefix(entry, prefix); got != want {
			t.Errorf("%s lists %s: %v", prefix, entry, got)
		}
	}
	if id, token, ok := parseEntryKey(entry + "!reserved"); id != "ada" || token != "tokentoken1" || !ok {
		t.Error(id, token, ok)
	}
	for _, bad := range []string{"", "id=", "id=a", "id=!t", "id=a!", "id=_41!t", "id=a b!t", "x/id=~E!t"} {
		if id, token, ok := parseEntryKey(bad); ok {
			t.Errorf("%q has the entry of %q with %q", bad, id, token)
		}
	}
	if got, want := claimKey("", "users", "profile.email", path("BR", "x")), "resource=users/unique=profile.email/country=BR!/city=x!"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := contentKey("", "caf\u00e9", "a/b", "T1"), "resource=caf~C3~A9/content/id=a.2Fb!T1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestValidateID(t *testing.T) {
	for _, id := range []string{"a", "order-123", "8d3ae1c9-60d8-4c1e-9d0b-3c7cf9c6a6f5", "a.b", "a=b", "...", "user_1", strings.Repeat("x", 200), strings.Repeat("_", 66)} {
		if err := ValidateID(id, false); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	for id, want := range map[string]string{
		"": "empty", ".": "directories", "..": "directories", "a/b": `'/' (U+002F) at byte 1`, "a\\": "U+005C", "a b": "U+0020", "é": "U+00E9", "a\x00": "U+0000 at byte 1",
		"👍": `charset: any`, "a\"": "U+0022", "a'": "U+0027", "\x7f": "U+007F", strings.Repeat("x", 201): "1 bytes too long", strings.Repeat("_", 67): "1 bytes too long", strings.Repeat("x", 2000): "limit is 200",
	} {
		err := ValidateID(id, false)
		if !errors.Is(err, ErrInvalidID) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", id, err, want)
		}
	}
	for _, id := range []string{"a/b", "..", ".", " ", "👍", "é\n"} {
		if err := ValidateID(id, true); err != nil {
			t.Errorf("%q: %v", id, err)
		}
		key := dataKey("p", "users", id)
		checkPath(t, key)
		if back, ok := parseDataKey("p", "users", key); !ok || back != id {
			t.Errorf("%q is %q is %q", id, key, back)
		}
	}
	for _, id := range []string{"", "a\x00", "\xff", strings.Repeat("é", 34)} {
		if err := ValidateID(id, true); !errors.Is(err, ErrInvalidID) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// What a secret holds goes into no key, whole or as the start of one, and only into
// the hash of a claim.
func TestSecretKeys(t *testing.T) {
	secret := NewSecret("needle")
	var k KeyBuilder
	k.String("US")
	KeySecret(&k, &secret, (*KeyBuilder).String)
	if path, err := k.path([]string{"country", "pin"}); !errors.Is(err, ErrConfig) || path != "" {
		t.Errorf("path %q, %v", path, err)
	}
	if segment, err := k.appendSegment(nil, []string{"pin"}, 0, 1); !errors.Is(err, ErrConfig) || len(segment) > 0 {
		t.Errorf("segment %q, %v", segment, err)
	}
	db := &Database{hashKey: make([]byte, 32)}
	path, err := db.claimPath("users", "pin", []string{"country", "pin"}, true, &k)
	if err != nil || strings.Contains(path, "US") || strings.Contains(path, "needle") {
		t.Errorf("claim %q, %v", path, err)
	}
	k.reset()
	KeySecret(&k, nil, (*KeyBuilder).String)
	if path, err := db.claimPath("users", "pin", []string{"pin"}, true, &k); err != nil || path != "" {
		t.Errorf("an absent secret: claim %q, %v", path, err)
	}
}

func FuzzKeyOfTexts(f *testing.F) {
	f.Add("US", "USA")
	f.Add("a", "a\x00")
	f.Add("../", "%2e")
	f.Add(strings.Repeat("x", 200), strings.Repeat("x", 201))
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, desc := range []bool{false, true} {
			key := func(v string) (string, bool) {
				var k KeyBuilder
				if desc {
					k.Desc()
				}
				k.String(v)
				path, err := k.path([]string{"v"})
				if err != nil {
					t.Fatal(err)
				}
				checkPath(t, path)
				return path, k.hashed
			}
			ka, ha := key(a)
			kb, hb := key(b)
			if (a == b) != (ka == kb) {
				t.Errorf("%q and %q have the keys %q and %q", a, b, ka, kb)
			}
			if a != b && (strings.HasPrefix(ka, kb) || strings.HasPrefix(kb, ka)) {
				t.Errorf("%q and %q: one is the start of the other", ka, kb)
			}
			order := strings.Compare(a, b)
			if desc {
				order = -order
			}
			if !ha && !hb && strings.Compare(ka, kb) != order {
				t.Errorf("%q and %q have the keys %q and %q, in another order", a, b, ka, kb)
			}
		}
		if back, ok := parseKeyText(string(appendKeyText(nil, a))); !ok || back != a {
			t.Errorf("%q is read as %q", a, back)
		}
		if text, ok := parseKeyText(a); ok && !bytes.Equal(appendKeyText(nil, text), []byte(a)) {
			t.Errorf("%q is read as %q, which is written otherwise", a, text)
		}
		id, _, ok := parseEntryKey(a)
		if ok && !utf8.ValidString(a) && utf8.ValidString(id) && id == "" {
			t.Errorf("%q has no id", a)
		}
	})
}

func FuzzKeyOfNumbers(f *testing.F) {
	f.Add(1.0, 2.0, int64(1), int64(2))
	f.Add(-0.5, 1e300, int64(-1), int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, a, b float64, i, j int64) {
		if a-a == 0 && b-b == 0 {
			ka, kb := keyOf(t, func(k *KeyBuilder) { k.Float(a) }), keyOf(t, func(k *KeyBuilder) { k.Float(b) })
			if (a < b) != (ka < kb) || (a == b) != (ka == kb) {
				t.Errorf("%v and %v have the keys %q and %q", a, b, ka, kb)
			}
			if kd := keyOf(t, func(k *KeyBuilder) { k.Decimal(decimal.NewFromFloat(a)) }); kd != ka {
				t.Errorf("%v: %q as a number, %q as a decimal", a, ka, kd)
			}
		}
		ki, kj := keyOf(t, func(k *KeyBuilder) { k.Int(i) }), keyOf(t, func(k *KeyBuilder) { k.Int(j) })
		if (i < j) != (ki < kj) || (i == j) != (ki == kj) {
			t.Errorf("%d and %d have the keys %q and %q", i, j, ki, kj)
		}
	})
}
