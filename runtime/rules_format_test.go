package s3db

import (
	"encoding/base64"
	"net/mail"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCharacterFormats(t *testing.T) {
	accepts := func(f Format, s string) bool {
		v := new(Validator)
		Check(v, "x", &s, StringRules{Format: f})
		return v.Err() == nil
	}
	tests := []struct {
		name   string
		format Format
		good   []string
		bad    []string
	}{
		{"alpha", FormatAlpha, []string{"a", "azAZ"}, []string{"", "a1", "é", "a b"}},
		{"numeric", FormatNumeric, []string{"0", "0123456789"}, []string{"", "-1", "1.5", "１", "٣"}},
		{"alphanum", FormatAlphanum, []string{"a", "0", "aZ09"}, []string{"", "a-b", "a_b", "é"}},
		{"alphadash", FormatAlphadash, []string{"a", "-", "a_b-C9"}, []string{"", "a.b", "a b", "–"}},
		{"hex", FormatHex, []string{"0", "deadBEEF09"}, []string{"", "0x1", "g", "a b"}},
		{"base64", FormatBase64, []string{"", "QQ==", "QUI=", "QUJD", "+/+/"}, []string{"Q", "QQ=", "QQ", "=", "====", "Q===", "-_-_", "QQ==QQ==", "QU\nJD", "QQ== "}},
		{"singleLine", FormatSingleLine, []string{"", "a b\tc", "é"}, []string{"a\nb", "\r", "a\u2028b", "\u2029", "\u0085", "\v", "\f"}},
		{"two", FormatHex | FormatNumeric, []string{"12"}, []string{"ab"}},
	}
	for _, tt := range tests {
		for _, s := range tt.good {
			if !accepts(tt.format, s) {
				t.Errorf("%s refuses %q", tt.name, s)
			}
		}
		for _, s := range tt.bad {
			if accepts(tt.format, s) {
				t.Errorf("%s accepts %q", tt.name, s)
			}
		}
	}
}

func goodEmails() []string {
	return []string{
		"ada@example.com", "a@b.co", "first.last+tag@sub.example.co.uk", "o'neil_99%x@example.org", "x@1and1.com", "user@xn--bcher-kva.example",
		"ädä@exämple.com", "用户@例子.中国", "!#$%&'*+-/=?^_`{|}~@example.com", strings.Repeat("a", 64) + "@example.com",
		"a@" + strings.Repeat("a", 63) + ".com",
	}
}

func badEmails() []string {
	return []string{
		"", "@", "a@", "@b.co", "a", "a@b", "a@localhost", "a b@example.com", "a@exa mple.com", "Ada <ada@example.com>", "<ada@example.com>",
		"a@@b.co", ".a@b.co", "a.@b.co", "a..b@b.co", "a@.b.co", "a@b..co", "a@b.co.", "a@-b.co", "a@b-.co", "a@b_c.co", "a@[192.0.2.1]", "a@192.0.2.1",
		`"a b"@example.com`, "a(comment)@example.com", "a@b.co\n", " a@b.co", "a@b.co ", "a,b@c.co", "a@b.co,c@d.co", "a\x00b@c.co", "a\u202eb@c.co",
		strings.Repeat("a", 65) + "@example.com", "a@" + strings.Repeat("a", 64) + ".com", "a@" + strings.Repeat("aa.", 90) + "com",
	}
}

func TestEmail(t *testing.T) {
	for _, s := range goodEmails() {
		if !isEmail(s) {
			t.Errorf("refuses %q", s)
		}
	}
	for _, s := range badEmails() {
		if isEmail(s) {
			t.Errorf("accepts %q", s)
		}
	}
}

// An address that is accepted is one that net/mail reads as just this address.
func FuzzEmail(f *testing.F) {
	for _, s := range append(goodEmails(), badEmails()...) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) || !isEmail(s) {
			return
		}
		parsed, err := mail.ParseAddress(s)
		if err != nil || parsed.Address != s || parsed.Name != "" {
			t.Errorf("accepts %q, net/mail: %+v, %v", s, parsed, err)
		}
	})
}

func goodURLs() []string {
	return []string{
		"http://example.com", "https://example.com/", "HTTPS://Example.COM/Path?q=1&r=a%20b#frag", "http://localhost:8080", "http://127.0.0.1/x",
		"http://[2001:db8::1]:8080/x", "http://[::1]", "https://user:pa%20ss@example.com/", "https://exämple.com/påth?ü=é", "https://例子.中国/路径", "http://my_host/",
		"http://example.com./", "https://a.b/c;d=e,f", "https://a.b/[x]", "https://a.b?x", "https://a.b#x",
	}
}

