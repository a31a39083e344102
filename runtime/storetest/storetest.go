// Package storetest is the contract of s3db.Store as a test suite: an
// implementation is a store when it passes Run.
package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Run runs the whole suite. open returns a store that is ready for use; it is
// called once for each test, and the suite closes what it returns. The stores may
// all keep their objects in one place, and it need not be empty: every test works
// under a random prefix of its own. It is not cleaned up.
//
// A store is held to its own Capabilities: tests of what it says it cannot do
// check that it refuses.
func Run(t *testing.T, open func(t *testing.T) s3db.Store) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(*suite)
	}{
		{"Missing", (*suite).missing},
		{"RoundTrip", (*suite).roundTrip},
		{"Bodies", (*suite).bodies},
		{"ETag", (*suite).etag},
		{"Clock", (*suite).clock},
		{"Metadata", (*suite).metadata},
		{"MetadataReplaced", (*suite).metadataReplaced},
		{"MetadataLimit", (*suite).metadataLimit},
		{"MetadataRefused", (*suite).metadataRefused},
		{"Keys", (*suite).keys},
		{"KeysRefused", (*suite).keysRefused},
		{"IfAbsent", (*suite).ifAbsent},
		{"IfMatch", (*suite).ifMatch},
		{"EmptyETagNeverHolds", (*suite).emptyETag},
		{"Delete", (*suite).delete},
		{"ConditionalDelete", (*suite).conditionalDelete},
		{"DeleteMany", (*suite).deleteMany},
		{"ListOrder", (*suite).listOrder},
		{"ListPrefix", (*suite).listPrefix},
		{"ListPages", (*suite).listPages},
		{"ListThousand", (*suite).listThousand},
		{"ListItems", (*suite).listItems},
		{"ListRefused", (*suite).listRefused},
		{"ReadAfterWrite", (*suite).readAfterWrite},
		{"RaceIfAbsent", (*suite).raceIfAbsent},
		{"RaceIfMatch", (*suite).raceIfMatch},
		{"RaceDelete", (*suite).raceDelete},
		{"RaceNeighbours", (*suite).raceNeighbours},
		{"Ownership", (*suite).ownership},
		{"ContentRead", (*suite).contentRead},
		{"ContentAbandoned", (*suite).contentAbandoned},
		{"Uploads", (*suite).uploads},
		{"UploadsRefused", (*suite).uploadsRefused},
		{"UploadsListed", (*suite).uploadsListed},
		{"Context", (*suite).contextEnds},
		{"Close", (*suite).closed},
	} {
		t.Run(test.name, func(t *testing.T) {
			store := open(t)
			s := &suite{T: t, ctx: t.Context(), store: store, prefix: "storetest/" + rand.Text()}
			t.Cleanup(func() {
				if err := store.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
			test.run(s)
		})
	}
}

// suite is one test with its store.
type suite struct {
	*testing.T
	ctx    context.Context
	store  s3db.Store
	prefix string
}

// key returns a key of the test.
func (s *suite) key(rest string) string { return s.prefix + "/" + rest }

// always is the condition that always holds.
//
//nolint:gochecknoglobals // the zero value under a name, never written
var always s3db.Condition

// attempts bounds the repetition of requests that fail temporarily, which even a
// healthy server may ask for under load.
const attempts = 100

// temporary reports whether the same request may be sent again and has had no
// effect yet.
func temporary(err error) bool {
	var se *s3db.StoreError
	return errors.As(err, &se) && se.Temporary && !se.MaybeApplied
}

// put writes an object, repeating what the server asks to repeat.
func (s *suite) put(key, body string, metadata map[string]string, cond s3db.Condition) (etag string, err error) {
	for range attempts {
		if etag, err = s.store.Put(s.ctx, key, []byte(body), metadata, cond); !temporary(err) {
			break
		}
	}
	return etag, err
}

// delete1 removes an object, repeating what the server asks to repeat.
func (s *suite) delete1(key string, cond s3db.Condition) (err error) {
	for range attempts {
		if err = s.store.Delete(s.ctx, key, cond); !temporary(err) {
			break
		}
	}
	return err
}

// mustPut writes an object without a condition.
func (s *suite) mustPut(key, body string, metadata map[string]string) (etag string) {
	s.Helper()
	etag, err := s.put(key, body, metadata, always)
	if err != nil {
		s.Fatalf("Put(%q): %v", key, err)
	}
	return etag
}

// mustGet reads an object.
func (s *suite) mustGet(key string) *s3db.Object {
	s.Helper()
	o, err := s.store.Get(s.ctx, key)
	if err != nil {
		s.Fatalf("Get(%q): %v", key, err)
	}
	return o
}

// mustHead reads an object without its body.
func (s *suite) mustHead(key string) *s3db.Object {
	s.Helper()
	o, err := s.store.Head(s.ctx, key)
	if err != nil {
		s.Fatalf("Head(%q): %v", key, err)
	}
	return o
}

// mustList lists one page.
func (s *suite) mustList(req s3db.ListRequest) *s3db.ListPage {
	s.Helper()
	page, err := s.store.List(s.ctx, req)
	if err != nil {
		s.Fatalf("List(%+v): %v", req, err)
	}
	return page
}

// listed returns the keys of the test in a page, without the test's prefix.
func (s *suite) listed(page *s3db.ListPage) []string {
	keys := []string{}
	for _, item := range page.Items {
		keys = append(keys, strings.TrimPrefix(item.Key, s.prefix+"/"))
	}
	return keys
}

// want fails unless err matches a sentinel.
func (s *suite) want(what string, err, sentinel error) {
	s.Helper()
	if !errors.Is(err, sentinel) {
		s.Errorf("%s: error %v, want %v", what, err, sentinel)
	}
}

// wantPermanent fails unless err is a *s3db.StoreError that says that another
// attempt is no use and that nothing was written.
func (s *suite) wantPermanent(what string, err error) {
	s.Helper()
	var se *s3db.StoreError
	switch {
	case err == nil:
		s.Errorf("%s: no error", what)
	case !errors.As(err, &se):
		s.Errorf("%s: error %v is no *s3db.StoreError", what, err)
	case errors.Is(err, s3db.ErrNotFound) || errors.Is(err, s3db.ErrPrecondition):
		s.Errorf("%s: error %v, want a refusal", what, err)
	case se.Temporary || se.MaybeApplied:
		s.Errorf("%s: error %v is temporary or maybe applied (%+v)", what, err, *se)
	}
}

// parallel calls f for 0 to n-1 at once and waits for all of them.
func parallel(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

// fill writes n objects named by number, many at once.
func (s *suite) fill(n int, key func(i int) string) {
	s.Helper()
	const writers = 16
	parallel(writers, func(w int) {
		for i := w; i < n; i += writers {
			if _, err := s.put(key(i), "x", nil, always); err != nil {
				s.Errorf("Put(%q): %v", key(i), err)
				return
			}
		}
	})
	if s.Failed() {
		s.FailNow()
	}
}

// number names the i-th of many objects so that their order is that of the
// numbers.
func number(i int) string { return fmt.Sprintf("n%05d", i) }
