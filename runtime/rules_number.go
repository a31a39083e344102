package s3db

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"github.com/shopspring/decimal"
)

// Bound is a limit of a rule, or none when it is the zero Bound.
type Bound[T any] struct {
	value T
	set   bool
}

// At returns the bound at a value.
func At[T any](value T) Bound[T] { return Bound[T]{value: value, set: true} }

// IntRules are the rules of an integer.
type IntRules struct {
	Min, Max, Equal, NotEqual Bound[int64]
	Positive                  bool // above 0
	Negative                  bool // below 0
}

// Check implements Rule.
func (r IntRules) Check(v *Validator, path string, value *int64) {
	checkNumber(v, path, *value, bounds[int64](r), cmp.Compare, cmp.Compare(*value, 0))
}
func (IntRules) changes(*Validator, *int64) bool     { return false }
func (IntRules) repeats(v *Validator, items []int64) { reportRepeats(v, items, cmp.Compare) }

// FloatRules are the rules of a number. NaN and the infinities are refused
// without any rule: they have no order and no JSON form.
type FloatRules struct {
	Min, Max, Equal, NotEqual Bound[float64]
	Positive                  bool // above 0
	Negative                  bool // below 0
}

// Check implements Rule.
func (r FloatRules) Check(v *Validator, path string, value *float64) {
	if math.IsNaN(*value) || math.IsInf(*value, 0) {
		v.Add(path, "number", "must be a finite number")
		return
	}
	checkNumber(v, path, *value, bounds[float64](r), cmp.Compare, cmp.Compare(*value, 0))
}
func (FloatRules) changes(*Validator, *float64) bool     { return false }
func (FloatRules) repeats(v *Validator, items []float64) { reportRepeats(v, items, cmp.Compare) }

// DurationRules are the rules of a duration.
type DurationRules struct {
	Min, Max, Equal, NotEqual Bound[time.Duration]
	Positive                  bool // above 0
	Negative                  bool // below 0
}

// Check implements Rule.
func (r DurationRules) Check(v *Validator, path string, value *time.Duration) {
	checkNumber(v, path, *value, bounds[time.Duration](r), cmp.Compare, cmp.Compare(*value, 0))
}
func (DurationRules) changes(*Validator, *time.Duration) bool { return false }
func (DurationRules) repeats(v *Validator, items []time.Duration) {
	reportRepeats(v, items, cmp.Compare)
}

// DecimalRules are the rules of a decimal. Exponents beyond those of IEEE 754
// decimal128 are refused without any rule: to compare or to print such a number
// would need its zeros in memory.
type DecimalRules struct {
	Min, Max, Equal, NotEqual Bound[decimal.Decimal]
	Positive                  bool // above 0
	Negative                  bool // below 0
}

const maxDecimalExponent = 6144

// Check implements Rule.
func (r DecimalRules) Check(v *Validator, path string, value *decimal.Decimal) {
	if e := value.Exponent(); e < -maxDecimalExponent || e > maxDecimalExponent {
		v.Add(path, "decimal", fmt.Sprintf("must have an exponent between -%d and %[1]d", maxDecimalExponent))
		return
	}
	if r == (DecimalRules{}) {
		return
	}
	checkNumber(v, path, *value, bounds[decimal.Decimal](r), decimal.Decimal.Cmp, value.Sign())
}
func (DecimalRules) changes(*Validator, *decimal.Decimal) bool { return false }
func (DecimalRules) repeats(v *Validator, items []decimal.Decimal) {
	reportRepeats(v, items, decimal.Decimal.Cmp)
}

// bounds is the common form of the rules of numbers.
type bounds[T any] struct {
	Min, Max, Equal, NotEqual Bound[T]
	Positive, Negative        bool
}

func checkNumber[T any](v *Validator, path string, value T, b bounds[T], compare func(a, b T) int, sign int) {
	if b.Min.set && compare(value, b.Min.value) < 0 {
		v.Add(path, "min", fmt.Sprintf("must be at least %v", b.Min.value))
	}
	if b.Max.set && compare(value, b.Max.value) > 0 {
		v.Add(path, "max", fmt.Sprintf("must be at most %v", b.Max.value))
	}
	if b.Equal.set && compare(value, b.Equal.value) != 0 {
		v.Add(path, "equal", fmt.Sprintf("must be %v", b.Equal.value))
	}
	if b.NotEqual.set && compare(value, b.NotEqual.value) == 0 {
		v.Add(path, "notEqual", fmt.Sprintf("must not be %v", b.NotEqual.value))
	}
	if b.Positive && sign <= 0 {
		v.Add(path, "positive", "must be above 0")
	}
	if b.Negative && sign >= 0 {
		v.Add(path, "negative", "must be below 0")
	}
}
