package clienttest

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

const root = "resource=accounts/"

// keys lists everything below a prefix.
func keys(t *testing.T, store s3db.Store, prefix string) []string {
	t.Helper()
	var all []string
	after := ""
	for {
		page, err := store.List(context.Background(), s3db.ListRequest{Prefix: prefix, StartAfter: after})
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			all = append(all, item.Key)
			after = item.Key
		}
		if !page.More {
			return all
		}
	}
}

// checkEntries verifies that the first p partitions hold exactly one entry for
// each document that has their values, by names that this test works out itself:
// the partition, the id, and nothing of the runtime's own code.
func checkEntries(t *testing.T, store s3db.Store, c *Accounts, p int) {
	t.Helper()
	has := []func(*Account) bool{
		func(d *Account) bool { return d.Country != nil },
		func(d *Account) bool { return d.Country != nil && d.City != nil },
		func(d *Account) bool { return d.Plan != nil },
	}
	names := []string{"byCountry", "byCountryCity", "byPlan"}
	var want []string
	for _, key := range keys(t, store, root+"data/") {
		id := strings.TrimPrefix(key, root+"data/id=")
		d, err := c.Get(context.Background(), AccountID(id)) // ids of these tests need no escape
		if err != nil {
			continue // a tombstone
		}
		for i, name := range names[:p] {
			if has[i](d) {
				want = append(want, name+" "+id)
			}
		}
	}
	var got []string
	for _, key := range keys(t, store, root+"partition=") {
		segments := strings.Split(strings.TrimPrefix(key, root), "/")
		id, _, _ := strings.Cut(strings.TrimPrefix(segments[len(segments)-1], "id="), "!")
		got = append(got, strings.TrimPrefix(segments[0], "partition=")+" "+id)
	}
	sort.Strings(want)
	sort.Strings(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-documents say +store has):\n%s", diff)
	}
}

// CheckEntries verifies that the partitions hold one entry for each document that
// belongs in them and no others.
func CheckEntries(t *testing.T, store s3db.Store, p, k int) {
	t.Helper()
	c, err := Open(t.Context(), store, p, k)
	if err != nil {
		t.Fatal(err)
	}
	checkEntries(t, store, c, p)
}

// checkClaims verifies the number of claims that have an owner.
func checkClaims(t *testing.T, store s3db.Store, want int) {
	t.Helper()
	owned := 0
	for _, key := range keys(t, store, root+"unique=") {
		obj, err := store.Get(context.Background(), key)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(obj.Body), `"id":""`) {
			owned++
		}
	}
	if owned != want {
		t.Errorf("%d claims have an owner, want %d", owned, want)
	}
}

// CheckIndexes verifies what must hold at any time, whatever failed on the way:
// every document has its entries, no unique value has two holders, and each
// holder's claim names it. Leftovers that no document names are allowed.
func CheckIndexes(t *testing.T, store s3db.Store, p, k int) {
	t.Helper()
	c, err := Open(t.Context(), store, p, k)
	if err != nil {
		t.Fatal(err)
	}
	present := map[string]bool{}
	for _, key := range keys(t, store, root) {
		present[key] = true
	}
	holder := map[string]string{}
	for _, key := range keys(t, store, root+"data/") {
		id := strings.TrimPrefix(key, root+"data/id=")
		d, err := c.Get(t.Context(), AccountID(id))
		if errors.Is(err, s3db.ErrNotFound) {
			continue // a tombstone
		}
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		for _, entry := range entriesOf(d)[:p] {
			if entry != "" && !hasPrefix(present, entry) {
				t.Errorf("document %s lacks the entry %s…", id, entry)
			}
		}
		for i, v := range []*string{d.Email, d.Phone}[:k] {
			if v == nil {
				continue
			}
			name := []string{"email", "phone"}[i] + "=" + *v
			if other := holder[name]; other != "" {
				t.Errorf("documents %s and %s both have %s", other, id, name)
			}
			holder[name] = id
		}
	}
}

// entriesOf are the starts of a document's entry names up to its token, "" for
// a partition it is not in. The values of these tests need no escape.
func entriesOf(d *Account) []string {
	list := make([]string, 3)
	if d.Country != nil {
		list[0] = fmt.Sprintf("%spartition=byCountry/country=%s!/id=%s!", root, *d.Country, d.ID)
	}
	if d.Country != nil && d.City != nil {
		list[1] = fmt.Sprintf("%spartition=byCountryCity/country=%s!/city=%s!/id=%s!", root, *d.Country, *d.City, d.ID)
	}
	if d.Plan != nil {
		list[2] = fmt.Sprintf("%spartition=byPlan/plan=%s!/id=%s!", root, *d.Plan, d.ID)
	}
	return list
}

func hasPrefix(keys map[string]bool, prefix string) bool {
	for key := range keys {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

// CheckExact verifies that nothing is left over: the entries and owned claims are
// those of the documents and no others.
func CheckExact(t *testing.T, store s3db.Store, p, k int) {
	t.Helper()
	c, err := Open(t.Context(), store, p, k)
	if err != nil {
		t.Fatal(err)
	}
	checkEntries(t, store, c, p)
	claims := 0
	for d, err := range c.Query().All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range []*string{d.Email, d.Phone}[:k] {
			if v != nil {
				claims++
			}
		}
	}
	checkClaims(t, store, claims)
}
