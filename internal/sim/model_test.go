package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/behaviors"
	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// reference is the database as plain maps.
type reference struct {
	docs     map[string]document
	revision map[string]s3db.Revision       // current one of each live document
	seen     map[string]*clienttest.Account // some earlier version of a document
	behavior s3db.Behavior
	p, k     int
	hostile  bool // values that need an escape in keys
}

// TestModel compares random operations of one client with the reference.
func TestModel(t *testing.T) {
	models(t, firstSeed(), cases(300), func() {})
}

func models(t *testing.T, seed uint64, n int, one func()) {
	t.Helper()
	for i := range n {
		runModel(t, seed+uint64(i))
		one()
		if t.Failed() {
			t.Fatalf("the model disagrees under seed %d", seed+uint64(i))
		}
	}
}

func runModel(t *testing.T, seed uint64) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		all := []s3db.Behavior{behaviors.UserManaged, behaviors.EnforceLimits, behaviors.TruncateData, behaviors.BodyOverflow, behaviors.BodyOnly}
		m := &reference{
			docs: map[string]document{}, revision: map[string]s3db.Revision{}, seen: map[string]*clienttest.Account{},
			behavior: all[seed%uint64(len(all))], p: rnd.IntN(4), k: rnd.IntN(3), hostile: rnd.IntN(2) == 0,
		}
		server := memstore.NewServer(memstore.Options{
			Local: rnd.IntN(2) == 0, Quirks: memstore.Quirks{RefuseDeleteCondition: rnd.IntN(2) == 0},
		})
		c, err := clienttest.OpenBehavior(t.Context(), server.Client(), m.p, m.k, m.behavior, retry())
		if err != nil {
			t.Fatal(err)
		}
		for n := range 40 {
			cmd := m.draw(rnd, fmt.Sprintf("n%d", n))
			if cmd.op == opDeleteMany || cmd.op == opDeleteAll {
				if diff := m.deleteBulk(cmd, cmd.run(t.Context(), c)); diff != "" {
					t.Fatalf("seed %d, step %d: %s: %s", seed, n, cmd, diff)
				}
				continue
			}
			want := m.expect(cmd)
			res := cmd.run(t.Context(), c)
			if diff := m.compare(cmd, want, res); diff != "" {
				t.Fatalf("seed %d, %s, p=%d, k=%d, step %d: %s: %s", seed, m.behavior.Name(), m.p, m.k, n, cmd, diff)
			}
			m.learn(cmd, want, res)
			if n%8 == 7 {
				m.compareReads(t, c)
			}
		}
		plain := !m.hostile // the checks below work keys out without an escape
		if plain {
			clienttest.CheckIndexes(t, server.Client(), m.p, m.k)
		}
		clienttest.CheckEntries(t, server.Client(), m.p, m.k)
		pass(2 * time.Hour)
		for range 2 {
			report, err := c.Database().Fsck(t.Context(), s3db.FsckOptions{Repair: true})
			if err != nil || !report.Clean() {
				t.Fatalf("seed %d: repair: %+v, %v", seed, report, err)
			}
		}
		if plain {
			for _, left := range leftClaims(t.Context(), server.Client(), c) {
				t.Errorf("seed %d: %s", seed, left)
			}
		}
		clienttest.CheckExactContents(t, server.Client(), c)
		m.compareReads(t, c)
	})
}

const longText = 4000 // above the limit of every store

func (m *reference) draw(rnd *rand.Rand, name string) command {
	pick := func() string {
		if m.hostile {
			return []string{"", "v1", "v2", "v2!", "v/3", "é ~"}[rnd.IntN(6)]
		}
		return []string{"", "v0", "v1", "v2"}[rnd.IntN(4)]
	}
	cmd := command{id: fmt.Sprintf("d%d", rnd.IntN(4)), op: operation(rnd.IntN(int(opLookup) + 1)), value: "v1"}
	if cmd.op == opSetContent {
		cmd.value = name
	}
	if m.p == 0 && cmd.op == opList || m.k == 0 && cmd.op == opLookup {
		cmd.op = opInsert
	}
	switch {
	case cmd.op == opDeleteMany:
		cmd.ids = []string{cmd.id, fmt.Sprintf("d%d", rnd.IntN(4)), "nobody"}
	case cmd.op == opDeleteAll && rnd.IntN(3) > 0: // seldom, or there is never much
		cmd.op = opGet
	}
	if rnd.IntN(25) == 0 {
		name = "" // breaks a rule
	}
	cmd.in = content{name: name, email: pick(), phone: pick(), country: pick(), city: pick(), plan: pick()}
	if rnd.IntN(3) == 0 {
		cmd.in.bio = strings.Repeat("b", []int{5, 600, longText}[rnd.IntN(3)])
	}
	switch cmd.op {
	case opUpdateFrom:
		held := m.seen[cmd.id]
		if held == nil {
			cmd.op = opGet
			break
		}
		cmd.held, cmd.ifMatch, cmd.revision = held, held.Name, held.Meta.Revision
	case opInsert, opGet, opContent, opList, opLookup:
	default:
		if rnd.IntN(3) == 0 && m.seen[cmd.id] != nil {
			cmd.ifMatch, cmd.revision = m.seen[cmd.id].Name, m.seen[cmd.id].Meta.Revision
		}
	}
	if cmd.op == opUpdate || cmd.op == opUpdateFrom || cmd.op == opUpdateFunc {
		cmd.patch = map[string]string{}
		for _, f := range fields {
			if rnd.IntN(3) == 0 {
				cmd.patch[f] = *cmd.in.field(f)
			}
		}
	}
	return cmd
}

