package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
)

// Mode says what an import does with a document whose id exists.
type Mode string

// The modes.
const (
	Insert  Mode = "insert"  // it is a failure
	Upsert  Mode = "upsert"  // the attributes given are set, the others stay
	Replace Mode = "replace" // it is replaced; a missing one is inserted
)

// ImportOptions change what Import does.
type ImportOptions struct {
	Format      Format
	Mode        Mode // Insert by default
	Concurrency int  // documents written at the same time, 16 by default
	// KeepTimestamps stores the createdAt and updatedAt of the file.
	KeepTimestamps bool
	// Skip leaves out so many records, which an interrupted import has moved. Of the
	// records after them, some may have been moved too: in the mode insert, one that
	// exists and is the same then counts as moved.
	Skip int
	// Resumed says that Skip, which may be 0, is where another import stopped.
	Resumed bool
	// Done is called when all records up to the nth have been dealt with; calls come
	// in order, not for each n.
	Done func(n int)
	// Failed is called for each record that cannot be imported. When it returns an
	// error the import ends with it; nil goes on. Without it the first failure ends
	// the import.
	Failed func(ItemError) error
}

// Import reads records and writes them as documents of a resource, in no
// particular order. A record that is broken or refused is an ItemError with its line.
// The report is right also when there is an error.
func Import(ctx context.Context, r *dynamic.Resource, in io.Reader, o ImportOptions) (Report, error) {
	if o.Mode == "" {
		o.Mode = Insert
	}
	if o.Mode != Insert && o.Mode != Upsert && o.Mode != Replace {
		return Report{}, fmt.Errorf("%w: unknown mode %q", s3db.ErrConfig, o.Mode)
	}
	if o.Concurrency <= 0 {
		o.Concurrency = 16
	}
	plain, err := o.Format.reader(in)
	if err != nil {
		return Report{}, fmt.Errorf("the file is not %s: %w", o.Format.Compression, err)
	}
	defer plain.Close() //nolint:errcheck // reading has told all errors
	records, err := newRecordReader(o.Format, r, plain)
	if err != nil {
		return Report{}, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	m := &importer{resource: r, options: o, cancel: cancel, moved: o.Skip, pending: map[int]bool{}}
	m.run(ctx, records)
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.report, m.err
}

type importer struct {
	resource *dynamic.Resource
	options  ImportOptions
	cancel   context.CancelCauseFunc

	mu      sync.Mutex
	report  Report
	err     error        // ends the import
	moved   int          // all records up to this one are dealt with
	pending map[int]bool // records after it that are
}

// record is one record of a file.
type record struct {
	number int // counted from 1
	line   int
	input  dynamic.Input
	err    error // it is broken
}

func (m *importer) run(ctx context.Context, records recordReader) {
	jobs := make(chan record)
	var workers sync.WaitGroup
	for range m.options.Concurrency {
		workers.Go(func() {
			for rec := range jobs {
				if ctx.Err() != nil {
					continue
				}
				m.settle(ctx, rec, m.write(ctx, &rec))
			}
		})
	}
	defer workers.Wait()
	defer close(jobs)
	for n := 1; ; n++ {
		rec, err := records.next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			m.end(err)
			return
		}
		rec.number = n
		if n <= m.options.Skip {
			continue
		}
		select {
		case jobs <- rec:
		case <-ctx.Done():
			m.end(ctx.Err())
			return
		}
	}
}

// write moves one record.
func (m *importer) write(ctx context.Context, rec *record) error {
	if rec.err != nil {
		return rec.err
	}
	in := rec.input
	var opts []s3db.WriteOption
	if m.options.KeepTimestamps {
		opts = append(opts, s3db.KeepTimestamps(in.CreatedAt, in.UpdatedAt))
	}
	if in.ID == "" && m.options.Mode != Insert {
		return fmt.Errorf("%w: a record without an id cannot be imported in the mode %s", s3db.ErrInvalidID, m.options.Mode)
	}
	var err error
	switch m.options.Mode {
	case Insert:
		if in.ID == "" && m.options.Resumed {
			return fmt.Errorf("%w: the record has no id, so nobody can tell whether it was imported before the interruption", s3db.ErrInvalidID)
		}
		_, err = m.resource.Insert(ctx, in, opts...)
		if m.options.Resumed && errors.Is(err, s3db.ErrAlreadyExists) {
			if d, getErr := m.resource.Get(ctx, in.ID); getErr == nil && m.resource.Same(d, in) {
				return nil
			}
		}
	case Upsert:
		_, err = m.resource.Upsert(ctx, in.ID, in, opts...)
	case Replace:
		if _, err = m.resource.Replace(ctx, in.ID, in, opts...); errors.Is(err, s3db.ErrNotFound) {
			_, err = m.resource.Insert(ctx, in, opts...)
		}
	}
	return err
}

// settle counts a record.
func (m *importer) settle(ctx context.Context, rec record, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		if ctx.Err() != nil {
			return // cancelled: it counts as not tried
		}
		m.report.Failed++
		f := ItemError{Line: rec.line, ID: rec.input.ID, Err: err}
		stop := error(f)
		if m.options.Failed != nil {
			stop = m.options.Failed(f)
		}
		if stop != nil {
			m.stop(stop)
			return
		}
	} else {
		m.report.Documents++
	}
	m.pending[rec.number] = true
	before := m.moved
	for m.pending[m.moved+1] {
		m.moved++
		delete(m.pending, m.moved)
	}
	if m.moved > before && m.options.Done != nil {
		m.options.Done(m.moved)
	}
}

func (m *importer) end(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stop(err)
}

func (m *importer) stop(err error) {
	if m.err == nil {
		m.err = err
	}
	m.cancel(err)
}
