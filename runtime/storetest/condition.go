package storetest

import (
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

func (s *suite) ifAbsent() {
	key := s.key("a")
	if _, err := s.put(key, "one", nil, s3db.IfAbsent()); err != nil {
		s.Fatalf("Put if absent of a missing object: %v", err)
	}
	_, err := s.put(key, "two", map[string]string{"1": "x"}, s3db.IfAbsent())
	s.want("Put if absent of an existing object", err, s3db.ErrPrecondition)
	if o := s.mustGet(key); string(o.Body) != "one" || len(o.Metadata) != 0 {
		s.Errorf("a refused write changed the object: %q %v", o.Body, o.Metadata)
	}
	if err := s.delete1(key, always); err != nil {
		s.Fatal(err)
	}
	if _, err := s.put(key, "three", nil, s3db.IfAbsent()); err != nil {
		s.Errorf("Put if absent after deletion: %v", err)
	}
}

func (s *suite) ifMatch() {
	key := s.key("a")
	_, err := s.put(key, "x", nil, s3db.IfMatchETag(`"d41d8cd98f00b204e9800998ecf8427e"`))
	s.want("Put if match of a missing object", err, s3db.ErrPrecondition)
	_, err = s.store.Head(s.ctx, key)
	s.want("Head after a refused write", err, s3db.ErrNotFound)

	first := s.mustPut(key, "one", nil)
	second, err := s.put(key, "two", map[string]string{"1": "x"}, s3db.IfMatchETag(first))
	if err != nil {
		s.Fatalf("Put if match: %v", err)
	}
	_, err = s.put(key, "three", nil, s3db.IfMatchETag(first))
	s.want("Put if match of an old ETag", err, s3db.ErrPrecondition)
	if o := s.mustGet(key); string(o.Body) != "two" || o.ETag != second || o.Metadata["1"] != "x" {
		s.Errorf("after a refused write: %q %s %v", o.Body, o.ETag, o.Metadata)
	}
	if err := s.delete1(key, always); err != nil {
		s.Fatal(err)
	}
	_, err = s.put(key, "four", nil, s3db.IfMatchETag(second))
	s.want("Put if match of a deleted object", err, s3db.ErrPrecondition)
}

func (s *suite) emptyETag() {
	_, err := s.put(s.key("a"), "x", nil, s3db.IfMatchETag(""))
	s.want("Put if match of no ETag, missing object", err, s3db.ErrPrecondition)
	s.mustPut(s.key("a"), "one", nil)
	_, err = s.put(s.key("a"), "two", nil, s3db.IfMatchETag(""))
	s.want("Put if match of no ETag", err, s3db.ErrPrecondition)
	_, err = s.put(s.key("a"), "two", nil, s3db.IfMatchETag("*"))
	s.wantPermanent("Put if match of a star", err)
	_, err = s.put(s.key("a"), "two", nil, s3db.IfMatchETag("a\r\nb"))
	s.wantPermanent("Put if match of an ETag with a line break", err)
	if o := s.mustGet(s.key("a")); string(o.Body) != "one" {
		s.Errorf("a refused write changed the object: %q", o.Body)
	}
}

func (s *suite) delete() {
	key := s.key("a/b/c")
	s.mustPut(key, "x", map[string]string{"1": "x"})
	for range 2 { // the second time it is missing
		if err := s.delete1(key, always); err != nil {
			s.Errorf("Delete: %v", err)
		}
		_, err := s.store.Get(s.ctx, key)
		s.want("Get after Delete", err, s3db.ErrNotFound)
	}
	// A new object under the key has nothing of the old one.
	s.mustPut(key, "y", nil)
	if o := s.mustGet(key); string(o.Body) != "y" || len(o.Metadata) != 0 {
		s.Errorf("after deletion and a new write: %q %v", o.Body, o.Metadata)
	}
	s.wantPermanent("Delete if absent", s.store.Delete(s.ctx, key, s3db.IfAbsent()))
}

func (s *suite) conditionalDelete() {
	key := s.key("a")
	first := s.mustPut(key, "one", nil)
	if !s.store.Capabilities().ConditionalDelete {
		s.wantPermanent("conditional Delete, which this store cannot do", s.store.Delete(s.ctx, key, s3db.IfMatchETag(first)))
		s.mustHead(key)
		return
	}
	second := s.mustPut(key, "two", nil)
	s.want("Delete if match of an old ETag", s.delete1(key, s3db.IfMatchETag(first)), s3db.ErrPrecondition)
	s.mustHead(key)
	s.want("Delete if match of no ETag", s.delete1(key, s3db.IfMatchETag("")), s3db.ErrPrecondition)
	s.mustHead(key)
	if err := s.delete1(key, s3db.IfMatchETag(second)); err != nil {
		s.Errorf("Delete if match: %v", err)
	}
	_, err := s.store.Head(s.ctx, key)
	s.want("Head after Delete if match", err, s3db.ErrNotFound)
	s.want("Delete if match of a missing object", s.delete1(key, s3db.IfMatchETag(second)), s3db.ErrPrecondition)
}

func (s *suite) deleteMany() {
	const n = 1000
	keys := make([]string, n)
	for i := range keys {
		keys[i] = s.key(number(i))
	}
	s.fill(n/2, func(i int) string { return keys[2*i] }) // every other one is missing
	s.mustPut(s.key("other"), "x", nil)
	if err := s.store.DeleteMany(s.ctx, keys); err != nil {
		s.Fatalf("DeleteMany of %d: %v", n, err)
	}
	page := s.mustList(s3db.ListRequest{Prefix: s.prefix + "/"})
	if left := s.listed(page); len(left) != 1 || left[0] != "other" {
		s.Errorf("left after DeleteMany: %q", left)
	}
	if err := s.store.DeleteMany(s.ctx, nil); err != nil {
		s.Errorf("DeleteMany of nothing: %v", err)
	}
	s.wantPermanent("DeleteMany of 1,001 keys", s.store.DeleteMany(s.ctx, append(slices.Clip(keys), s.key("other"))))
	s.mustHead(s.key("other"))
}

// writers is the number of parallel writers in races.
const writers = 64

func (s *suite) raceIfAbsent() {
	for round := range 4 {
		key := s.key("doc" + strconv.Itoa(round))
		var won atomic.Int32
		var winner atomic.Int32
		parallel(writers, func(i int) {
			switch _, err := s.put(key, strconv.Itoa(i), map[string]string{"1": strconv.Itoa(i)}, s3db.IfAbsent()); {
			case err == nil:
				won.Add(1)
				winner.Store(int32(i))
			case !errors.Is(err, s3db.ErrPrecondition):
				s.Errorf("Put if absent in a race: %v", err)
			}
		})
		if won.Load() != 1 {
			s.Fatalf("%d of %d writers won", won.Load(), writers)
		}
		want := strconv.Itoa(int(winner.Load()))
		if o := s.mustGet(key); string(o.Body) != want || o.Metadata["1"] != want {
			s.Errorf("writer %s won, but the object holds %q %v", want, o.Body, o.Metadata)
		}
	}
}

func (s *suite) raceIfMatch() {
	const each = 3
	key := s.key("counter")
	s.mustPut(key, "0", map[string]string{"1": "0"})
	parallel(writers, func(int) {
		for done := 0; done < each; {
			o, err := s.store.Get(s.ctx, key)
			if err != nil {
				s.Errorf("Get in a race: %v", err)
				return
			}
			if o.Metadata["1"] != string(o.Body) {
				s.Errorf("Get in a race: body %q with metadata %v", o.Body, o.Metadata)
				return
			}
			n, err := strconv.Atoi(string(o.Body))
			if err != nil {
				s.Errorf("Get in a race: %v", err)
				return
			}
			next := strconv.Itoa(n + 1)
			switch _, err := s.put(key, next, map[string]string{"1": next}, s3db.IfMatchETag(o.ETag)); {
			case err == nil:
				done++
			case !errors.Is(err, s3db.ErrPrecondition):
				s.Errorf("Put if match in a race: %v", err)
				return
			}
		}
	})
	if got, want := string(s.mustGet(key).Body), strconv.Itoa(writers*each); got != want {
		s.Errorf("%d writers counted to %s, want %s", writers, got, want)
	}
}

func (s *suite) raceDelete() {
	if !s.store.Capabilities().ConditionalDelete {
		s.Skip("the store has no conditional deletion")
	}
	for round := range 4 {
		key := s.key(strconv.Itoa(round))
		etag := s.mustPut(key, "x", nil)
		var deleted, replaced atomic.Int32
		parallel(writers, func(i int) {
			var err error
			won := &deleted
			if i%2 == 0 {
				err = s.delete1(key, s3db.IfMatchETag(etag))
			} else {
				won = &replaced
				_, err = s.put(key, "writer "+strconv.Itoa(i), nil, s3db.IfMatchETag(etag))
			}
			if err == nil {
				won.Add(1)
			} else if !errors.Is(err, s3db.ErrPrecondition) {
				s.Errorf("conditional write in a race: %v", err)
			}
		})
		if n := deleted.Load() + replaced.Load(); n != 1 {
			s.Errorf("%d puts and %d deletions of one ETag won", replaced.Load(), deleted.Load())
		}
		_, err := s.store.Head(s.ctx, key)
		if exists := err == nil; exists != (replaced.Load() == 1) {
			s.Errorf("%d puts and %d deletions of one ETag won, but Head says %v", replaced.Load(), deleted.Load(), err)
		}
	}
}

// raceNeighbours writes and deletes keys that share their leading segments: on
// servers that keep directories, one comes and goes while the other is written.
func (s *suite) raceNeighbours() {
	const rounds = 10
	var mu sync.Mutex
	var failed error
	parallel(16, func(i int) {
		key := s.key("d/e/f/" + strconv.Itoa(i))
		for round := range rounds {
			_, err := s.put(key, strconv.Itoa(round), nil, always)
			if err == nil {
				_, err = s.store.Get(s.ctx, key)
			}
			if err == nil {
				err = s.delete1(key, always)
			}
			if err != nil {
				mu.Lock()
				failed = err
				mu.Unlock()
				return
			}
		}
	})
	if failed != nil {
		s.Errorf("writing beside others: %v", failed)
	}
}
