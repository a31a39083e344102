package s3db

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// ruleTest is one value and the violations, as "rule: message", that it gets.
type ruleTest[T any] struct {
	name  string
	value T
	want  []string
}

func ok[T any](name string, value T) ruleTest[T] { return ruleTest[T]{name: name, value: value} }

func bad[T any](name string, value T, want ...string) ruleTest[T] {
	return ruleTest[T]{name: name, value: value, want: want}
}

func runRule[T any, R Rule[T]](t *testing.T, group string, rules R, tests ...ruleTest[T]) {
	t.Helper()
	for _, tt := range tests {
		t.Run(group+"/"+tt.name, func(t *testing.T) {
			v := new(Validator)
			Check(v, "x", &tt.value, rules)
			var got []string
			for _, x := range v.violations {
				got = append(got, strings.TrimPrefix(x.Path, "x")+" "+x.Rule+": "+x.Message)
			}
			want := slices.Clone(tt.want)
			for i := range want {
				if !strings.HasPrefix(want[i], "[") {
					want[i] = " " + want[i]
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("violations = %q, want %q", got, want)
			}
		})
	}
}

func TestStringRules(t *testing.T) {
	runRule(t, "none", StringRules{}, ok("empty", ""), ok("text", " x "), ok("NUL", "\x00"),
		bad("bytes", "a\xffb", "utf8: must be valid UTF-8"), bad("surrogate", "\xed\xa0\x80", "utf8: must be valid UTF-8"))
	runRule(t, "min", StringRules{Min: 3}, ok("3", "abc"), ok("3 runes", "éåü"),
		bad("2", "ab", "min: must have at least 3 characters, has 2"), bad("4 bytes", "éå", "min: must have at least 3 characters, has 2"))
	runRule(t, "max", StringRules{Max: 3}, ok("empty", ""), ok("3 runes", "日本語"), bad("4", "日本語x", "max: must have at most 3 characters, has 4"))
	runRule(t, "length", StringRules{Length: 1}, ok("1", "語"), bad("0", "", "length: must have exactly 1 character, has 0"),
		bad("2", "ab", "length: must have exactly 1 character, has 2"))
	runRule(t, "pattern", StringRules{Pattern: regexp.MustCompile(`^[A-Z]{2}-\d+$`)}, ok("match", "AB-1"),
		bad("no match", "ab-1", `pattern: must match ^[A-Z]{2}-\d+$`))
	runRule(t, "contains", StringRules{Contains: "é"}, ok("has", "caféteria"), bad("has not", "cafe", `contains: must contain "é"`))
	runRule(t, "startsWith", StringRules{StartsWith: "ab"}, ok("has", "abc"), bad("has not", "bab", `startsWith: must start with "ab"`))
	runRule(t, "endsWith", StringRules{EndsWith: "ab"}, ok("has", "cab"), bad("has not", "abc", `endsWith: must end with "ab"`))
	runRule(t, "enum", StringRules{In: []string{"a", "b"}}, ok("in", "b"), bad("not in", "c", "enum: must be one of a, b"), bad("case", "A", "enum: must be one of a, b"))
	many := strings.Split(strings.Repeat("v,", 24)+"v", ",")
	runRule(t, "long enum", StringRules{In: many}, bad("not in", "c", "enum: must be one of "+strings.Repeat("v, ", 19)+"v and 5 more"))
	runRule(t, "all at once", StringRules{Min: 5, Contains: "x", In: []string{"y"}},
		bad("all", "abc", "min: must have at least 5 characters, has 3", `contains: must contain "x"`, "enum: must be one of y"))
}

func TestNormalizingRules(t *testing.T) {
	tests := []struct {
		rules    StringRules
		in, want string
	}{
		{StringRules{Trim: true}, "\t x y \u2003\n", "x y"},
		{StringRules{Lowercase: true}, "ÀB ẞ", "àb ß"},
		{StringRules{Uppercase: true}, "àb", "ÀB"},
		{StringRules{Trim: true, Lowercase: true}, " A ", "a"},
		{StringRules{Lowercase: true}, "A\xff", "A\xff"}, // not hidden as U+FFFD
	}
	for _, tt := range tests {
		v := new(Validator)
		got := tt.in
		Check(v, "x", &got, tt.rules)
		if got != tt.want {
			t.Errorf("%+v of %q = %q, want %q", tt.rules, tt.in, got, tt.want)
		}
		once := got
		if Check(v, "x", &got, tt.rules); got != once {
			t.Errorf("%+v is not idempotent: %q, %q", tt.rules, once, got)
		}
	}
	runRule(t, "before the checks", StringRules{Trim: true, Min: 2}, bad("blank", "  a  ", "min: must have at least 2 characters, has 1"))
}

func TestNumberRules(t *testing.T) {
	runRule(t, "int min max", IntRules{Min: At(int64(0)), Max: At(int64(10))}, ok("0", int64(0)), ok("10", int64(10)),
		bad("-1", int64(-1), "min: must be at least 0"), bad("11", int64(11), "max: must be at most 10"))
	runRule(t, "int positive", IntRules{Positive: true}, ok("1", int64(1)), bad("0", int64(0), "positive: must be above 0"), bad("-1", int64(-1), "positive: must be above 0"))
	runRule(t, "int negative", IntRules{Negative: true}, ok("-1", int64(-1)), bad("0", int64(0), "negative: must be below 0"), bad("largest", int64(math.MaxInt64), "negative: must be below 0"))
	runRule(t, "int equal", IntRules{Equal: At(int64(5))}, ok("5", int64(5)), bad("4", int64(4), "equal: must be 5"))
	runRule(t, "int notEqual", IntRules{NotEqual: At(int64(0))}, ok("5", int64(5)), bad("0", int64(0), "notEqual: must not be 0"))
	runRule(t, "int exact", IntRules{Max: At(int64(math.MaxInt64 - 1))}, bad("above 2^53", int64(math.MaxInt64), "max: must be at most 9223372036854775806"))

	notFinite := "number: must be a finite number"
	runRule(t, "float", FloatRules{}, ok("0", 0.0), ok("-0", math.Copysign(0, -1)), ok("max", math.MaxFloat64),
		bad("NaN", math.NaN(), notFinite), bad("+Inf", math.Inf(1), notFinite), bad("-Inf", math.Inf(-1), notFinite))
	runRule(t, "float min max", FloatRules{Min: At(0.5), Max: At(1.5)}, ok("min", 0.5), ok("max", 1.5),
		bad("below", 0.25, "min: must be at least 0.5"), bad("above", 2.0, "max: must be at most 1.5"))
	runRule(t, "float sign", FloatRules{Positive: true}, ok("tiny", math.SmallestNonzeroFloat64), bad("0", 0.0, "positive: must be above 0"))
	runRule(t, "float negative", FloatRules{Negative: true, Equal: At(-1.0), NotEqual: At(2.0)}, ok("-1", -1.0),
		bad("2", 2.0, "equal: must be -1", "notEqual: must not be 2", "negative: must be below 0"))

	runRule(t, "duration", DurationRules{Min: At(time.Second), Max: At(time.Minute), NotEqual: At(2 * time.Second), Positive: true},
		ok("1s", time.Second), bad("0", time.Duration(0), "min: must be at least 1s", "positive: must be above 0"),
		bad("2s", 2*time.Second, "notEqual: must not be 2s"), bad("1h", time.Hour, "max: must be at most 1m0s"))

	d := decimal.RequireFromString
	runRule(t, "decimal", DecimalRules{Min: At(d("0.01")), Max: At(d("99.99"))}, ok("min", d("0.010")), ok("max", d("99.99")),
		bad("below", d("0.0099999999999999999999"), "min: must be at least 0.01"), bad("above", d("99.990000000000000000001"), "max: must be at most 99.99"))
	runRule(t, "decimal sign", DecimalRules{Positive: true}, ok("small", d("1e-30")), bad("zero", decimal.Decimal{}, "positive: must be above 0"), bad("minus", d("-1"), "positive: must be above 0"))
	runRule(t, "decimal equal", DecimalRules{Equal: At(d("1.0")), Negative: true}, bad("1.00", d("1.00"), "negative: must be below 0"), bad("-2", d("-2"), "equal: must be 1"))
	exponent := "decimal: must have an exponent between -6144 and 6144"
	// Without the rule this comparison needs 2^31 digits.
	runRule(t, "decimal exponent", DecimalRules{Min: At(d("0"))}, ok("largest", decimal.New(1, 6144)),
		bad("huge", decimal.New(1, math.MaxInt32), exponent), bad("tiny", decimal.New(1, math.MinInt32), exponent), bad("zero", decimal.New(0, math.MaxInt32), exponent))
}

func TestTimeAndDateRules(t *testing.T) {
	at := func(s string) time.Time {
		x, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	rules := TimeRules{Min: at("2024-01-01T00:00:00Z"), Max: at("2024-12-31T23:59:59Z")}
	runRule(t, "time", rules, ok("min", at("2024-01-01T01:00:00+01:00")), ok("max", rules.Max), bad("none", time.Time{}, "required: must be set"),
		bad("before", at("2023-12-31T23:59:59.999999999Z"), "min: must not be before 2024-01-01T00:00:00Z"),
		bad("after", at("2024-12-31T23:59:59.000000001Z"), "max: must not be after 2024-12-31T23:59:59Z"))
	year := "datetime: must lie in the years 1 to 9999"
	runRule(t, "time range", TimeRules{}, ok("first", time.Time{}.Add(1)), ok("last", at("9999-12-31T23:59:59.999999999Z")),
		bad("before", time.Time{}.Add(-1), year), bad("after", at("9999-12-31T23:59:59.999999999Z").Add(1), year),
		bad("UTC counts", time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("west", -3600)), year))
	runRule(t, "date", DateRules{Min: Date{2024, 1, 1}, Max: Date{2024, 12, 31}}, ok("min", Date{2024, 1, 1}), ok("max", Date{2024, 12, 31}),
		bad("none", Date{}, "required: must be set"), bad("no day", Date{2024, 2, 30}, "date: must be a day of the calendar, years 1 to 9999"),
		bad("before", Date{2023, 12, 31}, "min: must not be before 2024-01-01"), bad("after", Date{2025, 1, 1}, "max: must not be after 2024-12-31"))
}

func TestTimesAreStoredInUTC(t *testing.T) {
	given := time.Now().In(time.FixedZone("east", 3600))
	d, optional, list := given, &given, []time.Time{given}
	v := new(Validator)
	Check(v, "a", &d, TimeRules{})
	CheckOptional(v, "b", &optional, TimeRules{})
	Check(v, "c", &list, ArrayRules[time.Time, TimeRules]{})
	for _, got := range []time.Time{d, *optional, list[0]} {
		if got != given.UTC().Round(0) {
			t.Errorf("%v became %v", given, got)
		}
	}
	if optional == &given || given.Location() == time.UTC {
		t.Error("the caller's own instant was changed")
	}
}

func TestUUIDAndIPRules(t *testing.T) {
	v4, v7 := uuid.MustParse("5f6b2f0e-8c1a-4c8e-9d3b-0a1b2c3d4e5f"), uuid.MustParse("01890a5d-ac96-774b-bcce-b302099a8057")
	notRFC := uuid.MustParse("5f6b2f0e-8c1a-4c8e-1d3b-0a1b2c3d4e5f")
	runRule(t, "uuid", UUIDRules{}, ok("v4", v4), ok("v7", v7), ok("any variant", notRFC), bad("none", uuid.Nil, "required: must be set"))
	runRule(t, "uuid v4", UUIDRules{Version: 4}, ok("v4", v4), bad("v7", v7, "version: must be a UUID of version 4"), bad("variant", notRFC, "version: must be a UUID of version 4"))
	four, six, mapped := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("::ffff:192.0.2.1")
	zone := netip.MustParseAddr("fe80::1%eth0")
	runRule(t, "ip", IPRules{}, ok("4", four), ok("6", six), ok("mapped", mapped), bad("none", netip.Addr{}, "required: must be set"), bad("zone", zone, "ip: must have no zone"))
	runRule(t, "ip4", IPRules{V4: true}, ok("4", four), bad("6", six, "ip4: must be an IPv4 address"), bad("mapped", mapped, "ip4: must be an IPv4 address"))
	runRule(t, "ip6", IPRules{V6: true}, ok("6", six), ok("mapped", mapped), bad("4", four, "ip6: must be an IPv6 address"))
	runRule(t, "ip both", IPRules{V4: true, V6: true}, ok("4", four), ok("6", six))
}

func TestBytesAndJSONRules(t *testing.T) {
	runRule(t, "bytes", BytesRules{Min: 2, Max: 3}, ok("2", []byte{0, 0xff}), bad("none", []byte(nil), "required: must be set"),
		bad("1", []byte{1}, "min: must have at least 2 bytes, has 1"), bad("4", make([]byte, 4), "max: must have at most 3 bytes, has 4"))
	runRule(t, "bytes length", BytesRules{Length: 2, Optional: true}, ok("none", []byte(nil)), bad("0", []byte{}, "length: must have exactly 2 bytes, has 0"))
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	runRule(t, "json", JSONRules{}, ok("null", raw("null")), ok("object", raw(` {"a":[1,2.5e3,"x"]} `)),
		bad("none", raw(""), "json: must be valid JSON"), bad("nil", json.RawMessage(nil), "required: must be set"),
		bad("two", raw("1 2"), "json: must be valid JSON"), bad("broken", raw(`{"a":`), "json: must be valid JSON"), bad("bytes", raw("\"\xff\""), "utf8: must be valid UTF-8"))
	runRule(t, "json optional", JSONRules{Optional: true}, ok("nil", json.RawMessage(nil)))
	runRule(t, "bool", BoolRules{}, ok("true", true), ok("false", false))
	runRule(t, "any", AnyRules[chan int]{}, ok("nil", (chan int)(nil)))
}

func TestArrayRules(t *testing.T) {
	type rules = ArrayRules[string, StringRules]
	runRule(t, "required", rules{}, ok("empty", []string{}), bad("nil", []string(nil), "required: must be set"))
	runRule(t, "optional", rules{Optional: true, Min: 1}, ok("nil", []string(nil)), bad("empty", []string{}, "min: must have at least 1 item, has 0"))
	runRule(t, "sizes", rules{Min: 2, Max: 3}, ok("2", []string{"a", "b"}), bad("1", []string{"a"}, "min: must have at least 2 items, has 1"), bad("4", make([]string, 4), "max: must have at most 3 items, has 4"))
	runRule(t, "length", rules{Length: 2}, bad("3", make([]string, 3), "length: must have exactly 2 items, has 3"))
	runRule(t, "items", rules{Items: StringRules{Max: 1}}, bad("second", []string{"a", "bb", "c", "dd"},
		"[1] max: must have at most 1 character, has 2", "[3] max: must have at most 1 character, has 2"))
	runRule(t, "nested", ArrayRules[[]int64, ArrayRules[int64, IntRules]]{Items: ArrayRules[int64, IntRules]{Unique: true, Items: IntRules{Positive: true}}},
		ok("fine", [][]int64{{1, 2}, {1}}),
		bad("inside", [][]int64{{1}, {2, -1, 2}, nil}, "[1][1] positive: must be above 0", "[1][2] unique: repeats x[1][0]", "[2] required: must be set"))
}

func TestUniqueItems(t *testing.T) {
	d := decimal.RequireFromString
	v4, v7 := uuid.MustParse("5f6b2f0e-8c1a-4c8e-9d3b-0a1b2c3d4e5f"), uuid.MustParse("01890a5d-ac96-774b-bcce-b302099a8057")
	utc := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	repeats := "[2] unique: repeats x[0]"
	runRule(t, "strings", ArrayRules[string, StringRules]{Unique: true}, ok("differ", []string{"a", "A", "b"}), bad("same", []string{"a", "b", "a"}, repeats),
		bad("thrice", []string{"a", "b", "a", "a"}, repeats, "[3] unique: repeats x[0]"))
	runRule(t, "after trim", ArrayRules[string, StringRules]{Unique: true, Items: StringRules{Trim: true}}, bad("same", []string{"a", "b", " a "}, repeats))
	runRule(t, "ints", ArrayRules[int64, IntRules]{Unique: true}, bad("same", []int64{1, 2, 1}, repeats))
	runRule(t, "floats", ArrayRules[float64, FloatRules]{Unique: true}, bad("same", []float64{0, 2, math.Copysign(0, -1)}, repeats))
	runRule(t, "bools", ArrayRules[bool, BoolRules]{Unique: true}, bad("same", []bool{true, false, true}, repeats))
	runRule(t, "decimals", ArrayRules[decimal.Decimal, DecimalRules]{Unique: true}, bad("same", []decimal.Decimal{d("1"), d("2"), d("1.00")}, repeats))
	runRule(t, "times", ArrayRules[time.Time, TimeRules]{Unique: true}, bad("same", []time.Time{utc, utc.Add(1), utc.In(time.FixedZone("x", 3600))}, repeats))
	runRule(t, "dates", ArrayRules[Date, DateRules]{Unique: true}, bad("same", []Date{{2024, 1, 1}, {2024, 1, 2}, {2024, 1, 1}}, repeats))
	runRule(t, "durations", ArrayRules[time.Duration, DurationRules]{Unique: true}, bad("same", []time.Duration{1, 2, 1}, repeats))
	runRule(t, "uuids", ArrayRules[uuid.UUID, UUIDRules]{Unique: true}, bad("same", []uuid.UUID{v4, v7, v4}, repeats))
	runRule(t, "ips", ArrayRules[netip.Addr, IPRules]{Unique: true}, bad("same", []netip.Addr{netip.MustParseAddr("::1"), netip.MustParseAddr("::2"), netip.MustParseAddr("0::1")}, repeats))
	runRule(t, "bytes", ArrayRules[[]byte, BytesRules]{Unique: true}, bad("same", [][]byte{{1}, {2}, {1}}, repeats))
}

// Few items are compared in pairs, many are sorted; the report is the same.
func TestUniqueItemsOfLongArrays(t *testing.T) {
	for _, n := range []int{10, 24, 25, 1000} {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprint((i*7919 + 13) % n)
		}
		v := new(Validator)
		rules := ArrayRules[string, StringRules]{Unique: true}
		if Check(v, "x", &list, rules); v.Err() != nil {
			t.Fatalf("%d items: %v", n, v.Err())
		}
		list[9], list[5], list[7] = list[2], list[2], list[3]
		Check(v, "x", &list, rules)
		wantViolations(t, v, "x[5]: unique: repeats x[2]", "x[7]: unique: repeats x[3]", "x[9]: unique: repeats x[2]")
	}
}

