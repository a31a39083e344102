package storetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strconv"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// contents skips the test when the store keeps documents only.
func (s *suite) contents() s3db.ContentStore {
	s.Helper()
	store, ok := s.store.(s3db.ContentStore)
	if !ok {
		s.Skip("the store is no s3db.ContentStore")
	}
	return store
}

// pattern returns bytes of which no two stretches are the same.
func pattern(seed byte, size int) []byte {
	b := make([]byte, size)
	x := uint32(seed) + 1
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

// repeat calls f until it does not ask for another attempt.
func repeat(f func() error) (err error) {
	for range attempts {
		if err = f(); !temporary(err) {
			break
		}
	}
	return err
}

// upload writes an object in parts.
func (s *suite) upload(store s3db.ContentStore, key string, parts ...[]byte) {
	s.Helper()
	name := s.begin(store, key)
	etags := s.putParts(store, key, name, parts...)
	if err := repeat(func() error { return store.CompleteUpload(s.ctx, key, name, etags) }); err != nil {
		s.Fatalf("CompleteUpload(%q): %v", key, err)
	}
}

func (s *suite) begin(store s3db.ContentStore, key string) (name string) {
	s.Helper()
	err := repeat(func() (err error) { name, err = store.BeginUpload(s.ctx, key); return err })
	if err != nil || name == "" {
		s.Fatalf("BeginUpload(%q): %q, %v", key, name, err)
	}
	return name
}

// putParts writes parts, the last one first.
func (s *suite) putParts(store s3db.ContentStore, key, name string, parts ...[]byte) []string {
	s.Helper()
	etags := make([]string, len(parts))
	for i := range slices.Backward(parts) {
		err := repeat(func() (err error) {
			etags[i], err = store.PutPart(s.ctx, key, name, i+1, parts[i])
			return err
		})
		if err != nil || etags[i] == "" {
			s.Fatalf("PutPart(%q, %d): %q, %v", key, i+1, etags[i], err)
		}
	}
	return etags
}

// stretch reads a stretch of an object.
func (s *suite) stretch(store s3db.ContentStore, key string, offset, length int64) []byte {
	s.Helper()
	r, err := store.ReadContent(s.ctx, key, offset, length)
	if err != nil {
		s.Fatalf("ReadContent(%q, %d, %d): %v", key, offset, length, err)
	}
	b, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		s.Fatalf("reading %q, %d, %d: %v", key, offset, length, err)
	}
	return b
}

func (s *suite) contentRead() {
	store := s.contents()
	_, err := store.ReadContent(s.ctx, s.key("missing"), 0, -1)
	s.want("ReadContent of a missing object", err, s3db.ErrNotFound)
	_, err = store.ReadContent(s.ctx, s.key("missing"), 3, 4)
	s.want("ReadContent of a stretch of a missing object", err, s3db.ErrNotFound)

	s.mustPut(s.key("empty"), "", nil)
	if b := s.stretch(store, s.key("empty"), 0, -1); len(b) != 0 {
		s.Errorf("an empty object has %d bytes", len(b))
	}
	body := pattern(1, 1<<20)
	s.mustPut(s.key("a"), string(body), map[string]string{"1": "x"})
	for _, at := range [][2]int64{{0, -1}, {0, 1}, {5, -1}, {1 << 19, 1 << 10}, {1<<20 - 1, 1}, {1<<20 - 1, -1}, {0, 1 << 20}} {
		want := body[at[0]:]
		if at[1] >= 0 {
			want = want[:at[1]]
		}
		if got := s.stretch(store, s.key("a"), at[0], at[1]); !bytes.Equal(got, want) {
			s.Errorf("stretch %v has %d bytes, or other ones than those stored", at, len(got))
		}
	}
	for _, at := range [][2]int64{{-1, 2}, {0, 0}, {1 << 20, 1}, {1 << 20, -1}, {1 << 30, 5}} {
		_, err := store.ReadContent(s.ctx, s.key("a"), at[0], at[1])
		s.wantPermanent("ReadContent of an impossible stretch", err)
	}
}

