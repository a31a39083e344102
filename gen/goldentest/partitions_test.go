package goldentest

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/testdata/golden/nested/nested"
	"github.com/s3dbgen/s3dbgen/testdata/golden/timestamps/timestamps"
	versioned "github.com/s3dbgen/s3dbgen/testdata/golden/versioned/generated/code"
)

// partitionQuery is what every partition query can do, whatever its value.
type partitionQuery interface {
	IDs(ctx context.Context) iter.Seq2[timestamps.EventID, error]
	List(ctx context.Context) ([]*timestamps.Event, error)
	Count(ctx context.Context) (int, error)
}

// events opens a database of events whose clock the test moves.
func events(t *testing.T, now *time.Time) (timestamps.Events, *memstore.Store) {
	t.Helper()
	store := memstore.New()
	db, err := timestamps.New(t.Context(), store, s3db.WithClock(func() time.Time { return *now }))
	if err != nil {
		t.Fatal(err)
	}
	return db.Events, store
}

// event is one with an id, a day of January 2024 and a user.
func event(id string, day int, user string) timestamps.EventInsert {
	return timestamps.EventInsert{
		ID: timestamps.EventID(id), At: time.Date(2024, 1, day, 23, 59, 0, 5, time.UTC), User: user, Kind: timestamps.EventKindClick,
		Name: "name", Key: uuid.Max, From: netip.MustParseAddr("10.0.0.1"), Mail: "a@x.io", Link: "https://x.io", Note: "n", Day: date(2024, 1, day),
	}
}

func date(year int, month time.Month, day int) s3db.Date {
	return s3db.Date{Year: year, Month: month, Day: day}
}

