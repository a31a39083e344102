package storetest

import (
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// ordered are keys whose order servers with directories get wrong, in the order
// of their bytes.
//
//nolint:gochecknoglobals // table, never written
var ordered = []string{
	"!", ",", "-", "0", "A", "B", "a!", "a,", "a-", "a-b", "a.b", "a/b", "a/c!", "a/c/d", "a/c0", "a0", "a=", "aB", "a_", "ab", "a~", "b", "z", "~", "é", "日", "😀",
}

// nested are keys in directories that a listing in pages crosses, in the order of
// their bytes. Every directory ends in a byte below those that its neighbours may
// have in its place, as in the keys of the runtime. MinIO (2026-02) needs that: a
// page that starts inside "a/" loses its last keys, and says that none follow, when
// "a-", "a-b" and "a.b" lie beside it.
//
//nolint:gochecknoglobals // table, never written
var nested = []string{
	"c=AR!/d=1!/id=1", "c=BR!/d=1!/id=1", "c=BR!/d=1!/id=2", "c=BR!/d=11!/id=1", "c=US!/d=1!/id=1", "c=US!/d=1!/id=2", "c=US!/d=2!/id=1", "c=US,20!/d=1!/id=1",
	"c=US-A!/d=1!/id=1", "c=US-A!/d=1!/id=2", "c=US0!/d=1!/id=1", "c=USA!/d=1!/id=1", "c=USA!/d=2!/id=1", "c=USA,20!/d=1!/id=1", "c=US~C3!/d=1!/id=1", "c=Z!/d=1!/id=1",
}

func (s *suite) listOrder() {
	for dir, keys := range map[string][]string{
		"all/":    ordered,
		"flat/":   slices.DeleteFunc(slices.Clone(ordered), func(key string) bool { return strings.Contains(key, "/") }),
		"nested/": nested,
	} {
		for i := range keys { // in an order that is neither theirs nor its reverse
			s.mustPut(s.key(dir+keys[(i*11+5)%len(keys)]), "x", nil)
		}
		s.wantListed(dir, keys, 0)
		if dir == "all/" {
			continue // see nested
		}
		for size := 1; size <= len(keys)+1; size++ {
			s.wantListed(dir, keys, size)
		}
	}
}

// wantListed lists a directory in pages of a size and fails unless they hold these
// keys in this order.
func (s *suite) wantListed(dir string, keys []string, size int) {
	s.Helper()
	if !slices.IsSorted(keys) {
		s.Fatal("the keys of the test are not in order")
	}
	var got []string
	for after := ""; ; {
		page := s.mustList(s3db.ListRequest{Prefix: s.key(dir), StartAfter: after, Limit: size})
		if size > 0 && len(page.Items) > size {
			s.Fatalf("a page of %d has %d keys", size, len(page.Items))
		}
		for _, key := range s.listed(page) {
			got = append(got, strings.TrimPrefix(key, dir))
		}
		if !page.More {
			break
		}
		if len(page.Items) == 0 || len(got) > len(keys) {
			s.Fatalf("pages of %d of %s do not end: %q", size, dir, got)
		}
		after = page.Items[len(page.Items)-1].Key
	}
	if diff := cmp.Diff(keys, got); diff != "" {
		s.Errorf("List of %s in pages of %d (-want +got):\n%s", dir, size, diff)
	}
}

func (s *suite) listPrefix() {
	for _, key := range []string{"US!/1", "US-A!/1", "USA!/1", "US!/2", "users/1", "users2/1", "user/1", "u"} {
		s.mustPut(s.key(key), "x", nil)
	}
	for _, test := range []struct {
		prefix, after string
		want          []string
	}{
		{"US!/", "", []string{"US!/1", "US!/2"}},
		{"US", "", []string{"US!/1", "US!/2", "US-A!/1", "USA!/1"}},
		{"users/", "", []string{"users/1"}},
		{"user", "", []string{"user/1", "users/1", "users2/1"}},
		{"u", "", []string{"u", "user/1", "users/1", "users2/1"}},
		{"users/1", "", []string{"users/1"}},
		{"users/1/", "", []string{}},
		{"none", "", []string{}},
		{"v/none/", "", []string{}},
		// StartAfter need not be a key, nor start with the prefix.
		{"US!/", "US!/1", []string{"US!/2"}},
		{"US!/", "US!/0", []string{"US!/1", "US!/2"}},
		{"US!/", "US!/10", []string{"US!/2"}},
		{"US!/", "US!/2", []string{}},
		{"US!/", "US!/9", []string{}},
		{"US!/", "A", []string{"US!/1", "US!/2"}},
		{"US!/", "z", []string{}},
		{"US!/", "US", []string{"US!/1", "US!/2"}},
		{"US!/", "US!/", []string{"US!/1", "US!/2"}},
		{"US!/", "US!~", []string{}},
		{"US", "US!~", []string{"US-A!/1", "USA!/1"}},
		{"", "users/", []string{"users/1", "users2/1"}},
	} {
		req := s3db.ListRequest{Prefix: s.key(test.prefix)}
		if test.after != "" {
			req.StartAfter = s.key(test.after)
		}
		page := s.mustList(req)
		if got := s.listed(page); !slices.Equal(got, test.want) || page.More {
			s.Errorf("List with prefix %q after %q: %q, more %v; want %q", test.prefix, test.after, got, page.More, test.want)
		}
	}
}

func (s *suite) listPages() {
	const n = 10
	s.fill(n, func(i int) string { return s.key("p/" + number(i)) })
	s.mustPut(s.key("q"), "x", nil) // what follows the prefix does not count as more
	for _, test := range []struct {
		after, limit, want int // after: -1 is none
		more               bool
	}{
		{-1, 0, 10, false}, {-1, 9, 9, true}, {-1, 10, 10, false}, {-1, 11, 10, false}, {-1, 1, 1, true}, {8, 1, 1, false}, {7, 1, 1, true}, {9, 5, 0, false}, {4, 5, 5, false}, {4, 4, 4, true}, {-1, 5000, 10, false},
	} {
		req := s3db.ListRequest{Prefix: s.key("p/"), Limit: test.limit}
		if test.after >= 0 {
			req.StartAfter = s.key("p/" + number(test.after))
		}
		page := s.mustList(req)
		var want []string
		for i := range test.want {
			want = append(want, "p/"+number(test.after+1+i))
		}
		if got := s.listed(page); !slices.Equal(got, want) || page.More != test.more {
			s.Errorf("List after %d, limit %d: %q, more %v; want %q, %v", test.after, test.limit, got, page.More, want, test.more)
		}
	}
}

func (s *suite) listThousand() {
	prefix := s.key("p/")
	s.fill(999, func(i int) string { return prefix + number(i) })
	for n := 999; n <= 1001; n++ {
		if n > 999 {
			s.mustPut(prefix+number(n-1), "x", nil)
		}
		for _, limit := range []int{0, 1000, 2000} {
			page := s.mustList(s3db.ListRequest{Prefix: prefix, Limit: limit})
			if len(page.Items) != min(n, 1000) || page.More != (n > 1000) {
				s.Errorf("%d keys, limit %d: %d items, more %v", n, limit, len(page.Items), page.More)
				continue
			}
			for i, item := range page.Items {
				if item.Key != prefix+number(i) {
					s.Fatalf("%d keys, limit %d: item %d is %q", n, limit, i, item.Key)
				}
			}
		}
	}
	page := s.mustList(s3db.ListRequest{Prefix: prefix, StartAfter: prefix + number(999)})
	if len(page.Items) != 1 || page.More {
		s.Errorf("after the 1000th of 1001: %d items, more %v", len(page.Items), page.More)
	}
}

func (s *suite) listItems() {
	etag := s.mustPut(s.key("a"), "12345", map[string]string{"1": "x"})
	s.mustPut(s.key("b"), "", nil)
	page := s.mustList(s3db.ListRequest{Prefix: s.prefix + "/"})
	if len(page.Items) != 2 {
		s.Fatalf("List: %d items", len(page.Items))
	}
	if a := page.Items[0]; a.Size != 5 || a.ETag != etag || a.Key != s.key("a") {
		s.Errorf("List: %+v, want size 5, ETag %s", a, etag)
	}
	if b := page.Items[1]; b.Size != 0 {
		s.Errorf("List: %+v, want size 0", b)
	}
}

func (s *suite) listRefused() {
	for name, req := range map[string]s3db.ListRequest{
		"a control character in the prefix": {Prefix: s.key("a\nb")},
		"a control character in the start":  {Prefix: s.key("a"), StartAfter: s.key("a\x00")},
		"a prefix that is not UTF-8":        {Prefix: s.key("a\xff")},
		"a start that is not UTF-8":         {Prefix: s.key("a"), StartAfter: s.key("\xc3")},
		"a negative limit":                  {Prefix: s.key("a"), Limit: -1},
	} {
		_, err := s.store.List(s.ctx, req)
		s.wantPermanent("List with "+name, err)
	}
}
