package s3db

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// StringRules are the rules of a string. The zero value only wants valid UTF-8,
// as all others do too. Generated code makes them.
type StringRules struct {
	Min, Max, Length int            // in runes; 0 = no rule
	Format           Format         // all of these
	Schemes          []string       // of FormatURL, in lower case; none = http and https
	Pattern          *regexp.Regexp // must match somewhere
	Contains         string
	StartsWith       string
	EndsWith         string
	In               []string // must be one of these

	Trim      bool // cut white space from both ends before checking
	Lowercase bool // before checking
	Uppercase bool // before checking
}

// Check implements Rule.
func (r StringRules) Check(v *Validator, path string, value *string) {
	if !utf8.ValidString(*value) {
		// Nothing else can be said of it, and mapping its case would hide the fault.
		v.Add(path, "utf8", "must be valid UTF-8")
		return
	}
	*value = r.normalize(*value)
	s := *value
	r.checkLength(v, path, s)
	if r.Format != 0 {
		r.Format.check(v, path, s, r.Schemes)
	}
	if r.Pattern != nil && !r.Pattern.MatchString(s) {
		v.Add(path, "pattern", "must match "+r.Pattern.String())
	}
	if !strings.Contains(s, r.Contains) {
		v.Add(path, "contains", fmt.Sprintf("must contain %q", r.Contains))
	}
	if !strings.HasPrefix(s, r.StartsWith) {
		v.Add(path, "startsWith", fmt.Sprintf("must start with %q", r.StartsWith))
	}
	if !strings.HasSuffix(s, r.EndsWith) {
		v.Add(path, "endsWith", fmt.Sprintf("must end with %q", r.EndsWith))
	}
	if len(r.In) > 0 && !slices.Contains(r.In, s) {
		v.Add(path, "enum", "must be one of "+listed(r.In))
	}
}

func (r StringRules) checkLength(v *Validator, path, s string) {
	if r.Min == 0 && r.Length == 0 && (r.Max == 0 || len(s) <= r.Max) {
		return // there are never more runes than bytes
	}
	checkSize(v, path, utf8.RuneCountInString(s), sizes{r.Min, r.Max, r.Length}, "characters")
}

func (r StringRules) changes(_ *Validator, value *string) bool {
	normalizes := r.Trim || r.Lowercase || r.Uppercase
	return normalizes && utf8.ValidString(*value) && r.normalize(*value) != *value
}

func (r StringRules) normalize(s string) string {
	if r.Trim {
		s = strings.TrimSpace(s)
	}
	if r.Lowercase {
		s = strings.ToLower(s)
	}
	if r.Uppercase {
		s = strings.ToUpper(s)
	}
	return s
}

// Key adds a text to a key in the form in which the rules store it, so that a program
// finds a value as it was given. Generated code calls it.
func (r StringRules) Key(k *KeyBuilder, s string) { k.String(r.stored(s)) }

// stored is normalize for a text that nobody has checked.
func (r StringRules) stored(s string) string {
	if !utf8.ValidString(s) {
		return s // no document holds it
	}
	return r.normalize(s)
}

func (r StringRules) repeats(v *Validator, items []string) { reportRepeats(v, items, cmp.Compare) }

// sizes are rules on a number of things; 0 = no rule.
type sizes struct{ min, max, length int }

func checkSize(v *Validator, path string, has int, s sizes, things string) {
	if s.min > 0 && has < s.min {
		v.Add(path, "min", sizeMessage(v, "at least", s.min, things, has))
	}
	if s.max > 0 && has > s.max {
		v.Add(path, "max", sizeMessage(v, "at most", s.max, things, has))
	}
	if s.length > 0 && has != s.length {
		v.Add(path, "length", sizeMessage(v, "exactly", s.length, things, has))
	}
}

// sizeMessage counts the value, unless it is secret.
func sizeMessage(v *Validator, how string, limit int, things string, has int) string {
	if limit == 1 {
		things = singular(things)
	}
	text := fmt.Sprintf("must have %s %d %s", how, limit, things)
	if v.quiet > 0 {
		return text
	}
	return fmt.Sprintf("%s, has %d", text, has)
}

func singular(things string) string {
	if things == "entries" {
		return "entry"
	}
	return strings.TrimSuffix(things, "s")
}

// listed joins the allowed values of a rule, the first ones of a long list.
func listed(values []string) string {
	const shown = 20
	if len(values) <= shown {
		return strings.Join(values, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(values[:shown], ", "), len(values)-shown)
}

// BoolRules are the rules of a boolean: there are none.
type BoolRules struct{}

// Check implements Rule.
func (BoolRules) Check(*Validator, string, *bool) {}
func (BoolRules) changes(*Validator, *bool) bool  { return false }
func (BoolRules) repeats(v *Validator, items []bool) {
	reportRepeats(v, items, func(a, b bool) int { return cmp.Compare(btoi(a), btoi(b)) })
}

// AnyRules accepts every value of a type.
type AnyRules[T any] struct{}

// Check implements Rule.
func (AnyRules[T]) Check(*Validator, string, *T) {}
func (AnyRules[T]) changes(*Validator, *T) bool  { return false }
func (AnyRules[T]) repeats(*Validator, []T)      {}

// SecretRules are the rules of a secret: those of the value that it holds. Their
// messages tell nothing about the value, not even its length.
type SecretRules[T any, R Rule[T]] struct {
	Value R
}

// Check implements Rule.
func (r SecretRules[T, R]) Check(v *Validator, path string, value *Secret[T]) {
	if value.p == nil {
		v.Add(path, "required", "must be set")
		return
	}
	if r.changes(v, value) {
		*value = NewSecret(value.Reveal()) // the caller may still use its own
	}
	v.quiet++
	r.Value.Check(v, path, *value.p)
	v.quiet--
}

func (r SecretRules[T, R]) changes(v *Validator, value *Secret[T]) bool {
	return value.p != nil && r.Value.changes(v, *value.p)
}
func (r SecretRules[T, R]) repeats(*Validator, []Secret[T]) {}

// PasswordHashRules wants a hash to be there; the rules of the password were
// checked when it was hashed.
type PasswordHashRules struct{}

// Check implements Rule.
func (PasswordHashRules) Check(v *Validator, path string, value *PasswordHash) {
	// A rule that the plain password broke left no hash either, and has been told.
	if value.IsZero() && !v.told(path) {
		v.Add(path, "required", "must be set")
	}
}
func (PasswordHashRules) changes(*Validator, *PasswordHash) bool { return false }
func (PasswordHashRules) repeats(*Validator, []PasswordHash)     {}

// told reports whether there is a violation at the path already.
func (v *Validator) told(path string) bool {
	if len(v.violations) == 0 {
		return false
	}
	full := v.path(path)
	return slices.ContainsFunc(v.violations, func(x Violation) bool { return x.Path == full })
}
