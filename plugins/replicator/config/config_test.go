package config_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/canary"
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/config"
	s3dblink "github.com/s3dbgen/s3dbgen/plugins/replicator/s3db/link"
	webhooklink "github.com/s3dbgen/s3dbgen/plugins/replicator/webhook/link"
	"github.com/s3dbgen/s3dbgen/runtime/s3store"
	"github.com/s3dbgen/s3dbgen/schema"
)

// recorded is a target that notes the settings it was made from.
type recorded struct {
	replicator.Target
	closed *int
}

func (r recorded) Close() error {
	*r.closed++
	return nil
}

func (recorded) Test(context.Context) error { return nil }

// drivers ask for the settings of the seed's examples and note what they get.
func drivers(got map[string]string, closed *int) []config.Driver {
	driver := func(name string, read func(s *config.Settings) string) config.Driver {
		return config.Driver{Name: name, New: func(s *config.Settings) (replicator.Target, error) {
			got[name] = read(s)
			if strings.Contains(got[name], "refused") {
				return nil, errors.New("configuration: it is\nrefused")
			}
			return recorded{closed: closed}, nil
		}}
	}
	return []config.Driver{
		driver("s3db", func(s *config.Settings) string { return s.Required("connectionString") }),
		driver("sqs", func(s *config.Settings) string {
			return fmt.Sprint(s.Map("queues"), s.Text("defaultQueueUrl"), s.Text("messageGroupId"), s.Bool("deduplicationId"))
		}),
		driver("bigquery", func(s *config.Settings) string {
			c := s.Part("credentials")
			return fmt.Sprint(s.Text("projectId"), s.Text("datasetId"), s.Text("location"), s.Text("logTable"), c.Text("client_email"), c.Text("private_key"))
		}),
		driver("postgres", func(s *config.Settings) string {
			return fmt.Sprintf("%v;%v;%v;%v;%v;%v;%v", s.Text("connectionString"), s.Bool("ssl"), s.Text("logTable"), s.Number("pool", 1, 9), s.Duration("wait"), s.OneOf("mode", "a", "b"), s.Texts("hosts"))
		}),
	}
}

func environment(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := vars[name]
		return v, ok
	}
}