func TestMapRules(t *testing.T) {
	type rules = MapRules[int64, IntRules]
	runRule(t, "required", rules{}, ok("empty", map[string]int64{}), bad("nil", map[string]int64(nil), "required: must be set"))
	runRule(t, "optional", rules{Optional: true, Length: 1}, ok("nil", map[string]int64(nil)), bad("2", map[string]int64{"a": 1, "b": 2}, "length: must have exactly 1 entry, has 2"))
	runRule(t, "sizes", rules{Min: 2, Max: 2}, ok("2", map[string]int64{"": 1, "b": 2}), bad("1", map[string]int64{"a": 1}, "min: must have at least 2 entries, has 1"))
	runRule(t, "keys", rules{}, bad("bytes", map[string]int64{"\xff": 1}, `["\xff"] utf8: must have a key of valid UTF-8`))
	runRule(t, "values", rules{Values: IntRules{Positive: true}}, bad("two", map[string]int64{"b": 0, "a": -1, "c": 1},
		`["a"] positive: must be above 0`, `["b"] positive: must be above 0`))
}

func TestFreeObjectRules(t *testing.T) {
	type object = map[string]any
	runRule(t, "required", FreeObjectRules{}, ok("empty", object{}), bad("nil", object(nil), "required: must be set"))
	runRule(t, "sizes", FreeObjectRules{Optional: true, Min: 1, Max: 1}, ok("nil", object(nil)), ok("1", object{"a": 1}), bad("0", object{}, "min: must have at least 1 entry, has 0"))
	runRule(t, "values", FreeObjectRules{}, ok("all kinds", object{
		"nil": nil, "bool": true, "int": 1, "int64": int64(1), "uint8": uint8(1), "float": 1.5, "float32": float32(1.5), "text": "é",
		"number": json.Number("-1e5"), "list": []any{1, "x", nil, object{"a": []any{}}}, "": object{},
	}))
	kinds := "must be nil, a bool, a number, a string, []any or map[string]any, is "
	runRule(t, "refused", FreeObjectRules{}, bad("all", object{
		"a": math.NaN(), "b": []any{1, "\xff"}, "c": object{"d": make(chan int)}, "e": json.Number("x"), "f": json.Number("true"),
		"g": json.Number(" 1"), "h": float32(math.Inf(1)), "i": []string{"needle"}, "\xff": 1,
	},
		`["a"] number: must be a finite number`, `["b"][1] utf8: must be valid UTF-8`, `["c"]["d"] object: `+kinds+"chan int",
		`["e"] number: must be a number as JSON writes it`, `["f"] number: must be a number as JSON writes it`, `["g"] number: must be a number as JSON writes it`,
		`["h"] number: must be a finite number`, `["i"] object: `+kinds+"[]string", `["\xff"] utf8: must have a key of valid UTF-8`))
}

