package s3db

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
)

type stockPatch struct {
	Name Change[string]          `json:"name,omitzero"`
	Age  Change[int64]           `json:"age,omitzero"`
	Tags Change[[]string]        `json:"tags,omitzero"`
	Data Change[json.RawMessage] `json:"data,omitzero"`
}

func TestChangeJSON(t *testing.T) {
	equal := cmp.AllowUnexported(Change[string]{}, Change[int64]{}, Change[[]string]{}, Change[json.RawMessage]{})
	tests := []struct {
		name  string
		patch stockPatch
		json  string
	}{
		{"keep everything", stockPatch{}, `{}`},
		{"set", stockPatch{Name: Set("Ada"), Age: Set(int64(0)), Tags: Set([]string{})}, `{"name":"Ada","age":0,"tags":[]}`},
		{"set to the zero value", stockPatch{Name: Set("")}, `{"name":""}`},
		{"clear", stockPatch{Age: Clear[int64](), Tags: Clear[[]string]()}, `{"age":null,"tags":null}`},
		{"add", stockPatch{Age: Add(int64(-2))}, `{"age":{"add":-2}}`},
		{"raw", stockPatch{Data: Set(json.RawMessage(`{"a":1}`))}, `{"data":{"a":1}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data, err := json.Marshal(tt.patch)
			if err != nil {
				t.Fatal(err)
			}
			if string(data) != tt.json {
				t.Errorf("JSON = %s, want %s", data, tt.json)
			}
			var back stockPatch
			if err := json.Unmarshal(data, &back); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.patch, back, equal); diff != "" {
				t.Error(diff)
			}
		})
	}
	// Without omitzero a kept attribute must not turn into null, which clears it.
	if data, err := json.Marshal(Change[string]{}); err == nil {
		t.Errorf("a kept attribute was written as %s", data)
	}
	var c Change[int64]
	if err := json.Unmarshal([]byte(`"x"`), &c); err == nil || !c.IsZero() {
		t.Errorf("a wrong type was read: %+v, %v", c, err)
	}
}

func TestAddFromJSON(t *testing.T) {
	var stock Change[decimal.Decimal]
	if err := json.Unmarshal([]byte(`{"add": "0.10"}`), &stock); err != nil {
		t.Fatal(err)
	}
	if n, ok := stock.Added(); !ok || n.String() != "0.1" || stock.IsZero() || stock.IsClear() || fmt.Sprint(stock) != "add 0.1" {
		t.Errorf("read as %v", stock)
	}
	if _, ok := stock.Value(); ok {
		t.Error("what adds sets a value")
	}
	for _, text := range []string{`{}`, `{"add":null}`, `{"add":"x"}`, `{"plus":1}`} {
		if err := json.Unmarshal([]byte(text), &stock); err == nil {
			t.Errorf("%s was read as %v", text, stock)
		}
	}
	// What is no number is set to an object of that form.
	var anything Change[map[string]any]
	if err := json.Unmarshal([]byte(`{"add":1}`), &anything); err != nil {
		t.Fatal(err)
	}
	if v, ok := anything.Value(); !ok || len(v) != 1 {
		t.Errorf("read as %v", anything)
	}
}

// TestAdd adds to each type of number, up to its limits.
func TestAdd(t *testing.T) {
	t.Run("integer", func(t *testing.T) {
		testAdd(t, "integer", []addCase[int64]{
			{40, 2, 42, true}, {1, -3, -2, true}, {5, 0, 5, true},
			{math.MaxInt64 - 1, 1, math.MaxInt64, true}, {math.MinInt64 + 1, -1, math.MinInt64, true},
			{math.MaxInt64, 1, math.MaxInt64, false}, {math.MinInt64, -1, math.MinInt64, false},
			{math.MaxInt64, math.MaxInt64, math.MaxInt64, false}, {-1, math.MinInt64, -1, false},
		})
	})
	t.Run("duration", func(t *testing.T) {
		testAdd(t, "duration", []addCase[time.Duration]{{time.Second, time.Minute, 61 * time.Second, true}, {math.MaxInt64, 1, math.MaxInt64, false}})
	})
	t.Run("number", func(t *testing.T) {
		testAdd(t, "number", []addCase[float64]{
			{0.5, 0.25, 0.75, true}, {math.MaxFloat64, math.MaxFloat64, math.MaxFloat64, false}, {1, math.NaN(), 1, false},
		})
	})
	t.Run("decimal", func(t *testing.T) {
		d := decimal.RequireFromString
		testAdd(t, "decimal", []addCase[decimal.Decimal]{{d("19.90"), d("-0.1"), d("19.8"), true}, {d("1"), decimal.New(1, 2_000_000_000), d("1"), false}})
	})
}

type addCase[T Number] struct {
	from, add, want T
	fits            bool
}

func testAdd[T Number](t *testing.T, rule string, tests []addCase[T]) {
	t.Helper()
	for _, tt := range tests {
		var required, absent Validator
		got, optional, frozen := tt.from, &tt.from, &tt.from
		Apply(&required, "n", Add(tt.add), &got)
		ApplyOptionalNumber(&required, "n", Add(tt.add), &optional)
		ApplyOptional(Add(tt.add), &frozen)
		for _, sum := range []T{got, *optional, *frozen} {
			if !cmp.Equal(sum, tt.want) {
				t.Errorf("%v + %v = %v, want %v", tt.from, tt.add, sum, tt.want)
			}
		}
		var violations []Violation
		if !tt.fits {
			violations = []Violation{{"n", rule, "the sum is beyond what the type can hold"}, {"n", rule, "the sum is beyond what the type can hold"}}
		}
		if diff := cmp.Diff(violations, required.violations); diff != "" {
			t.Errorf("%v + %v: %s", tt.from, tt.add, diff)
		}
		var none *T
		if ApplyOptionalNumber(&absent, "n", Add(tt.add), &none); tt.fits && (none == nil || !cmp.Equal(*none, tt.add)) {
			t.Errorf("%v was added to nothing: %v", tt.add, none)
		}
		ApplyOptionalNumber(&absent, "n", Clear[T](), &none)
		if none != nil {
			t.Error("not cleared")
		}
	}
}

func TestChangeValue(t *testing.T) {
	if v, ok := Set(3).Value(); v != 3 || !ok {
		t.Errorf("Set: %v %v", v, ok)
	}
	if _, ok := Clear[int]().Value(); ok || !Clear[int]().IsClear() || Clear[int]().IsZero() {
		t.Error("Clear is not a clear")
	}
	var keep Change[int]
	if _, ok := keep.Value(); ok || keep.IsClear() || !keep.IsZero() {
		t.Error("the zero Change does not keep")
	}
}

func TestApply(t *testing.T) {
	var v Validator
	name, age, tags, labels := "Ada", new(int64(36)), []string{"a"}, map[string]int64{"x": 1}

	Apply(&v, "name", Change[string]{}, &name)
	ApplyOptional(Change[int64]{}, &age)
	ApplySlice(Change[[]string]{}, &tags)
	ApplyMap(Change[map[string]int64]{}, &labels)
	if name != "Ada" || *age != 36 || len(tags) != 1 || len(labels) != 1 || v.Err() != nil {
		t.Fatalf("keep changed something: %q %v %v %v %v", name, *age, tags, labels, v.Err())
	}

	Apply(&v, "name", Set("Bo"), &name)
	before := age
	ApplyOptional(Set(int64(37)), &age)
	ApplySlice(Set([]string{}), &tags)
	ApplyMap(Set(map[string]int64{"y": 2}), &labels)
	if name != "Bo" || *age != 37 || *before != 36 || tags == nil || len(tags) != 0 || labels["y"] != 2 {
		t.Fatalf("set: %q %v (before %v) %v %v", name, *age, *before, tags, labels)
	}

	ApplyOptional(Clear[int64](), &age)
	ApplySlice(Clear[[]string](), &tags)
	ApplyMap(Clear[map[string]int64](), &labels)
	if age != nil || tags != nil || labels != nil || v.Err() != nil {
		t.Fatalf("clear: %v %v %v %v", age, tags, labels, v.Err())
	}

	Apply(&v, "name", Clear[string](), &name)
	var invalid *ValidationError
	if !errors.As(v.Err(), &invalid) || name != "Bo" {
		t.Fatalf("clearing a required attribute: %v, name %q", v.Err(), name)
	}
	want := []Violation{{Path: "name", Rule: "required", Message: "must not be cleared"}}
	if diff := cmp.Diff(want, invalid.Violations); diff != "" {
		t.Error(diff)
	}
}

func TestMergeKeepsWhatIsNotGiven(t *testing.T) {
	age, role, tags, labels := new(int64(36)), "member", []string{"a"}, map[string]int64{"x": 1}
	MergeOptional(nil, &age)
	MergeDefault(nil, &role)
	MergeSlice(nil, &tags)
	MergeMap(nil, &labels)
	if *age != 36 || role != "member" || len(tags) != 1 || len(labels) != 1 {
		t.Fatalf("nil changed something: %v %v %v %v", *age, role, tags, labels)
	}
	MergeOptional(new(int64(37)), &age)
	MergeDefault(new("admin"), &role)
	MergeSlice([]string{}, &tags)
	MergeMap(map[string]int64{}, &labels)
	if *age != 37 || role != "admin" || tags == nil || len(tags) != 0 || len(labels) != 0 {
		t.Fatalf("given values were not taken: %v %v %v %v", *age, role, tags, labels)
	}
	if OrDefault(nil, 5) != 5 || OrDefault(new(0), 5) != 0 {
		t.Error("Or")
	}
}
