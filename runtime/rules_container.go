package s3db

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"unicode/utf8"
)

// ArrayRules are the rules of an array and of its items.
type ArrayRules[T any, R Rule[T]] struct {
	Optional         bool // nil is accepted
	Min, Max, Length int  // items; 0 = no rule
	Unique           bool // no two items are equal
	Items            R
}

// Check implements Rule.
func (r ArrayRules[T, R]) Check(v *Validator, path string, value *[]T) {
	if *value == nil {
		if !r.Optional {
			v.Add(path, "required", "must be set")
		}
		return
	}
	checkSize(v, path, len(*value), sizes{r.Min, r.Max, r.Length}, "items")
	if r.changes(v, value) {
		*value = slices.Clone(*value) // the caller may still use its own
	}
	v.push(step{kind: stepName, name: path})
	for i := range *value {
		v.push(step{kind: stepIndex, index: i})
		r.Items.Check(v, "", &(*value)[i])
		v.pop()
	}
	if r.Unique {
		r.Items.repeats(v, *value)
	}
	v.pop()
}

func (r ArrayRules[T, R]) changes(v *Validator, value *[]T) bool {
	for i := range *value {
		if r.Items.changes(v, &(*value)[i]) {
			return true
		}
	}
	return false
}

func (r ArrayRules[T, R]) repeats(*Validator, [][]T) {}

// reportRepeats adds a violation for each item that equals an earlier one. A few
// items are compared with one another, many are sorted.
func reportRepeats[T any](v *Validator, items []T, compare func(a, b T) int) {
	const few = 24
	if len(items) <= few {
		for i := range items {
			for j := range i {
				if compare(items[i], items[j]) == 0 {
					v.addRepeat(i, j)
					break
				}
			}
		}
		return
	}
	order := make([]int, len(items))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return compare(items[a], items[b]) })
	firsts := make(map[int]int) // repeated item → the first one of its kind
	for at, first := 1, 0; at < len(order); at++ {
		if compare(items[order[at]], items[order[first]]) == 0 {
			firsts[order[at]] = order[first]
		} else {
			first = at
		}
	}
	for _, i := range slices.Sorted(maps.Keys(firsts)) {
		v.addRepeat(i, firsts[i])
	}
}

// addRepeat reports that item i of the current array equals item j.
func (v *Validator) addRepeat(i, j int) {
	array := v.path("")
	v.push(step{kind: stepIndex, index: i})
	v.Add("", "unique", fmt.Sprintf("repeats %s[%d]", array, j))
	v.pop()
}

// MapRules are the rules of a map and of its values. Keys are valid UTF-8.
type MapRules[T any, R Rule[T]] struct {
	Optional         bool // nil is accepted
	Min, Max, Length int  // entries; 0 = no rule
	Values           R
}

// Check implements Rule.
func (r MapRules[T, R]) Check(v *Validator, path string, value *map[string]T) {
	if *value == nil {
		if !r.Optional {
			v.Add(path, "required", "must be set")
		}
		return
	}
	checkSize(v, path, len(*value), sizes{r.Min, r.Max, r.Length}, "entries")
	if r.changes(v, value) {
		*value = maps.Clone(*value) // the caller may still use its own
	}
	v.push(step{kind: stepName, name: path})
	walkMap(v, *value, r.checkEntry)
	v.pop()
}

func (r MapRules[T, R]) checkEntry(v *Validator, m map[string]T, key string) {
	item := scratch[T](v)
	*item = m[key]
	changes := r.Values.changes(v, item)
	r.Values.Check(v, "", item)
	if changes {
		m[key] = *item
	}
}

func (r MapRules[T, R]) changes(v *Validator, value *map[string]T) bool {
	item := scratch[T](v)
	for _, x := range *value {
		*item = x
		if r.Values.changes(v, item) {
			return true
		}
	}
	return false
}

// walkMap checks the entries of a map. Go walks maps in a random order, so when
// there are violations the walk is repeated in the order of the keys.
func walkMap[T any](v *Validator, m map[string]T, check func(v *Validator, m map[string]T, key string)) {
	if !v.ordered {
		before := len(v.violations)
		for key := range m {
			v.checkKey(key)
			check(v, m, key)
			v.pop()
		}
		if len(v.violations) == before {
			return
		}
		v.violations = v.violations[:before]
		v.deep = false
		v.ordered = true
		defer func() { v.ordered = false }()
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		v.checkKey(key)
		check(v, m, key)
		v.pop()
	}
}

