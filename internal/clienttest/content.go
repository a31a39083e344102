package clienttest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/behaviors"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// ReadContent reads the whole content of an account.
func ReadContent(ctx context.Context, c *Accounts, id AccountID) (string, error) {
	r, err := c.Content(ctx, id)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(r)
	return string(b), errors.Join(err, r.Close())
}

// CheckContents verifies what must hold at any time: the content that a document
// names is there whole.
func CheckContents(t *testing.T, c *Accounts) {
	t.Helper()
	for d, err := range c.Query().All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if d.Meta.Content == nil {
			continue
		}
		if _, err := ReadContent(t.Context(), c, d.ID); err != nil {
			t.Errorf("content of document %s: %v", d.ID, err)
		}
	}
}

// CheckExactContents verifies that there are no contents and uploads but those
// that documents name.
func CheckExactContents(t *testing.T, store s3db.Store, c *Accounts) {
	t.Helper()
	contents, ok := store.(s3db.ContentStore)
	if !ok {
		t.Fatal("the store keeps no contents")
	}
	named := 0
	for d, err := range c.Query().All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if d.Meta.Content != nil {
			named++
		}
	}
	if there := keys(t, store, root+"content/"); len(there) != named {
		t.Errorf("documents name %d contents, there are %q", named, there)
	}
	page, err := contents.ListUploads(t.Context(), root)
	if err != nil || len(page.Items) > 0 {
		t.Errorf("uploads under way: %+v, %v", page, err)
	}
}

