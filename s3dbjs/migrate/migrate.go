package migrate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/s3dbjs"
	"github.com/s3dbgen/s3dbgen/s3dbjs/convert"
	"github.com/s3dbgen/s3dbgen/schema"
)

// batch is how many documents are read and written at the same time.
const batch = 32

// Run copies every document of the source into the target, whose resources are
// those of the schema; its numbers must be assigned. Running it again copies what
// is missing and changes nothing else, so a run that broke off is resumed by
// another one. With dryRun nothing is written, and the target is not looked at.
//
// Of documents with the same unique value the first by id is copied. Errors are
// those of the stores; the report of what was done so far comes with them.
func Run(ctx context.Context, source *s3dbjs.Database, target Target, s *schema.Schema, dryRun bool) (report *Report, err error) {
	m := &migration{source: source, report: &Report{DryRun: dryRun, Problems: []s3dbjs.Problem{}, Resources: []*ResourceReport{}}, dryRun: dryRun}
	if m.report.Left, err = source.Survey(ctx); err != nil {
		return m.report, err
	}
	if dryRun {
		target = Target{Store: memstore.New(), Options: []s3db.Option{s3db.WithKey("dry-run", make([]byte, 32))}}
	} else if _, err := target.checkShapes(ctx, s); err != nil {
		return m.report, err
	}
	if err := target.create(ctx, s); err != nil {
		return m.report, err
	}
	db, err := target.openDynamic(ctx, HasSecrets(s), s3db.WithRequestObserver(m.count))
	if err != nil {
		return m.report, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = m.run(ctx, db, s)
	m.report.Entries, m.report.Claims = int(m.entries.Load()), int(m.claims.Load())
	return m.report, err
}

// migration is the state of Run.
type migration struct {
	source          *s3dbjs.Database
	report          *Report
	dryRun          bool
	entries, claims atomic.Int64
}

// count counts the indexes that were written.
func (m *migration) count(r s3db.Request) {
	if r.Kind != s3db.RequestPut || r.Err != nil {
		return
	}
	switch {
	case strings.Contains(r.Key, "/partition="):
		m.entries.Add(1)
	case strings.Contains(r.Key, "/unique="):
		m.claims.Add(1)
	}
}

func (m *migration) run(ctx context.Context, db *dynamic.Database, s *schema.Schema) error {
	names := convert.ResourceNames(m.source.Definition)
	for i, from := range m.source.Definition.Resources {
		report := &ResourceReport{Name: from.Name}
		m.report.Resources = append(m.report.Resources, report)
		x := slices.IndexFunc(s.Resources, func(r *schema.Resource) bool { return r.Name == names[i] })
		if x < 0 {
			report.Documents = m.report.Left.Documents[from.Name]
			report.Failed = report.Documents
			if report.Documents > 0 {
				m.problem(s3dbjs.Problem{Kind: Unmapped, Resource: from.Name, Detail: fmt.Sprintf("the schema has no resource %q: its documents were not copied", names[i])})
			}
			continue
		}
		to, err := db.Resource(names[i])
		if err != nil {
			return err
		}
		report.Target = names[i]
		r := &resource{migration: m, from: from, to: to, schema: s.Resources[x], report: report, held: map[[16]byte]string{}}
		if err := r.run(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (m *migration) problem(p s3dbjs.Problem) { m.report.Problems = append(m.report.Problems, p) }

// resource copies the documents of one resource.
type resource struct {
	*migration
	from   *s3dbjs.Resource
	to     *dynamic.Resource
	schema *schema.Resource
	report *ResourceReport
	held   map[[16]byte]string // unique values → the id that has them
}

func (r *resource) run(ctx context.Context) error {
	var jobs []*job
	for id, err := range r.source.IDs(ctx, r.from) {
		if err != nil {
			return err
		}
		if jobs = append(jobs, &job{resource: r, id: id}); len(jobs) == batch {
			if err := r.copy(ctx, jobs); err != nil {
				return err
			}
			jobs = nil
		}
	}
	return r.copy(ctx, jobs)
}

// copy moves some documents: reads them at once, decides who has unique values in
// the order of their ids, writes them at once.
func (r *resource) copy(ctx context.Context, jobs []*job) error {
	each(jobs, func(j *job) { j.read(ctx) })
	for _, j := range jobs {
		if j.err == nil && j.input != nil {
			r.hold(j)
		}
	}
	if !r.dryRun {
		each(jobs, func(j *job) { j.write(ctx) })
	}
	for _, j := range jobs {
		if j.err != nil {
			return j.err
		}
		r.report.Documents++
		switch {
		case j.input == nil:
			r.report.Failed++
		case j.unchanged:
			r.report.Unchanged++
		default:
			r.report.Copied++
		}
		if j.content {
			r.report.Contents++
		}
		for _, p := range j.problems {
			r.problem(p)
		}
	}
	return nil
}

// each runs a function for all jobs at once.
func each(jobs []*job, do func(*job)) {
	var wg sync.WaitGroup
	for _, j := range jobs {
		wg.Go(func() { do(j) })
	}
	wg.Wait()
}

// hold takes the unique values of a document, unless another one has them.
func (r *resource) hold(j *job) {
	var keys [][16]byte
	for _, u := range r.schema.Uniques {
		h := sha256.New()
		h.Write([]byte(u.Name))
		complete := true
		for _, f := range u.Fields {
			value := j.draft.lookup(f.Path)
			complete = complete && value != nil
			h.Write([]byte{0})
			h.Write(value)
		}
		if !complete {
			continue
		}
		key := [16]byte(h.Sum(nil))
		if holder, taken := r.held[key]; taken {
			j.fail(Clash, u.Name, fmt.Sprintf("document %q has the same value: the document was not copied", holder))
			return
		}
		keys = append(keys, key)
	}
	for _, key := range keys {
		r.held[key] = j.id
	}
}

// job is one document on its way.
type job struct {
	*resource
	id       string
	record   *s3dbjs.Record
	draft    draft
	input    *dynamic.Input // nil when the document cannot be copied
	problems []s3dbjs.Problem

	unchanged bool
	content   bool // was copied
	err       error
}

func (j *job) note(kind s3dbjs.ProblemKind, field, detail string) {
	j.problems = append(j.problems, s3dbjs.Problem{Kind: kind, Resource: j.from.Name, ID: j.id, Field: field, Detail: detail})
}

// fail gives the document up.
func (j *job) fail(kind s3dbjs.ProblemKind, field, detail string) {
	j.note(kind, field, detail)
	j.input = nil
}

// read decodes the document and makes the input of its insert.
func (j *job) read(ctx context.Context) {
	record, err := j.source.Get(ctx, j.from, j.id)
	switch {
	case errors.Is(err, s3db.ErrNotFound):
		j.fail(s3dbjs.BadObject, "", "the object has vanished")
		return
	case errors.Is(err, s3db.ErrRefused):
		j.fail(s3dbjs.BadObject, "", "the store refuses to read it: "+cause(err))
		return
	case err != nil:
		j.err = err
		return
	}
	j.record, j.problems = record, record.Problems
	j.draft = translate(record.Version.Attributes, record.Values, j.schema.Attributes, true, func(path string) {
		j.note(Unmapped, path, "the schema has no such attribute")
	})
	j.parse()
}

// cause returns the reason that a store gave, without the key.
func cause(err error) string {
	if e, ok := errors.AsType[*s3db.StoreError](err); ok && e.Err != nil {
		return e.Err.Error()
	}
	return "refused"
}

// parse checks the types. An optional attribute that does not fit is left out.
func (j *job) parse() {
	for range len(j.draft) + 1 {
		text := j.draft.append(nil)
		input, err := j.to.ParseInput(text)
		if err == nil {
			input.ID = j.id
			j.input = &input
			if verr := s3db.ValidateID(j.id, j.schema.ID.Any); verr != nil {
				j.fail(Refused, "", verr.Error()+": the document was not copied")
			}
			return
		}
		invalid, ok := errors.AsType[*s3db.ValidationError](err)
		if !ok {
			j.fail(Mismatch, "", err.Error())
			return
		}
		if !j.drop(invalid.Violations) {
			return
		}
	}
}

// drop leaves out the attributes of violations. It reports false when the document
// cannot be without one.
func (j *job) drop(violations []s3db.Violation) bool {
	possible := len(violations) > 0
	for _, v := range violations {
		kind := Mismatch
		if v.Rule == "required" {
			kind = Missing
		}
		top, _, _ := strings.Cut(v.Path, ".")
		top, _, _ = strings.Cut(top, "[")
		a := find(j.schema.Attributes, top)
		if _, given := j.draft[top]; a == nil || !a.Optional || !given {
			possible = false
			j.note(kind, v.Path, v.Message+": the document was not copied")
			continue
		}
		j.note(kind, v.Path, v.Message+": the document was copied without "+top)
	}
	for _, v := range violations {
		top, _, _ := strings.Cut(v.Path, ".")
		top, _, _ = strings.Cut(top, "[")
		delete(j.draft, top)
	}
	return possible
}

// write inserts the document, or finds it there.
func (j *job) write(ctx context.Context) {
	if j.err != nil || j.input == nil {
		return
	}
	keep := s3db.KeepTimestamps(j.record.Created, j.record.Updated)
	doc, err := j.to.Get(ctx, j.id)
	switch {
	case err == nil:
		if !j.compare(doc) {
			return
		}
		j.unchanged = true
	case errors.Is(err, s3db.ErrNotFound):
		doc, err = j.to.Insert(ctx, *j.input, keep)
		if err != nil {
			j.refused(err)
			return
		}
		if !j.compare(doc) {
			return
		}
	default:
		j.refused(err)
		return
	}
	j.writeContent(ctx, doc, keep)
}

// compare looks at a document of the target.
func (j *job) compare(doc *dynamic.Document) bool {
	stored, err := valuesOf(doc)
	if err != nil {
		j.err = err
		return false
	}
	equal, cut := same(stored, j.draft.append(nil), j.schema.Behavior == schema.TruncateData)
	if cut {
		j.note(Cut, "", "the behavior truncate-data has cut texts")
	}
	if !equal {
		j.fail(Different, "", "the target has another document of this id, which was left alone")
	}
	return equal
}

// valuesOf returns the attributes of a document as JSON.
func valuesOf(doc *dynamic.Document) ([]byte, error) {
	text, err := doc.RevealedJSON()
	if err != nil {
		return nil, err
	}
	members := map[string]any{}
	if !decode(text, &members) {
		return nil, errors.New("the document has no JSON form")
	}
	delete(members, "id")
	if !doc.CreatedAt.IsZero() {
		delete(members, "createdAt")
		delete(members, "updatedAt")
	}
	return marshal(members), nil
}

func (j *job) writeContent(ctx context.Context, doc *dynamic.Document, keep s3db.WriteOption) {
	content := j.record.Content
	if content == nil {
		return
	}
	if have := doc.Meta.Content; have != nil {
		if have.SHA256 != sha256.Sum256(content.Body) {
			j.note(Different, "", "the target has another content, which was left alone")
		}
		return
	}
	options := []s3db.ContentOption{keep, s3db.ContentSize(int64(len(content.Body)))}
	if content.Type != "" {
		options = append(options, s3db.ContentType(content.Type))
	}
	switch _, err := j.to.SetContent(ctx, j.id, bytes.NewReader(content.Body), options...); {
	case err == nil:
		j.content = true
	case isRefusal(err):
		j.note(Refused, "", reason(err)+": its content was not copied")
	default:
		j.err = err
	}
}

// refused decides whether an error is about this document or about everything.
func (j *job) refused(err error) {
	switch {
	case errors.Is(err, s3db.ErrUnique):
		field := ""
		if e, ok := errors.AsType[*s3db.Error](err); ok {
			field = e.Field
		}
		j.fail(Clash, field, "another document of the target has the value: the document was not copied")
	case isRefusal(err):
		j.fail(Refused, "", reason(err)+": the document was not copied")
	default:
		j.err = err
	}
}

// isRefusal reports whether an error is about the document that was to be written.
func isRefusal(err error) bool {
	return errors.Is(err, s3db.ErrTooLarge) || errors.Is(err, s3db.ErrValidation) || errors.Is(err, s3db.ErrInvalidID) || errors.Is(err, s3db.ErrAlreadyExists)
}

// reason is the error without operation and id.
func reason(err error) string {
	if e, ok := errors.AsType[*s3db.Error](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}