func insertEvents(t *testing.T, c timestamps.Events, list ...timestamps.EventInsert) {
	t.Helper()
	for _, in := range list {
		if _, err := c.Insert(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
}

// check runs a query in its three forms, which must agree, and compares its ids.
func check(t *testing.T, what string, q partitionQuery, want string) {
	t.Helper()
	list, err := q.List(t.Context())
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	ids := []string{}
	for _, d := range list {
		ids = append(ids, string(d.ID))
	}
	if got := strings.Join(ids, " "); got != want {
		t.Errorf("%s: listed %q, want %q", what, got, want)
	}
	var only []string
	for id, err := range q.IDs(t.Context()) {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		only = append(only, string(id))
	}
	if got := strings.Join(only, " "); got != want {
		t.Errorf("%s: the ids are %q, want %q", what, got, want)
	}
	if n, err := q.Count(t.Context()); err != nil || n != len(ids) {
		t.Errorf("%s: counted %d, %v, want %d", what, n, err, len(ids))
	}
}

// Partitions of one, two and three fields of one resource, each with the prefixes
// of its values, ranges, and the order that the schema asks for.
func TestPartitionsOfEveryShape(t *testing.T) {
	now := time.Date(2025, 3, 14, 15, 9, 26, 0, time.UTC)
	c, store := events(t, &now)
	view := event("d", 16, "ann")
	view.Kind = timestamps.EventKindView
	insertEvents(t, c, event("a", 15, "ann"), event("b", 16, "bob"), event("c", 16, "ann"), view, event("e", 17, "ann-maria"))

	// Rules date and maxlength:10: the day stands in the key.
	keys := map[string]bool{}
	for _, key := range store.Server().Keys() {
		head, _, _ := strings.Cut(key, "/id=")
		keys[head] = true
	}
	for _, key := range []string{"partition=byDate/at=2024-01-15!", "partition=byUserAndDate/user=ann!/at=2024-01-16!", "partition=byName/name=nam!", "partition=byDay/day=2024-01!"} {
		if !keys["resource=events/"+key] {
			t.Errorf("no entry is under %s", key)
		}
	}

	day := func(d int) s3db.Date { return date(2024, 1, d) }
	for _, x := range []struct {
		what string
		q    partitionQuery
		want string
	}{
		{"one field", c.ByDate(day(16)), "b c d"},
		{"one field, two values", c.ByDate(day(17), day(15)), "a e"},
		{"one field, none", c.ByDate(day(18)), ""},
		{"one field, any value", c.ByDate(), "a b c d e"},
		{"one field, a range", c.ByDate().Between(day(15), day(16)), "a b c d"},
		{"one field, from", c.ByDate().From(day(16)), "b c d e"},
		{"one field, until", c.ByDate().Until(day(15)), "a"},
		{"two fields", c.ByUserAndDate("ann").At(day(16)), "c d"},
		{"two fields, their prefix", c.ByUserAndDate("ann").At(), "a c d"},
		{"two fields, a range of the last", c.ByUserAndDate("ann").At().From(day(16)), "c d"},
		{"two fields, their prefix alone", c.ByUserAndDate("ann", "bob"), "a c d b"},
		{"three fields", c.ByUserDateKind("ann").At(day(16)).Kind(timestamps.EventKindView), "d"},
		{"three fields, two of them", c.ByUserDateKind("ann").At(day(16)), "c d"},
		{"three fields, one of them, the latest first", c.ByUserDateKind("ann"), "c d a"},
		{"three fields, a range of an enum", c.ByUserDateKind("ann").At(day(16)).Kind().Between(timestamps.EventKindClick, timestamps.EventKindView), "c d"},
		{"the first characters", c.ByName("nam"), "a b c d e"},
		{"more than the first characters", c.ByName("name"), "a b c d e"},
		{"the month", c.ByDay(day(30)), "a b c d e"},
		{"an instant", c.ByInstant(time.Date(2024, 1, 16, 23, 59, 0, 5, time.UTC)), "b c d"},
		{"an instant in another zone", c.ByInstant(time.Date(2024, 1, 17, 1, 59, 0, 5, time.FixedZone("", 2*3600))), "b c d"},
		{"a range of instants", c.ByInstant().Between(time.Date(2024, 1, 16, 0, 0, 0, 0, time.UTC), time.Date(2024, 1, 16, 23, 59, 0, 5, time.UTC)), "b c d"},
		{"just after an instant", c.ByInstant().From(time.Date(2024, 1, 16, 23, 59, 0, 6, time.UTC)), "e"},
	} {
		check(t, x.what, x.q, x.want)
	}
}

// Numbers of every kind sort as numbers, upwards and downwards.
func TestPartitionsSortNumbers(t *testing.T) {
	now := time.Date(2025, 3, 14, 15, 9, 26, 0, time.UTC)
	c, _ := events(t, &now)
	for i, x := range []struct {
		count int64
		ratio float64
		price string
	}{{-10, 0, "0"}, {9, 0.5, "1"}, {9, 10, "9.5"}, {9, 10, "10"}, {9, -3, "0.001"}, {100, 1e21, "3"}} {
		in := event(string(rune('a'+i)), 1, "u")
		in.Count, in.Ratio, in.Price = x.count, x.ratio, decimal.RequireFromString(x.price)
		insertEvents(t, c, in)
	}
	check(t, "downwards in the second field", c.ByNumbers(9), "c d b e")
	check(t, "upwards in the third field", c.ByNumbers(9).Ratio(10), "c d")
	check(t, "a range of decimals", c.ByNumbers(9).Ratio(10).Price().From(decimal.RequireFromString("9.6")), "d")
	check(t, "a decimal with other zeros", c.ByNumbers(9).Ratio(10).Price(decimal.RequireFromString("9.50")), "c")
	counts, err := c.DistinctCount(t.Context())
	if diff := cmp.Diff([]int64{-10, 9, 100}, counts); diff != "" || err != nil {
		t.Errorf("distinct numbers: %v %s", err, diff)
	}
}

// Between, From and Until name values; under desc they list downwards all the same.
func TestPartitionsDescend(t *testing.T) {
	now := time.Date(2025, 3, 14, 15, 0, 0, 0, time.UTC)
	c, _ := events(t, &now)
	var at []time.Time
	for _, id := range []string{"a", "b", "c", "d"} {
		insertEvents(t, c, event(id, 1, "u"))
		at = append(at, now)
		now = now.Add(time.Minute)
	}
	check(t, "all", c.ByNewest(), "d c b a")
	check(t, "between", c.ByNewest().Between(at[1], at[2]), "c b")
	check(t, "from", c.ByNewest().From(at[2]), "d c")
	check(t, "until", c.ByNewest().Until(at[1]), "b a")
	check(t, "between nothing", c.ByNewest().Between(at[2], at[1]), "")
}

// A document without a value of a partition is in no place of it, and is found by
// its id.
func TestAbsentPartitionValues(t *testing.T) {
	now := time.Date(2025, 3, 14, 15, 0, 0, 0, time.UTC)
	c, _ := events(t, &now)
	with := event("b", 1, "u")
	with.Seen, with.Maybe, with.When, with.Which = new(now), new("maybe not"), new(date(2024, 1, 1)), new(timestamps.EventWhichA)
	insertEvents(t, c, event("a", 1, "u"), with)
	check(t, "one field", c.BySeen(), "b")
	check(t, "four fields", c.ByOptional("maybe"), "b")
	if _, err := c.Update(t.Context(), "b", timestamps.EventPatch{When: s3db.Clear[s3db.Date]()}); err != nil {
		t.Fatal(err)
	}
	check(t, "four fields, without one of them", c.ByOptional("maybe"), "")
	check(t, "one field, still there", c.BySeen(), "b")
	if d, err := c.Get(t.Context(), "a"); err != nil || d.ID != "a" {
		t.Errorf("by its id: %v, %v", d, err)
	}
}

// The partitions that timestamps add: documents stay under the day of their
// creation and move to that of their latest update; they are never in two.
func TestPartitionsOfTimestamps(t *testing.T) {
	now := time.Date(2024, 1, 15, 23, 59, 59, 0, time.UTC)
	c, store := events(t, &now)
	insertEvents(t, c, event("a", 1, "u"), event("b", 1, "u"))
	first := date(2024, 1, 15)
	check(t, "created", c.ByCreatedDate(first), "a b")
	check(t, "updated", c.ByUpdatedDate(first), "a b")
	for _, passed := range []time.Duration{time.Second, 24 * time.Hour, 24 * time.Hour} {
		now = now.Add(passed)
		if _, err := c.Update(t.Context(), "b", timestamps.EventPatch{Note: s3db.Set(now.String())}); err != nil {
			t.Fatal(err)
		}
		check(t, "created, after an update", c.ByCreatedDate(first), "a b")
		check(t, "updated, the first day", c.ByUpdatedDate(first), "a")
		check(t, "updated, today", c.ByUpdatedDate(s3db.DateOf(now)), "b")
		entries := 0
		for _, key := range store.Server().Keys() {
			if strings.Contains(key, "partition=byUpdatedDate/") && strings.Contains(key, "/id=b!") {
				entries++
			}
		}
		if entries != 1 {
			t.Errorf("the document has %d entries by its update", entries)
		}
	}
	days, err := c.DistinctUpdatedAt(t.Context())
	if diff := cmp.Diff([]s3db.Date{first, s3db.DateOf(now)}, days); diff != "" || err != nil {
		t.Errorf("distinct days: %v %s", err, diff)
	}
	check(t, "a range of days", c.ByUpdatedDate().Between(first, first), "a")
}

// Of a versioned resource, documents are found by the version of the schema that
// they were written with.
func TestPartitionOfVersions(t *testing.T) {
	db, err := versioned.New(t.Context(), memstore.New())
	if err != nil {
		t.Fatal(err)
	}
	c := db.Documents
	for _, id := range []versioned.DocumentID{"a", "b"} {
		if _, err := c.Insert(t.Context(), versioned.DocumentInsert{ID: id, Title: "t", Body: "b"}); err != nil {
			t.Fatal(err)
		}
	}
	var ids []versioned.DocumentID
	for id, err := range c.ByVersion(c.Version()).IDs(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if !slices.Equal(ids, []versioned.DocumentID{"a", "b"}) {
		t.Errorf("by this version: %q", ids)
	}
	if n, err := c.ByVersion(c.Version() + 1).Count(t.Context()); err != nil || n != 0 {
		t.Errorf("by the next version: %d, %v", n, err)
	}
	if list, err := c.DistinctVersion(t.Context()); err != nil || !slices.Equal(list, []int{c.Version()}) {
		t.Errorf("distinct versions: %v, %v", list, err)
	}
}

// Values of nested objects, to any depth; a document without the object on the way
// is not in the partition.
func TestPartitionsOfNestedFields(t *testing.T) {
	db, err := nested.New(t.Context(), memstore.New())
	if err != nil {
		t.Fatal(err)
	}
	c := db.People
	person := func(id nested.PersonID, country string) nested.PersonInsert {
		return nested.PersonInsert{ID: id, Home: nested.PersonHome{Country: country}, Work: nested.PersonWork{Name: "w", Started: date(2024, 1, 1)}}
	}
	deep := person("b", "BR")
	deep.Home.Settings = &nested.PersonHomeSettings{Theme: nested.PersonHomeSettingsThemeDark}
	deep.Profile = &nested.PersonProfile{Handle: "h", Level: new(int64(3)), A: nested.PersonProfileA{B: &nested.PersonProfileAB{C: nested.PersonProfileABC{D: new("deep"), At: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)}}}}
	shallow := person("c", "BR")
	shallow.Home.Settings = deep.Home.Settings
	for _, in := range []nested.PersonInsert{person("a", "US"), deep, shallow} {
		if _, err := c.Insert(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	listed := func(list []*nested.Person, err error) string {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		var ids []string
		for _, d := range list {
			ids = append(ids, string(d.ID))
		}
		return strings.Join(ids, " ")
	}
	for what, x := range map[string]struct{ got, want string }{
		"one object deep":                  {listed(c.ByCountry("BR").List(t.Context())), "b c"},
		"two objects deep, with a sibling": {listed(c.ByTheme(nested.PersonHomeSettingsThemeDark).Level(3).List(t.Context())), "b"},
		"four objects deep":                {listed(c.ByDeep("deep").List(t.Context())), "b"},
		"four objects deep, all":           {listed(c.ByDeep().List(t.Context())), "b"},
	} {
		if x.got != x.want {
			t.Errorf("%s: %q, want %q", what, x.got, x.want)
		}
	}
	deep.Profile.A.B = nil
	if _, err := c.Replace(t.Context(), "b", deep); err != nil {
		t.Fatal(err)
	}
	if got := listed(c.ByDeep().List(t.Context())); got != "" {
		t.Errorf("without the object on the way: %q", got)
	}
}

// The values of a composite partition are given in the order of its fields, and
// have their types: anything else does not compile.
func TestPartitionValuesInOrder(t *testing.T) {
	cases := []struct{ statement, want string }{
		{`c.ByUserDateKind("ann").At(day).Kind(timestamps.EventKindClick)`, ""},
		{`c.ByUserDateKind("ann").At(day)`, ""},
		{`c.ByUserDateKind("ann").List(ctx)`, ""},
		{`c.ByUserDateKind().At(day)`, "not enough arguments"},
		{`c.ByUserDateKind("ann").At()`, "not enough arguments"},
		{`c.ByUserDateKind("ann").Kind(timestamps.EventKindClick)`, "has no field or method Kind"},
		{`c.At(day)`, "has no field or method At"},
		{`c.ByUserDateKind(day)`, "cannot use day"},
		{`c.ByUserDateKind("ann").At(day).Kind(timestamps.EventWhichA)`, "cannot use timestamps.EventWhichA"},
		{`c.ByDate().Between(1, 2)`, "cannot use 1"},
	}
	program := `package zz
import ("context"; "github.com/s3dbgen/s3dbgen/runtime"; "github.com/s3dbgen/s3dbgen/testdata/golden/timestamps/timestamps")
func f(ctx context.Context, c timestamps.Events, day s3db.Date) {
`
	first := strings.Count(program, "\n") + 1
	for _, x := range cases {
		program += x.statement + "\n"
	}
	said := compile(t, program+"}\n")
	for i, x := range cases {
		if got := said[first+i]; (x.want == "") != (got == "") || !strings.Contains(got, x.want) {
			t.Errorf("%s: %q, want %q", x.statement, got, x.want)
		}
	}
}

// compile compiles a program that stands in no file, and returns what is wrong
// with each of its lines.
func compile(t *testing.T, program string) map[int]string {
	t.Helper()
	dir := t.TempDir()
	source, overlay := filepath.Join(dir, "zz.go"), filepath.Join(dir, "overlay.json")
	place, err := filepath.Abs("zz/zz.go")
	if err != nil {
		t.Fatal(err)
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": {place: source}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(source, []byte(program), 0o600), os.WriteFile(overlay, list, 0o600)); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-gcflags=-e", "-overlay", overlay, "./zz").CombinedOutput()
	if _, failed := errors.AsType[*exec.ExitError](err); err != nil && !failed {
		t.Fatal(err)
	}
	said := map[int]string{}
	for line := range strings.Lines(string(out)) {
		parts := strings.SplitN(line, ":", 4)
		if len(parts) != 4 {
			continue
		}
		n, err := strconv.Atoi(parts[1])
		if err != nil {
			t.Fatalf("cannot read %q", line)
		}
		said[n] += parts[3]
	}
	if err != nil && len(said) == 0 {
		t.Fatalf("%v\n%s", err, out)
	}
	return said
}
