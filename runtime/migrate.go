package s3db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// MigrateOptions change what [Collection.Migrate] does.
type MigrateOptions struct {
	// DryRun reads all documents, says which of them would fail, and writes nothing.
	DryRun bool
	// Exclusive promises that no program of an older version uses the database.
	// Without it a migration is complete only when all documents were looked at an
	// hour after older programs were shut out, because one of their writes may still
	// be under way until then.
	Exclusive bool
	// DropRemoved removes from documents the values of attributes that the schema
	// no longer has, at the top level of documents.
	DropRemoved bool
	// Progress is called after each page of up to 1,000 documents, on the goroutine
	// of Migrate.
	Progress func(MigrateReport)
}

// MigrateReport says what a migration of one resource has done.
type MigrateReport struct {
	Resource  string `json:"resource"`
	Version   int    `json:"version"`   // that documents are brought to
	Documents int    `json:"documents"` // looked at in this run
	Migrated  int    `json:"migrated"`  // rewritten, or to be rewritten in a dry run
	Failed    int    `json:"failed"`    // left as they are
	Resumed   bool   `json:"resumed"`   // an earlier run that was cut off goes on
	// Complete: no document is of an older version, and none will be. All partitions
	// and unique constraints of the schema hold for all documents.
	Complete bool `json:"complete"`
	// Again is when another run can complete the migration, if time is all that is
	// missing; see MigrateOptions.Exclusive.
	Again time.Time `json:"again,omitzero"`
}

// Migrator is a collection with its types forgotten.
type Migrator interface {
	Migrate(ctx context.Context, o MigrateOptions) (*MigrateReport, error)
}

// MigrateAll migrates one collection after the other. The reports are those of
// the collections that it came to; errors are joined. Generated code calls it.
func MigrateAll(ctx context.Context, o MigrateOptions, collections ...Migrator) ([]MigrateReport, error) {
	var reports []MigrateReport
	var errs []error
	for _, c := range collections {
		report, err := c.Migrate(ctx, o)
		if report != nil {
			reports = append(reports, *report)
		}
		if errs = append(errs, err); ctx.Err() != nil {
			break
		}
	}
	return reports, errors.Join(errs...)
}

// Migrate brings every document of the resource to the version of this program,
// with its entries and claims, as a write would that changes nothing else: the
// time of the last update stays. It is safe while programs of this version read
// and write.
//
// It begins by shutting out writers of older versions: from then on they get
// ErrOutdated, and go on reading. A run that was cut off is gone on with by the
// next one. A document that cannot be migrated stays as it is, and the error is a
// *BulkError that names it; the migration is not complete then. Errors, before
// anything is changed: ErrOutdated when the database has a newer version,
// ErrNeedsProgram when a program without generated code lacks a function.
//
// It costs 1 GET for each document, what an update costs for each that is
// rewritten, and 2 LIST or PUT for every 1,000.
func (c *Collection[T, ID, I, P]) Migrate(ctx context.Context, o MigrateOptions) (*MigrateReport, error) {
	return c.engine.migrate(ctx, o)
}

func (c *engine) migrate(ctx context.Context, o MigrateOptions) (*MigrateReport, error) {
	const op = "migrate"
	if err := c.db.lookAgain(ctx); err != nil {
		return nil, c.fail(op, "", err)
	}
	view := c.seen()
	if view.newest > c.version {
		return nil, c.fail(op, "", fmt.Errorf("%w: it has version %d, this program has version %d", ErrOutdated, view.newest, c.version))
	}
	if lacking := view.lacking(c.model.Steps); len(lacking) > 0 && !o.DryRun {
		return nil, c.fail(op, "", needsProgram(lacking[0], ErrNeedsProgram))
	}
	m := &migration{
		engine: c, options: o,
		report: MigrateReport{Resource: c.model.Resource, Version: c.version},
		bulk:   &BulkError{Op: op, Resource: c.model.Resource},
	}
	if err := m.run(ctx, view); err != nil {
		return &m.report, errors.Join(c.fail(op, "", err), m.bulk.orNil())
	}
	return &m.report, m.bulk.orNil()
}

// migration is one run of Migrate.
type migration struct {
	engine  *engine
	options MigrateOptions
	report  MigrateReport
	bulk    *BulkError
	pass    registryMigration // as it was when this run took it up
	drop    []int
}

func (m *migration) run(ctx context.Context, view *resourceView) error {
	if m.options.DropRemoved {
		m.drop = view.removed
	}
	if view.alone() && len(m.drop) == 0 {
		m.report.Complete = true
		return nil
	}
	if !m.options.DryRun {
		if err := m.begin(ctx); err != nil {
			return err
		}
	}
	c := m.engine
	prefix := dataPrefix(c.db.prefix, c.model.Resource)
	kr := keyRange{prefix: prefix}
	if m.pass.After != "" {
		kr.from = dataKey(c.db.prefix, c.model.Resource, m.pass.After)
		m.report.Resumed = true
	}
	page := make([]string, 0, bulkPage)
	for item, err := range c.db.requests.keys(ctx, kr) {
		if err != nil {
			return err
		}
		id, ok := parseDataKey(c.db.prefix, c.model.Resource, item.Key)
		if !ok || tombstoneSize(item.Size) || m.pass.After != "" && id == m.pass.After {
			continue
		}
		if page = append(page, id); len(page) == bulkPage {
			if err := m.page(ctx, page); err != nil {
				return err
			}
			page = page[:0]
		}
	}
	if err := m.page(ctx, page); err != nil {
		return err
	}
	if m.options.DryRun {
		return nil
	}
	return m.end(ctx)
}