func wantContent(t *testing.T, c *Accounts, id AccountID, mediaType, text string) {
	t.Helper()
	r := must[*s3db.ContentReader](t)(c.Content(t.Context(), id))
	got := must[[]byte](t)(io.ReadAll(r))
	want := s3db.ContentInfo{Type: mediaType, Size: int64(len(text)), SHA256: sha256.Sum256([]byte(text))}
	if diff := cmp.Diff(want, r.ContentInfo); diff != "" || string(got) != text {
		t.Errorf("content of %s is %.40q, want %.40q; (-want +got):\n%s", id, got, text, diff)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	d := must[*Account](t)(c.Get(t.Context(), id))
	if diff := cmp.Diff(&want, d.Meta.Content); diff != "" {
		t.Errorf("Meta.Content (-want +got):\n%s", diff)
	}
}

func testContent(t *testing.T, store s3db.Store) {
	t.Helper()
	ctx := t.Context()
	c := mustOpen(t, store, 2, 1)
	must[*Account](t)(c.Insert(ctx, AccountInsert{ID: "a", Name: "Ada", Email: new("e"), Country: new("BR")}))
	if has := must[bool](t)(c.HasContent(ctx, "a")); has {
		t.Error("a new document has content")
	}
	_, err := c.Content(ctx, "a")
	wantErr(t, err, s3db.ErrNoContent)
	wantErr(t, err, s3db.ErrNotFound)
	_, err = c.DeleteContent(ctx, "a")
	wantErr(t, err, s3db.ErrNoContent)

	for _, set := range []struct{ mediaType, text string }{
		{"image/jpeg", "\xff\xd8\xff\xe0"}, {"application/pdf", "%PDF-1.7"}, {"text/plain; charset=utf-8", "héllo\n"}, {"application/octet-stream", ""},
	} {
		d := must[*Account](t)(c.SetContent(ctx, "a", strings.NewReader(set.text), s3db.ContentType(set.mediaType)))
		if d.Name != "Ada" || d.Meta.Content == nil || d.Meta.Content.Type != set.mediaType {
			t.Errorf("SetContent returned %+v", d)
		}
		wantContent(t, c, "a", set.mediaType, set.text)
	}
	must[*Account](t)(c.SetContent(ctx, "a", bytes.NewReader([]byte("bytes"))))
	wantContent(t, c, "a", "application/octet-stream", "bytes")
	CheckExactContents(t, store, c)

	// Whatever happens to the document, it keeps its content.
	must[*Account](t)(c.Update(ctx, "a", AccountPatch{Name: s3db.Set("Ada L."), Country: s3db.Set("PT")}))
	must[*Account](t)(c.Replace(ctx, "a", AccountInsert{Name: "Grace"}))
	d := must[*Account](t)(c.Upsert(ctx, "a", AccountInsert{Name: "Grace", Email: new("f")}))
	must[*Account](t)(c.UpdateFrom(ctx, d, AccountPatch{Count: s3db.Set[int64](7)}))
	wantContent(t, c, "a", "application/octet-stream", "bytes")

	d = must[*Account](t)(c.DeleteContent(ctx, "a"))
	if d.Count != 7 || d.Name != "Grace" || d.Meta.Content != nil || must[bool](t)(c.HasContent(ctx, "a")) {
		t.Errorf("after DeleteContent: %+v", d)
	}
	checkEntries(t, store, c, 2)
	CheckExactContents(t, store, c)

	// The content goes with its document, and a new one has none.
	must[*Account](t)(c.SetContent(ctx, "a", strings.NewReader("x")))
	if err := c.Delete(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	CheckExactContents(t, store, c)
	_, err = c.Content(ctx, "a")
	wantErr(t, err, s3db.ErrNotFound)
	must[*Account](t)(c.Insert(ctx, AccountInsert{ID: "a", Name: "Ada"}))
	if must[bool](t)(c.HasContent(ctx, "a")) || must[bool](t)(c.HasContent(ctx, "nobody")) {
		t.Error("a document that was inserted anew has content, or one that is not there")
	}
}

// errBroken is the error of a reader that fails half-way.
var errBroken = errors.New("the source broke")

func testContentRefused(t *testing.T, store s3db.Store) {
	t.Helper()
	ctx := t.Context()
	c := mustOpen(t, store, 0, 0)
	must[*Account](t)(c.Insert(ctx, AccountInsert{ID: "a", Name: "Ada"}))
	d := must[*Account](t)(c.SetContent(ctx, "a", strings.NewReader("old"), s3db.ContentType("text/plain")))
	unread := iotest.ErrReader(errors.New("the reader was read"))
	_, err := c.SetContent(ctx, "nobody", unread)
	wantErr(t, err, s3db.ErrNotFound)
	_, err = c.SetContent(ctx, "a", unread, s3db.IfMatch("another"))
	wantErr(t, err, s3db.ErrConflict)
	for _, mediaType := range []string{"", "png", "image/", "a b", "image/png\r\nX: y", "text/plain; x", "text/" + strings.Repeat("x", 300)} {
		_, err = c.SetContent(ctx, "a", unread, s3db.ContentType(mediaType))
		wantErr(t, err, s3db.ErrValidation)
	}
	_, err = c.SetContent(ctx, "a", unread, s3db.ContentSize(-1))
	wantErr(t, err, s3db.ErrValidation)
	for _, size := range []int64{0, 2, 4, 20 << 20} {
		_, err = c.SetContent(ctx, "a", strings.NewReader("new"), s3db.ContentSize(size))
		wantErr(t, err, s3db.ErrValidation)
	}
	// A reader that fails, in the first part and in a later one.
	for _, size := range []int{0, 3, 8 << 20, 17 << 20} {
		_, err = c.SetContent(ctx, "a", io.MultiReader(io.LimitReader(newSource(1), int64(size)), iotest.ErrReader(errBroken)))
		wantErr(t, err, errBroken)
	}
	must[*Account](t)(c.Update(ctx, "a", AccountPatch{Name: s3db.Set("Ada L.")}))
	_, err = c.SetContent(ctx, "a", strings.NewReader("new"), s3db.IfMatch(d.Meta.Revision))
	wantErr(t, err, s3db.ErrConflict)
	wantContent(t, c, "a", "text/plain", "old")
	CheckExactContents(t, store, c)
	must[*Account](t)(c.SetContent(ctx, "a", iotest.OneByteReader(strings.NewReader("new")), s3db.ContentSize(3)))
	wantContent(t, c, "a", "application/octet-stream", "new")
}

func testContentRanges(t *testing.T, store s3db.Store) {
	t.Helper()
	ctx := t.Context()
	c := mustOpen(t, store, 0, 0)
	must[*Account](t)(c.Insert(ctx, AccountInsert{ID: "a", Name: "Ada"}))
	const text = "0123456789"
	must[*Account](t)(c.SetContent(ctx, "a", strings.NewReader(text)))
	for _, test := range []struct {
		at   s3db.ContentRange
		want string
	}{
		{s3db.ContentRange{}, text}, {s3db.ContentRange{Offset: 3}, "3456789"}, {s3db.ContentRange{Offset: 3, Length: 4}, "3456"},
		{s3db.ContentRange{Offset: 9, Length: 100}, "9"}, {s3db.ContentRange{Offset: 10}, ""}, {s3db.ContentRange{Length: 1}, "0"},
	} {
		r := must[*s3db.ContentReader](t)(c.Content(ctx, "a", test.at))
		if got := must[[]byte](t)(io.ReadAll(r)); string(got) != test.want || r.Size != int64(len(text)) {
			t.Errorf("range %+v: %q of %d bytes, want %q", test.at, got, r.Size, test.want)
		}
		_ = r.Close()
	}
	for _, at := range []s3db.ContentRange{{Offset: -1}, {Length: -1}, {Offset: 11}} {
		_, err := c.Content(ctx, "a", at)
		wantErr(t, err, s3db.ErrRange)
	}
	r := must[*s3db.ContentReader](t)(c.Content(ctx, "a"))
	if err := iotest.TestReader(r, []byte(text)); err != nil { // seeks as well
		t.Error(err)
	}
	_ = r.Close()
	if _, err := r.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("reading after Close: %v", err)
	}
	part := must[*s3db.ContentReader](t)(c.Content(ctx, "a", s3db.ContentRange{Offset: 2, Length: 5}))
	defer part.Close() //nolint:errcheck // never fails
	if err := iotest.TestReader(part, []byte(text[2:7])); err != nil {
		t.Error(err)
	}
}

// testContentBehaviors: content and fields are independent under every behavior.
func testContentBehaviors(t *testing.T, store s3db.Store) {
	t.Helper()
	ctx := t.Context()
	for i, b := range []s3db.Behavior{behaviors.UserManaged, behaviors.EnforceLimits, behaviors.TruncateData, behaviors.BodyOverflow, behaviors.BodyOnly} {
		c := must[*Accounts](t)(OpenBehavior(ctx, store, 1, 1, b))
		id := AccountID(fmt.Sprint("d", i))
		bio := strings.Repeat("b", 4000)
		if b == behaviors.EnforceLimits {
			bio = bio[:1000]
		}
		before := must[*Account](t)(c.Insert(ctx, AccountInsert{ID: id, Name: "Ada", Email: new(string(id)), Country: new("BR"), Bio: &bio}))
		after := must[*Account](t)(c.SetContent(ctx, id, strings.NewReader("picture"), s3db.ContentType("image/png")))
		if diff := cmp.Diff(before, after, ignoreMeta(), ignoreUpdated()); diff != "" {
			t.Errorf("%s: setting content changed (-before +after):\n%s", b.Name(), diff)
		}
		must[*Account](t)(c.Update(ctx, id, AccountPatch{Count: s3db.Set[int64](1)}))
		wantContent(t, c, id, "image/png", "picture")
		after = must[*Account](t)(c.DeleteContent(ctx, id))
		before.Count = 1
		if diff := cmp.Diff(before, after, ignoreMeta(), ignoreUpdated()); diff != "" {
			t.Errorf("%s: deleting content changed (-before +after):\n%s", b.Name(), diff)
		}
	}
}

func ignoreUpdated() cmp.Option {
	return cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "UpdatedAt" }, cmp.Ignore())
}

