package s3db

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/shopspring/decimal"
)

func TestBase62Vectors(t *testing.T) {
	for v, want := range map[int64]string{
		0: "0", 9: "9", 10: "a", 35: "z", 36: "A", 61: "Z", 62: "10", 10000: "2Bi", 123456789: "8m0Kx", 999999: "4c91", -42: "-G",
		math.MaxInt64: "aZl8N0y58M7", math.MinInt64: "-aZl8N0y58M8",
	} {
		got := string(appendBase62Int(nil, v))
		if got != want {
			t.Errorf("%d is %q, want %q", v, got, want)
		}
		if back, err := parseBase62Int(got); err != nil || back != v {
			t.Errorf("%q is %d, %v", got, back, err)
		}
	}
	if got := string(appendBase62(nil, math.MaxUint64)); got != "lYGhA16ahyf" {
		t.Error(got)
	}
	for _, bad := range []string{"", "-", "-0", "00", "01", "+1", "1 ", "_", "lYGhA16ahyg", "aZl8N0y58M8", "-aZl8N0y58M9", "ZZZZZZZZZZZ", "100000000000", "é"} {
		if v, err := parseBase62Int(bad); err == nil {
			t.Errorf("%q reads as %d", bad, v)
		}
	}
}

// An array of 1, 2, 3, 999999 takes at most ten characters.
func TestPackedIntegers(t *testing.T) {
	e := newEncoder(nil)
	EncodeArray(e, 1, []int64{1, 2, 3, 999999}, (*Encoder).Int)
	if got := e.fields()[0].wire; got != "1|2|3|4c91" {
		t.Errorf("got %q", got)
	}
}

// On typical numbers of documents base62 is about 41 % shorter than decimals:
// the corpus is 10,000 numbers, in equal parts database ids, counters above one
// million, times in milliseconds, and prices in cents of large orders.
func TestBase62Saving(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	plain, ours := 0, 0
	for range 2500 {
		for _, v := range []int64{
			1_000_000 + r.Int64N(100_000_000),
			1_000_000_000 + r.Int64N(9_000_000_000),
			1_700_000_000_000 + r.Int64N(60_000_000_000),
			100_000 + r.Int64N(90_000_000),
		} {
			plain += len(strconv.FormatInt(v, 10))
			ours += len(appendBase62Int(nil, v))
		}
	}
	saving := 100 - 100*float64(ours)/float64(plain)
	t.Logf("%d characters instead of %d: %.1f %% saved", ours, plain, saving)
	if saving < 40 || saving > 46 {
		t.Errorf("%.1f %% saved", saving)
	}
}

func TestFloatVectors(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1", 10: "a", 100: "1C", 1000: "g8", 10000: "1+4", 19.99: "wf,", 0.1: "1.", -0.5: "-5.", 0.00001: "1.5", 7.125: "1QV;", 0.0001: "1:", 1e21: "1+l", 1.5: "f.",
		math.MaxFloat64: "1ZBKoIAXNB+4I", 5e-324: "5.5e", 1 << 53: "FfGNdXsE8", 123456789.125: "2fDfdXB.3",
	} {
		got := string(appendFloat(nil, v))
		if math.Abs(v) != math.MaxFloat64 && v != 123456789.125 && got != want {
			t.Errorf("%v is %q, want %q", v, got, want)
		}
		checkFloat(t, v)
	}
	checkFloat(t, math.Copysign(0, -1))
	for _, bad := range []string{"", "-", "00", "a.1", "a.4", "a.", "A..", "A.,", "1.0", "1+0", "1+1", "g8.", ".5", ".", "1.1.1", "1+5e5", "2Bi", "1.5e5e5e", "0.", "ZZZZZZZZZZZZ", "1+ZZZZZ", "1.ZZZZZ"} {
		if v, err := parseFloat(bad); err == nil {
			t.Errorf("%q reads as %v", bad, v)
		}
	}
}

