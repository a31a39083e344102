package transfer

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
)

// ExportOptions change what Export does.
type ExportOptions struct {
	Format Format
	// Reveal writes secrets and the hashes of passwords; the database must have been
	// opened with dynamic.Config.Reveal.
	Reveal bool
	// After leaves out the documents up to this id, and the header of a CSV: to go on
	// with an export that was interrupted.
	After string
	// Every is the number of documents between checkpoints. Default 1,000.
	Every int
	// Checkpoint is called when everything up to a document was written so that
	// another export can be appended to it.
	Checkpoint func(id string) error
	// Done is called after each document.
	Done func()
	// Failed is called for each document that cannot be read. When it returns an
	// error the export ends with it; nil goes on. Without it the first failure ends
	// the export.
	Failed func(ItemError) error
}

// ItemError is one item that could not be moved.
type ItemError struct {
	Line int    // of the file, counted from 1; 0 in an export
	ID   string // of the document, if it is known
	Err  error
}

// Error implements error.
func (f ItemError) Error() string {
	if f.Line > 0 {
		return fmt.Sprintf("line %d: %v", f.Line, f.Err)
	}
	return f.Err.Error()
}

// Unwrap returns the reason.
func (f ItemError) Unwrap() error { return f.Err }

// Report is what a transfer did.
type Report struct {
	Documents int // moved
	Failed    int
}

// Export writes the documents of a resource in the order of their ids, those after
// ExportOptions.After. It costs 1 request for each document and 1 for each 1,000. The report is right also when
// there is an error.
func Export(ctx context.Context, r *dynamic.Resource, w io.Writer, o ExportOptions) (Report, error) {
	if o.Every <= 0 {
		o.Every = 1000
	}
	out, err := o.Format.writer(w)
	if err != nil {
		return Report{}, err
	}
	records, err := newRecordWriter(o, r, out)
	if err != nil {
		return Report{}, err
	}
	x := &exporter{options: o, out: out, records: records}
	err = x.run(ctx, r)
	if cut := x.checkpoint(); err == nil {
		err = cut
	}
	return x.report, err
}

type exporter struct {
	options ExportOptions
	out     *frames
	records recordWriter
	report  Report
	last    string // id of the last document written
	since   int    // documents since the last checkpoint
}

func (x *exporter) run(ctx context.Context, r *dynamic.Resource) error {
	q := r.Query()
	if x.options.After != "" {
		q = q.Where(r.ID().Gt(x.options.After))
	}
	for d, err := range q.All(ctx) {
		if err != nil {
			x.report.Failed++
			f := ItemError{Err: err}
			if x.options.Failed == nil {
				return f
			}
			if err := x.options.Failed(f); err != nil {
				return err
			}
			continue
		}
		if err := x.records.write(d); err != nil {
			return err
		}
		x.report.Documents++
		x.last = d.ID
		if x.options.Done != nil {
			x.options.Done()
		}
		if x.since++; x.since >= x.options.Every {
			if err := x.checkpoint(); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

func (x *exporter) checkpoint() error {
	if err := x.records.flush(); err != nil {
		return err
	}
	if err := x.out.cut(); err != nil {
		return err
	}
	x.since = 0
	if x.options.Checkpoint == nil || x.last == "" {
		return nil
	}
	return x.options.Checkpoint(x.last)
}

// recordWriter writes documents in one format.
type recordWriter interface {
	write(d *dynamic.Document) error
	flush() error
}

func newRecordWriter(o ExportOptions, r *dynamic.Resource, w io.Writer) (recordWriter, error) {
	switch o.Format.Records {
	case "jsonl":
		return jsonLines{w: w, reveal: o.Reveal}, nil
	case "csv":
		table := &table{resource: r, w: csv.NewWriter(w), reveal: o.Reveal}
		if o.After != "" {
			return table, nil
		}
		return table, table.w.Write(r.Columns())
	}
	return nil, fmt.Errorf("%w: unknown format %q", s3db.ErrConfig, o.Format.Records)
}

type jsonLines struct {
	w      io.Writer
	reveal bool
}

func (j jsonLines) write(d *dynamic.Document) error {
	marshal := d.MarshalJSON
	if j.reveal {
		marshal = d.RevealedJSON
	}
	text, err := marshal()
	if err == nil {
		_, err = j.w.Write(append(text, '\n'))
	}
	return err
}

func (jsonLines) flush() error { return nil }

type table struct {
	resource *dynamic.Resource
	w        *csv.Writer
	reveal   bool
}

func (t *table) write(d *dynamic.Document) error {
	row, err := t.resource.Row(d, t.reveal)
	if err != nil {
		return err
	}
	return t.w.Write(row)
}

func (t *table) flush() error {
	t.w.Flush()
	return t.w.Error()
}