// expectation is what the reference says of one command.
type expectation struct {
	next document
	errs []error // one of these; empty for success
}

// expect decides, in the order in which the client finds out.
func (m *reference) expect(cmd command) expectation {
	cur := m.docs[cmd.id]
	stale := cmd.ifMatch != "" && cur.live && cmd.revision != m.revision[cmd.id]
	cmd.ifMatch = "" // revisions count here, not names
	next, err := cmd.apply(cur)
	e := expectation{next: next}
	absent := err == nil && cmd.op == opUpsert && !cur.live && cmd.revision != ""
	switch {
	case errors.Is(err, s3db.ErrAlreadyExists):
		e.errs = m.refusals(cmd.id, cmd.in)
		if len(e.errs) == 0 {
			e.errs = []error{s3db.ErrAlreadyExists}
		}
	case err != nil && cmd.op == opDeleteContent && stale:
		e.errs = []error{s3db.ErrConflict}
	case err != nil && cmd.op == opUpdateFrom:
		// It begins with what the caller holds, so it may find other reasons first.
		e.errs = []error{err, s3db.ErrUnique, s3db.ErrValidation, s3db.ErrTooLarge}
	case err != nil:
		e.errs = []error{err}
	case absent:
		e.errs = []error{s3db.ErrConflict}
	case !next.live:
		if stale {
			e.errs = []error{s3db.ErrConflict}
		}
	case stale && cmd.op == opUpdateFrom:
		e.errs = []error{s3db.ErrConflict, s3db.ErrUnique, s3db.ErrValidation, s3db.ErrTooLarge}
	case stale:
		e.errs = []error{s3db.ErrConflict}
	default:
		e.errs = m.refusals(cmd.id, next.content)
	}
	return e
}

// refusals are the reasons for which a content cannot be stored.
func (m *reference) refusals(id string, c content) []error {
	switch {
	case c.name == "":
		return []error{s3db.ErrValidation}
	case m.behavior == behaviors.EnforceLimits && len(c.bio) == longText:
		return []error{s3db.ErrTooLarge}
	}
	for _, f := range constraints[:m.k] {
		for other, d := range m.docs {
			if v := *c.field(f); other != id && d.live && v != "" && *d.field(f) == v {
				return []error{s3db.ErrUnique}
			}
		}
	}
	return nil
}

// compare returns how a result differs from what the reference says.
func (m *reference) compare(cmd command, want expectation, res result) string {
	switch cmd.op {
	case opGet:
		d := m.docs[cmd.id]
		if !d.live {
			return differs(s3db.ErrNotFound, res.err)
		}
		return cmp.Diff([]string{describe(cmd.id, d.content)}, m.describe(res)) + differs(nil, res.err)
	case opContent:
		d := m.docs[cmd.id]
		if !d.live || d.blob == "" {
			return differs(s3db.ErrNotFound, res.err)
		}
		return cmp.Diff(d.blob, res.found[0].blob) + differs(nil, res.err)
	case opList:
		return cmp.Diff(m.where("country", cmd.value), m.describe(res)) + differs(nil, res.err)
	case opLookup:
		holders := m.where("email", cmd.value)
		if len(holders) == 0 {
			return differs(s3db.ErrNotFound, res.err)
		}
		return cmp.Diff(holders, m.describe(res)) + differs(nil, res.err)
	}
	if len(want.errs) > 0 {
		if slices.Contains(want.errs, sentinel(res.err)) {
			return ""
		}
		return differs(want.errs[0], res.err)
	}
	if res.err != nil {
		return differs(nil, res.err)
	}
	if cmd.op == opDelete {
		return ""
	}
	expected, got := want.next.content, res.found[0].content
	if m.behavior == behaviors.TruncateData && len(expected.bio) > 1000 && got.bio != expected.bio {
		// Also a text that fitted before is cut when other attributes grow.
		if !strings.HasSuffix(got.bio, "b...") || len(got.bio) >= len(expected.bio) || len(got.bio) < 1000 {
			return fmt.Sprintf("the text was cut to %d bytes", len(got.bio))
		}
		expected.bio = got.bio
	}
	return cmp.Diff(describe(cmd.id, expected), describe(cmd.id, got))
}