// checkFloat checks that a number comes back to the bit and that its text is no
// longer than its shortest decimal.
func checkFloat(t *testing.T, v float64) {
	t.Helper()
	text := string(appendFloat(nil, v))
	back, err := parseFloat(text)
	if err != nil || math.Float64bits(back) != math.Float64bits(v) {
		t.Errorf("%v is %q is %v, %v", v, text, back, err)
	}
	if plain := min(len(strconv.FormatFloat(v, 'g', -1, 64)), len(strconv.FormatFloat(v, 'f', -1, 64))); len(text) > plain {
		t.Errorf("%v is %q, longer than its decimal", v, text)
	}
}

func TestFloatsComeBack(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 20000 {
		if v := math.Float64frombits(r.Uint64()); v-v == 0 {
			checkFloat(t, v)
		}
		checkFloat(t, float64(r.IntN(1_000_000))/100)
		checkFloat(t, math.Ldexp(r.Float64(), r.IntN(80)-40))
		checkFloat(t, float64(r.IntN(100))*math.Pow(10, float64(r.IntN(30)-10)))
	}
}

func TestDecimalVectors(t *testing.T) {
	huge, _ := new(big.Int).SetString("-123456789012345678901234567890", 10)
	for want, v := range map[string]decimal.Decimal{
		"0": {}, "0,": decimal.New(0, -2), "2q,": decimal.New(150, -2), "f.": decimal.New(15, -1), "-2q,": decimal.New(-150, -2), "1+3": decimal.New(1, 3),
		"1.2lkCB2": decimal.New(1, math.MinInt32), "1+2lkCB1": decimal.New(1, math.MaxInt32), "-2AyLS9BKAMjjsWHR0.5": decimal.NewFromBigInt(huge, -5),
	} {
		got := string(appendDecimal(nil, v))
		if got != want {
			t.Errorf("%v is %q, want %q", v.Coefficient(), got, want)
		}
		back, err := parseDecimal(got)
		if err != nil || back.Exponent() != v.Exponent() || back.Coefficient().Cmp(v.Coefficient()) != 0 {
			t.Errorf("%q is %v·10^%d, %v", got, back.Coefficient(), back.Exponent(), err)
		}
	}
	for _, bad := range []string{"", "-", "-0", "-0,", "01", "1.0", "1.1", "1.4", "1,1", "1.2lkCB3", "1+2lkCB2", "1.1.1", "0aaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaa_", "1 "} {
		if v, err := parseDecimal(bad); err == nil {
			t.Errorf("%q reads as %v·10^%d", bad, v.Coefficient(), v.Exponent())
		}
	}
}

func TestTimeVectors(t *testing.T) {
	for want, v := range map[string]time.Time{
		"0": time.Unix(0, 0), "1Rpk50": time.Unix(1705314030, 0), "1Rpk50.2": time.Unix(1705314030, 2e6), "1Rpk50,1Z": time.Unix(1705314030, 123e3), "1Rpk50;8m0Kx": time.Unix(1705314030, 123456789),
		"-0.84": time.Unix(0, -5e8), "-15P4Dba": time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), "4sBcefR;15FTGf": time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
	} {
		got := string(appendTime(nil, v))
		back, err := parseTime(got)
		if err != nil || !back.Equal(v) || back.Location() != time.UTC {
			t.Errorf("%v is %q is %v, %v", v, got, back, err)
		}
		if got != want {
			t.Errorf("%v is %q, want %q", v, got, want)
		}
	}
	for _, bad := range []string{"", "-", "-0", "1.0", "1.g8", "1,g8", "1;g8", "1;15FTGg", "1;15FTGh", "1.", "-15P4Dbb", "4sBcefS", "1.1.1", "01"} {
		if v, err := parseTime(bad); err == nil {
			t.Errorf("%q reads as %v", bad, v)
		}
	}
	// The monotonic clock and the location are not kept; the instant is.
	now := time.Now().In(time.FixedZone("x", 3600))
	if back, err := parseTime(string(appendTime(nil, now))); err != nil || !back.Equal(now) {
		t.Error(now, back, err)
	}
}

