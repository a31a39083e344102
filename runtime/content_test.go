package s3db_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

const (
	documentKey = "resource=accounts/data/id=a"
	contentRoot = "resource=accounts/content/"
)

// withContent returns a client of a server with an account a that has content.
func withContent(t *testing.T, server *memstore.Server, text string) *clienttest.Accounts {
	t.Helper()
	c := openContents(t, server.Client())
	if _, err := c.Insert(t.Context(), clienttest.AccountInsert{ID: "a", Name: "Ada"}); err != nil {
		t.Fatal(err)
	}
	setContent(t, c, text)
	return c
}

func openContents(t *testing.T, store s3db.Store, options ...s3db.Option) *clienttest.Accounts {
	t.Helper()
	c, err := clienttest.Open(t.Context(), store, 0, 0, options...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func setContent(t *testing.T, c *clienttest.Accounts, text string) {
	t.Helper()
	if _, err := c.SetContent(t.Context(), "a", strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
}

func wantText(t *testing.T, c *clienttest.Accounts, want string) {
	t.Helper()
	if got, err := clienttest.ReadContent(t.Context(), c, "a"); err != nil || got != want {
		t.Errorf("content is %.40q, %v, want %.40q", got, err, want)
	}
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error is %v, want %v", err, want)
	}
}

// contentKeys are the contents that the server holds.
func contentKeys(server *memstore.Server) (keys []string) {
	for _, key := range server.Keys() {
		if strings.HasPrefix(key, contentRoot) {
			keys = append(keys, key)
		}
	}
	return keys
}

// TestContentUnknownOutcome: the commit of a content gets no answer, and nobody can
// be asked. It may arrive later, and the document then needs its content.
func TestContentUnknownOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := memstore.NewServer(memstore.Options{})
		c := withContent(t, server, "old")
		store := server.Client()
		writer := openContents(t, store)
		var late func()
		store.SetFault(func(r memstore.Request) memstore.Injection {
			switch {
			case r.Kind == memstore.Put && r.Key == documentKey:
				return memstore.Injection{Fault: memstore.Timeout, Late: func(apply func()) { late = apply }}
			case late != nil && r.Kind == memstore.Get:
				return memstore.Injection{Fault: memstore.Refused}
			}
			return memstore.Injection{}
		})
		_, err := writer.SetContent(t.Context(), "a", strings.NewReader("new"))
		wantError(t, err, s3db.ErrUnknownOutcome)
		wantText(t, c, "old")
		late()
		wantText(t, c, "new")
	})
}

// TestContentLostReply: the commit is applied and its reply is lost; the old
// content goes and the new one is there.
func TestContentLostReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := memstore.NewServer(memstore.Options{})
		c := withContent(t, server, "old")
		store := server.Client()
		writer := openContents(t, store)
		lost := map[string]bool{}
		store.SetFault(func(r memstore.Request) memstore.Injection {
			place := r.Kind.String() + r.Key
			if !r.Kind.Writes() || lost[place] {
				return memstore.Injection{}
			}
			lost[place] = true // every write loses its first reply
			return memstore.Injection{Fault: memstore.Reset, Applied: true}
		})
		for _, text := range []string{"new", strings.Repeat("large", 4<<20)} {
			clear(lost)
			if _, err := writer.SetContent(t.Context(), "a", strings.NewReader(text)); err != nil {
				t.Fatal(err)
			}
			wantText(t, c, text)
		}
		clear(lost)
		if _, err := writer.DeleteContent(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		if left := contentKeys(server); len(left) > 0 {
			t.Errorf("left: %q", left)
		}
	})
}

// TestContentReplacedWhileOpened: the content vanishes between the two requests of
// a read, which then finds the newer one, a bounded number of times.
func TestContentReplacedWhileOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := memstore.NewServer(memstore.Options{})
		writer := withContent(t, server, "old")
		store := server.Client()
		c := openContents(t, store)
		times := 1
		store.SetFault(func(r memstore.Request) memstore.Injection {
			if r.Kind == memstore.ReadContent && times > 0 {
				times--
				setContent(t, writer, "new")
			}
			return memstore.Injection{}
		})
		store.ResetCounts()
		wantText(t, c, "new")
		if n := store.Counts(); n.Get != 4 {
			t.Errorf("requests: %+v, want 4 GETs", n)
		}
		times = 1000
		_, err := c.Content(t.Context(), "a")
		wantError(t, err, s3db.ErrConflict)
		if times < 980 {
			t.Errorf("it was opened %d times", 1000-times)
		}
	})
}