// TestSeed reads the examples of s3db.js as YAML.
func TestSeed(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/seed.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	c, found := config.Read("replicate.yaml", text, drivers(got, new(int)), environment(map[string]string{
		"DATABASE_URL": "s3://bucket/shop", "BACKUP_KEY": "AK", "BACKUP_SECRET": "SK", "BIGQUERY_KEY": "-----BEGIN\nX", "PGPASSWORD": "pw",
	}))
	if len(found) > 0 {
		t.Fatal(found)
	}
	all := []replicator.Route{{}}
	insert := []replicator.Action{replicator.Insert}
	type target struct {
		Name   string
		Routes map[string][]replicator.Route
	}
	var targets []target
	for _, x := range c.Options.Targets {
		targets = append(targets, target{x.Name, x.Routes})
	}
	want := []target{
		{"s3db", map[string][]replicator.Route{"users": all, "products": all}},
		{"sqs", map[string][]replicator.Route{"orders": all, "users": all, "products": all}},
		{"bigquery", map[string][]replicator.Route{
			"users":    {{To: "users_table", Actions: replicator.Actions()}},
			"orders":   {{To: "orders_table", Actions: insert}, {To: "orders_analytics", Actions: insert}},
			"products": {{To: "products_table", Actions: insert}},
		}},
		{"warehouse", map[string][]replicator.Route{"users": all, "orders": {{To: "orders_table"}}}},
	}
	if diff := cmp.Diff(want, targets); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	if c.Database != "s3://bucket/shop" || c.Options.Interval != 5*time.Minute || c.Options.Sweep != 5*time.Minute || !c.Enabled {
		t.Errorf("%+v", c)
	}
	wantSettings := map[string]string{
		"s3db": "s3://AK:SK@backup-bucket/backup",
		"sqs": "map[orders:https://sqs.us-east-1.amazonaws.com/123456789012/orders-events.fifo users:https://sqs.us-east-1.amazonaws.com/123456789012/users-events.fifo]" +
			"https://sqs.us-east-1.amazonaws.com/123456789012/default-events.fifo" + "s3db-replicator" + "true",
		"bigquery": "my-projectanalyticsUSs3db_replicator_logservice-account@project.iam.gserviceaccount.com-----BEGIN\nX",
		"postgres": "postgresql://user:pw@localhost:5432/analytics;false;s3db_replicator_log;0;0s;a;[]",
	}
	if diff := cmp.Diff(wantSettings, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

const begin = "database: file://./shop.db\nreplicators:\n"

// TestMistakes: each is told at its place, with its code and what to do.
func TestMistakes(t *testing.T) {
	t.Parallel()
	raised := map[schema.Code]bool{}
	for _, test := range []struct{ text, want string }{
		{"", `r.yaml:1:1: file is empty [S3D0003] | the smallest is: {database: s3://bucket/shop, replicators: [{driver: webhook, resources: [users], config: {url: https://example.com, secret: ${SECRET}}}]}`},
		{"[a]", `r.yaml:1:1: the configuration must be a mapping, this is a list [S3D0009]`},
		{"database: x", `r.yaml:1:1: the configuration has no replicators [S3D0011]`},
		{"database: x\nreplicators: []", `r.yaml:2:14: replicators is empty [S3D0013] | name at least one, or set enabled: false`},
		{"database: x\nreplicators: a", `r.yaml:2:14: replicators must be a list, this is a single value [S3D0009]`},
		{begin + "  - {driver: s3db, resources: [users], config: {connectionString: x}}\nsecret: true", `r.yaml:4:1: unknown key "secret" [S3D0010] | did you mean "secrets"?`},
		{begin + "  - {driver: sq, resources: [users]}", `r.yaml:3:14: unknown driver "sq" [S3D0701] | did you mean "sqs"?`},
		{begin + "  - {driver: webhook, resources: [users]}", `r.yaml:3:14: driver webhook is not linked [S3D0702] | use the command s3dbgen-replicate, which has all drivers, or import github.com/s3dbgen/s3dbgen/plugins/replicator/webhook/link into a program of your own`},
		{begin + "  - {driver: s3db, resources: [users], config: {connectionString: 's3://a:${NOTHING}@b'}}", `r.yaml:3:75: the environment has no variable NOTHING [S3D0703] | set NOTHING before the command is started`},
		{begin + "  - {driver: s3db, resources: [users], config: {connectionString: '${EMPTY}'}}", `r.yaml:3:68: the variable EMPTY of the environment is empty [S3D0703] | set EMPTY before the command is started`},
		{begin + "  - {driver: s3db, resources: [users], config: {connectionString: 'x${A B}'}}", `r.yaml:3:69: a variable of the environment is written ${NAME} [S3D0703] | for the characters themselves write $${`},
		{begin + "  - {driver: s3db, resources: [users], config: {connectionString: 'x${A'}}", `r.yaml:3:69: a variable of the environment is written ${NAME} [S3D0703] | for the characters themselves write $${`},
		{begin + "  - {driver: s3db, resources: [users]}", `r.yaml:3:5: config has no connectionString [S3D0011]`},
		{begin + "  - {driver: s3db, resources: [users], config: {connectionString: refused}}", `r.yaml:3:48: it is refused [S3D0704]`},
		{begin + "  - {driver: s3db, resources: [users], config: {connectionString: x, endpont: y}}", `r.yaml:3:70: unknown key "endpont" [S3D0010] | use one of: connectionString`},
		{begin + "  - {driver: s3db, resources: [users], config: [x]}", `r.yaml:3:48: config must be a mapping, this is a list [S3D0009]`},
		{begin + "  - {driver: bigquery, resources: [users], config: {credentials: {private-key: x}}}", `r.yaml:3:67: unknown key "private-key" [S3D0010] | did you mean "private_key"?`},
		{begin + "  - {driver: postgres, resources: [users], config: {ssl: maybe}}", `r.yaml:3:58: ssl must be true or false [S3D0014]`},
		{begin + "  - {driver: postgres, resources: [users], config: {pool: 12}}", `r.yaml:3:59: pool must be a whole number from 1 to 9 [S3D0014]`},
		{begin + "  - {driver: postgres, resources: [users], config: {wait: soon}}", `r.yaml:3:59: wait must be a time up to a day [S3D0014] | write it as 500ms, 30s or 5m; a number without a unit is milliseconds`},
		{begin + "  - {driver: postgres, resources: [users], config: {mode: c}}", `r.yaml:3:59: mode must be one of a, b [S3D0014] | did you mean "a"?`},
		{begin + "  - {driver: s3db, resources: [users], config: {connectionString: [x]}}", `r.yaml:3:67: connectionString must be a single value, this is a list [S3D0009]`},
		{begin + "  - {driver: s3db, config: {connectionString: x}}", `r.yaml:3:5: a replicator has no resources [S3D0011]`},
		{begin + "  - {driver: s3db, resources: [], config: {connectionString: x}}", `r.yaml:3:31: resources is empty [S3D0013] | name the resources that are replicated`},
		{begin + "  - {driver: s3db, resources: users, config: {connectionString: x}}", `r.yaml:3:31: resources must be a list or a mapping, this is a single value [S3D0009]`},
		{begin + "  - {driver: s3db, resources: [a, a], config: {connectionString: x}}", `r.yaml:3:35: resource "a" stands twice [S3D0705]`},
		{begin + "  - driver: s3db\n    config: {connectionString: x}\n    resources:\n      users: [{actions: [inserted], table: x}]", `r.yaml:6:26: unknown action "inserted" [S3D0705] | did you mean "insert"?`},
		{begin + "  - driver: s3db\n    config: {connectionString: x}\n    resources:\n      users: {actions: []}", `r.yaml:6:24: a route without actions takes nothing [S3D0705] | leave actions out for all of them`},
		{begin + "  - driver: s3db\n    config: {connectionString: x}\n    resources:\n      users: []", `r.yaml:6:14: resource "users" goes nowhere [S3D0705] | name a table, or leave the resource out`},
		{begin + "  - driver: s3db\n    config: {connectionString: x}\n    resources:\n      users: {tabel: x}", `r.yaml:6:15: unknown key "tabel" [S3D0010] | did you mean "table"?`},
		{begin + "  - driver: s3db\n    config: {connectionString: x}\n    resources:\n      users: {table: x, to: y}", `r.yaml:6:25: table, queue, url and to say the same [S3D0016] | keep one`},
		{begin + "  - {driver: s3db, resources: [a], config: {connectionString: x}}\n  - {driver: s3db, resources: [a], config: {connectionString: x}}", `r.yaml:4:14: two replicators are called "s3db" [S3D0706] | give each a name of its own; the position it has reached is kept under that name, so it must not change later`},
		{begin + "  - {driver: s3db, onReject: drop, resources: [a], config: {connectionString: x}}", `r.yaml:3:30: unknown policy "drop" [S3D0014] | use one of: park, skip, stop`},
		{"database:\nreplicators: [{driver: s3db, resources: [a], config: {connectionString: x}}]", `r.yaml:1:1: database must be a single value, this is nothing [S3D0009]`},
	} {
		closed := 0
		c, found := config.Read("r.yaml", []byte(test.text), drivers(map[string]string{}, &closed), environment(map[string]string{"EMPTY": ""}))
		if c != nil || len(found) != 1 {
			t.Errorf("%s\ngives\n%s", test.text, found)
			continue
		}
		d := found[0]
		raised[d.Code] = true
		got := fmt.Sprintf("%s: %s [%s]", d.Position, d.Message, d.Code)
		if d.Suggestion != "" {
			got += " | " + d.Suggestion
		}
		if got != test.want {
			t.Errorf("%s\ngives %s\nwant  %s", test.text, got, test.want)
		}
	}
	for _, code := range schema.Codes() {
		if strings.HasPrefix(string(code), "S3D07") && !raised[code] {
			t.Errorf("no case raises %s", code)
		}
	}
}

// TestExplain holds the examples that explain a code to it, with the drivers that the
// command s3dbgen links: the wrong one raises it, the right one none.
func TestExplain(t *testing.T) {
	t.Parallel()
	read := func(text string) schema.Diagnostics {
		c, found := config.Read("replicate.yaml", []byte(text), []config.Driver{s3dblink.Driver(s3store.Driver()), webhooklink.Driver()}, environment(map[string]string{"WEBHOOK_SECRET": "whsec_" + strings.Repeat("QUJD", 8)}))
		if c != nil {
			for _, x := range c.Options.Targets {
				_ = x.Target.Close() // it has sent nothing
			}
		}
		return found
	}
	for _, code := range schema.Codes() {
		if !strings.HasPrefix(string(code), "S3D07") {
			continue
		}
		e, _ := schema.Explain(code)
		if found := read(e.Wrong); len(found) != 1 || found[0].Code != code {
			t.Errorf("%s: the wrong example raises\n%s", code, found)
		}
		if found := read(e.Right); e.Right == "" || len(found) > 0 {
			t.Errorf("%s: the right example raises\n%s", code, found)
		}
	}
}

// TestAllAtOnce: all mistakes of a file are told in one run, no secret with them, and
// targets that were made are closed.
func TestAllAtOnce(t *testing.T) {
	t.Parallel()
	closed := 0
	text := begin + "  - {driver: s3db, resources: [a], config: {connectionString: 's3://k:" + canary.Mark + "@b', wrong: 1}}\n" +
		"  - {driver: s3db, name: other, resources: [a], config: {connectionString: '${SECRET}'}}\n" +
		"  - {driver: postgres, resources: [a], config: {ssl: '${SECRET}', connectionString: " + canary.Mark + "}}\n" +
		"  - {driver: s3db, name: third, resources: [a], config: {connectionString: [" + canary.Mark + "]}}\n" +
		"  - {driver: s3db, name: fourth, resources: [a], config: {connectionString: 's3://k:" + canary.Mark + "@${NOTHING}'}}\n" +
		"  - {driver: bigquery, resources: [a], config: {credentials: [" + canary.Mark + "]}}\n"
	_, found := config.Read("r.yaml", []byte(text), drivers(map[string]string{}, &closed), environment(map[string]string{"SECRET": canary.Mark}))
	if len(found) != 5 || closed != 6 {
		t.Errorf("%d closed\n%s", closed, found)
	}
	if canary.Find([]byte(found.String())) != "" {
		t.Errorf("a secret is shown:\n%s", found)
	}
}

func TestDisabled(t *testing.T) {
	t.Parallel()
	c, found := config.Read("r.yaml", []byte(begin+"  - {driver: s3db, enabled: false, resources: [a]}\n  - {driver: sqs, resources: [a], batchSize: 10, retries: 3, timeout: 5s, snapshot: false, onReject: skip}\n"), drivers(map[string]string{}, new(int)), environment(nil))
	if len(found) > 0 || len(c.Options.Targets) != 1 || !slices.Equal(c.Drivers, []string{"sqs"}) {
		t.Fatal(c, found)
	}
	x := c.Options.Targets[0]
	if x.BatchSize != 10 || x.Retries != 3 || x.Timeout != 5*time.Second || !x.NoSnapshot || x.Policy != replicator.Skip {
		t.Errorf("%+v", x)
	}
}

func TestDollar(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	_, found := config.Read("r.yaml", []byte(begin+"  - {driver: s3db, resources: [a], config: {connectionString: 'a$${X}$b${Y}'}}\n"), drivers(got, new(int)), environment(map[string]string{"Y": "${Z}"}))
	if len(found) > 0 || got["s3db"] != "a${X}$b${Z}" {
		t.Error(got, found)
	}
}