// checkKey steps into an entry of a map; the caller pops.
func (v *Validator) checkKey(key string) {
	v.push(step{kind: stepKey, name: key})
	if !utf8.ValidString(key) {
		v.Add("", "utf8", "must have a key of valid UTF-8")
	}
}

// scratch returns room for a value while it is checked: the validator's own for
// strings, which most maps hold.
func scratch[T any](v *Validator) *T {
	if own, ok := any(&v.text).(*T); ok {
		return own
	}
	return new(T)
}

func (r MapRules[T, R]) repeats(*Validator, []map[string]T) {}

// ObjectRules are the rules of a nested object.
type ObjectRules[T any] struct {
	Validate   func(*Validator, *T) // checks the attributes; generated
	Normalizes bool                 // some attribute inside is normalised, as every instant is
}

// Check implements Rule.
func (r ObjectRules[T]) Check(v *Validator, path string, value *T) {
	v.push(step{kind: stepName, name: path})
	r.Validate(v, value)
	v.pop()
}

func (r ObjectRules[T]) changes(*Validator, *T) bool { return r.Normalizes }
func (r ObjectRules[T]) repeats(*Validator, []T)     {}

// FreeObjectRules are the rules of an object without a schema: it holds what JSON
// can hold, at most 1,000 levels deep.
type FreeObjectRules struct {
	Optional bool // nil is accepted
	Min, Max int  // entries of the outermost level; 0 = no rule
}

// Check implements Rule.
func (r FreeObjectRules) Check(v *Validator, path string, value *map[string]any) {
	if *value == nil {
		if !r.Optional {
			v.Add(path, "required", "must be set")
		}
		return
	}
	checkSize(v, path, len(*value), sizes{min: r.Min, max: r.Max}, "entries")
	v.deep = false
	v.push(step{kind: stepName, name: path})
	walkMap(v, *value, checkFreeEntry)
	v.pop()
}
func (FreeObjectRules) changes(*Validator, *map[string]any) bool { return false }
func (FreeObjectRules) repeats(*Validator, []map[string]any)     {}

// maxFreeDepth also ends the walk of a map that holds itself.
const maxFreeDepth = 1000

func checkFreeEntry(v *Validator, m map[string]any, key string) {
	if !v.tooDeep() {
		v.checkFree(m[key])
	}
}

// tooDeep reports that the free-form object has too many levels. It does so once
// and ends the whole walk, because a map that holds itself twice has 2^1,000
// paths.
func (v *Validator) tooDeep() bool {
	if !v.deep && len(v.at) > maxFreeDepth {
		v.deep = true
		v.Add("", "object", fmt.Sprintf("must have at most %d levels", maxFreeDepth))
	}
	return v.deep
}

func (v *Validator) checkFree(value any) {
	switch x := value.(type) {
	case nil, bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64:
	case string:
		if !utf8.ValidString(x) {
			v.Add("", "utf8", "must be valid UTF-8")
		}
	case float64:
		v.checkFinite(x)
	case float32:
		v.checkFinite(float64(x))
	case json.Number:
		if !isNumber(string(x)) {
			v.Add("", "number", "must be a number as JSON writes it")
		}
	case map[string]any:
		walkMap(v, x, checkFreeEntry)
	case []any:
		for i := range x {
			v.push(step{kind: stepIndex, index: i})
			if !v.tooDeep() {
				v.checkFree(x[i])
			}
			v.pop()
		}
	default:
		v.Add("", "object", fmt.Sprintf("must be nil, a bool, a number, a string, []any or map[string]any, is %T", value))
	}
}

func isNumber(text string) bool {
	if text == "" || !json.Valid([]byte(text)) {
		return false
	}
	first, last := text[0], text[len(text)-1]
	return (first == '-' || isDigit(first)) && isDigit(last)
}

func (v *Validator) checkFinite(f float64) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		v.Add("", "number", "must be a finite number")
	}
}
