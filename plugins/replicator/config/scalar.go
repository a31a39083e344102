package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/s3dbgen/s3dbgen/schema"
)

// variable is a variable of the environment in a value: ${NAME}. $${ stands for ${.
var variable = regexp.MustCompile(`\$?\$\{([^}]*)\}?`)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// text reads a single value with the variables of the environment in their places.
func (r *reader) text(key, v schema.Value) string {
	if !v.IsText() {
		what := "this"
		if key.Exists() {
			what = key.Text()
		}
		at := v
		if v.IsNull() && key.Exists() {
			at = key
		}
		r.doc.Report(at, schema.Mistake{Code: schema.CodeWrongNode, Message: fmt.Sprintf("%s must be a single value, this is %s", what, v.Kind()), Hidden: true})
		return ""
	}
	return r.expand(v)
}

func (r *reader) expand(v schema.Value) string {
	s := v.Text()
	var b strings.Builder
	last := 0
	for _, m := range variable.FindAllStringSubmatchIndex(s, -1) {
		b.WriteString(s[last:m[0]])
		last = m[1]
		whole, name := s[m[0]:m[1]], s[m[2]:m[3]]
		if strings.HasPrefix(whole, "$$") {
			b.WriteString(whole[1:])
			continue
		}
		mistake := schema.Mistake{Code: schema.CodeEnvironment, From: m[0], To: m[1], Hidden: true}
		value, set := "", false
		switch {
		case !strings.HasSuffix(whole, "}") || !variableName.MatchString(name):
			mistake.Message, mistake.Help = "a variable of the environment is written ${NAME}", "for the characters themselves write $${"
		default:
			value, set = r.getenv(name)
			mistake.Message = fmt.Sprintf("the environment has no variable %s", name)
			if set && value == "" {
				mistake.Message, set = fmt.Sprintf("the variable %s of the environment is empty", name), false
			}
			mistake.Help = fmt.Sprintf("set %s before the command is started", name)
		}
		if !set {
			r.doc.Report(v, mistake)
			continue
		}
		b.WriteString(value)
	}
	b.WriteString(s[last:])
	return b.String()
}

// value reports a value that is not of its kind. It is not shown, since it may have come
// from the environment.
func (r *reader) value(key, v schema.Value, want, help string) {
	r.doc.Report(v, schema.Mistake{Code: schema.CodeOptionValue, Message: key.Text() + " must be " + want, Help: help, Hidden: true})
}

func (r *reader) boolean(key, v schema.Value) bool {
	switch s := r.text(key, v); s {
	case "true":
		return true
	case "false", "":
	default:
		r.value(key, v, "true or false", "")
	}
	return false
}

func (r *reader) number(key, v schema.Value, from, to int) int {
	s := r.text(key, v)
	n, err := strconv.Atoi(s)
	if s != "" && (err != nil || n < from || n > to) {
		r.value(key, v, fmt.Sprintf("a whole number from %d to %d", from, to), "")
	}
	return n
}

// duration reads a time such as 90s or 5m, or a number of milliseconds.
func (r *reader) duration(key, v schema.Value) time.Duration {
	s := r.text(key, v)
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	if ms, notNumber := strconv.Atoi(s); notNumber == nil {
		d, err = time.Duration(ms)*time.Millisecond, nil
	}
	const longest = 24 * time.Hour
	if err != nil || d <= 0 || d > longest {
		r.value(key, v, "a time up to a day", "write it as 500ms, 30s or 5m; a number without a unit is milliseconds")
	}
	return d
}

// items reads a list.
func (r *reader) items(key, v schema.Value) []schema.Value {
	if v.IsList() {
		return v.Items()
	}
	at := v
	if v.IsNull() {
		at = key
	}
	r.doc.Report(at, schema.Mistake{Code: schema.CodeWrongNode, Message: fmt.Sprintf("%s must be a list, this is %s", key.Text(), v.Kind()), Hidden: true})
	return nil
}
