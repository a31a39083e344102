// Package config reads the configuration of replication from a YAML file: which database,
// which targets, which changes go where. Each mistake is told with its place, and all of them
// at once. docs/replication.md describes the file.
package config

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/schema"
)

// Config is what a file says.
type Config struct {
	// Database is the connection string of the database whose changes are replicated.
	Database string
	// Enabled is false when nothing is to be replicated.
	Enabled bool
	// Keys are options of Open that read and write secrets of the database.
	Keys []s3db.Option
	// Listen is the address of health and metrics; "" for none.
	Listen string
	// Options are those of the plugin, with the targets. Whoever takes them closes them:
	// the plugin does.
	Options replicator.Options
	// Drivers are the drivers of the targets, in their order.
	Drivers []string
}

// Driver makes targets of one kind.
type Driver struct {
	Name string // as the file names it
	// New makes a target of the settings under config. Mistakes in a setting are told by
	// Settings.Refuse; an error is told at the place of config. It sends no request.
	New func(s *Settings) (replicator.Target, error)
}

// known are the drivers that exist, and the packages that link them, so that the message
// about one that is not linked tells what to do.
func known() map[string]string {
	const root = "github.com/s3dbgen/s3dbgen/plugins/replicator/"
	return map[string]string{
		"s3db": root + "s3db/link", "webhook": root + "webhook/link",
		"sqs": root + "sqs/link", "postgres": root + "postgres/link", "bigquery": root + "bigquery/link",
	}
}

// smallest is shown when a file is empty.
const smallest = "{database: s3://bucket/shop, replicators: [{driver: webhook, resources: [users], config: {url: https://example.com, secret: ${SECRET}}}]}"

// Read reads a file. drivers are those that the program has linked, getenv looks up a
// variable of the environment as os.LookupEnv does. When there are mistakes the Config is nil
// and no target is left open.
func Read(path string, text []byte, drivers []Driver, getenv func(string) (string, bool)) (*Config, schema.Diagnostics) {
	r := &reader{doc: schema.ReadDocument(path, text, smallest), drivers: drivers, getenv: getenv}
	c := &Config{Enabled: true}
	if root := r.doc.Root(); root.Exists() {
		r.root(root, c)
	}
	found := r.doc.Diagnostics()
	if !found.HasErrors() {
		return c, found
	}
	for _, t := range c.Options.Targets {
		_ = t.Target.Close() // it has sent nothing
	}
	return nil, found
}

// reader reads one file.
type reader struct {
	doc     *schema.Document
	drivers []Driver
	getenv  func(string) (string, bool)
}

// section reads a mapping by its keys. Values that are nothing are passed on too.
func (r *reader) section(at schema.Value, what string, keys map[string]func(key, value schema.Value), required ...string) {
	if !at.IsMapping() {
		r.doc.Report(at, schema.Mistake{Code: schema.CodeWrongNode, Message: fmt.Sprintf("%s must be a mapping, this is %s", what, at.Kind()), Hidden: true})
		return
	}
	names := make([]string, 0, len(keys))
	for name := range keys {
		names = append(names, name)
	}
	slices.Sort(names)
	seen := map[string]bool{}
	for _, p := range at.Pairs() {
		name := p.Key.Text()
		seen[name] = true
		if read := keys[name]; read != nil {
			read(p.Key, p.Value)
		} else {
			r.doc.Unknown(p.Key, names, true)
		}
	}
	for _, name := range required {
		if !seen[name] {
			r.doc.Report(at, schema.Mistake{Code: schema.CodeMissingKey, Message: fmt.Sprintf("%s has no %s", what, name), Hidden: true})
		}
	}
}

func (r *reader) root(at schema.Value, c *Config) {
	o := &c.Options
	var interval time.Duration
	r.section(at, "the configuration", map[string]func(key, value schema.Value){
		"database": func(key, v schema.Value) { c.Database = r.text(key, v) },
		"enabled":  func(key, v schema.Value) { c.Enabled = r.boolean(key, v) },
		"listen":   func(key, v schema.Value) { c.Listen = r.text(key, v) },
		"resources": func(key, v schema.Value) {
			for _, item := range r.items(key, v) {
				o.Resources = append(o.Resources, r.text(key, item))
			}
		},
		"encryption": func(_, v schema.Value) {
			part := &Settings{reader: r, at: v, owner: v, asked: map[string]bool{}}
			c.Keys = part.Keys()
			part.finish()
		},
		"secrets":      func(key, v schema.Value) { o.Secrets = r.boolean(key, v) },
		"shards":       func(key, v schema.Value) { o.Shards = r.number(key, v, 1, 64) },
		"syncInterval": func(key, v schema.Value) { interval = r.duration(key, v) },
		"lease":        func(key, v schema.Value) { o.Lease = r.duration(key, v) },
		"instance":     func(key, v schema.Value) { o.Instance = r.text(key, v) },
		"replicators":  func(key, v schema.Value) { r.replicators(key, v, c) },
	}, "database", "replicators")
	o.Interval, o.Sweep = interval, interval
	if o.Secrets && c.Keys == nil {
		r.doc.Report(at, schema.Mistake{Code: schema.CodeMissingKey, Message: "secrets are replicated, and there is no encryption to read them with", Help: "encryption: {passphrase: ${S3DB_PASSPHRASE}}", Hidden: true})
	}
}

