package goldentest

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/testdata/golden/timestamps/timestamps"
)

// TestPartitionRules shows what the rules of a partition's fields make of values:
// date makes an instant the day it has in UTC, as YYYY-MM-DD, and maxlength cuts
// the value in the key, of documents and of what they are asked for. The documents
// keep their values whole.
func TestPartitionRules(t *testing.T) {
	store := memstore.New()
	db, err := timestamps.New(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	insert := func(id timestamps.EventID, at time.Time, name string) {
		t.Helper()
		_, err := db.Events.Insert(t.Context(), timestamps.EventInsert{
			ID: id, At: at, Name: name, User: "ada", Kind: timestamps.EventKindView, Price: decimal.NewFromInt(1), Key: uuid.Max,
			From: netip.MustParseAddr("127.0.0.1"), Mail: "a@x.io", Link: "https://x.io", Day: s3db.DateOf(at), Note: "n",
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	// Late in the evening of Rio it is the next day in UTC.
	rio := time.FixedZone("Rio", -3*60*60)
	evening := time.Date(2024, time.January, 15, 22, 30, 0, 5, rio)
	insert("late", evening, "évènement")
	insert("next", time.Date(2024, time.January, 16, 12, 0, 0, 0, time.UTC), "éve")
	insert("early", time.Date(2024, time.January, 15, 12, 0, 0, 0, rio), "even")

	keys := func(partition string) (list []string) {
		t.Helper()
		prefix := "resource=events/partition=" + partition + "/"
		page, err := store.List(t.Context(), s3db.ListRequest{Prefix: prefix})
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			value, rest, _ := strings.Cut(item.Key[len(prefix):], "/id=")
			id, _, _ := strings.Cut(rest, "!")
			list = append(list, value+" "+id)
		}
		return list
	}
	for partition, want := range map[string][]string{
		"byDate": {"at=2024-01-15! early", "at=2024-01-16! late", "at=2024-01-16! next"},
		"byDay":  {"day=2024-01! early", "day=2024-01! late", "day=2024-01! next"},       // maxlength:7
		"byName": {"name=eve! early", "name=~C3~A9ve! next", "name=~C3~A9v~C3~A8! late"}, // maxlength:3, in the order of the texts,
	} {
		got := keys(partition)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("keys of %s (-want +got):\n%s", partition, diff)
		}
	}

	day := func(day int) s3db.Date { return s3db.Date{Year: 2024, Month: time.January, Day: day} }
	found := func(what string, list []*timestamps.Event, err error, want ...timestamps.EventID) {
		t.Helper()
		var got []timestamps.EventID
		for _, d := range list {
			got = append(got, d.ID)
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: error %v (-want +got):\n%s", what, err, diff)
		}
	}
	list, err := db.Events.ByDate(day(16)).List(t.Context())
	found("16 January", list, err, "late", "next")
	if !list[0].At.Equal(evening) {
		t.Errorf("the document is at %v, want %v", list[0].At, evening)
	}
	list, err = db.Events.ByDate(day(15)).List(t.Context())
	found("15 January", list, err, "early")
	list, err = db.Events.ByDay(day(31)).List(t.Context()) // cut to 2024-01, as the keys are
	found("January", list, err, "early", "late", "next")
	list, err = db.Events.ByName("evening").List(t.Context())
	found("eve…", list, err, "early")
	list, err = db.Events.ByName("évè").List(t.Context())
	found("évè…", list, err, "late")
}
