package s3db

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// wantViolations compares the violations in their printed form.
func wantViolations(t *testing.T, v *Validator, want ...string) {
	t.Helper()
	var got []string
	for _, x := range v.violations {
		got = append(got, fmt.Sprintf("%s: %s: %s", x.Path, x.Rule, x.Message))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
}

// customer stands in for a generated document of ten attributes.
type customer struct {
	Name    string
	Email   string
	Site    *string
	Age     *int64
	Score   float64
	Tags    []string
	Labels  map[string]string
	Profile *customerProfile
	Born    Date
	Seen    time.Time
	Ref     uuid.UUID
	Orders  []customerOrder
}

type customerProfile struct {
	Country string
	Bio     *string
}

type customerOrder struct {
	SKU   string
	Count int64
}

func validateCustomer(v *Validator, d *customer) {
	Check(v, "name", &d.Name, StringRules{Min: 2, Max: 100, Trim: true})
	Check(v, "email", &d.Email, StringRules{Format: FormatEmail, Lowercase: true})
	CheckOptional(v, "site", &d.Site, StringRules{Format: FormatURL})
	CheckOptional(v, "age", &d.Age, IntRules{Min: At(int64(0)), Max: At(int64(150))})
	Check(v, "score", &d.Score, FloatRules{Max: At(1.0)})
	Check(v, "tags", &d.Tags, ArrayRules[string, StringRules]{Max: 10, Unique: true, Items: StringRules{Min: 1}})
	Check(v, "labels", &d.Labels, MapRules[string, StringRules]{Optional: true, Values: StringRules{Max: 5}})
	CheckOptional(v, "profile", &d.Profile, ObjectRules[customerProfile]{Validate: validateCustomerProfile, Normalizes: true})
	Check(v, "born", &d.Born, DateRules{Min: Date{1900, time.January, 1}})
	Check(v, "seen", &d.Seen, TimeRules{})
	Check(v, "ref", &d.Ref, UUIDRules{Version: 4})
	Check(v, "orders", &d.Orders, ArrayRules[customerOrder, ObjectRules[customerOrder]]{Optional: true,
		Items: ObjectRules[customerOrder]{Validate: validateCustomerOrder}})
}

func validateCustomerProfile(v *Validator, p *customerProfile) {
	Check(v, "country", &p.Country, StringRules{Length: 2, Uppercase: true})
	CheckOptional(v, "bio", &p.Bio, StringRules{Max: 20})
}

func validateCustomerOrder(v *Validator, o *customerOrder) {
	Check(v, "sku", &o.SKU, StringRules{Format: FormatAlphadash})
	Check(v, "count", &o.Count, IntRules{Positive: true})
}

func validCustomer() *customer {
	return &customer{
		Name: "Ada Lovelace", Email: "ada@example.com", Site: new("https://example.com/ada?x=1"), Age: new(int64(36)), Score: 0.5,
		Tags: []string{"math", "poetry", "engines"}, Labels: map[string]string{"a": "1", "b": "2"},
		Profile: &customerProfile{Country: "GB", Bio: new("first programmer")}, Born: Date{1915, time.December, 10},
		Seen: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), Ref: uuid.MustParse("5f6b2f0e-8c1a-4c8e-9d3b-0a1b2c3d4e5f"),
		Orders: []customerOrder{{"A-1", 1}, {"A-2", 2}},
	}
}

func TestValidDocumentDoesNotAllocate(t *testing.T) {
	d := validCustomer()
	d.Profile = nil // an optional object with normalising rules is copied
	v := newValidator(cheap())
	validateCustomer(v, d)
	if err := v.Err(); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { v.reset(); validateCustomer(v, d) }); n != 0 {
		t.Errorf("a valid document allocates %v times", n)
	}
}