// contentAbandoned closes readers in the middle: others are not disturbed.
func (s *suite) contentAbandoned() {
	store := s.contents()
	body := pattern(2, 4<<20)
	s.mustPut(s.key("a"), string(body), nil)
	for range 20 {
		r, err := store.ReadContent(s.ctx, s.key("a"), 0, -1)
		if err != nil {
			s.Fatal(err)
		}
		if _, err := io.ReadFull(r, make([]byte, 1000)); err != nil {
			s.Fatal(err)
		}
		if err := r.Close(); err != nil {
			s.Errorf("Close in the middle: %v", err)
		}
		if n, err := r.Read(make([]byte, 10)); err == nil || errors.Is(err, io.EOF) {
			s.Errorf("Read after Close: %d bytes, %v", n, err)
		}
	}
	if got := s.stretch(store, s.key("a"), 0, -1); !bytes.Equal(got, body) {
		s.Error("the object changed")
	}
	// A context that ends takes its reader with it.
	ctx, cancel := context.WithCancel(s.ctx)
	r, err := store.ReadContent(ctx, s.key("a"), 0, -1)
	if err != nil {
		s.Fatal(err)
	}
	cancel()
	_, err = io.Copy(io.Discard, r)
	s.want("reading on after the context ended", err, context.Canceled)
	_ = r.Close()
}

// partSize is more than a part needs.
const partSize = s3db.MinPart + 1

func (s *suite) uploads() {
	store := s.contents()
	key := s.key("d/a")
	s.mustPut(key, "old", map[string]string{"1": "x"})
	body := pattern(3, 2*partSize+7)
	name := s.begin(store, key)
	etags := s.putParts(store, key, name, pattern(4, partSize))
	if o := s.mustGet(key); string(o.Body) != "old" {
		s.Error("an upload that is not complete shows")
	}
	// A part that is written again is replaced.
	etags = s.putParts(store, key, name, body[:partSize], body[partSize:2*partSize], body[2*partSize:])
	if err := repeat(func() error { return store.CompleteUpload(s.ctx, key, name, etags) }); err != nil {
		s.Fatal(err)
	}
	for _, at := range [][2]int64{{0, -1}, {partSize - 3, 6}, {2*partSize - 3, -1}, {partSize, partSize}, {2*partSize + 6, 1}} {
		want := body[at[0]:]
		if at[1] >= 0 {
			want = want[:at[1]]
		}
		if got := s.stretch(store, key, at[0], at[1]); !bytes.Equal(got, want) {
			s.Errorf("stretch %v has %d bytes, or other ones than those of the parts", at, len(got))
		}
	}
	o := s.mustGet(key)
	if !bytes.Equal(o.Body, body) || o.Size != int64(len(body)) || len(o.Metadata) != 0 || o.ETag == "" {
		s.Errorf("Get: %d bytes, size %d, metadata %v, ETag %q", len(o.Body), o.Size, o.Metadata, o.ETag)
	}
	head := s.mustHead(key)
	if head.Size != o.Size || head.ETag != o.ETag {
		s.Errorf("Head: size %d, ETag %s; Get: %d, %s", head.Size, head.ETag, o.Size, o.ETag)
	}
	page := s.mustList(s3db.ListRequest{Prefix: key})
	if len(page.Items) != 1 || page.Items[0].Size != o.Size || page.Items[0].ETag != o.ETag {
		s.Errorf("List: %+v", page.Items)
	}
	// What is over is over.
	_, err := store.PutPart(s.ctx, key, name, 1, body[:10])
	s.want("PutPart after the end of the upload", err, s3db.ErrNotFound)
	if err := repeat(func() error { return store.AbortUpload(s.ctx, key, name) }); err != nil {
		s.Errorf("AbortUpload after the end of the upload: %v", err)
	}
	if got := s.stretch(store, key, 2*partSize, -1); !bytes.Equal(got, body[2*partSize:]) {
		s.Error("aborting an upload that was complete changed its object")
	}
	// An object as any other: written over, and deleted.
	if _, err := s.put(key, "new", nil, s3db.IfMatchETag(o.ETag)); err != nil {
		s.Errorf("Put if match over an object in parts: %v", err)
	}
	if got := s.stretch(store, key, 0, -1); string(got) != "new" {
		s.Errorf("after a new write: %d bytes", len(got))
	}
	s.upload(store, key, body[:partSize], body[partSize:2*partSize])
	s.upload(store, s.key("d/b"), body[:partSize])
	if err := errors.Join(s.delete1(key, always), repeat(func() error { return store.DeleteMany(s.ctx, []string{s.key("d/b")}) })); err != nil {
		s.Errorf("deleting objects in parts: %v", err)
	}
	if page := s.mustList(s3db.ListRequest{Prefix: s.prefix}); len(page.Items) != 0 {
		s.Errorf("left: %q", s.listed(page))
	}
}