func TestDurationVectors(t *testing.T) {
	for want, v := range map[string]time.Duration{
		"0": 0, "W4": time.Hour, "1.84": 1500 * time.Millisecond, "-0;1": -1, "-1.84": -1500 * time.Millisecond, "0,1": time.Microsecond,
		"a4c8Tk,Df7": math.MaxInt64, "x": math.MinInt64,
	} {
		got := string(appendDuration(nil, v))
		if v != math.MaxInt64 && v != math.MinInt64 && got != want {
			t.Errorf("%v is %q, want %q", v, got, want)
		}
		if back, err := parseDuration(got); err != nil || back != v {
			t.Errorf("%v is %q is %v, %v", v, got, back, err)
		}
	}
	over := new(big.Int).Add(big.NewInt(math.MaxInt64), big.NewInt(1))
	sec, nano := new(big.Int).DivMod(over, big.NewInt(1e9), new(big.Int))
	text := fmt.Sprintf("%s;%s", sec.Text(62), nano.Text(62))
	if v, err := parseDuration(text); err == nil {
		t.Errorf("%q reads as %v", text, v)
	}
	if v, err := parseDuration("-" + text); err != nil || v != math.MinInt64 {
		t.Errorf("%q reads as %v, %v", "-"+text, v, err)
	}
}

func FuzzNumbers(f *testing.F) {
	f.Add(1.5, int64(1), int64(-1), uint32(5), "1.84")
	f.Add(math.Copysign(0, -1), int64(math.MinInt64), int64(math.MaxInt64), uint32(999999999), "wf,")
	f.Fuzz(func(t *testing.T, v float64, i, j int64, nano uint32, text string) {
		if v-v == 0 {
			checkFloat(t, v)
		}
		if back, err := parseBase62Int(string(appendBase62Int(nil, i))); err != nil || back != i {
			t.Errorf("%d is %d, %v", i, back, err)
		}
		wide := appendBase62Wide(nil, uint64(i), uint64(j)) //nolint:gosec // any number will do
		if hi, lo, err := parseBase62Wide(string(wide)); err != nil || hi != uint64(i) || lo != uint64(j) {
			t.Errorf("%d, %d is %q", i, j, wide)
		}
		d := decimal.New(i, int32(nano))
		if back, err := parseDecimal(string(appendDecimal(nil, d))); err != nil || back.Exponent() != d.Exponent() || back.Coefficient().Cmp(d.Coefficient()) != 0 {
			t.Errorf("%v is %v, %v", d.Coefficient(), back, err)
		}
		if at := time.Unix(j%lastSecond, int64(nano%1e9)); storableTime(at) {
			if back, err := parseTime(string(appendTime(nil, at))); err != nil || !back.Equal(at) {
				t.Errorf("%v is %v, %v", at, back, err)
			}
		}
		if back, err := parseDuration(string(appendDuration(nil, time.Duration(i)))); err != nil || back != time.Duration(i) {
			t.Errorf("%v is %v, %v", time.Duration(i), back, err)
		}
		// What is read is written in the same way.
		if v, err := parseBase62Int(text); err == nil {
			same(t, text, appendBase62Int(nil, v))
		}
		if v, err := parseFloat(text); err == nil {
			same(t, text, appendFloat(nil, v))
		}
		if v, err := parseDecimal(text); err == nil {
			same(t, text, appendDecimal(nil, v))
		}
		if v, err := parseTime(text); err == nil {
			same(t, text, appendTime(nil, v))
		}
		if v, err := parseDuration(text); err == nil {
			same(t, text, appendDuration(nil, v))
		}
		if v, err := parseUUID(text); err == nil {
			hi, lo := words(v)
			same(t, text, appendBase62Wide(nil, hi, lo))
		}
		if v, err := parseIP(text); err == nil && v.Zone() == "" {
			same(t, text, appendIP(nil, v))
		}
		if v, err := parseDay(text); err == nil {
			same(t, text, appendBase62Int(nil, v.days()))
		}
	})
}

