package gen

import (
	"go/token"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestWords(t *testing.T) {
	for name, want := range map[string]string{
		"user_id":      "user id",
		"userID":       "user ID",
		"userIDs":      "user IDs",
		"IDsOfUsers":   "IDs Of Users",
		"HTTPServer":   "HTTP Server",
		"kebab-case":   "kebab case",
		"IN_PROGRESS":  "in progress",
		"ID":           "id",
		"v2Name":       "v2 Name",
		"2fa":          "2fa",
		"größe":        "größe",
		"e\u0301tat":   "etat", // a combining accent is no part of an identifier
		"a.b/c d":      "a b c d",
		"":             "",
		"🙂":            "",
		"住所":           "住所",
		"\xff\xfebad":  "bad",
		"order-items_": "order items",
	} {
		if got := strings.Join(words(name), " "); got != want {
			t.Errorf("words(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestGoName(t *testing.T) {
	for name, want := range map[string]string{
		"name": "Name", "id": "ID", "userId": "UserID", "url": "URL", "callbackUrls": "CallbackURLs", "httpUrl": "HTTPURL",
		"ip4": "IP4", "ip": "IP", "ipAddress": "IPAddress", "uuid": "UUID", "uuidV7": "UUIDV7", "jsonData": "JSONData", "apiKey": "APIKey",
		"identity": "Identity", "idle": "Idle", "ids": "IDs", "sql": "SQL", "html": "HTML", "HTMLBody": "HTMLBody",
		"type": "Type", "func": "Func", "nil": "Nil", "string": "String", "len": "Len", "snake_case": "SnakeCase", "kebab-case": "KebabCase",
		"x": "X", "a1": "A1", "größe": "Größe", "état": "État", "город": "Город", "住所": "X住所", "ßscharf": "Xßscharf", "اسم": "Xاسم",
		"2fa": "X2fa", "": "", "+": "",
	} {
		if got := goName(name); got != want {
			t.Errorf("goName(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestUnexported(t *testing.T) {
	for name, want := range map[string]string{
		"User": "user", "UserRole": "userRole", "URL": "url", "URLMap": "urlMap", "IDs": "ids", "IDCard": "idCard", "X住所": "x住所", "Größe": "größe",
	} {
		if got := unexported(name); got != want {
			t.Errorf("unexported(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestSingular(t *testing.T) {
	n := newInflections()
	for plural, want := range map[string]string{
		"users": "user", "user": "user", "addresses": "address", "address": "address", "statuses": "status", "status": "status",
		"categories": "category", "people": "person", "children": "child", "men": "man", "women": "woman", "mice": "mouse", "feet": "foot",
		"series": "series", "news": "news", "sheep": "sheep", "data": "data", "media": "media", "metadata": "metadata", "criteria": "criteria",
		"boxes": "box", "buses": "bus", "bus": "bus", "analyses": "analysis", "analysis": "analysis", "caves": "cave", "archives": "archive",
		"leaves": "leaf", "shelves": "shelf", "knives": "knife", "lives": "life", "movies": "movie", "cookies": "cookie", "moves": "move",
		"purchases": "purchase", "expenses": "expense", "databases": "database", "licenses": "license", "classes": "class", "aliases": "alias",
		"alias": "alias", "gas": "gas", "lens": "lens", "lenses": "lens", "indices": "index", "indexes": "index", "matrices": "matrix",
		"vertices": "vertex", "tomatoes": "tomato", "photos": "photo", "quizzes": "quiz", "dns": "dns", "https": "https", "ids": "id", "urls": "url",
		"apis": "api", "taxes": "tax", "caches": "cache", "branches": "branch", "shoes": "shoe", "canvas": "canvas", "viruses": "virus", "virus": "virus",
		"bonuses": "bonus", "menus": "menu", "schemas": "schema", "quotas": "quota", "quota": "quota", "beta": "beta", "feedback": "feedback",
		"prisms": "prism", "sagas": "saga", "invoices": "invoice", "devices": "device", "stock": "stock", "info": "info", "todos": "todo",
		"s": "s", "es": "e", "x": "x",
	} {
		if got := n.singular([]string{"my", plural}); got[0] != "my" || got[1] != want {
			t.Errorf("singular(%q) = %q, want %q", plural, got[1], want)
		}
	}
}

// Whatever the name, what comes out is an identifier that is exported, or nothing.
func FuzzGoName(f *testing.F) {
	for _, s := range []string{"userId", "IDs", "住所", "e\u0301", "\xff", "a-b_c", "ß", "ǆ", "IsNaN", "ΑΒΓ", "2fa", "ÅngströmUnits"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		n := goName(name)
		if n == "" {
			return
		}
		if !token.IsIdentifier(n) || !token.IsExported(n) {
			t.Errorf("goName(%q) = %q is not an exported identifier", name, n)
		}
		if u := unexported(n); utf8.RuneCountInString(u) != utf8.RuneCountInString(n) {
			t.Errorf("unexported(%q) = %q", n, u)
		}
	})
}

func TestDocText(t *testing.T) {
	got := docText("User is a document.", "One\ttwo \r\n\n\n\n  indented\x00 \u202E\xff\n+build x", "use Other\nplease")
	want := []string{
		"User is a document.", "", "One two", "", "  indented\uFFFD \uFFFD\uFFFD", "(+build x)", "", "Deprecated: use Other", "please.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := docText("", "", ""); got != nil {
		t.Errorf("no text: %q", got)
	}
	long := strings.Repeat("word ", 60)
	for _, line := range docText("", long+"\n"+strings.Repeat("x", 300)+" y", "") {
		if len(line) > 100 && !strings.HasPrefix(line, "x") {
			t.Errorf("line of %d characters: %s", len(line), line)
		}
	}
}