func TestEveryViolationIsReported(t *testing.T) {
	d := &customer{
		Name: " A ", Email: "ada", Site: new("example.com"), Age: new(int64(-1)), Score: 2,
		Tags: []string{"a", "b", "", "a"}, Labels: map[string]string{"z": "123456", "a b": "1234567", "ok": "1"},
		Profile: &customerProfile{Country: "gbr", Bio: new(strings.Repeat("x", 21))}, Born: Date{1899, time.December, 31},
		Orders: []customerOrder{{"A-1", 1}, {"A 2", 0}},
	}
	v := newValidator(cheap())
	validateCustomer(v, d)
	wantViolations(t, v,
		"name: min: must have at least 2 characters, has 1",
		"email: email: must be an email address", //nolint:dupword // path and rule
		"site: url: must be an absolute URL",
		"age: min: must be at least 0",
		"score: max: must be at most 1",
		"tags[2]: min: must have at least 1 character, has 0",
		"tags[3]: unique: repeats tags[0]",
		`labels["a b"]: max: must have at most 5 characters, has 7`,
		`labels["z"]: max: must have at most 5 characters, has 6`,
		"profile.country: length: must have exactly 2 characters, has 3",
		"profile.bio: max: must have at most 20 characters, has 21",
		"born: min: must not be before 1900-01-01",
		"seen: required: must be set",
		"ref: required: must be set",
		"orders[1].sku: alphadash: must consist of the letters a-z and A-Z, digits, - and _",
		"orders[1].count: positive: must be above 0",
	)
	err := v.Err()
	var invalid *ValidationError
	if !errors.Is(err, ErrValidation) || !errors.As(err, &invalid) || len(invalid.Violations) != 16 {
		t.Fatalf("error = %v", err)
	}
	if !strings.HasPrefix(err.Error(), "validation failed: name: min: must have at least 2 characters, has 1; email: ") {
		t.Errorf("error = %v", err)
	}
	data, jsonErr := json.Marshal(invalid.Violations[0])
	if want := `{"path":"name","rule":"min","message":"must have at least 2 characters, has 1"}`; jsonErr != nil || string(data) != want {
		t.Errorf("JSON = %s, want %s", data, want)
	}
}