// testContentRace: many writers replace the content and the fields of one document
// while others read. Every read gets the whole content of one writer.
func testContentRace(t *testing.T, store s3db.Store) {
	t.Helper()
	ctx := t.Context()
	c := mustOpen(t, store, 0, 0)
	must[*Account](t)(c.Insert(ctx, AccountInsert{ID: "a", Name: "n"}))
	text := func(i int) string { return strings.Repeat(fmt.Sprintf("%02d", i), 1000+i) }
	must[*Account](t)(c.SetContent(ctx, "a", strings.NewReader(text(0))))
	var reads atomic.Int64
	errs := contend(func(i int) error {
		switch i % 4 {
		case 0:
			_, err := c.SetContent(ctx, "a", strings.NewReader(text(i)), s3db.ContentType(fmt.Sprintf("text/x%d", i)))
			return err
		case 1:
			return Increment(ctx, c, "a")
		}
		r, err := c.Content(ctx, "a")
		if err != nil {
			return err
		}
		defer r.Close() //nolint:errcheck // never fails
		b, err := io.ReadAll(r)
		switch {
		case errors.Is(err, s3db.ErrConflict):
			return nil // it was replaced, and says so
		case err != nil:
			return err
		}
		reads.Add(1)
		var from int
		if _, err := fmt.Sscanf(string(b[:2]), "%02d", &from); err != nil || string(b) != text(from) {
			return fmt.Errorf("read %d bytes that nobody wrote", len(b))
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	d := must[*Account](t)(c.Get(ctx, "a"))
	if d.Count != writers/4 || reads.Load() == 0 {
		t.Errorf("%d increments counted %d; %d contents were read whole", writers/4, d.Count, reads.Load())
	}
	var last int
	_ = must[int](t)(fmt.Sscanf(d.Meta.Content.Type, "text/x%d", &last))
	wantContent(t, c, "a", d.Meta.Content.Type, text(last))
	CheckExactContents(t, store, c)
}

// source gives pseudo-random bytes without an end.
type source struct{ rnd *rand.ChaCha8 }

func newSource(seed byte) *source { return &source{rand.NewChaCha8([32]byte{seed})} }

func (s *source) Read(p []byte) (int, error) { return s.rnd.Read(p) }

// largest notes the most live memory of the process at any step of a stream.
type largest struct{ bytes, most uint64 }

func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func (l *largest) Write(p []byte) (int, error) {
	const step = 4 << 20
	before := l.bytes / step
	l.bytes += uint64(len(p))
	if l.bytes/step != before {
		l.most = max(l.most, live())
	}
	return len(p), nil
}

// ContentMemory writes and reads a content of this size and returns how far the
// live memory of the process rose meanwhile, in bytes, when writing and when
// reading.
func ContentMemory(t *testing.T, store s3db.Store, size int64) (written, read uint64) {
	t.Helper()
	ctx := t.Context()
	c := mustOpen(t, store, 0, 0)
	id := AccountID(fmt.Sprint("d", size))
	must[*Account](t)(c.Insert(ctx, AccountInsert{ID: id, Name: "Ada"}))
	var most largest
	sum := sha256.New()
	start := live()
	d := must[*Account](t)(c.SetContent(ctx, id, io.TeeReader(io.LimitReader(newSource(2), size), io.MultiWriter(&most, sum))))
	if d.Meta.Content.Size != size || !slices.Equal(sum.Sum(nil), d.Meta.Content.SHA256[:]) {
		t.Errorf("set %d bytes, or others than were given", d.Meta.Content.Size)
	}
	written = most.most - min(start, most.most)
	most = largest{}
	start = live()
	r := must[*s3db.ContentReader](t)(c.Content(ctx, id))
	defer r.Close() //nolint:errcheck // never fails
	sum.Reset()
	if n := must[int64](t)(io.Copy(io.MultiWriter(&most, sum), r)); n != size || !slices.Equal(sum.Sum(nil), d.Meta.Content.SHA256[:]) {
		t.Errorf("read %d bytes, or others than were given", n)
	}
	CheckExactContents(t, store, c)
	return written, most.most - min(start, most.most)
}

// RunLargeContent verifies that a content of 64 MiB goes through a few parts of
// memory, as much as one of 32 MiB does.
func RunLargeContent(t *testing.T, open func(t *testing.T) s3db.Store) {
	t.Helper()
	store := open(t)
	const size, most = 64 << 20, 56 << 20
	for _, size := range []int64{size / 2, size} {
		written, read := ContentMemory(t, store, size)
		t.Logf("%d MiB: %.1f MiB of memory to write, %.1f to read", size>>20, float64(written)/(1<<20), float64(read)/(1<<20))
		if written > most || read > most/2 {
			t.Errorf("a content of %d MiB took %d MiB of memory to write and %d to read", size>>20, written>>20, read>>20)
		}
	}
}

// CheckContentURL verifies URLs of contents; a store that is no server refuses to
// make any.
func CheckContentURL(t *testing.T, c *Accounts, server bool) {
	t.Helper()
	ctx := t.Context()
	must[*Account](t)(c.Insert(ctx, AccountInsert{ID: "a", Name: "Ada"}))
	_, err := c.ContentURL(ctx, "a", s3db.URLOptions{})
	if !server {
		wantErr(t, err, s3db.ErrUnsupported)
		return
	}
	wantErr(t, err, s3db.ErrNoContent)
	must[*Account](t)(c.SetContent(ctx, "a", strings.NewReader("<p>"), s3db.ContentType("text/html")))
	for _, expires := range []time.Duration{-time.Second, time.Millisecond, 1500 * time.Millisecond, 8 * 24 * time.Hour} {
		_, err := c.ContentURL(ctx, "a", s3db.URLOptions{Expires: expires})
		wantErr(t, err, s3db.ErrRange)
	}
	get := func(url string) (status int, body, mediaType, disposition string) {
		t.Helper()
		req := must[*http.Request](t)(http.NewRequestWithContext(ctx, http.MethodGet, url, nil))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close() //nolint:errcheck // it was read
		b := must[[]byte](t)(io.ReadAll(resp.Body))
		return resp.StatusCode, string(b), resp.Header.Get("Content-Type"), resp.Header.Get("Content-Disposition")
	}
	url := must[string](t)(c.ContentURL(ctx, "a", s3db.URLOptions{Expires: time.Hour, Filename: "a b.html"}))
	if status, body, mediaType, disposition := get(url); status != http.StatusOK || body != "<p>" || mediaType != "text/html" ||
		disposition != `attachment; filename="a b.html"` {
		t.Errorf("the URL gives %d %q, %q, %q", status, body, mediaType, disposition)
	}
	if status, _, _, _ := get(strings.Replace(url, "Signature=", "Signature=0", 1)); status != http.StatusForbidden {
		t.Errorf("a URL with another signature gives %d", status)
	}
	must[*Account](t)(c.SetContent(ctx, "a", strings.NewReader("new")))
	if status, _, _, _ := get(url); status != http.StatusNotFound {
		t.Errorf("the URL of a content that was replaced gives %d", status)
	}
}
