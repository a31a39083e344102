package gosource_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/s3dbgen/s3dbgen/gen/gosource"
	"github.com/s3dbgen/s3dbgen/schema"
)

// module has right types and wrong ones, and a package generated before that does not
// compile.
const module = `
-- go.mod --
module example.com/shop

go 1.26
-- shop/shop.go --
package shop

func broken() { return 1 }
-- types/types.go --
package types

import (
	"errors"
	"sync"

	"example.com/shop/types/internal/shy"
)

type (
	Slug    string
	Name    = Slug
	Of[C any] int64
	Euros   = Of[Slug]
	Lists[T any] = List[T]
	Seen    = shy.Amount
	Cents   int64
	Code    string
	Count   int64
	Small   int32
	Flag    bool
	List[T any] []T
	Strings = List[string]
	Key     [16]byte
	Guarded struct{ mu sync.Mutex }
	Writer  interface{ Write() }
	Odd     struct{}
	Lost    struct{ text string }
	Text    struct{ text string }
	hidden  string
)

func (Odd) MarshalText() string { return "" }

func (c Code) MarshalText() ([]byte, error) { return []byte(c), nil }

func (c *Code) UnmarshalText(b []byte) error { *c = Code(b); return nil }

func (Count) MarshalText() ([]byte, error) { return nil, nil }

func (*Count) UnmarshalText([]byte) error { return nil }

func (*Odd) UnmarshalText([]byte) error { return nil }

func (l Lost) MarshalText() ([]byte, error) { return []byte(l.text), nil }

func (l Lost) UnmarshalText(b []byte) error { return errors.New("lost") }

func (t *Text) MarshalText() ([]byte, error) { return []byte(t.text), nil }

func (t *Text) UnmarshalText(b []byte) error { t.text = string(b); return nil }

func New() Slug { return "" }

var Default Slug

const Max = 1
-- types/internal/shy/shy.go --
package shy

type Amount int64
-- command/main.go --
package main

type Amount int64

func main() {}
-- circle/circle.go --
package circle

import _ "example.com/shop/far"

type Amount int64
-- far/far.go --
package far

import _ "example.com/shop/shop"
-- wrong/wrong.go --
package wrong

type Amount undefined
-- empty/README --
-- other/internal/hidden/hidden.go --
package hidden

type Amount int64
`

// look returns what is said of an attribute's type, and its form.
func look(t *testing.T, dir, kind, name string) (string, schema.GoForm) {
	t.Helper()
	text := "package: shop\nresources:\n  orders:\n    attributes:\n      x: {type: " + kind + ", goType: " + name + "}\n"
	s, found := schema.Parse("schema.yaml", []byte(text))
	if found.HasErrors() {
		t.Fatal(found)
	}
	found, sources, err := gosource.Types(t.Context(), s, filepath.Join(dir, "shop"))
	if err != nil {
		t.Fatal(err)
	}
	if sources.IsEmpty() {
		t.Errorf("%s: the answer depends on nothing", name)
	}
	for _, d := range found {
		if d.Position.Line != 5 || d.Position.Column < 20 {
			t.Errorf("%s: the place is %v", name, d.Position)
		}
	}
	return found.String(), s.GoTypes()[0].GoType.Form
}