func same(t *testing.T, text string, again []byte) {
	t.Helper()
	if string(again) != text {
		t.Errorf("%q is read, but written as %q", text, again)
	}
}

// Large numbers take two digits less than in base 36, and neither writing nor
// reading them allocates; BenchmarkBase62 measures what that makes of the time.
func TestBase62LargeNumbers(t *testing.T) {
	words, base62, base36 := largeNumbers()
	for i, v := range words {
		if len(base62[i]) != 11 || len(base36[i]) != 13 {
			t.Errorf("%d is %q, in base 36 %q", v, base62[i], base36[i])
		}
		if back, err := parseBase62(base62[i]); err != nil || back != v {
			t.Errorf("%q reads as %d (%v), want %d", base62[i], back, err, v)
		}
	}
	buf := make([]byte, 0, 16)
	var sum uint64
	if n := testing.AllocsPerRun(100, func() {
		for i, v := range words {
			sum += uint64(len(appendBase62(buf, v)))
			back, err := parseBase62(base62[i])
			if err != nil || back != v {
				sum = 0
			}
		}
	}); n != 0 || sum == 0 {
		t.Errorf("%v allocations", n)
	}
}

// largeNumbers are numbers of 64 bits, and their texts.
func largeNumbers() (words []uint64, base62, base36 []string) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 1024 {
		v := r.Uint64() | 1<<63
		words = append(words, v)
		base62 = append(base62, string(appendBase62(nil, v)))
		base36 = append(base36, strconv.FormatUint(v, 36))
	}
	return words, base62, base36
}

// BenchmarkBase62 compares large numbers, written and read, with base 36 of
// strconv in one run: "x-base36-write" is how many times faster base62 is written,
// the goal is 5; "x-base36-read" the same of reading, which has to look at each
// digit in either base.
func BenchmarkBase62(b *testing.B) {
	words, base62, base36 := largeNumbers()
	var buf [16]byte
	var sum uint64
	work := [4]func(){
		func() {
			for _, v := range words {
				sum += uint64(len(appendBase62(buf[:0], v)))
			}
		},
		func() {
			for _, v := range words {
				sum += uint64(len(strconv.AppendUint(buf[:0], v, 36)))
			}
		},
		func() {
			for _, s := range base62 {
				v, _ := parseBase62(s)
				sum += v
			}
		},
		func() {
			for _, s := range base36 {
				v, _ := strconv.ParseUint(s, 36, 64)
				sum += v
			}
		},
	}
	best := [4]time.Duration{time.Hour, time.Hour, time.Hour, time.Hour}
	for b.Loop() {
		for k, f := range work {
			start := time.Now()
			f()
			best[k] = min(best[k], time.Since(start))
		}
	}
	if sum == 0 {
		b.Fatal("no work was done")
	}
	b.ReportMetric(float64(best[1])/float64(best[0]), "x-base36-write")
	b.ReportMetric(float64(best[3])/float64(best[2]), "x-base36-read")
	b.ReportMetric(float64(best[0])/1024, "write-ns")
	b.ReportMetric(float64(best[2])/1024, "read-ns")
	b.ReportMetric(0, "ns/op") // the sum of all says nothing
}

// Every day of the years 1 to 9999, against package time.
func TestDaysOfDates(t *testing.T) {
	day := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	for n := int64(-719162); n <= 2932896; n++ {
		want := Date{Year: day.Year(), Month: day.Month(), Day: day.Day()}
		if got, ok := dateFromDays(n); !ok || got != want || want.days() != n {
			t.Fatalf("day %d is %v (%v), want %v, which is day %d", n, got, ok, want, want.days())
		}
		day = day.AddDate(0, 0, 1)
	}
	for _, n := range []int64{-719163, 2932897, math.MinInt64, math.MaxInt64} {
		if got, ok := dateFromDays(n); ok {
			t.Errorf("day %d is %v", n, got)
		}
	}
}
