package storetest

import (
	"bytes"
	"crypto/rand"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

func (s *suite) missing() {
	_, err := s.store.Get(s.ctx, s.key("none"))
	s.want("Get of a missing object", err, s3db.ErrNotFound)
	_, err = s.store.Head(s.ctx, s.key("none"))
	s.want("Head of a missing object", err, s3db.ErrNotFound)
	s.mustPut(s.key("a/b"), "", nil)
	_, err = s.store.Get(s.ctx, s.key("a"))
	s.want("Get of a leading part of a key", err, s3db.ErrNotFound)
	_, err = s.store.Get(s.ctx, s.key("a/b/c"))
	s.want("Get below a key", err, s3db.ErrNotFound)
	_, err = s.store.Head(s.ctx, s.key("a/b/c"))
	s.want("Head below a key", err, s3db.ErrNotFound)
	if err := s.store.Delete(s.ctx, s.key("a/b/c"), always); err != nil {
		s.Errorf("Delete below a key: %v", err)
	}
}

func (s *suite) roundTrip() {
	key, metadata := s.key("doc"), map[string]string{"1": "Ada", "s": "1-0"}
	etag := s.mustPut(key, "body", metadata)
	got, head := s.mustGet(key), s.mustHead(key)
	if string(got.Body) != "body" || got.Size != 4 || got.ETag != etag {
		s.Errorf("Get: %q, size %d, ETag %s; want \"body\", 4, %s", got.Body, got.Size, got.ETag, etag)
	}
	if head.Body != nil || head.Size != 4 || head.ETag != etag {
		s.Errorf("Head: %q, size %d, ETag %s; want no body, 4, %s", head.Body, head.Size, head.ETag, etag)
	}
	for what, o := range map[string]*s3db.Object{"Get": got, "Head": head} {
		if diff := cmp.Diff(metadata, o.Metadata); diff != "" {
			s.Errorf("%s: metadata (-want +got):\n%s", what, diff)
		}
	}
	s.mustPut(key, "other", nil)
	if got := s.mustGet(key); string(got.Body) != "other" || got.Size != 5 {
		s.Errorf("Get after overwriting: %q, size %d", got.Body, got.Size)
	}
}

func (s *suite) bodies() {
	large := make([]byte, 5<<20+17)
	_, _ = rand.Read(large)
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for name, body := range map[string][]byte{
		"nil": nil, "empty": {}, "one": {0}, "bytes": all, "lines": []byte("a\r\nb\n\r"),
		"chunk": []byte("5;chunk-signature=x\r\nhello\r\n0\r\n\r\n"), "large": large,
	} {
		key := s.key(name)
		etag, err := s.store.Put(s.ctx, key, body, map[string]string{"1": "x"}, always)
		if err != nil {
			s.Errorf("Put of %s: %v", name, err)
			continue
		}
		got := s.mustGet(key)
		if !bytes.Equal(got.Body, body) || got.Size != int64(len(body)) || got.ETag != etag {
			s.Errorf("Get of %s: %d bytes, size %d, ETag %s; want %d bytes, ETag %s", name, len(got.Body), got.Size, got.ETag, len(body), etag)
		}
		if got.Body == nil {
			s.Errorf("Get of %s: the body is nil", name)
		}
		if got.Metadata["1"] != "x" {
			s.Errorf("Get of %s: metadata %v", name, got.Metadata)
		}
	}
}

func (s *suite) etag() {
	a, b := s.mustPut(s.key("a"), "one", nil), s.mustPut(s.key("b"), "two", nil)
	if a == "" || a == b {
		s.Errorf("ETags of different bodies: %s and %s", a, b)
	}
	again := s.mustPut(s.key("a"), "two", nil)
	if again == a {
		s.Errorf("ETag %s did not change with the body", a)
	}
	page := s.mustList(s3db.ListRequest{Prefix: s.key("a")})
	if len(page.Items) != 1 || page.Items[0].ETag != again {
		s.Errorf("List: %+v, want ETag %s", page.Items, again)
	}
	if !strings.HasPrefix(again, `"`) || !strings.HasSuffix(again, `"`) || len(again) < 3 {
		s.Errorf("ETag %s has no quotes", again)
	}
}

func (s *suite) clock() {
	s.mustPut(s.key("a"), "x", nil)
	get, head := s.mustGet(s.key("a")), s.mustHead(s.key("a"))
	page := s.mustList(s3db.ListRequest{Prefix: s.key("a")})
	if len(page.Items) != 1 {
		s.Fatalf("List: %d items", len(page.Items))
	}
	// Both clocks are the server's, in whole seconds on most.
	for what, c := range map[string]struct{ modified, now time.Time }{
		"Get": {get.LastModified, get.ServerTime}, "Head": {head.LastModified, head.ServerTime},
		"List": {page.Items[0].LastModified, page.ServerTime},
	} {
		if c.modified.IsZero() {
			s.Errorf("%s: no LastModified", what)
		}
		if !c.now.IsZero() && (c.modified.Sub(c.now) > time.Second || c.now.Sub(c.modified) > time.Hour) {
			s.Errorf("%s: modified at %v, a moment ago by the server's clock, which says %v", what, c.modified, c.now)
		}
	}
	if !get.LastModified.Equal(head.LastModified) || get.LastModified.Sub(page.Items[0].LastModified).Abs() > time.Second {
		s.Errorf("LastModified differs: Get %v, Head %v, List %v", get.LastModified, head.LastModified, page.Items[0].LastModified)
	}
}

func (s *suite) metadata() {
	var printable strings.Builder
	for c := byte('!'); c <= '~'; c++ {
		printable.WriteByte(c)
	}
	many := map[string]string{}
	for i := range 100 {
		many[strconv.Itoa(i)] = "v"
	}
	for name, metadata := range map[string]map[string]string{
		"none":    {},
		"names":   {"0": "a", "12": "b", "s": "c", "a-b-c": "d", "x9": "e", "content-type": "f", "meta": "g"},
		"values":  {"1": printable.String(), "2": "a  b", "3": `"quoted"`, "4": "a,b;c=d", "5": "%20+%", "6": "{\"a\":[1,2]}", "7": "a=?utf-8?q?b?=", "8": "~", "9": "'"},
		"numbers": {"1": "0", "2": "-1", "3": "1e9", "4": "true", "5": "null"},
		"many":    many,
		"long":    {"1": strings.Repeat("x", 1500)},
	} {
		key := s.key(name)
		s.mustPut(key, "x", metadata)
		if diff := cmp.Diff(metadata, s.mustGet(key).Metadata); diff != "" {
			s.Errorf("Get of %s: metadata (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(metadata, s.mustHead(key).Metadata); diff != "" {
			s.Errorf("Head of %s: metadata (-want +got):\n%s", name, diff)
		}
	}
}

func (s *suite) metadataReplaced() {
	key := s.key("a")
	s.mustPut(key, "x", map[string]string{"1": "one", "2": "two"})
	s.mustPut(key, "x", map[string]string{"2": "zwei", "3": "drei"})
	if diff := cmp.Diff(map[string]string{"2": "zwei", "3": "drei"}, s.mustGet(key).Metadata); diff != "" {
		s.Errorf("metadata after overwriting (-want +got):\n%s", diff)
	}
	s.mustPut(key, "x", nil)
	if diff := cmp.Diff(map[string]string{}, s.mustGet(key).Metadata); diff != "" {
		s.Errorf("metadata after overwriting with none (-want +got):\n%s", diff)
	}
}

func (s *suite) metadataLimit() {
	limit := s.store.Capabilities().MetadataLimit
	if limit < 512 {
		s.Fatalf("a limit of %d bytes holds no document", limit)
	}
	for _, headers := range []int{1, 40} {
		for _, size := range []int{limit - 1, limit, limit + 1} {
			key, metadata := s.key(strconv.Itoa(headers)+"-"+strconv.Itoa(size)), metadataOf(headers, size)
			_, err := s.put(key, "x", metadata, always)
			if size > limit {
				s.wantPermanent("Put of metadata one byte above the limit", err)
				_, err := s.store.Head(s.ctx, key)
				s.want("Head of an object that was refused", err, s3db.ErrNotFound)
				continue
			}
			if err != nil {
				s.Errorf("Put of %d bytes in %d headers: %v", size, headers, err)
				continue
			}
			if diff := cmp.Diff(metadata, s.mustGet(key).Metadata); diff != "" {
				s.Errorf("metadata of %d bytes in %d headers (-want +got):\n%s", size, headers, diff)
			}
		}
	}
}

// metadataOf returns metadata of a number of headers and an exact size, counted
// as Capabilities.MetadataLimit is.
func metadataOf(headers, size int) map[string]string {
	const overhead = 11
	metadata := map[string]string{}
	for i := range headers {
		name := strconv.Itoa(i)
		share := size / (headers - i)
		metadata[name] = strings.Repeat("x", share-overhead-len(name))
		size -= share
	}
	return metadata
}

func (s *suite) metadataRefused() {
	for name, metadata := range map[string]map[string]string{
		"empty name": {"": "x"}, "upper case": {"A": "x"}, "underscore": {"a_b": "x"}, "blank in name": {"a b": "x"}, "dot in name": {"a.b": "x"}, "colon": {"a:": "x"}, "accent in name": {"é": "x"},
		"empty value": {"1": ""}, "blank": {"1": " "}, "leading blank": {"1": " x"}, "trailing blank": {"1": "x "}, "encoded word": {"1": "=?UTF-8?Q?x?="}, "tab": {"1": "a\tb"},
		"newline": {"1": "a\nx-amz-acl: public-read"}, "return": {"1": "a\rb"}, "nul": {"1": "a\x00b"}, "delete": {"1": "a\x7fb"}, "accent": {"1": "é"}, "latin-1": {"1": "\xe9"}, "emoji": {"1": "😀"},
	} {
		key := s.key(strings.ReplaceAll(name, " ", "-"))
		_, err := s.store.Put(s.ctx, key, []byte("x"), metadata, always)
		s.wantPermanent("Put of metadata with "+name, err)
		_, err = s.store.Head(s.ctx, key)
		s.want("Head after refused metadata with "+name, err, s3db.ErrNotFound)
	}
}

func (s *suite) readAfterWrite() {
	key := s.key("doc")
	for i := range 50 {
		body := strconv.Itoa(i)
		etag := s.mustPut(key, body, map[string]string{"1": body})
		if got := s.mustGet(key); string(got.Body) != body || got.Metadata["1"] != body || got.ETag != etag {
			s.Fatalf("Get after write %d: %q %v", i, got.Body, got.Metadata)
		}
		if page := s.mustList(s3db.ListRequest{Prefix: key}); len(page.Items) != 1 || page.Items[0].ETag != etag {
			s.Fatalf("List after write %d: %+v, want ETag %s", i, page.Items, etag)
		}
		if i%10 != 9 {
			continue
		}
		if err := s.delete1(key, always); err != nil {
			s.Fatalf("Delete: %v", err)
		}
		_, err := s.store.Get(s.ctx, key)
		s.want("Get after Delete", err, s3db.ErrNotFound)
		if page := s.mustList(s3db.ListRequest{Prefix: key}); len(page.Items) != 0 {
			s.Fatalf("List after Delete: %+v", page.Items)
		}
	}
}

func (s *suite) ownership() {
	key := s.key("a")
	body, metadata := []byte("body"), map[string]string{"1": "x"}
	if _, err := s.store.Put(s.ctx, key, body, metadata, always); err != nil {
		s.Fatal(err)
	}
	body[0], metadata["1"], metadata["2"] = 'X', "y", "z"
	first := s.mustGet(key)
	if string(first.Body) != "body" || !cmp.Equal(first.Metadata, map[string]string{"1": "x"}) {
		s.Errorf("the store kept the caller's slice or map: %q %v", first.Body, first.Metadata)
	}
	first.Body[0], first.Metadata["1"] = 'Y', "z"
	_ = append(first.Body, "tail"...)
	// What was returned stays whole while the store goes on writing.
	second := s.mustGet(key)
	if string(second.Body) != "body" || second.Metadata["1"] != "x" {
		s.Errorf("the store gave out its own slice or map: %q %v", second.Body, second.Metadata)
	}
	for i := range 20 {
		s.mustPut(key, strings.Repeat("n", i+1), map[string]string{"1": "other"})
	}
	if string(second.Body) != "body" || second.Metadata["1"] != "x" {
		s.Errorf("a later write changed what an earlier Get returned: %q %v", second.Body, second.Metadata)
	}
}
