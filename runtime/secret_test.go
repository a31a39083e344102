package s3db

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// leaks prints a value in every way that a program might and returns the outputs
// that show the needle.
func leaks(t *testing.T, value any, needle string) []string {
	t.Helper()
	type hidden struct{ value any }
	plain := false // a Password is a string, which fmt shows in an unexported field
	switch value.(type) {
	case Password, Change[Password]:
		plain = true
	}
	var found []string
	look := func(how, out string) {
		if strings.Contains(out, needle) || strings.Contains(out, fmt.Sprintf("%x", needle)) {
			found = append(found, how+": "+out)
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10.3s", "% x", "%!", "%T"} {
		look(verb, fmt.Sprintf(verb, value))
		look("nested "+verb, fmt.Sprintf(verb, struct{ V any }{value}))
		if !plain {
			look("unexported "+verb, fmt.Sprintf(verb, hidden{value}))
		}
		look("slice "+verb, fmt.Sprintf(verb, []any{value}))
		look("map "+verb, fmt.Sprintf(verb, map[string]any{"k": value}))
	}
	look("Sprint", fmt.Sprint(value))
	look("error", fmt.Errorf("failed: %v", value).Error())
	look("joined", errors.Join(fmt.Errorf("%s", value)).Error())
	data, err := json.Marshal(map[string]any{"k": value})
	look("json", fmt.Sprint(string(data), err))
	data, err = xml.Marshal(struct{ V any }{value})
	look("xml", fmt.Sprint(string(data), err))
	for _, h := range []func(*bytes.Buffer) slog.Handler{
		func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var b bytes.Buffer
		slog.New(h(&b)).Info("m", "v", value, "nested", struct{ V any }{value}, slog.Group("g", "v", value))
		look("slog", b.String())
	}
	return found
}

type credentials struct {
	key  Secret[string]
	hash PasswordHash
}

func TestSecretDoesNotShowItself(t *testing.T) {
	const needle = "hunter2-needle"
	hash := PasswordParams{Memory: 8, Time: 1, Threads: 1}.hash(needle)
	hash.generated = NewSecret(Password(needle))
	values := []any{
		NewSecret(needle), new(NewSecret(needle)), NewSecret([]byte(needle)), NewSecret(map[string]any{"k": needle}),
		Password(needle), new(Password(needle)), hash, &hash,
		Set(NewSecret(needle)), Set(Password(needle)),
	}
	for _, value := range values {
		for _, leak := range leaks(t, value, needle) {
			t.Errorf("%T leaks through %s", value, leak)
		}
		for _, leak := range leaks(t, value, hash.PHC()) {
			t.Errorf("%T leaks the hash through %s", value, leak)
		}
	}
	// fmt calls no methods on unexported fields.
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		out := fmt.Sprintf(verb, credentials{key: NewSecret(needle), hash: hash})
		if strings.Contains(out, needle) || strings.Contains(out, fmt.Sprintf("%x", needle)) {
			t.Errorf("an unexported field leaks through %s: %s", verb, out)
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%20s"} {
		for _, value := range []any{NewSecret("x"), Password("x"), hash} {
			if got := fmt.Sprintf(verb, value); got != "[redacted]" {
				t.Errorf("%s of %T = %s", verb, value, got)
			}
		}
	}
	if NewSecret("x").String() != redacted || Password("x").String() != redacted || hash.String() != redacted {
		t.Error("String shows something")
	}
}

func TestSecretReveal(t *testing.T) {
	if got := NewSecret("x").Reveal(); got != "x" {
		t.Errorf("Reveal = %q", got)
	}
	var none Secret[int64]
	if none.Reveal() != 0 || !none.IsZero() || NewSecret[int64](0).IsZero() {
		t.Error("the zero Secret is not empty")
	}
}

func TestSecretEqual(t *testing.T) {
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		name string
		got  bool
		want bool
	}{
		{"same text", NewSecret("a").Equal(NewSecret("a")), true},
		{"other text", NewSecret("a").Equal(NewSecret("b")), false},
		{"longer text", NewSecret("a").Equal(NewSecret("ab")), false},
		{"none and empty", Secret[string]{}.Equal(NewSecret("")), false},
		{"none and none", Secret[string]{}.Equal(Secret[string]{}), true},
		{"same bytes", NewSecret([]byte{1}).Equal(NewSecret([]byte{1})), true},
		{"other bytes", NewSecret([]byte{1}).Equal(NewSecret([]byte{2})), false},
		{"same instant", NewSecret(at).Equal(NewSecret(at.In(time.FixedZone("x", 3600)))), true},
		{"same number", NewSecret(int64(1)).Equal(NewSecret(int64(1))), true},
		{"other number", NewSecret(int64(1)).Equal(NewSecret(int64(2))), false},
		{"same list", NewSecret([]string{"a"}).Equal(NewSecret([]string{"a"})), true},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: Equal = %v", tt.name, tt.got)
		}
	}
}

func TestSecretJSON(t *testing.T) {
	var s Secret[string]
	if err := json.Unmarshal([]byte(`"hunter2"`), &s); err != nil || s.Reveal() != "hunter2" {
		t.Errorf("read %q, %v", s.Reveal(), err)
	}
	data, err := json.Marshal(s)
	if err != nil || string(data) != `"[redacted]"` {
		t.Errorf("wrote %s, %v", data, err)
	}
	// Writing back what was exported must not replace the secret.
	if err := json.Unmarshal(data, &s); err == nil || s.Reveal() != "hunter2" {
		t.Errorf("the redacted form was read as a value: %q, %v", s.Reveal(), err)
	}
	if err := json.Unmarshal([]byte(`null`), &s); err != nil || !s.IsZero() {
		t.Errorf("null: %v", err)
	}
	var n Secret[int64]
	if err := json.Unmarshal([]byte(`"hunter2"`), &n); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error shows the value: %v", err)
	}
	var p Password
	if err := json.Unmarshal([]byte(`"hunter2"`), &p); err != nil || string(p) != "hunter2" {
		t.Errorf("password: %v", err)
	}
	if err := json.Unmarshal([]byte(`"[redacted]"`), &p); err == nil {
		t.Error("the redacted form was read as a password")
	}
}