func write(t *testing.T, archive string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestForms: types that are right have the form by which their values are stored.
func TestForms(t *testing.T) {
	t.Parallel()
	dir := write(t, module)
	for name, want := range map[string]schema.GoForm{
		"string example.com/shop/types.Slug":   schema.GoConversion,
		"string example.com/shop/types.Text":   schema.GoText,
		"decimal example.com/shop/types.Text":  schema.GoText,
		"integer example.com/shop/types.Cents": schema.GoConversion,
		"string example.com/shop/types.Code":   schema.GoText,       // its methods may refuse
		"integer example.com/shop/types.Count": schema.GoConversion, // its text may be no number
		"decimal example.com/shop/types.Count": schema.GoText,
		"string example.com/shop/types.Name":   schema.GoConversion,
		"integer example.com/shop/types.Euros": schema.GoConversion,
		"integer example.com/shop/types.Seen":  schema.GoConversion,
		"boolean example.com/shop/types.Flag":  schema.GoConversion,
		"duration time.Duration":               schema.GoConversion,
		"uuid example.com/shop/types.Key":      schema.GoConversion,
		"datetime time.Time":                   schema.GoConversion,
		"ip net.IP":                            schema.GoText,
		"enum:INFO,WARN log/slog.Level":        schema.GoText,
		"json math/big.Int":                    schema.GoJSON,
		"bytes net/url.URL":                    schema.GoBinary,
		"bytes encoding/json.RawMessage":       schema.GoConversion,
	} {
		kind, name, _ := strings.Cut(name, " ")
		if found, form := look(t, dir, `"`+kind+`"`, name); found != "" || form != want {
			t.Errorf("%s as %s: form %q, want %q\n%s", name, kind, form, want, found)
		}
	}
}

// TestMistakes: each mistake is told, with what to do.
func TestMistakes(t *testing.T) {
	t.Parallel()
	dir := write(t, module)
	for name, want := range map[string][]string{
		"string example.com/shop/typos.Slug":                    {"S3D0530", "package example.com/shop/typos cannot be loaded", "begins with that of this module"},
		"string example.com/elsewhere.Slug":                     {"S3D0530", "go get example.com/elsewhere"},
		"integer example.com/shop/command.Amount":               {"S3D0530", "is a command"},
		"integer example.com/shop/wrong.Amount":                 {"S3D0530", "wrong/wrong.go:3:13: undefined: undefined"},
		"integer example.com/shop/empty.Amount":                 {"S3D0530"},
		"integer example.com/shop/other/internal/hidden.Amount": {"S3D0530", "internal to example.com/shop/other"},
		"integer example.com/shop/circle.Amount":                {"S3D0533", "example.com/shop/circle imports example.com/shop/far imports example.com/shop/shop"},
		"integer example.com/shop/shop.Amount":                  {"S3D0533", "is the generated one"},
		"string example.com/shop/types.Slog":                    {"S3D0531", "has no type Slog", "Slug"},
		"string example.com/shop/types.New":                     {"S3D0531", "is a function"},
		"string example.com/shop/types.Default":                 {"S3D0531", "is a variable"},
		"integer example.com/shop/types.Max":                    {"S3D0531", "is a constant"},
		"string example.com/shop/types.List":                    {"S3D0531", "is generic"},
		"string example.com/shop/types.Lists":                   {"S3D0531", "is generic"},
		"integer example.com/shop/types.Of":                     {"S3D0531", "is generic", "type X Of[…]"},
		"string example.com/shop/types.Writer":                  {"S3D0531", "is an interface"},
		"string example.com/shop/types.Guarded":                 {"S3D0531", "holds a lock, sync.Mutex"},
		"integer example.com/shop/types.Small":                  {"S3D0532", "no method MarshalText() ([]byte, error)", "func (x *Small) UnmarshalText(text []byte) error", "type Small int64"},
		"number example.com/shop/types.Cents":                   {"S3D0532", "it is not declared as float64"},
		"boolean example.com/shop/types.Text":                   {"S3D0532", "it is not declared as bool"},
		"string example.com/shop/types.Odd":                     {"S3D0532", "its method MarshalText is () string, not () ([]byte, error)"},
		"string example.com/shop/types.Lost":                    {"S3D0532", "what it reads would be lost"},
		"string example.com/shop/types.Strings":                 {"S3D0532", "MarshalText"},
		"bytes example.com/shop/types.Text":                     {"S3D0532", "MarshalBinary"},
		"json example.com/shop/types.Text":                      {"S3D0532", "MarshalJSON"},
	} {
		kind, name, _ := strings.Cut(name, " ")
		found, _ := look(t, dir, kind, name)
		for _, text := range want {
			if !strings.Contains(found, text) {
				t.Errorf("%s as %s: nothing says %q:\n%s", name, kind, text, found)
			}
		}
	}
}

// TestWithoutModule: where there is no go.mod, types of the standard library are found
// and others told.
func TestWithoutModule(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if found, form := look(t, dir, "ip", "net.IP"); found != "" || form != schema.GoText {
		t.Errorf("%q %s", form, found)
	}
	if found, _ := look(t, dir, "string", "example.com/shop/types.Slug"); !strings.Contains(found, "S3D0530") || !strings.Contains(found, "go.mod") {
		t.Errorf("%s", found)
	}
}
