package s3db

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
)

// cheap is the least that Argon2id accepts, for tests.
func cheap() PasswordParams { return PasswordParams{Memory: 8, Time: 1, Threads: 1} }

func TestPasswordVerify(t *testing.T) {
	v := newValidator(cheap())
	h := HashPassword(v, "password", "correct horse", StringRules{Min: 8})
	if err := v.Err(); err != nil {
		t.Fatal(err)
	}
	for p, want := range map[Password]bool{
		"correct horse": true, "correct hors": false, "correct horse ": false, "": false, "Correct horse": false,
	} {
		if got := h.Verify(p); got != want {
			t.Errorf("Verify(%q) = %v", string(p), got)
		}
	}
	if (PasswordHash{}).Verify("") {
		t.Error("a password verifies against no hash")
	}
	again := HashPassword(v, "password", "correct horse", StringRules{})
	if again.Equal(h) || !again.Verify("correct horse") {
		t.Error("two hashes of one password have the same salt")
	}
	if strings.Contains(h.PHC(), "correct") {
		t.Error("the hash holds the password")
	}
	if _, ok := h.Generated(); ok {
		t.Error("a given password counts as generated")
	}
}

// The hash is from the reference implementation's command line:
// echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 32, in
// https://github.com/P-H-C/phc-winner-argon2/blob/master/src/test.c.
func TestPasswordKnownAnswer(t *testing.T) {
	const phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	h, err := ParsePasswordHash(phc)
	if err != nil {
		t.Fatal(err)
	}
	if !h.Verify("password") || h.Verify("differentpassword") {
		t.Error("a hash of the reference implementation does not verify")
	}
	if h.PHC() != phc {
		t.Errorf("PHC = %q", h.PHC())
	}
}

func TestPasswordHashNeedsRehash(t *testing.T) {
	h := cheap().hash("x")
	if h.NeedsRehash(cheap()) {
		t.Error("a hash with the same parameters needs a rehash")
	}
	if !h.NeedsRehash(PasswordParams{}) {
		t.Error("a hash with cheap parameters is good enough for the default")
	}
	if !(PasswordHash{}).NeedsRehash(cheap()) {
		t.Error("no hash is good enough")
	}
	for name, params := range map[string]PasswordParams{
		"less memory": {Memory: 4, Time: 1, Threads: 1}, "as much work in another shape": {Memory: 4, Time: 2, Threads: 1}, "more threads": {Memory: 8, Time: 1, Threads: 4},
	} {
		if h.NeedsRehash(params) {
			t.Errorf("%s: a hash that is as strong needs a rehash", name)
		}
	}
	for name, params := range map[string]PasswordParams{"more memory": {Memory: 9, Time: 1, Threads: 1}, "more passes": {Memory: 8, Time: 2, Threads: 1}} {
		if !h.NeedsRehash(params) {
			t.Errorf("%s: a weaker hash is good enough", name)
		}
	}
	short, err := ParsePasswordHash("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	if err != nil || !short.NeedsRehash(cheap()) {
		t.Errorf("a hash with a short salt is good enough: %v", err)
	}
}

func TestParsePasswordHashRefuses(t *testing.T) {
	good := cheap().hash("x").PHC()
	if _, err := ParsePasswordHash(good); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good, "$")
	with := func(i int, part string) string {
		changed := append([]string(nil), parts...)
		changed[i] = part
		return strings.Join(changed, "$")
	}
	for name, phc := range map[string]string{
		"nothing":               "",
		"bcrypt":                "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
		"other variant":         with(1, "argon2i"),
		"other version":         with(2, "v=16"),
		"4 GiB of memory":       with(3, "m=4194304,t=1,p=1"),
		"a million passes":      with(3, "m=8,t=1000000,p=1"),
		"255 threads":           with(3, "m=65536,t=1,p=255"),
		"no passes":             with(3, "m=8,t=0,p=1"),
		"no threads":            with(3, "m=8,t=1,p=0"),
		"too little memory":     with(3, "m=7,t=1,p=1"),
		"overflow":              with(3, "m=4294967304,t=1,p=1"),
		"leading zero":          with(3, "m=08,t=1,p=1"),
		"sign":                  with(3, "m=+8,t=1,p=1"),
		"other order":           with(3, "t=1,m=8,p=1"),
		"more parameters":       with(3, "m=8,t=1,p=1,data=x"),
		"short salt":            with(4, "c29t"),
		"salt with padding":     with(4, parts[4]+"=="),
		"salt not base64":       with(4, "!"+parts[4][1:]),
		"short hash":            with(5, "c29tZXNhbHQ"),
		"hash with line breaks": with(5, parts[5][:10]+"\n"+parts[5][10:]),
		"long hash":             with(5, strings.Repeat("A", 300)),
		"more parts":            good + "$x",
		"text before":           "x" + good,
	} {
		if h, err := ParsePasswordHash(phc); err == nil {
			t.Errorf("%s: %q was read as %q", name, phc, h.PHC())
		} else if phc != "" && strings.Contains(err.Error(), phc) {
			t.Errorf("%s: the error quotes the hash: %v", name, err)
		}
	}
}