// Maps are walked in a random order; the report is not.
func TestViolationsAreInOrder(t *testing.T) {
	labels := map[string]map[string]string{}
	for i := range 20 {
		labels[fmt.Sprintf("k%02d", i)] = map[string]string{"x": "abc", "y": "abc", "z": "a"}
	}
	rules := MapRules[map[string]string, MapRules[string, StringRules]]{Values: MapRules[string, StringRules]{Values: StringRules{Max: 2}}}
	var first []Violation
	for range 20 {
		v := new(Validator)
		Check(v, "labels", &labels, rules)
		if first == nil {
			first = v.violations
		}
		if len(v.violations) != 40 || v.violations[1].Path != `labels["k00"]["y"]` {
			t.Fatalf("%d violations, second %+v", len(v.violations), v.violations[1])
		}
		if diff := cmp.Diff(first, v.violations); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestCallersMemoryIsNotChanged(t *testing.T) {
	site, tags := "  HTTPS://A.example  ", []string{" a ", "b"}
	labels := map[string]string{"k": " v "}
	object := customerProfile{Country: "gb"}
	objects := []customerProfile{object}
	secret := NewSecret(" s ")
	maps := []map[string]string{{"k": " v "}}
	trim := StringRules{Trim: true}

	v := new(Validator)
	dSite, dTags, dLabels, dObject, dObjects, dSecret, dMaps := &site, tags, labels, &object, objects, secret, maps
	CheckOptional(v, "site", &dSite, StringRules{Trim: true, Lowercase: true})
	Check(v, "tags", &dTags, ArrayRules[string, StringRules]{Items: trim})
	Check(v, "labels", &dLabels, MapRules[string, StringRules]{Values: trim})
	rules := ObjectRules[customerProfile]{Validate: validateCustomerProfile, Normalizes: true}
	CheckOptional(v, "object", &dObject, rules)
	Check(v, "objects", &dObjects, ArrayRules[customerProfile, ObjectRules[customerProfile]]{Items: rules})
	Check(v, "secret", &dSecret, SecretRules[string, StringRules]{Value: trim})
	Check(v, "maps", &dMaps, ArrayRules[map[string]string, MapRules[string, StringRules]]{Items: MapRules[string, StringRules]{Values: trim}})
	if err := v.Err(); err != nil {
		t.Fatal(err)
	}
	if *dSite != "https://a.example" || dTags[0] != "a" || dLabels["k"] != "v" || dObject.Country != "GB" ||
		dObjects[0].Country != "GB" || dSecret.Reveal() != "s" || dMaps[0]["k"] != "v" {
		t.Errorf("not normalised: %q %q %q %q %q %q %q", *dSite, dTags, dLabels, dObject.Country, dObjects[0].Country, dSecret.Reveal(), dMaps)
	}
	if site != "  HTTPS://A.example  " || tags[0] != " a " || labels["k"] != " v " || object.Country != "gb" ||
		objects[0].Country != "gb" || secret.Reveal() != " s " || maps[0]["k"] != " v " {
		t.Errorf("the caller's values changed: %q %q %q %q %q %q %q", site, tags, labels, object.Country, objects[0].Country, secret.Reveal(), maps)
	}
}

func TestPaths(t *testing.T) {
	var v Validator
	if got := v.path("a"); got != "a" {
		t.Errorf("path = %q", got)
	}
	v.push(step{kind: stepName, name: "a"})
	v.push(step{kind: stepIndex, index: 3})
	v.push(step{kind: stepName, name: "b"})
	v.push(step{kind: stepKey, name: `x"y`})
	if got, want := v.path("c"), `a[3].b["x\"y"].c`; got != want {
		t.Errorf("path = %s, want %s", got, want)
	}
	if got, want := v.path(""), `a[3].b["x\"y"]`; got != want {
		t.Errorf("path = %s, want %s", got, want)
	}
	v.push(step{kind: stepKey, name: "\u202E\xff\n" + strings.Repeat("é", 100)})
	if got, want := v.path(""), `a[3].b["x\"y"]["\u202e\xff\n`+strings.Repeat("é", 27)+`"…]`; got != want {
		t.Errorf("path = %s, want %s", got, want)
	}
	for range 20 { // deeper than the room that needs no allocation
		v.push(step{kind: stepIndex})
	}
	if got := v.path(""); !strings.HasSuffix(got, strings.Repeat("[0]", 20)) {
		t.Errorf("path = %s", got)
	}
}

func TestMessagesDoNotHoldTheValue(t *testing.T) {
	const needle = "needle\x01"
	v := new(Validator)
	s, list := needle, []string{needle, needle}
	everything := StringRules{
		Length: 3, Max: 1, Min: 100, Format: 1<<9 - 1, Schemes: []string{"https"}, Pattern: regexp.MustCompile(`^\d+$`),
		Contains: "x", StartsWith: "x", EndsWith: "x", In: []string{"x"},
	}
	Check(v, "s", &s, everything)
	Check(v, "list", &list, ArrayRules[string, StringRules]{Unique: true, Items: everything})
	secret := NewSecret(needle)
	Check(v, "secret", &secret, SecretRules[string, StringRules]{Value: everything})
	if err := v.Err(); err == nil || strings.Contains(err.Error(), "needle") {
		t.Errorf("error = %v", err)
	}
	if n := len(v.violations); n < 40 {
		t.Errorf("only %d violations", n)
	}
	for _, x := range v.violations {
		if x.Path == "secret" && strings.Contains(x.Message, ", has") {
			t.Errorf("the length of a secret is told: %s", x.Message)
		}
	}
}

func TestValidationErrorIsBounded(t *testing.T) {
	v := new(Validator)
	list := make([]string, 5000)
	Check(v, "list", &list, ArrayRules[string, StringRules]{Items: StringRules{Min: 1}})
	var invalid *ValidationError
	if !errors.As(v.Err(), &invalid) || len(invalid.Violations) != 5000 {
		t.Fatal("not every violation is reported")
	}
	if text := invalid.Error(); len(text) > 10_000 || !strings.HasSuffix(text, "; and 4900 more") {
		t.Errorf("error of %d bytes ends in %q", len(text), text[len(text)-40:])
	}
}

func TestValidatorErrIsASnapshot(t *testing.T) {
	v := new(Validator)
	if v.Err() != nil {
		t.Error("a fresh validator has an error")
	}
	v.Add("a", "custom", "must be even")
	err := v.Err()
	v.Add("b", "custom", "must be odd")
	if got, want := err.Error(), "validation failed: a: custom: must be even"; got != want {
		t.Errorf("error = %q, want %q", got, want)
	}
	v.reset()
	if v.Err() != nil {
		t.Error("reset keeps violations")
	}
}