// TestContentMissing: a content that the document names is not there, or not as it
// says. This never happens by itself.
func TestContentMissing(t *testing.T) {
	for name, damage := range map[string]struct {
		do   func(ctx context.Context, store *memstore.Store, key string) error
		kind s3db.FindingKind
	}{
		"gone": {func(ctx context.Context, store *memstore.Store, key string) error {
			return store.Delete(ctx, key, s3db.Condition{})
		}, s3db.MissingContent},
		"shorter": {func(ctx context.Context, store *memstore.Store, key string) error {
			_, err := store.Put(ctx, key, []byte("01234"), nil, s3db.Condition{})
			return err
		}, s3db.MissingContent},
		"changed": {func(ctx context.Context, store *memstore.Store, key string) error {
			_, err := store.Put(ctx, key, []byte("012345678X"), nil, s3db.Condition{})
			return err
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := memstore.NewServer(memstore.Options{})
				c := withContent(t, server, "0123456789")
				if err := damage.do(t.Context(), server.Client(), contentKeys(server)[0]); err != nil {
					t.Fatal(err)
				}
				got, err := clienttest.ReadContent(t.Context(), c, "a")
				wantError(t, err, s3db.ErrCorrupt)
				if strings.Contains(got, "9") || strings.Contains(got, "X") {
					t.Errorf("read %q to its end", got)
				}
				report, err := c.Database().Fsck(t.Context(), s3db.FsckOptions{})
				if err != nil {
					t.Fatal(err)
				}
				var kind s3db.FindingKind
				for _, f := range report.Findings {
					kind = f.Kind
				}
				if kind != damage.kind {
					t.Errorf("fsck found %+v, want %q", report.Findings, damage.kind)
				}
			})
		})
	}
}

// breaking is a store whose replies break off.
type breaking struct {
	*memstore.Store
	after  int64 // bytes
	stall  bool  // instead of an error
	always bool  // no byte ever arrives
	opened int
	closed int
}

func (b *breaking) ReadContent(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	r, err := b.Store.ReadContent(ctx, key, offset, length)
	if err != nil {
		return nil, err
	}
	b.opened++
	end := iotest.ErrReader(&s3db.StoreError{Op: "get", Temporary: true, Err: io.ErrUnexpectedEOF})
	if b.stall {
		end = stalled{ctx}
	}
	if b.always {
		return &closer{end, b, r}, nil
	}
	return &closer{io.MultiReader(io.LimitReader(r, b.after), end), b, r}, nil
}

type closer struct {
	io.Reader
	store *breaking
	under io.Closer
}

func (c *closer) Close() error {
	c.store.closed++
	return c.under.Close()
}

type stalled struct{ ctx context.Context }

func (s stalled) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, &s3db.StoreError{Op: "get", Err: s.ctx.Err()}
}

// TestContentResumes: a reader goes on where a connection broke or stalled, gives up
// when no byte arrives any more, and closes all that it opened.
func TestContentResumes(t *testing.T) {
	text := strings.Repeat("0123456789", 10)
	for name, store := range map[string]*breaking{
		"breaks": {after: 7}, "stalls": {after: 7, stall: true}, "never": {always: true}, "stalls for ever": {always: true, stall: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := memstore.NewServer(memstore.Options{})
				withContent(t, server, text)
				store.Store = server.Client()
				c := openContents(t, store)
				got, err := clienttest.ReadContent(t.Context(), c, "a")
				switch {
				case store.always:
					wantError(t, err, s3db.ErrUnavailable)
					if store.opened != s3db.DefaultRetryPolicy().Requests {
						t.Errorf("opened %d times", store.opened)
					}
				case err != nil || got != text:
					t.Errorf("read %q, %v", got, err)
				case store.opened != 15:
					t.Errorf("opened %d times", store.opened)
				}
				if store.opened != store.closed {
					t.Errorf("opened %d times, closed %d times", store.opened, store.closed)
				}
			})
		})
	}
}

// TestContentReplacedWhileRead: what is left of a content that broke off is gone.
// The reader says so, and does not go on with another content.
func TestContentReplacedWhileRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := memstore.NewServer(memstore.Options{})
		writer := withContent(t, server, strings.Repeat("old", 10))
		store := &breaking{Store: server.Client(), after: 7}
		r, err := openContents(t, store).Content(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(r, make([]byte, 7)); err != nil {
			t.Fatal(err)
		}
		setContent(t, writer, strings.Repeat("new", 10))
		n, err := r.Read(make([]byte, 7))
		wantError(t, err, s3db.ErrConflict)
		if n > 0 {
			t.Errorf("%d bytes of another content", n)
		}
		_, err = r.Read(make([]byte, 7))
		wantError(t, err, s3db.ErrConflict)
		if err := r.Close(); err != nil || store.opened != store.closed {
			t.Errorf("%v; opened %d times, closed %d times", err, store.opened, store.closed)
		}
	})
}

// TestContentCancelled: an upload whose context ends is aborted all the same.
func TestContentCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := memstore.NewServer(memstore.Options{})
		c := withContent(t, server, "old")
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		source := readFunc(func(p []byte) (int, error) {
			if n += len(p); n > 20<<20 {
				cancel()
			}
			return len(p), nil
		})
		_, err := c.SetContent(ctx, "a", source)
		wantError(t, err, context.Canceled)
		wantText(t, c, "old")
		clienttest.CheckExactContents(t, server.Client(), c)
	})
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// slow waits before its last byte.
func slow(size int, wait time.Duration) io.Reader {
	return io.MultiReader(strings.NewReader(strings.Repeat("x", size-1)), readFunc(func([]byte) (int, error) {
		<-time.After(wait)
		return 0, io.EOF
	}), strings.NewReader("x"))
}

