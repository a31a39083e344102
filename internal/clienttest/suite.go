// Package clienttest tests the generated client's runtime against a store, the
// same way on every store.
package clienttest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Run tests a store. open returns an empty one; the suite does not close it.
func Run(t *testing.T, open func(t *testing.T) s3db.Store) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(t *testing.T, store s3db.Store)
	}{
		{"documents", testDocuments},
		{"patches", testPatches},
		{"conditions", testConditions},
		{"missing", testMissing},
		{"values", testValues},
		{"indexes", testIndexes},
		{"unique", testUnique},
		{"partitions", testPartitions},
		{"partitions while documents move", testMoving},
		{"increments", testIncrements},
		{"one id inserted at once", testInsertRace},
		{"one id upserted at once", testUpsertRace},
		{"one value claimed at once", testClaimRace},
		{"one value claimed at once, with faults", testClaimRaceFaults},
		{"one value claimed at once, by one that crashes", testClaimRaceCrash},
		{"many deleted", testDeleteMany},
		{"all deleted", testDeleteAll},
		{"numbers of a sequence taken at once", testSequence},
		{"reopen", testReopen},
		{"content", testContent},
		{"content that is refused", testContentRefused},
		{"ranges of content", testContentRanges},
		{"content under each behavior", testContentBehaviors},
		{"content set at once", testContentRace},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

// ignoreMeta compares documents by their attributes.
func ignoreMeta() cmp.Option { return cmpopts.IgnoreFields(Account{}, "Meta") }

func mustOpen(t *testing.T, store s3db.Store, p, k int, options ...s3db.Option) *Accounts {
	t.Helper()
	c, err := Open(t.Context(), store, p, k, options...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func must[T any](t *testing.T) func(v T, err error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error is %v, want %v", err, want)
	}
}

func testDocuments(t *testing.T, store s3db.Store) {
	t.Helper()
	ctx := t.Context()
	at := time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)
	c := mustOpen(t, store, 3, 2, s3db.WithClock(func() time.Time { return at }))

	in := AccountInsert{Name: "Ada", Count: 36, Email: new("ada@x.io"), Country: new("BR"), City: new("Rio")}
	d := must[*Account](t)(c.Insert(ctx, in))
	if len(d.ID) != 22 {
		t.Errorf("id %q has %d characters, want 22", d.ID, len(d.ID))
	}
	want := &Account{ID: d.ID, Name: "Ada", Count: 36, Email: new("ada@x.io"), Country: new("BR"), City: new("Rio"), CreatedAt: at, UpdatedAt: at}
	if diff := cmp.Diff(want, d, ignoreMeta()); diff != "" {
		t.Errorf("inserted (-want +got):\n%s", diff)
	}
	got := must[*Account](t)(c.Get(ctx, d.ID))
	if diff := cmp.Diff(d, got, ignoreMeta()); diff != "" {
		t.Errorf("read back (-inserted +read):\n%s", diff)
	}
	if got.Meta.Revision == "" || got.Meta.Revision != d.Meta.Revision {
		t.Errorf("revisions differ: inserted %q, read %q", d.Meta.Revision, got.Meta.Revision)
	}

	later := at.Add(time.Hour)
	at = later
	replaced := must[*Account](t)(c.Replace(ctx, d.ID, AccountInsert{Name: "Grace", Plan: new("pro")}))
	want = &Account{ID: d.ID, Name: "Grace", Plan: new("pro"), CreatedAt: d.CreatedAt, UpdatedAt: later}
	if diff := cmp.Diff(want, replaced, ignoreMeta()); diff != "" {
		t.Errorf("replaced (-want +got):\n%s", diff)
	}
	upserted := must[*Account](t)(c.Upsert(ctx, d.ID, AccountInsert{Name: "Grace", Count: 7}))
	want.Count = 7
	if diff := cmp.Diff(want, upserted, ignoreMeta()); diff != "" {
		t.Errorf("upserted over an existing document (-want +got):\n%s", diff)
	}
	fresh := must[*Account](t)(c.Upsert(ctx, "chosen-id", AccountInsert{Name: "Alan"}))
	if fresh.ID != "chosen-id" || fresh.Name != "Alan" {
		t.Errorf("upserted a new document: got %+v", fresh)
	}
	if ok := must[bool](t)(c.Exists(ctx, "chosen-id")); !ok {
		t.Error("an upserted document does not exist")
	}
	many, err := c.GetMany(ctx, "chosen-id", "nobody", d.ID)
	wantErr(t, err, s3db.ErrNotFound)
	var bulk *s3db.BulkError
	if !errors.As(err, &bulk) || len(bulk.Failed) != 1 || bulk.Failed[0].Index != 1 || bulk.Failed[0].ID != "nobody" {
		t.Errorf("GetMany reports %v, want item 1, id nobody", err)
	}
	if len(many) != 3 || many[0].Name != "Alan" || many[1] != nil || many[2].Name != "Grace" {
		t.Errorf("GetMany returns %v", many)
	}

	if err := c.Delete(ctx, d.ID); err != nil {
		t.Fatal(err)
	}
	_, err = c.Get(ctx, d.ID)
	wantErr(t, err, s3db.ErrNotFound)
	if ok := must[bool](t)(c.Exists(ctx, d.ID)); ok {
		t.Error("a deleted document exists")
	}
	again := must[*Account](t)(c.Insert(ctx, AccountInsert{ID: d.ID, Name: "Ada", Email: new("ada@x.io")}))
	if again.CreatedAt != later {
		t.Errorf("a document inserted after a delete was created at %v, want %v", again.CreatedAt, later)
	}
}

func testPatches(t *testing.T, store s3db.Store) {
	t.Helper()
	ctx := t.Context()
	c := mustOpen(t, store, 3, 2)
	d := must[*Account](t)(c.Insert(ctx, AccountInsert{ID: "a", Name: "Ada", Count: 1, Country: new("BR"), Bio: new("")}))
	u := must[*Account](t)(c.Update(ctx, "a", AccountPatch{Count: s3db.Set(int64(2)), City: s3db.Set("Rio")}))
	if u.Name != "Ada" || u.Count != 2 || *u.City != "Rio" || *u.Country != "BR" || u.Bio == nil || *u.Bio != "" {
		t.Errorf("patched: %+v", u)
	}
	if u.Meta.Revision == d.Meta.Revision {
		t.Error("an update kept the revision")
	}
	u = must[*Account](t)(c.Update(ctx, "a", AccountPatch{Country: s3db.Clear[string]()}))
	if u.Country != nil || u.City == nil {
		t.Errorf("cleared: %+v", u)
	}
	_, err := c.Update(ctx, "a", AccountPatch{Name: s3db.Clear[string]()})
	wantErr(t, err, s3db.ErrValidation)
	_, err = c.Update(ctx, "a", AccountPatch{Name: s3db.Set("")})
	wantErr(t, err, s3db.ErrValidation)
	if got := must[*Account](t)(c.Get(ctx, "a")); got.Meta.Revision != u.Meta.Revision {
		t.Error("a refused update changed the document")
	}
}

func testConditions(t *testing.T, store s3db.Store) {
	t.Helper()
	ctx := t.Context()
	c := mustOpen(t, store, 3, 2)
	d1 := must[*Account](t)(c.Insert(ctx, AccountInsert{ID: "a", Name: "Ada", Country: new("BR")}))
	d2 := must[*Account](t)(c.Update(ctx, "a", AccountPatch{Name: s3db.Set("Ada L.")}, s3db.IfMatch(d1.Meta.Revision)))
	_, err := c.Update(ctx, "a", AccountPatch{Name: s3db.Set("late")}, s3db.IfMatch(d1.Meta.Revision))
	wantErr(t, err, s3db.ErrConflict)
	_, err = c.UpdateFrom(ctx, d1, AccountPatch{Name: s3db.Set("late")})
	wantErr(t, err, s3db.ErrConflict)
	_, err = c.Replace(ctx, "a", AccountInsert{Name: "late"}, s3db.IfMatch(d1.Meta.Revision))
	wantErr(t, err, s3db.ErrConflict)
	wantErr(t, c.Delete(ctx, "a", s3db.IfMatch(d1.Meta.Revision)), s3db.ErrConflict)
	_, err = c.Upsert(ctx, "new", AccountInsert{Name: "x"}, s3db.IfMatch(d1.Meta.Revision))
	wantErr(t, err, s3db.ErrConflict)

	// What the caller does to its copy must not mislead the indexes.
	d2.Country, d2.Name = new("ZZ"), "scribbled"
	d3 := must[*Account](t)(c.UpdateFrom(ctx, d2, AccountPatch{Country: s3db.Set("PT")}))
	if d3.Name != "Ada L." || *d3.Country != "PT" {
		t.Errorf("UpdateFrom wrote %q, %q", d3.Name, *d3.Country)
	}
	checkEntries(t, store, c, 3)
	if err := c.Delete(ctx, "a", s3db.IfMatch(d3.Meta.Revision)); err != nil {
		t.Error(err)
	}
}

func testMissing(t *testing.T, store s3db.Store) {
	t.Helper()
	ctx := t.Context()
	c := mustOpen(t, store, 1, 1)
	_, err := c.Get(ctx, "nobody")
	wantErr(t, err, s3db.ErrNotFound)
	_, err = c.Update(ctx, "nobody", AccountPatch{Name: s3db.Set("x")})
	wantErr(t, err, s3db.ErrNotFound)
	_, err = c.Replace(ctx, "nobody", AccountInsert{Name: "x"})
	wantErr(t, err, s3db.ErrNotFound)
	wantErr(t, c.Delete(ctx, "nobody"), s3db.ErrNotFound)
	must[*Account](t)(c.Insert(ctx, AccountInsert{ID: "a", Name: "Ada"}))
	_, err = c.Insert(ctx, AccountInsert{ID: "a", Name: "Eve"})
	wantErr(t, err, s3db.ErrAlreadyExists)
	if got := must[*Account](t)(c.Get(ctx, "a")); got.Name != "Ada" {
		t.Errorf("a refused insert left %q", got.Name)
	}
	for _, id := range []AccountID{"", ".", "..", "a/b", "../x", "a\x00b", "a b", "é", "👍", AccountID(strings.Repeat("x", 2048)), "a\nb", `a\b`} {
		_, err := c.Insert(ctx, AccountInsert{ID: id, Name: "x"})
		if id == "" {
			continue // generated
		}
		wantErr(t, err, s3db.ErrInvalidID)
		_, err = c.Get(ctx, id)
		wantErr(t, err, s3db.ErrInvalidID)
	}
}

// hostile are values that something on the way likes to change.
func hostile() []string {
	return []string{
		"", " ", " x ", "null", "undefined", "-0", "true", "[]", "{}", "\"", "\\", "\\u0000", "\x00", "\x7f", "\r\n", "\t",
		"=?utf-8?q?x?=", "%2e%2e", "../..", "a,b", "a;b", "~", "!", "é", "Привет, мир", "日本語テキスト", "👩‍👩‍👧‍👦", "\u202egnirts", "e\u0301",
		"\ufeffbom", strings.Repeat("ü", 700), strings.Repeat("x", 5000), strings.Repeat("漢", 3000),
	}
}

func testValues(t *testing.T, store s3db.Store) {
	t.Helper()
	ctx := t.Context()
	c := mustOpen(t, store, 3, 2)
	for i, v := range hostile() {
		id := AccountID(fmt.Sprintf("v%d", i))
		in := AccountInsert{ID: id, Name: "n" + v, Bio: new(v), Email: new(v), Country: new(v), City: new(v)}
		d, err := c.Insert(ctx, in)
		if err != nil {
			t.Errorf("%.20q: %v", v, err)
			continue
		}
		got := must[*Account](t)(c.Get(ctx, id))
		if diff := cmp.Diff(d, got, ignoreMeta()); diff != "" || *got.Bio != v || got.Name != "n"+v {
			t.Errorf("%.20q came back as %.20q:\n%s", v, *got.Bio, diff)
		}
		if (len(v) > 2000 && !got.Meta.InBody) || (len(v) < 100 && got.Meta.InBody) {
			t.Errorf("%.20q: InBody is %v", v, got.Meta.InBody)
		}
	}
	checkEntries(t, store, c, 3)
	for i := range hostile() {
		if err := c.Delete(ctx, AccountID(fmt.Sprintf("v%d", i))); err != nil {
			t.Error(err)
		}
	}
	checkEntries(t, store, c, 3)
	checkClaims(t, store, 0)
}

func testIndexes(t *testing.T, store s3db.Store) {
	t.Helper()
	ctx := t.Context()
	c := mustOpen(t, store, 3, 0)
	must[*Account](t)(c.Insert(ctx, AccountInsert{ID: "a", Name: "Ada", Country: new("BR"), City: new("Rio"), Plan: new("pro")}))
	checkEntries(t, store, c, 3)
	must[*Account](t)(c.Update(ctx, "a", AccountPatch{City: s3db.Set("Recife")}))
	checkEntries(t, store, c, 3)
	must[*Account](t)(c.Update(ctx, "a", AccountPatch{City: s3db.Clear[string]()}))
	checkEntries(t, store, c, 3)
	must[*Account](t)(c.Update(ctx, "a", AccountPatch{City: s3db.Set("Rio"), Country: s3db.Set("PT")}))
	checkEntries(t, store, c, 3)
	must[*Account](t)(c.Replace(ctx, "a", AccountInsert{Name: "Ada"}))
	checkEntries(t, store, c, 3)
	must[*Account](t)(c.Upsert(ctx, "a", AccountInsert{Name: "Ada", Plan: new("free")}))
	checkEntries(t, store, c, 3)
	if err := c.Delete(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	checkEntries(t, store, c, 3)
}

func testUnique(t *testing.T, store s3db.Store) {
	t.Helper()
	ctx := t.Context()
	c := mustOpen(t, store, 1, 2)
	must[*Account](t)(c.Insert(ctx, AccountInsert{ID: "a", Name: "Ada", Email: new("e"), Phone: new("1"), Country: new("BR")}))
	_, err := c.Insert(ctx, AccountInsert{ID: "b", Name: "Eve", Email: new("e"), Phone: new("2"), Country: new("BR")})
	wantErr(t, err, s3db.ErrUnique)
	var e *s3db.Error
	if !errors.As(err, &e) || e.Field != "email" || strings.Contains(err.Error(), "Ada") {
		t.Errorf("the clash is reported as %v", err)
	}
	if ok := must[bool](t)(c.Exists(ctx, "b")); ok {
		t.Error("a refused insert left a document")
	}
	checkEntries(t, store, c, 1)
	// The phone that the refused insert had claimed is free again.
	must[*Account](t)(c.Insert(ctx, AccountInsert{ID: "c", Name: "Cleo", Phone: new("2")}))
	_, err = c.Update(ctx, "c", AccountPatch{Email: s3db.Set("e")})
	wantErr(t, err, s3db.ErrUnique)
	must[*Account](t)(c.Update(ctx, "a", AccountPatch{Email: s3db.Set("f")}))
	must[*Account](t)(c.Update(ctx, "c", AccountPatch{Email: s3db.Set("e")}))
	_, err = c.Update(ctx, "a", AccountPatch{Email: s3db.Set("e")})
	wantErr(t, err, s3db.ErrUnique)
	if err := c.Delete(ctx, "c"); err != nil {
		t.Fatal(err)
	}
	must[*Account](t)(c.Update(ctx, "a", AccountPatch{Email: s3db.Set("e")}))
	must[*Account](t)(c.Insert(ctx, AccountInsert{ID: "d", Name: "Dan", Email: new("f"), Phone: new("2")}))
	must[*Account](t)(c.Replace(ctx, "d", AccountInsert{Name: "Dan"}))
	must[*Account](t)(c.Upsert(ctx, "e", AccountInsert{Name: "Eli", Email: new("f"), Phone: new("2")}))
	checkClaims(t, store, 4) // e and 1 of a, f and 2 of e
}

// writers is how many goroutines contend.
const writers = 64

func contend(f func(i int) error) []error {
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	return errs
}

func testIncrements(t *testing.T, store s3db.Store) {
	t.Helper()
	const each = 100
	ctx := t.Context()
	c := mustOpen(t, store, 0, 0)
	must[*Account](t)(c.Insert(ctx, AccountInsert{ID: "counter", Name: "n"}))
	errs := contend(func(int) error {
		for range each {
			if err := Increment(ctx, c, "counter"); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if d := must[*Account](t)(c.Get(ctx, "counter")); d.Count != writers*each {
		t.Errorf("%d increments counted %d", writers*each, d.Count)
	}
}

// Add adds one to the count of an account.
func Add(ctx context.Context, c *Accounts, id AccountID) error {
	_, err := c.Update(ctx, id, AccountPatch{Count: s3db.Add(int64(1))})
	return err
}

// Increment sets the count of an account to one more than it is.
func Increment(ctx context.Context, c *Accounts, id AccountID) error {
	_, err := c.UpdateFunc(ctx, id, func(d *Account) (AccountPatch, error) {
		return AccountPatch{Count: s3db.Set(d.Count + 1)}, nil
	})
	return err
}

// tally counts successes and errors of one kind; any other error fails the test.
func tally(t *testing.T, errs []error, refused error) (won int) {
	t.Helper()
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, refused):
			t.Errorf("got %v, want success or %v", err, refused)
		}
	}
	return won
}

func testInsertRace(t *testing.T, store s3db.Store) {
	t.Helper()
	c := mustOpen(t, store, 1, 0)
	errs := contend(func(i int) error {
		_, err := c.Insert(t.Context(), AccountInsert{ID: "one", Name: fmt.Sprint(i), Country: new("BR")})
		return err
	})
	if won := tally(t, errs, s3db.ErrAlreadyExists); won != 1 {
		t.Errorf("%d inserts of one id succeeded", won)
	}
	checkEntries(t, store, c, 1)
}

func testUpsertRace(t *testing.T, store s3db.Store) {
	t.Helper()
	c := mustOpen(t, store, 1, 0)
	errs := contend(func(i int) error {
		_, err := c.Upsert(t.Context(), "one", AccountInsert{Name: fmt.Sprint(i), Country: new(fmt.Sprint(i % 3))})
		return err
	})
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	checkEntries(t, store, c, 1)
}

func testClaimRace(t *testing.T, store s3db.Store) {
	t.Helper()
	c := mustOpen(t, store, 0, 1)
	var winner atomic.Int64
	errs := contend(func(i int) error {
		_, err := c.Insert(t.Context(), AccountInsert{ID: AccountID(fmt.Sprintf("w%d", i)), Name: "n", Email: new("a@x.io")})
		if err == nil {
			winner.Store(int64(i))
		}
		return err
	})
	if won := tally(t, errs, s3db.ErrUnique); won != 1 {
		t.Errorf("%d documents claimed one value", won)
	}
	for i := range writers {
		ok := must[bool](t)(c.Exists(t.Context(), AccountID(fmt.Sprintf("w%d", i))))
		if ok != (int64(i) == winner.Load()) {
			t.Errorf("document w%d exists: %v", i, ok)
		}
	}
	checkClaims(t, store, 1)
}

func testReopen(t *testing.T, store s3db.Store) {
	t.Helper()
	ctx := t.Context()
	first := mustOpen(t, store, 1, 1)
	d := must[*Account](t)(first.Insert(ctx, AccountInsert{ID: "a", Name: "Ada", Email: new("e")}))
	second := mustOpen(t, store, 1, 1)
	got := must[*Account](t)(second.Get(ctx, "a"))
	if diff := cmp.Diff(d, got, ignoreMeta()); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
	_, err := second.Insert(ctx, AccountInsert{ID: "b", Name: "Eve", Email: new("e")})
	wantErr(t, err, s3db.ErrUnique)
}