func TestFreeObjectThatHoldsItself(t *testing.T) {
	self := map[string]any{}
	self["a"], self["b"], self["list"] = self, self, []any{self, self}
	v := new(Validator)
	Check(v, "x", &self, FreeObjectRules{})
	if len(v.violations) != 1 || v.violations[0].Message != "must have at most 1000 levels" {
		t.Errorf("%d violations", len(v.violations))
	}
	deep := map[string]any{}
	for range maxFreeDepth - 1 {
		deep = map[string]any{"a": deep}
	}
	v.reset()
	if Check(v, "x", &deep, FreeObjectRules{}); v.Err() != nil {
		t.Errorf("1,000 levels: %d violations", len(v.violations))
	}
}

func TestSecretRules(t *testing.T) {
	type rules = SecretRules[string, StringRules]
	v := new(Validator)
	none, short, fine := Secret[string]{}, NewSecret("ab"), NewSecret("abc")
	Check(v, "a", &none, rules{})
	Check(v, "b", &short, rules{Value: StringRules{Min: 3}})
	Check(v, "c", &fine, rules{Value: StringRules{Min: 3}})
	list := NewSecret([]int64{1, -1})
	Check(v, "d", &list, SecretRules[[]int64, ArrayRules[int64, IntRules]]{Value: ArrayRules[int64, IntRules]{Items: IntRules{Positive: true}}})
	text := "ab" // and outside of the secret lengths are told again
	Check(v, "e", &text, StringRules{Min: 3})
	wantViolations(t, v, "a: required: must be set", "b: min: must have at least 3 characters",
		"d[1]: positive: must be above 0", "e: min: must have at least 3 characters, has 2")
}