func (r *reader) replicators(key, at schema.Value, c *Config) {
	items := r.items(key, at)
	if at.IsList() && len(items) == 0 {
		r.doc.Report(at, schema.Mistake{Code: schema.CodeEmptySection, Message: "replicators is empty", Help: "name at least one, or set enabled: false"})
	}
	names := map[string]schema.Value{}
	for _, item := range items {
		r.replicator(item, c, names)
	}
}

func (r *reader) replicator(at schema.Value, c *Config, names map[string]schema.Value) {
	t := replicator.TargetOptions{}
	enabled := true
	var driver, name, settings, resources schema.Value
	r.section(at, "a replicator", map[string]func(key, value schema.Value){
		"driver":    func(_, v schema.Value) { driver = v },
		"name":      func(_, v schema.Value) { name = v },
		"enabled":   func(key, v schema.Value) { enabled = r.boolean(key, v) },
		"config":    func(_, v schema.Value) { settings = v },
		"resources": func(_, v schema.Value) { resources = v },
		"onReject":  func(key, v schema.Value) { t.Policy = r.policy(key, v) },
		"batchSize": func(key, v schema.Value) { t.BatchSize = r.number(key, v, 1, 10_000) },
		"timeout":   func(key, v schema.Value) { t.Timeout = r.duration(key, v) },
		"retries":   func(key, v schema.Value) { t.Retries = r.number(key, v, 1, 1000) },
		"snapshot":  func(key, v schema.Value) { t.NoSnapshot = !r.boolean(key, v) },
	}, "driver", "resources")
	if !at.IsMapping() {
		return
	}
	t.Routes = r.routes(resources)
	d, ok := r.driver(driver)
	t.Name = r.name(driver, name, names)
	if !ok || !enabled {
		return
	}
	s := &Settings{reader: r, at: settings, owner: at, asked: map[string]bool{}}
	if !settings.IsNull() && !settings.IsMapping() {
		r.doc.Report(settings, schema.Mistake{Code: schema.CodeWrongNode, Message: "config must be a mapping, this is " + settings.Kind(), Hidden: true})
		return
	}
	before := len(r.doc.Diagnostics())
	target, err := d.New(s)
	s.finish()
	if err != nil {
		if len(r.doc.Diagnostics()) == before { // what is wrong has no place of its own
			s.refuseAll(err)
		}
		return
	}
	t.Target = target
	c.Options.Targets = append(c.Options.Targets, t)
	c.Drivers = append(c.Drivers, d.Name)
}

// driver finds the driver that the file names.
func (r *reader) driver(at schema.Value) (Driver, bool) {
	if !at.Exists() {
		return Driver{}, false
	}
	name := r.text(schema.Value{}, at)
	linked := make([]string, 0, len(r.drivers))
	for _, d := range r.drivers {
		if d.Name == name {
			return d, true
		}
		linked = append(linked, d.Name)
	}
	if name == "" {
		return Driver{}, false
	}
	if path, ok := known()[name]; ok {
		r.doc.Report(at, schema.Mistake{
			Code: schema.CodeDriverNotLinked, Message: fmt.Sprintf("driver %s is not linked", name),
			Help: fmt.Sprintf("use the command s3dbgen-replicate, which has all drivers, or import %s into a program of your own", path),
		})
		return Driver{}, false
	}
	for other := range known() {
		if !slices.Contains(linked, other) {
			linked = append(linked, other)
		}
	}
	slices.Sort(linked)
	r.doc.Report(at, schema.Mistake{Code: schema.CodeUnknownDriver, Message: "unknown driver " + strconv.Quote(name), Help: schema.DidYouMean(name, linked)})
	return Driver{}, false
}

// name returns the name of a target: what the database keeps of it is under that name.
// Without one it is that of the driver, and two of a driver need names.
func (r *reader) name(driver, given schema.Value, names map[string]schema.Value) string {
	at, name := driver, driver.Text()
	if given.Exists() {
		at, name = given, r.text(driver, given)
	}
	if name == "" {
		return ""
	}
	if _, taken := names[name]; taken {
		r.doc.Report(at, schema.Mistake{
			Code: schema.CodeReplicatorName, Message: fmt.Sprintf("two replicators are called %s", strconv.Quote(name)),
			Help: "give each a name of its own; the position it has reached is kept under that name, so it must not change later",
		})
	}
	names[name] = at
	return name
}

func (r *reader) policy(key, v schema.Value) replicator.Policy {
	s := r.text(key, v)
	p, err := replicator.ParsePolicy(s)
	if err != nil && s != "" {
		r.doc.Report(v, schema.Mistake{Code: schema.CodeOptionValue, Message: "unknown policy " + strconv.Quote(s), Help: schema.DidYouMean(s, []string{"park", "skip", "stop"})})
	}
	return p
}