// TestContentTooLate: a content that is not committed soon after it was written, or
// whose upload takes too long, could count as left over. It is given up.
func TestContentTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := memstore.NewServer(memstore.Options{})
		c := withContent(t, server, "old")
		store := server.Client()
		writer := openContents(t, store, s3db.WithRetry(s3db.RetryPolicy{Timeout: time.Hour}))
		refused := false
		store.SetFault(func(r memstore.Request) memstore.Injection {
			if r.Kind == memstore.Put && r.Key == documentKey && !refused {
				refused = true
				if _, err := c.Update(t.Context(), "a", clienttest.AccountPatch{Count: s3db.Set[int64](1)}); err != nil {
					t.Error(err)
				}
			} else if r.Kind == memstore.Get && refused {
				return memstore.Injection{Delay: 6 * time.Minute}
			}
			return memstore.Injection{}
		})
		_, err := writer.SetContent(t.Context(), "a", strings.NewReader("new"))
		wantError(t, err, s3db.ErrUnavailable)
		store.SetFault(nil)
		_, err = writer.SetContent(t.Context(), "a", io.MultiReader(slow(20<<20, 13*time.Hour), strings.NewReader(strings.Repeat("y", 20<<20))))
		wantError(t, err, s3db.ErrUnavailable)
		wantText(t, c, "old")
		clienttest.CheckExactContents(t, server.Client(), c)
	})
}

// TestContentRepair: a repair removes contents that nobody names and uploads that
// nobody goes on with, but only when they can be nobody's work in progress. The
// upload of a content may take hours, and counts as written when it began.
func TestContentRepair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := memstore.NewServer(memstore.Options{})
		c := withContent(t, server, "old")
		repair := func() *s3db.FsckReport {
			t.Helper()
			report, err := c.Database().Fsck(t.Context(), s3db.FsckOptions{Repair: true})
			if err != nil {
				t.Fatal(err)
			}
			return report
		}
		// The commit of a small and that of a large content are on their way. An upload
		// begins when its second part was read, so the large one waits in its third.
		for _, size := range []int{100, 17 << 20} {
			store := server.Client()
			var late func()
			writer := openContents(t, store)
			store.SetFault(func(r memstore.Request) memstore.Injection {
				if r.Kind == memstore.Put && r.Key == documentKey {
					return memstore.Injection{Fault: memstore.Crash, Late: func(apply func()) { late = apply }}
				}
				return memstore.Injection{}
			})
			wait := time.Duration(0)
			if size > 1<<20 {
				wait = 11 * time.Hour
			}
			_, err := writer.SetContent(t.Context(), "a", slow(size, wait))
			wantError(t, err, memstore.ErrCrashed)
			<-time.After(20 * time.Minute)
			if report := repair(); len(report.Findings) > 0 || report.Recent != 1 {
				t.Errorf("%d bytes: while the commit is on its way a repair found %+v", size, report)
			}
			late()
			wantText(t, c, strings.Repeat("x", size))
			<-time.After(25 * time.Hour)
			if report := repair(); len(report.Findings) != 1 || report.Findings[0].Kind != s3db.LeftContent || !report.Clean() {
				t.Errorf("%d bytes: the content before is left, and a repair found %+v", size, report)
			}
		}
		// A client dies in the middle of an upload.
		store := server.Client()
		writer := openContents(t, store)
		store.SetFault(func(r memstore.Request) memstore.Injection {
			if r.Kind == memstore.PutPart && r.Part == 2 {
				return memstore.Injection{Fault: memstore.Crash}
			}
			return memstore.Injection{}
		})
		_, err := writer.SetContent(t.Context(), "a", strings.NewReader(strings.Repeat("y", 20<<20)))
		wantError(t, err, memstore.ErrCrashed)
		<-time.After(20 * time.Hour)
		if report := repair(); len(report.Findings) > 0 || report.Recent != 1 {
			t.Errorf("an upload that may go on: %+v", report)
		}
		<-time.After(5 * time.Hour)
		if report := repair(); len(report.Findings) != 1 || report.Findings[0].Kind != s3db.AbandonedUpload || !report.Clean() {
			t.Errorf("an upload that was abandoned: %+v", report)
		}
		clienttest.CheckExactContents(t, server.Client(), c)
	})
}

// noContents is a store that keeps documents only.
type noContents struct{ s3db.Store }

// TestContentUnsupported: what the store cannot do is said before anything is sent.
func TestContentUnsupported(t *testing.T) {
	store := memstore.New()
	c := openContents(t, noContents{store})
	before := store.Counts()
	_, err := c.SetContent(t.Context(), "a", strings.NewReader("x"))
	wantError(t, err, s3db.ErrUnsupported)
	_, err = c.Content(t.Context(), "a")
	wantError(t, err, s3db.ErrUnsupported)
	if n := store.Counts().Sub(before).Total(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// TestContentURLNeedsServer: a database in memory has no URLs.
func TestContentURLNeedsServer(t *testing.T) {
	clienttest.CheckContentURL(t, openContents(t, memstore.New()), false)
}