func badURLs() []string {
	return []string{
		"", "example.com", "/path", "//example.com", "http:", "http:/", "http://", "http:///x", "http://?x", "https:example.com", "://x", "1http://x", "ht tp://x",
		"http://exa mple.com", "http://example.com/a b", "http://example.com/\n", "http://a\x00b", "http://a.b/%", "http://a.b/%2", "http://a.b/%zz", "http://a.b:0", "http://a.b:",
		"http://a.b:65536", "http://a.b:x", "http://a..b", "http://.a", "http://[::1", "http://[1.2.3.4]", "http://[fe80::1%25eth0]", "http://::1/", "http://[::1]x", "http://user@", "http://u[x@a.b",
		"http://ü@a.b", "javascript:alert(1)", "ftp://a.b", "data:text/plain,x", "http://a.b/<x>", `http://a.b/"`, "http://a.b/\u202e", "http://a.b\\c", "http://%61.b", "\u00a0http://a.b",
	}
}

func TestURL(t *testing.T) {
	accepts := func(s string, schemes ...string) bool {
		v := new(Validator)
		Check(v, "x", &s, StringRules{Format: FormatURL, Schemes: schemes})
		return v.Err() == nil
	}
	for _, s := range goodURLs() {
		if !accepts(s) {
			t.Errorf("refuses %q", s)
		}
	}
	for _, s := range badURLs() {
		if accepts(s) {
			t.Errorf("accepts %q", s)
		}
	}
	schemes := []struct {
		url  string
		list []string
		want bool
	}{
		{"https://a.b", []string{"https"}, true},
		{"HTTPS://a.b", []string{"https"}, true},
		{"http://a.b", []string{"https"}, false},
		{"s3://bucket/key", []string{"https", "s3"}, true},
		{"ftp://a.b", []string{"ftp"}, true},
		{"ftp:a.b", []string{"ftp"}, false},
		{"mailto:ada@example.com", []string{"mailto"}, true},
		{"file:///etc/hosts", []string{"file"}, true},
		{"s3://", []string{"s3"}, false},
		{"mailto:", []string{"mailto"}, false},
		{"javascript:alert(1)", []string{"https"}, false},
	}
	for _, tt := range schemes {
		if got := accepts(tt.url, tt.list...); got != tt.want {
			t.Errorf("%q under %v: %v", tt.url, tt.list, got)
		}
	}
	v := new(Validator)
	s := "gopher://a.b"
	Check(v, "x", &s, StringRules{Format: FormatURL})
	Check(v, "x", &s, StringRules{Format: FormatURL, Schemes: []string{"https", "s3"}})
	wantViolations(t, v, "x: url: must start with http:// or https://", "x: schemes: must have one of the schemes https, s3")
}

// A URL that is accepted is one that net/url reads, with a scheme and a host.
func FuzzURL(f *testing.F) {
	for _, s := range append(goodURLs(), badURLs()...) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v := new(Validator)
		Check(v, "x", &s, StringRules{Format: FormatURL})
		if v.Err() != nil {
			return
		}
		u, err := url.Parse(s)
		if err != nil || u.Host == "" || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
			t.Errorf("accepts %q, net/url: %+v, %v", s, u, err)
		}
	})
}

func FuzzBase64(f *testing.F) {
	for _, s := range []string{"", "QQ==", "Q===", "QUJD", "QQ=Q"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		_, err := base64.StdEncoding.DecodeString(s)
		if want := err == nil && !strings.ContainsAny(s, "\r\n"); isBase64(s) != want {
			t.Errorf("isBase64(%q) = %v, encoding/base64: %v", s, !want, err)
		}
	})
}

func TestFormatsDoNotAllocate(t *testing.T) {
	email, site, v := "first.last@sub.example.com", "https://user@[2001:db8::1]:8080/x?y=%20#z", new(Validator)
	if n := testing.AllocsPerRun(100, func() {
		Check(v, "email", &email, StringRules{Format: FormatEmail | FormatSingleLine})
		Check(v, "site", &site, StringRules{Format: FormatURL})
	}); n != 0 || v.Err() != nil {
		t.Errorf("%v allocations, %v", n, v.Err())
	}
}
