package storetest

import (
	"slices"
	"strings"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// hostile returns key segments that are allowed and that careless code breaks on.
// No two of them differ in case alone.
func hostile() []string {
	return []string{
		"a b", "a+b", "a%b", "a%2Fb", "%2e%2e", "a&b", "a=b", "a?b", "a#b", "a;b", "a,b", "a!b", "a~b", "a'b", `a"b`, "a<b>", "a|b", "a*b", "a:b", "a@b", "a$b", "a(b)", "a[b]", "a{b}", "a^b", "a`b",
		"...", ".a", "a..", "..a", "-", "--", "~", "!", ",", "=", "_", "id=1", "id=x!y", "é", "日本", "😀", "\u202eabc", "a\u00a0b", "e\u0301", " lead", "trail ", "s3db.json", "xl.meta", "NUL", "null",
	}
}

func (s *suite) keys() {
	keys := []string{}
	for _, segment := range hostile() {
		keys = append(keys, s.key(segment), s.key("dir-"+segment+"/"+segment))
	}
	keys = append(keys, s.key(strings.Repeat("s", 255)), s.key(strings.Repeat("s", 253)+"é"))
	longest := s.prefix
	for len(longest) < 1024 {
		longest += "/" + strings.Repeat("k", min(200, 1024-len(longest)-1))
	}
	keys = append(keys, longest)
	for _, key := range keys {
		etag, err := s.put(key, key, map[string]string{"1": "x"}, s3db.IfAbsent())
		if err != nil {
			s.Errorf("Put(%q): %v", key, err)
			continue
		}
		if o, err := s.store.Get(s.ctx, key); err != nil || string(o.Body) != key {
			s.Errorf("Get(%q): %v, %v", key, o, err)
		}
		if o, err := s.store.Head(s.ctx, key); err != nil || o.ETag != etag {
			s.Errorf("Head(%q): %v, %v", key, o, err)
		}
		page, err := s.store.List(s.ctx, s3db.ListRequest{Prefix: key})
		if err != nil || len(page.Items) == 0 || page.Items[0].Key != key {
			s.Errorf("List with prefix %q: %v, %v", key, page, err)
		}
	}
	if s.Failed() {
		return
	}
	var all []string
	after := ""
	for {
		page := s.mustList(s3db.ListRequest{Prefix: s.prefix + "/", StartAfter: after, Limit: 7})
		for _, item := range page.Items {
			all = append(all, item.Key)
		}
		if !page.More || len(page.Items) == 0 {
			break
		}
		after = all[len(all)-1]
	}
	slices.Sort(keys)
	if !slices.Equal(all, keys) {
		s.Errorf("List in pages of 7: %q,\nwant %q", all, keys)
	}
	half := len(keys) / 2
	for _, key := range keys[:half] {
		if err := s.delete1(key, always); err != nil {
			s.Errorf("Delete(%q): %v", key, err)
		}
	}
	if err := s.store.DeleteMany(s.ctx, keys[half:]); err != nil {
		s.Errorf("DeleteMany: %v", err)
	}
	if page := s.mustList(s3db.ListRequest{Prefix: s.prefix + "/"}); len(page.Items) != 0 {
		s.Errorf("left after deleting all: %q", s.listed(page))
	}
}

func (s *suite) keysRefused() {
	for name, key := range map[string]string{
		"empty": "", "slash": "/", "leading slash": "/" + s.key("a"), "trailing slash": s.key("a/"), "double slash": s.key("a//b"), "dot": s.key("./a"), "parent": s.key("../a"),
		"last dot": s.key("a/."), "last parent": s.key("a/.."), "parent inside": s.key("a/../b"), "nul": s.key("a\x00b"), "newline": s.key("a\nb"), "tab": s.key("a\tb"), "delete": s.key("a\x7fb"),
		"escape": s.key("a\x1b[2Jb"), "not UTF-8": s.key("a\xffb"), "long segment": s.key(strings.Repeat("s", 256)), "long key": (s.prefix + strings.Repeat("/"+strings.Repeat("k", 99), 11))[:1025], "huge": s.key(strings.Repeat("k", 1<<16)),
	} {
		_, err := s.store.Put(s.ctx, key, []byte("x"), nil, always)
		s.wantPermanent("Put under a key with "+name, err)
		_, err = s.store.Get(s.ctx, key)
		s.wantPermanent("Get of a key with "+name, err)
		_, err = s.store.Head(s.ctx, key)
		s.wantPermanent("Head of a key with "+name, err)
		s.wantPermanent("Delete of a key with "+name, s.store.Delete(s.ctx, key, always))
		s.mustPut(s.key("good"), "x", nil)
		s.wantPermanent("DeleteMany of a key with "+name, s.store.DeleteMany(s.ctx, []string{s.key("good"), key}))
		s.mustHead(s.key("good")) // all or nothing, when the request is wrong
	}
	page := s.mustList(s3db.ListRequest{Prefix: s.prefix})
	if keys := s.listed(page); !slices.Equal(keys, []string{"good"}) {
		s.Errorf("written under refused keys: %q", keys)
	}
}
