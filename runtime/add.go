package s3db

import (
	"fmt"
	"math"
	"time"

	"github.com/shopspring/decimal"
)

// Number is the type of an attribute to which [Add] can add: integer, number,
// decimal and duration in the schema, and types of the program that are declared as
// int64 or float64.
type Number interface {
	~int64 | ~float64 | decimal.Decimal
}

// Add returns the change that adds n, which may be negative, to whatever the
// attribute is when the write is applied; an optional attribute that is absent
// counts as 0. Concurrent additions are all counted: each is applied to the result
// of the one before it, and acknowledged once it is durable. Several changes of
// one patch are applied together or not at all.
//
//	db.Products.Update(ctx, id, shop.ProductPatch{Stock: s3db.Add(int64(-1))})
//
// The rules of the attribute hold for the sum, so that min:0 refuses a stock that
// would go below; a sum beyond the type's range is refused as well, both with
// ErrValidation. Sums of floating-point numbers depend on the order of additions in
// their last digits; those of other types do not.
//
// One document takes one write at a time: some 10 to 50 a second on S3, however
// many clients there are (docs/counters.md).
func Add[T Number](n T) Change[T] { return Change[T]{kind: addValue, value: n} }

// countable reports whether stored values of S can be added to.
func countable[S any]() bool {
	switch any((*S)(nil)).(type) {
	case *int64, *float64, *time.Duration, *decimal.Decimal:
		return true
	}
	return false
}

// addTo adds n to *dst, or adds a violation.
func addTo[T any](v *Validator, path string, dst *T, n T) {
	if rule := addNumber(dst, n); rule != "" {
		v.Add(path, rule, "the sum is beyond what the type can hold")
	}
}

// addNumber adds n to *dst. It returns the name of the type, and leaves *dst as it
// was, when that has no such sum.
func addNumber[T any](dst *T, n T) (beyond string) {
	switch p := any(dst).(type) {
	case *int64:
		return addInt("integer", p, any(n))
	case *time.Duration:
		return addInt("duration", p, any(n))
	case *float64:
		n, _ := any(n).(float64)
		sum := *p + n
		if math.IsInf(sum, 0) || math.IsNaN(sum) {
			return "number"
		}
		*p = sum
	case *decimal.Decimal:
		n, _ := any(n).(decimal.Decimal)
		// To add numbers whose exponents lie far apart would need their zeros in memory.
		if e := n.Exponent(); e < -maxDecimalExponent || e > maxDecimalExponent {
			return "decimal"
		}
		*p = p.Add(n)
	default:
		return fmt.Sprintf("%T", *dst)
	}
	return ""
}

func addInt[T ~int64](name string, p *T, added any) (beyond string) {
	n, _ := added.(T)
	if sum := *p + n; (sum >= *p) == (n >= 0) {
		*p = sum
		return ""
	}
	return name
}

func zeroIfNil[T any](p *T) (value T) {
	if p != nil {
		value = *p
	}
	return value
}
