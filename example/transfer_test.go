package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/runtime/transfer"
)

// TestTransferRoundTrip: what is exported from one database and imported into
// another is stored there byte for byte as it was, for every type, every behavior
// and every format.
func TestTransferRoundTrip(t *testing.T) {
	t.Parallel()
	db, from := newShop(t)
	documents := insertEverything(t, db)
	want := stored(t, from)
	for _, name := range []string{"x.jsonl", "x.ndjson.gz", "x.jsonl.zst", "x.csv", "x.csv.gz", "x.csv.zst"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			format := must[transfer.Format](t)(transfer.FormatOf(name))
			source := openDynamic(t, from, dynamic.Config{Reveal: true}, options()...)
			_, to := newShop(t)
			target := openDynamic(t, to, dynamic.Config{}, options()...)
			for resource := range documents {
				var file bytes.Buffer
				report := must[transfer.Report](t)(transfer.Export(t.Context(), must[*dynamic.Resource](t)(source.Resource(resource)), &file,
					transfer.ExportOptions{Format: format, Reveal: true}))
				if report.Documents != 1 {
					t.Errorf("%s: exported %d documents", resource, report.Documents)
				}
				must[transfer.Report](t)(transfer.Import(t.Context(), must[*dynamic.Resource](t)(target.Resource(resource)), &file,
					transfer.ImportOptions{Format: format, KeepTimestamps: true}))
			}
			if diff := cmp.Diff(want, stored(t, to)); diff != "" {
				t.Errorf("(-exported +imported):\n%s", diff)
			}
			report := must[*s3db.FsckReport](t)(target.Fsck(t.Context(), s3db.FsckOptions{Exclusive: true}))
			if len(report.Findings) > 0 {
				t.Errorf("fsck: %+v", report.Findings)
			}
		})
	}
}

// sessions opens a new shop with n sessions.
func sessions(t *testing.T, n int) (*memstore.Store, *dynamic.Resource) {
	t.Helper()
	db, store := newShop(t)
	_, _, _, _, session, _, _ := everything() //nolint:dogsled // one of seven
	for i := range n {
		session.ID = shop.SessionID(fmt.Sprintf("s%03d", i))
		must[*shop.Session](t)(db.Sessions.Insert(t.Context(), session))
	}
	return store, must[*dynamic.Resource](t)(openDynamic(t, store, dynamic.Config{}, options()...).Resource("sessions"))
}

// TestExportResumes: an export that ends anywhere goes on from its checkpoint, and
// the file is that of an export in one go.
func TestExportResumes(t *testing.T) {
	t.Parallel()
	const n = 60
	_, r := sessions(t, n)
	format := transfer.Format{Records: "csv"}
	var whole bytes.Buffer
	must[transfer.Report](t)(transfer.Export(t.Context(), r, &whole, transfer.ExportOptions{Format: format}))
	for stop := 1; stop < n; stop += 7 {
		var file bytes.Buffer
		after, size, done := "", 0, 0
		ctx, cancel := context.WithCancel(t.Context())
		_, err := transfer.Export(ctx, r, &file, transfer.ExportOptions{
			Format: format, Every: 5,
			Done: func() {
				if done++; done == stop {
					cancel()
				}
			},
			Checkpoint: func(id string) error { after, size = id, file.Len(); return nil },
		})
		cancel()
		if !errors.Is(err, context.Canceled) || after == "" {
			t.Fatalf("stopped at %d: %v, checkpoint after %q", stop, err, after)
		}
		file.Truncate(size)
		must[transfer.Report](t)(transfer.Export(t.Context(), r, &file, transfer.ExportOptions{Format: format, After: after}))
		if file.String() != whole.String() {
			t.Errorf("stopped at %d: the file is another one", stop)
		}
	}
}

// TestImportResumes: an import that ends anywhere goes on from the record that it
// told last. Nothing is lost, and what was written already is no failure; but a
// document that differs is.
func TestImportResumes(t *testing.T) {
	t.Parallel()
	const n = 60
	from, r := sessions(t, n)
	format := transfer.Format{Records: "jsonl"}
	var file bytes.Buffer
	must[transfer.Report](t)(transfer.Export(t.Context(), r, &file, transfer.ExportOptions{Format: format}))
	want := stored(t, from)
	for stop := 1; stop < n; stop += 13 {
		to, target := sessions(t, 0)
		ctx, cancel := context.WithCancel(t.Context())
		moved := 0
		o := transfer.ImportOptions{Format: format, KeepTimestamps: true, Concurrency: 8, Done: func(k int) {
			if moved = k; k >= stop {
				cancel()
			}
		}}
		_, err := transfer.Import(ctx, target, bytes.NewReader(file.Bytes()), o)
		cancel()
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		// As after a crash in which the latest checkpoints were not written.
		o.Skip, o.Resumed, o.Done = max(moved-5, 0), true, nil
		must[transfer.Report](t)(transfer.Import(t.Context(), target, bytes.NewReader(file.Bytes()), o))
		if diff := cmp.Diff(want, stored(t, to)); diff != "" {
			t.Errorf("stopped at %d (-exported +imported):\n%s", stop, diff)
		}
		changed := strings.Replace(file.String(), `"user":"a"`, `"user":"b"`, 1)
		o.Skip = 0
		_, err = transfer.Import(t.Context(), target, strings.NewReader(changed), o)
		if f, ok := errors.AsType[transfer.ItemError](err); !ok || f.Line != 1 || !errors.Is(err, s3db.ErrAlreadyExists) {
			t.Errorf("a document that differs: %v", err)
		}
		noID := strings.Replace(file.String(), `{"id":"s000",`, `{`, 1)
		if _, err = transfer.Import(t.Context(), target, strings.NewReader(noID), o); !errors.Is(err, s3db.ErrInvalidID) {
			t.Errorf("a record without an id: %v", err)
		}
	}
}

// TestImportFailures: a record that fails is named by its line; the others go on
// when asked, and the import ends with it otherwise.
func TestImportFailures(t *testing.T) {
	t.Parallel()
	_, r := sessions(t, 3)
	var file bytes.Buffer
	format := transfer.Format{Records: "jsonl"}
	must[transfer.Report](t)(transfer.Export(t.Context(), r, &file, transfer.ExportOptions{Format: format}))
	lines := strings.SplitAfter(file.String(), "\n")
	broken := lines[0] + "\n" + "{broken\n" + lines[1] + strings.TrimSuffix(lines[2], "\n")
	for name, test := range map[string]struct {
		goOn bool
		want transfer.Report
		file []int
	}{
		"stop":     {false, transfer.Report{Documents: 1, Failed: 1}, []int{3}},
		"continue": {true, transfer.Report{Documents: 3, Failed: 1}, []int{3}},
	} {
		_, target := sessions(t, 0)
		var failed []int
		report, err := transfer.Import(t.Context(), target, strings.NewReader(broken), transfer.ImportOptions{
			Format: format, Concurrency: 1,
			Failed: func(f transfer.ItemError) error {
				failed = append(failed, f.Line)
				if test.goOn {
					return nil
				}
				return f
			},
		})
		if (err == nil) != test.goOn || report != test.want || !cmp.Equal(failed, test.file) {
			t.Errorf("%s: %+v, lines %v, %v", name, report, failed, err)
		}
		if n := must[int](t)(target.Query().Count(t.Context())); n != test.want.Documents {
			t.Errorf("%s: %d documents", name, n)
		}
	}
	if n := must[int](t)(transfer.Count(format, strings.NewReader(broken))); n != 4 {
		t.Errorf("%d records", n)
	}
}