func (s *suite) uploadsRefused() {
	store := s.contents()
	key := s.key("a")
	name := s.begin(store, key)
	etags := s.putParts(store, key, name, pattern(1, 100), pattern(2, 100))
	s.wantPermanent("CompleteUpload with a first part that is too small", store.CompleteUpload(s.ctx, key, name, etags))
	s.wantPermanent("CompleteUpload with a part that is missing", store.CompleteUpload(s.ctx, key, name, append(etags[:1:1], etags[1], etags[1])))
	s.wantPermanent("CompleteUpload of nothing", store.CompleteUpload(s.ctx, key, name, nil))
	for _, number := range []int{-1, 0, 10_001} {
		_, err := store.PutPart(s.ctx, key, name, number, []byte("x"))
		s.wantPermanent("PutPart of part "+strconv.Itoa(number), err)
	}
	_, err := store.PutPart(s.ctx, s.key("other"), name, 1, []byte("x"))
	s.want("PutPart under another key", err, s3db.ErrNotFound)
	if err := repeat(func() error { return store.AbortUpload(s.ctx, key, name) }); err != nil {
		s.Errorf("AbortUpload: %v", err)
	}
	s.want("CompleteUpload after AbortUpload", store.CompleteUpload(s.ctx, key, name, etags), s3db.ErrNotFound)
	_, err = store.Head(s.ctx, key)
	s.want("Head after an upload was aborted", err, s3db.ErrNotFound)
	for what, key := range map[string]string{"empty": "", "parent": s.key("../a"), "double slash": s.key("a//b")} {
		_, err := store.BeginUpload(s.ctx, key)
		s.wantPermanent("BeginUpload of a key with "+what, err)
		_, err = store.ReadContent(s.ctx, key, 0, -1)
		s.wantPermanent("ReadContent of a key with "+what, err)
	}
}

func (s *suite) uploadsListed() {
	store := s.contents()
	key := s.key("a")
	one, two := s.begin(store, key), s.begin(store, key)
	s.putParts(store, key, one, pattern(1, 100))
	other := s.begin(store, s.key("b"))
	listed := func() (names []string) {
		page, err := store.ListUploads(s.ctx, key) // a whole key: MinIO lists nothing else
		if err != nil {
			s.Fatal(err)
		}
		for _, u := range page.Items {
			if u.Key != key || u.Started.IsZero() || page.ServerTime.Sub(u.Started).Abs().Hours() > 1 {
				s.Errorf("listed %+v at %v", u, page.ServerTime)
			}
			names = append(names, u.Upload)
		}
		slices.Sort(names)
		return names
	}
	want := []string{one, two}
	slices.Sort(want)
	if got := listed(); !slices.Equal(got, want) {
		s.Errorf("uploads %q, want %q", got, want)
	}
	for name, key := range map[string]string{one: key, other: s.key("b")} {
		if err := repeat(func() error { return store.AbortUpload(s.ctx, key, name) }); err != nil {
			s.Error(err)
		}
	}
	if got := listed(); !slices.Equal(got, []string{two}) {
		s.Errorf("uploads after one was aborted: %q", got)
	}
	if err := repeat(func() error { return store.AbortUpload(s.ctx, key, two) }); err != nil {
		s.Error(err)
	}
}