func TestPasswordHashJSON(t *testing.T) {
	h := cheap().hash("x")
	data, err := json.Marshal(h)
	if err != nil || string(data) != `"[redacted]"` {
		t.Errorf("wrote %s, %v", data, err)
	}
	var back PasswordHash
	if err := json.Unmarshal(data, &back); err == nil {
		t.Error("the redacted form was read as a hash")
	}
	if err := json.Unmarshal([]byte(`"`+h.PHC()+`"`), &back); err != nil || !back.Equal(h) {
		t.Errorf("PHC form: %v", err)
	}
	if err := json.Unmarshal([]byte(`null`), &back); err != nil || !back.IsZero() {
		t.Errorf("null: %v", err)
	}
	for _, bad := range []string{`5`, `"x"`, `{}`, `""`} {
		if err := json.Unmarshal([]byte(bad), &back); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

func TestHashPasswordRules(t *testing.T) {
	tests := []struct {
		name     string
		password Password
		rules    StringRules
		want     []string
	}{
		{"none", "", StringRules{}, []string{"password: required: must be set"}},
		{"short", "abc", StringRules{Min: 8}, []string{"password: min: must have at least 8 characters"}},
		{"huge", Password(strings.Repeat("a", maxPasswordSize+1)), StringRules{}, []string{"password: max: must have at most 4096 bytes"}},
		{"two rules", "abc", StringRules{Min: 8, Pattern: regexp.MustCompile(`\d`)},
			[]string{"password: min: must have at least 8 characters", `password: pattern: must match \d`}},
		{"not UTF-8", "abc\xff", StringRules{}, []string{"password: utf8: must be valid UTF-8"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := newValidator(cheap())
			h := HashPassword(v, "password", tt.password, tt.rules)
			// The document's own check must not tell the same fault twice.
			Check(v, "password", &h, PasswordHashRules{})
			wantViolations(t, v, tt.want...)
			if !h.IsZero() {
				t.Error("a refused password was hashed")
			}
		})
	}
}

func TestHashPasswordUsesTheValidatorsParams(t *testing.T) {
	h := HashPassword(newValidator(cheap()), "password", "x", StringRules{})
	if h.NeedsRehash(cheap()) {
		t.Errorf("hash %s was not made with the given parameters", h.PHC())
	}
	if d := HashPassword(new(Validator), "password", "x", StringRules{}); !strings.Contains(d.PHC(), "$m=19456,t=2,p=1$") {
		t.Errorf("hash %s was not made with the default parameters", d.PHC())
	}
}

func TestGeneratePassword(t *testing.T) {
	v := newValidator(cheap())
	h := HashOrGenerate(v, "password", nil, 24, StringRules{Min: 8})
	plain, ok := h.Generated()
	if v.Err() != nil || !ok || len(plain) != 24 || !h.Verify(plain) {
		t.Fatalf("generated %d characters, ok %v, err %v", len(plain), ok, v.Err())
	}
	stored, err := ParsePasswordHash(h.PHC())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := stored.Generated(); ok {
		t.Error("a stored hash knows its password")
	}
	given := HashOrGenerate(v, "password", new(Password("given one")), 24, StringRules{Min: 8})
	if _, ok := given.Generated(); ok || !given.Verify("given one") {
		t.Error("a given password was not taken")
	}
	HashOrGenerate(v, "password", new(Password("short")), 24, StringRules{Min: 8})
	wantViolations(t, v, "password: min: must have at least 8 characters")
}

func TestGeneratePasswordMeetsTheRules(t *testing.T) {
	digit := StringRules{Pattern: regexp.MustCompile(`[2-9]`)}
	for range 50 {
		v := newValidator(cheap())
		h := HashOrGenerate(v, "password", nil, 4, digit) // half of such texts have no digit
		if plain, _ := h.Generated(); v.Err() != nil || !digit.Pattern.MatchString(string(plain)) {
			t.Fatalf("generated %q, %v", string(plain), v.Err())
		}
	}
	v := newValidator(cheap())
	HashOrGenerate(v, "password", nil, 4, StringRules{Min: 8})
	wantViolations(t, v, "password: generate: generated passwords do not satisfy the other rules")
}

func TestGenerateSecret(t *testing.T) {
	if got := OrGenerate(new(NewSecret("given")), 24).Reveal(); got != "given" {
		t.Errorf("OrGenerate = %q", got)
	}
	if got := OrGenerate(nil, 24).Reveal(); len(got) != 24 {
		t.Errorf("OrGenerate = %q", got)
	}
	seen := map[string]bool{}
	counts := map[byte]int{}
	const texts, size = 2000, 24
	for range texts {
		text := GenerateSecret(size).Reveal()
		if len(text) != size || seen[text] {
			t.Fatalf("generated %q, seen %v", text, seen[text])
		}
		seen[text] = true
		for i := range size {
			counts[text[i]]++
		}
	}
	for _, c := range []byte("0Oo1lI") {
		if counts[c] > 0 {
			t.Errorf("%q is mistaken for another character", c)
		}
	}
	// 857 of each are expected, with a standard deviation of 29. Taking bytes modulo
	// 56 would give the first 32 characters a quarter more than the others.
	for i := range len(generateAlphabet) {
		if n := counts[generateAlphabet[i]]; n < 857-7*29 || n > 857+7*29 {
			t.Errorf("%q was drawn %d times of 857", generateAlphabet[i], n)
		}
	}
	first, second := 0, 0
	for i := range 32 {
		first += counts[generateAlphabet[i]]
	}
	for i := 32; i < len(generateAlphabet); i++ {
		second += counts[generateAlphabet[i]]
	}
	// 27,429 are expected for the first 32 of 56, with a standard deviation of 108.
	if want := texts * size * 32 / 56; first < want-7*108 || first > want+7*108 {
		t.Errorf("the first 32 characters were drawn %d times, the others %d times", first, second)
	}
}

func TestApplyAndMergePassword(t *testing.T) {
	v := newValidator(cheap())
	rules := StringRules{Min: 3}
	old := cheap().hash("old")
	h := old
	ApplyPassword(v, "password", Change[Password]{}, &h, rules)
	MergePassword(v, "password", nil, &h, rules)
	if !h.Equal(old) {
		t.Error("a kept password changed")
	}
	ApplyPassword(v, "password", Set(Password("new")), &h, rules)
	if !h.Verify("new") {
		t.Error("the password was not set")
	}
	MergePassword(v, "password", new(Password("newer")), &h, rules)
	if !h.Verify("newer") || v.Err() != nil {
		t.Error("the password was not merged")
	}
	ApplyPassword(v, "password", Clear[Password](), &h, rules)
	wantViolations(t, v, "password: required: must not be cleared")

	v.reset()
	var o *PasswordHash
	if HashOptional(v, "pin", nil, rules) != nil {
		t.Error("no password has a hash")
	}
	ApplyOptionalPassword(v, "pin", Set(Password("1234")), &o, rules)
	if o == nil || !o.Verify("1234") {
		t.Error("the optional password was not set")
	}
	MergeOptionalPassword(v, "pin", nil, &o, rules)
	MergeOptionalPassword(v, "pin", new(Password("4321")), &o, rules)
	if !o.Verify("4321") {
		t.Error("the optional password was not merged")
	}
	ApplyOptionalPassword(v, "pin", Clear[Password](), &o, rules)
	if o != nil || v.Err() != nil {
		t.Error("the optional password was not cleared")
	}
	if h := HashOptional(v, "pin", new(Password("1")), rules); h == nil || !errors.Is(v.Err(), ErrValidation) {
		t.Error("a short optional password was taken")
	}
}

func TestPasswordParamsValidate(t *testing.T) {
	for _, p := range []PasswordParams{cheap(), DefaultPasswordParams(), {Memory: 1 << 20, Time: 64, Threads: 64}} {
		if err := p.validate(); err != nil {
			t.Errorf("%+v: %v", p, err)
		}
	}
	for _, p := range []PasswordParams{{Memory: 7, Time: 1, Threads: 1}, {Memory: 8, Threads: 1}, {Memory: 8, Time: 1}, {Memory: 15, Time: 1, Threads: 2}} {
		if p.validate() == nil {
			t.Errorf("%+v is accepted", p)
		}
	}
}
