package replicator_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/canary"
	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/targettest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/testdata/golden/secrets/secrets"
)

// TestVersions: a change tells the version of the schema under which it was written,
// and a target is told of a new version before the first change of it.
func TestVersions(t *testing.T) {
	server := memstore.NewServer(memstore.Options{})
	var m targettest.Memory
	var told []string
	c, r := open(t, server.Client(), toMemory(&m))
	ctx := t.Context()
	first := must(c.Insert(ctx, account{ID: "a", Name: "n"}))(t)
	sync(t, r)
	told = append(told, fmt.Sprintf("a: %d %d, target at %d", m.Rows("accounts")[0].Version, first.Meta.Version, m.Source().Resources[0].Version))
	newer := must(clienttest.Open(ctx, server.Client(), 3, 1, s3db.WithPlugin(replicator.New(writer()))))(t)
	second := must(newer.Insert(ctx, account{ID: "b", Name: "n"}))(t)
	sync(t, r)
	told = append(told, fmt.Sprintf("b: %d %d, target at %d", m.Rows("accounts")[1].Version, second.Meta.Version, m.Source().Resources[0].Version))
	if diff := cmp.Diff([]string{"a: 0 0, target at 0", "b: 1 1, target at 1"}, told); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if s := m.Source(); s.Database != c.Database().ID() || s.Name != "copy" || s.Shards != 1 || len(s.Resources) != 1 || len(s.Resources[0].Attributes) == 0 {
		t.Errorf("%+v", s)
	}
}

// TestRoutes: a target gets the resources and actions that have a route to it, and the
// program tells what it does.
func TestRoutes(t *testing.T) {
	var all, gone targettest.Memory
	var applied []string
	gone.Applied = func(c replicator.Change) { applied = append(applied, fmt.Sprint(c.Action, " ", c.ID)) }
	o := toMemory(&all)
	deletes := toMemory(&gone).Targets[0]
	deletes.Name = "deletes"
	deletes.Routes = map[string][]replicator.Route{"accounts": {{To: "log", Actions: []replicator.Action{replicator.Delete}}}}
	o.Targets = append(o.Targets, deletes)
	c, r := open(t, memstore.New(), o)
	kinds := map[replicator.EventKind]int{}
	remove := r.Subscribe(func(_ context.Context, e replicator.Event) { kinds[e.Kind] += max(e.Changes, 1) })
	ctx := t.Context()
	if err := r.TestConnections(ctx); err != nil {
		t.Error(err)
	}
	must(c.Insert(ctx, account{ID: "a", Name: "n"}))(t)
	sync(t, r)
	must(c.Insert(ctx, account{ID: "b", Name: "n"}))(t)
	if err := c.Delete(ctx, "b"); err != nil {
		t.Fatal(err)
	}
	sync(t, r)
	equal(t, c, &all)
	if diff := cmp.Diff([]string{"delete b"}, applied); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	status := must(r.Status(ctx))(t)
	if s := status[0]; s.Target != "copy" || s.Changes != 3 || s.State != replicator.UpToDate || s.LagChanges != 0 {
		t.Errorf("%+v", s)
	}
	if s := status[1]; s.Target != "deletes" || s.Changes != 1 || s.State != replicator.UpToDate {
		t.Errorf("%+v", s)
	}
	if kinds[replicator.EventSettled] != 3 || kinds[replicator.EventApplied] != 4 || kinds[replicator.EventSnapshot] == 0 || kinds[replicator.EventError] != 0 {
		t.Errorf("events: %v", kinds)
	}
	remove()
	all.Fail = func(context.Context, []replicator.Change) error { return errors.New("no route to host") }
	o = toMemory(&all, func(o *replicator.TargetOptions) { o.Target = testFails{o.Target, &all} })
	_, down := open(t, memstore.New(), o)
	if err := down.TestConnections(ctx); err == nil || err.Error() != `target "copy": no route to host` {
		t.Error(err)
	}
}

// TestSecrets: secrets are in nothing that leaves the database, and in nothing that the
// replicator stores, unless they are asked for.
func TestSecrets(t *testing.T) {
	for _, asked := range []bool{false, true} {
		server := memstore.NewServer(memstore.Options{})
		var m targettest.Memory
		o := toMemory(&m)
		o.Secrets = asked
		o.Targets[0].Routes = map[string][]replicator.Route{"badges": {{}}}
		r := replicator.New(o)
		ctx := t.Context()
		db := must(secrets.New(ctx, server.Client(), s3db.WithPlugin(r), s3db.WithKey("k", canary.Key(1)), s3db.WithPasswordParams(s3db.PasswordParams{Memory: 8, Time: 1, Threads: 1})))(t)
		badge := secrets.BadgeInsert{
			ID: "b", Site: "main", Code: s3db.NewSecret(canary.Value("code")), PIN: s3db.NewSecret(int64(1)),
			Holder: secrets.BadgeHolder{Name: "Ada", Tax: new(s3db.NewSecret(canary.Value("tax"))), Level: s3db.NewSecret(secrets.BadgeHolderLevelLow)},
		}
		must(db.Badges.Insert(ctx, badge))(t)
		sync(t, r)
		must(db.Badges.Update(ctx, "b", secrets.BadgePatch{Site: s3db.Set("annex"), Code: s3db.Set(s3db.NewSecret(canary.Value("new")))}))(t)
		found := false
		look := func(where, text string) {
			if canary.Find([]byte(text)) == "" {
				return
			}
			if found = true; !asked {
				t.Errorf("%s holds a secret: %s", where, text)
			}
		}
		stored := func() {
			for _, key := range server.Keys() {
				if strings.HasPrefix(key, "plugin=replicator/") {
					look(key, string(must(server.Client().Get(ctx, key))(t).Body))
				}
			}
		}
		stored()
		sync(t, r)
		stored()
		rows := m.Rows("badges")
		if len(rows) != 1 {
			t.Fatalf("%d rows", len(rows))
		}
		text := string(rows[0].Before) + string(rows[0].After)
		look("the target", text)
		if !strings.Contains(text, `"annex"`) || strings.Contains(text, "redacted") || strings.Contains(text, `"code"`) != asked {
			t.Errorf("asked %t: %s", asked, text)
		}
		hidden := slices.ContainsFunc(m.Source().Resources[0].Attributes, func(a replicator.Attribute) bool { return a.Hidden() })
		if found != asked || hidden != asked {
			t.Errorf("asked %t: found %t, told to the target %t", asked, found, hidden)
		}
		if err := db.Database().Close(); err != nil {
			t.Error(err)
		}
	}
}
