package goldentest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/testdata/golden/gotypes/gotypes"
	"github.com/s3dbgen/s3dbgen/testdata/gotypes/money"
	"github.com/s3dbgen/s3dbgen/testdata/gotypes/units"
)

// TestTypesOfPrograms: what a type of the program cannot write, or would not read again,
// is not stored, and what the type says of it is not told; predicates, order and patches
// take its values.
func TestTypesOfPrograms(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, err := gotypes.New(ctx, memstore.New(), s3db.WithKey("k", make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*gotypes.RequiredInsert){
		"amount: goType: must be a value that its type can write": func(in *gotypes.RequiredInsert) { in.Amount = money.Amount{Minor: money.Unstorable} },
		"score: goType: must be a value that its type accepts":    func(in *gotypes.RequiredInsert) { in.Score = money.Score{N: money.Unreadable} },
		"amount: positive": func(in *gotypes.RequiredInsert) { in.Amount = money.Amount{Minor: -1} },
	} {
		_, err := db.Required.Insert(ctx, gotypes.NewRequiredFixture(1, change))
		if !errors.Is(err, s3db.ErrValidation) || !strings.Contains(fmt.Sprint(err), want) || strings.Contains(fmt.Sprint(err), "canary") {
			t.Errorf("want %q: %v", want, err)
		}
	}
	for n, minor := range []int64{950, 1000, 100} {
		in := gotypes.NewIndexedFixture(n, func(in *gotypes.IndexedInsert) { in.Amount = money.Amount{Minor: minor} })
		if _, err := db.Indexed.Insert(ctx, in); err != nil {
			t.Fatal(err)
		}
	}
	where := gotypes.IndexedWhere.Amount
	found, err := db.Indexed.Query().Where(where.Ge(money.Amount{Minor: 950})).OrderBy(where.Asc()).List(ctx)
	if err != nil || len(found) != 2 || found[0].Amount.Minor != 950 || found[1].Amount.Minor != 1000 {
		t.Errorf("9.50 and 10.00 in order: %v, %v", found, err)
	}
	changed, err := db.Indexed.Update(ctx, found[0].ID, gotypes.IndexedPatch{Amount: s3db.Set(money.Amount{Minor: 975})})
	if err != nil || changed.Amount.Minor != 975 {
		t.Errorf("%v, %v", changed, err)
	}
	if one, err := db.Indexed.ByAmount(money.Amount{Minor: 975}).List(ctx); err != nil || len(one) != 1 {
		t.Errorf("by the new value: %v, %v", one, err)
	}
}

// TestAddToTypesOfPrograms: a patch adds to types that are declared as a number, and the
// rules hold for the sum.
func TestAddToTypesOfPrograms(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, err := gotypes.New(ctx, memstore.New(), s3db.WithKey("k", make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	d, err := db.Optional.Insert(ctx, gotypes.NewOptionalFixture(1, func(in *gotypes.OptionalInsert) { in.Cents, in.Celsius = new(money.Cents(40)), nil }))
	if err != nil {
		t.Fatal(err)
	}
	d, err = db.Optional.Update(ctx, d.ID, gotypes.OptionalPatch{Cents: s3db.Add(money.Cents(2)), Celsius: s3db.Add(units.Celsius(1.5)), Wait: s3db.Clear[units.Wait]()})
	if err != nil || *d.Cents != 42 || *d.Celsius != 1.5 {
		t.Errorf("%v, %v", d, err)
	}
	d, err = db.Optional.Update(ctx, d.ID, gotypes.OptionalPatch{Cents: s3db.Add(money.Cents(-42))})
	if !errors.Is(err, s3db.ErrValidation) {
		t.Errorf("below min: %v, %v", d, err)
	}
}