// begin shuts out writers of older versions, and takes up the pass that an
// earlier run has left, if that began late enough to count; else a new one.
func (m *migration) begin(ctx context.Context) error {
	token, err := newRevision()
	if err != nil {
		return err
	}
	return m.change(ctx, func(res *registryResource, now time.Time) bool {
		r := res.Migration
		if r == nil || r.Version != m.report.Version || r.Closed.IsZero() {
			r = &registryMigration{Version: m.report.Version, Closed: now}
		}
		res.Writers = max(res.Writers, m.report.Version)
		counts := r.Exclusive || r.late() || !m.options.Exclusive
		if r.Pass == "" || !counts || m.options.DropRemoved && !r.Dropped {
			r = &registryMigration{
				Version: r.Version, Closed: r.Closed, Pass: token, Started: now,
				Exclusive: m.options.Exclusive, Dropped: m.options.DropRemoved,
			}
		}
		res.Migration, m.pass = r, *r
		return true
	})
}

// late reports whether the pass began when no writer of an older version could
// have a write under way any more.
func (r *registryMigration) late() bool {
	return !r.Closed.IsZero() && !r.Started.Before(r.Closed.Add(minGrace))
}

// page migrates some documents, and notes how far it has come.
func (m *migration) page(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return ctx.Err()
	}
	c := m.engine
	errs := make([]error, len(ids))
	migrated := make([]bool, len(ids))
	parallel(len(ids), c.db.options.concurrency, func(i int) { migrated[i], errs[i] = m.document(ctx, ids[i]) })
	if err := ctx.Err(); err != nil {
		return err
	}
	failed := 0
	for i, err := range errs {
		switch {
		case errors.Is(err, ErrUnavailable), errors.Is(err, ErrRefused), errors.Is(err, ErrOutdated):
			return err
		case err != nil:
			failed++
			m.bulk.add(m.report.Documents+i, ids[i], err)
		case migrated[i]:
			m.report.Migrated++
		}
	}
	m.report.Documents += len(ids)
	m.report.Failed += failed
	m.bulk.Total = m.report.Documents
	if !m.options.DryRun {
		err := m.change(ctx, func(res *registryResource, _ time.Time) bool {
			if res.Migration == nil || res.Migration.Pass != m.pass.Pass {
				return false // another run has begun anew
			}
			res.Migration.After = ids[len(ids)-1]
			res.Migration.Failed += failed
			return true
		})
		if err != nil {
			return err
		}
	}
	if m.options.Progress != nil {
		m.options.Progress(m.report)
	}
	return nil
}

// document migrates one document. It reports whether there was anything to do.
func (m *migration) document(ctx context.Context, id string) (bool, error) {
	c := m.engine
	s, err := c.read(ctx, id)
	if err != nil || !s.live() {
		return false, c.migrateError(id, err)
	}
	if c.seen().newer(s.record.version) || s.record.version == c.version && !s.record.holds(m.drop) {
		return false, nil
	}
	w := &write{
		op: "migrate", id: id, known: &s, retire: true, drop: m.drop, options: writeOptions{keepUpdated: true},
		change: keepDocument,
	}
	if m.options.DryRun {
		_, err = c.prepare(ctx, w, s, heldClaims{})
		return true, c.migrateError(id, err)
	}
	_, err = c.write(ctx, w)
	if errors.Is(err, ErrNotFound) {
		return false, nil // deleted meanwhile
	}
	return true, err
}

func (c *engine) migrateError(id string, err error) error {
	if err == nil {
		return nil
	}
	return c.fail("migrate", id, err)
}

// holds reports whether the document has one of some fields.
func (r *record) holds(numbers []int) bool {
	in := func(f field) bool { return slices.Contains(numbers, f.number) }
	return slices.ContainsFunc(r.meta, in) || slices.ContainsFunc(r.body, in)
}

// end notes that the pass has come to its end, and what that means.
func (m *migration) end(ctx context.Context) error {
	return m.change(ctx, func(res *registryResource, _ time.Time) bool {
		r := res.Migration
		if r == nil || r.Pass != m.pass.Pass {
			m.report.Complete = res.Oldest >= m.report.Version
			return false
		}
		switch {
		case r.Failed > 0:
		case r.Exclusive || r.late():
			m.report.Complete = true
			res.Oldest, res.Migration = m.report.Version, nil
			return true
		case !r.Closed.IsZero():
			m.report.Again = r.Closed.Add(minGrace)
		}
		res.Migration = &registryMigration{Version: r.Version, Closed: r.Closed}
		return true
	})
}

// change changes what the registry says of the resource, if f reports true. f may
// be called several times; now is the server's clock, zero when it has none.
func (m *migration) change(ctx context.Context, f func(res *registryResource, now time.Time) bool) error {
	name := m.report.Resource
	return m.engine.db.changeRegistry(ctx, func(reg *registry, now time.Time) error {
		res := reg.Resources[name]
		if !f(&res, now) {
			return errUnchanged
		}
		reg.Resources[name] = res
		return nil
	})
}