func differs(want, got error) string {
	if sentinel(got) == want { //nolint:errorlint // sentinel returns the sentinel itself
		return ""
	}
	return fmt.Sprintf("error %v, want %v", got, want)
}

// deleteBulk compares a bulk delete with what the reference says, and moves it on.
func (m *reference) deleteBulk(cmd command, res result) string {
	ids := cmd.ids
	if cmd.op == opDeleteAll {
		ids = []string{"d0", "d1", "d2", "d3"}
	}
	want := []string{}
	for i, id := range ids {
		if slices.Contains(ids[:i], id) {
			continue
		}
		if !m.docs[id].live && cmd.op == opDeleteMany {
			want = append(want, id+" is not there")
		}
		m.docs[id] = document{}
	}
	got := []string{}
	if bulk, ok := errors.AsType[*s3db.BulkError](res.err); ok {
		for _, x := range bulk.Failed {
			if !errors.Is(x.Err, s3db.ErrNotFound) {
				return x.Err.Error()
			}
			got = append(got, x.ID+" is not there")
		}
	} else if res.err != nil {
		return res.err.Error()
	}
	return cmp.Diff(want, got)
}

// learn moves the reference on.
func (m *reference) learn(cmd command, want expectation, res result) {
	if !cmd.op.writes() || res.err != nil {
		if cmd.op == opGet && res.err == nil && m.seen[cmd.id] == nil {
			m.seen[cmd.id] = res.found[0].doc
		}
		return
	}
	if cmd.op == opDelete {
		m.docs[cmd.id] = document{}
		return
	}
	m.docs[cmd.id] = document{live: true, content: res.found[0].content}
	m.revision[cmd.id] = res.found[0].doc.Meta.Revision
	if m.seen[cmd.id] == nil || len(cmd.id+want.next.name)%2 == 0 {
		m.seen[cmd.id] = res.found[0].doc
	}
}

func describe(id string, c content) string { return fmt.Sprintf("%s %+v", id, c) }

func (m *reference) describe(res result) []string {
	list := []string{}
	for _, f := range res.found {
		list = append(list, describe(f.id, f.content))
	}
	return list
}

// where lists the documents that have a value, by id.
func (m *reference) where(field, v string) []string {
	list := []string{}
	for id, d := range m.docs {
		if d.live && *d.field(field) == v {
			list = append(list, describe(id, d.content))
		}
	}
	slices.Sort(list)
	return list
}

// compareReads compares everything that can be read at once.
func (m *reference) compareReads(t *testing.T, c *clienttest.Accounts) {
	t.Helper()
	ctx := t.Context()
	ids := []clienttest.AccountID{"d0", "d1", "d2", "d3"}
	var want, got []string
	live := 0
	docs, _ := c.GetMany(ctx, ids...)
	for i, id := range ids {
		if d := m.docs[string(id)]; d.live {
			live++
			want = append(want, describe(string(id), d.content))
		}
		if docs[i] != nil {
			got = append(got, describe(string(id), locate(docs[i]).content))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("get many (-want +got):\n%s", diff)
	}
	if n, err := c.Query().Count(ctx); err != nil || n != live {
		t.Errorf("count: %d, %v, want %d", n, err, live)
	}
	listed := 0
	for id, err := range c.Query().IDs(ctx) {
		if err != nil || !m.docs[string(id)].live {
			t.Errorf("ids: %s, %v", id, err)
		}
		listed++
	}
	if listed != live {
		t.Errorf("ids: %d, want %d", listed, live)
	}
	if m.p > 0 {
		m.comparePartitions(t, c)
	}
}

func (m *reference) comparePartitions(t *testing.T, c *clienttest.Accounts) {
	t.Helper()
	ctx := t.Context()
	var distinct, between []string
	inCity := 0
	for id, d := range m.docs {
		if !d.live || d.country == "" {
			continue
		}
		if !slices.Contains(distinct, d.country) {
			distinct = append(distinct, d.country)
		}
		if d.country >= "v1" && d.country <= "v2" {
			between = append(between, id)
		}
		if d.country == "v1" && d.city == "v2" {
			inCity++
		}
	}
	slices.Sort(distinct)
	slices.Sort(between)
	if got, err := clienttest.DistinctCountry(ctx, c); err != nil || !slices.Equal(got, distinct) {
		t.Errorf("countries: %q, %v, want %q", got, err, distinct)
	}
	var got []string
	for id, err := range clienttest.ByCountry(c).Between("v1", "v2").IDs(ctx) {
		if err != nil {
			t.Error(err)
		}
		got = append(got, string(id))
	}
	slices.Sort(got)
	if !slices.Equal(got, between) {
		t.Errorf("countries from v1 to v2: %q, want %q", got, between)
	}
	if m.p > 1 {
		if n, err := clienttest.ByCountryCity(c, "v1").City("v2").Count(ctx); err != nil || n != inCity {
			t.Errorf("in one city: %d, %v, want %d", n, err, inCity)
		}
	}
}
