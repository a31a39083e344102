package s3db_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// TestOnRead: observers are around each other in the order of registration, below
// the hooks, for each method that reads; they may answer, and refuse.
func TestOnRead(t *testing.T) {
	ctx := t.Context()
	c := must(clienttest.Open(ctx, memstore.New(), 1, 1))(t)
	must(c.Insert(ctx, clienttest.AccountInsert{ID: "x", Name: "a", Email: new("x@x.io"), Country: new("BR")}))(t)
	var trace []string
	watch := func(name string) func() {
		return c.Database().OnRead(func(ctx context.Context, r *s3db.PendingRead, next func(context.Context) (*s3db.ReadResult, error)) (*s3db.ReadResult, error) {
			trace = append(trace, fmt.Sprintf("%s %s %s %t", name, r.Method, r.Scope(), r.Stream))
			return next(ctx)
		})
	}
	first := watch("first")
	second := watch("second")
	c.Hook(hooks{BeforeGet: func(context.Context, docID) error { trace = append(trace, "hook"); return nil }})
	wantTrace := func(what string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, trace); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
		trace = nil
	}
	must(c.Get(ctx, "x"))(t)
	wantTrace("get", "hook", "first get id=x false", "second get id=x false")
	second()
	c.Query().All(ctx)(func(*doc, error) bool { return true })
	must(c.Query().List(ctx))(t)
	must(c.GetAll(ctx))(t)
	must(c.Query().Count(ctx))(t)
	must(clienttest.ByCountry(c, "BR").Page(ctx, 1))(t)
	must(clienttest.ByEmail(ctx, c, "x@x.io"))(t)
	must(c.Exists(ctx, "x"))(t)
	c.Query().IDs(ctx)(func(docID, error) bool { return true })
	must(c.Query().Where(clienttest.Where().ID.Eq("x")).List(ctx))(t)
	wantTrace("the others", "first list  true", "first list  false", "first getAll  false", "first count  false",
		"first page partition byCountry/country=BR!/ false", "first lookup unique email/email=x=40x.2Eio! false",
		"first exists id=x false", "first listIds  true", "first list id=x false")
	first()
	no := errors.New("no")
	remove := c.Database().OnRead(func(context.Context, *s3db.PendingRead, func(context.Context) (*s3db.ReadResult, error)) (*s3db.ReadResult, error) {
		return nil, no
	})
	for name, err := range map[string]error{
		"get": second1(c.Get(ctx, "x")), "list": second1(c.Query().List(ctx)), "count": second1(c.Query().Count(ctx)),
		"page": second1(c.Query().Page(ctx, 1)), "exists": second1(c.Exists(ctx, "x")), "lookup": second1(clienttest.ByEmail(ctx, c, "x@x.io")),
	} {
		if e, ok := errors.AsType[*s3db.Error](err); !ok || !errors.Is(err, no) || e.Resource != "accounts" {
			t.Errorf("%s that an observer refuses: %v", name, err)
		}
	}
	remove()
	must(c.Get(ctx, "x"))(t)
}

func second1[T any](_ T, err error) error { return err }

// TestImage: an image is what is stored, whatever is done to the document; damage
// is found.
func TestImage(t *testing.T) {
	ctx := t.Context()
	c := must(clienttest.Open(ctx, memstore.New(), 1, 1))(t)
	want := must(c.Insert(ctx, clienttest.AccountInsert{ID: "x", Name: "a", Bio: new("b"), Country: new("BR")}))(t)
	c.Database().OnRead(func(ctx context.Context, r *s3db.PendingRead, next func(context.Context) (*s3db.ReadResult, error)) (*s3db.ReadResult, error) {
		found, err := next(ctx)
		if err != nil {
			return nil, err
		}
		d, _ := found.Document.(*doc)
		d.Name, *d.Bio = "changed", "changed"
		image, ok := r.Image(d)
		if !ok {
			t.Error("no image of a stored document")
		}
		text := must(image.MarshalBinary())(t)
		for n := range text {
			if err := (&s3db.Image{}).UnmarshalBinary(text[:n]); !errors.Is(err, s3db.ErrCorrupt) {
				t.Errorf("%d of %d bytes: %v", n, len(text), err)
			}
		}
		if err := image.UnmarshalBinary(text); err != nil {
			t.Error(err)
		}
		if found.Document, err = r.Document(image); err != nil {
			return nil, err
		}
		if _, ok := r.Image(&doc{ID: "new"}); ok {
			t.Error("an image of a document that was not stored")
		}
		return found, nil
	})
	got := must(c.Get(ctx, "x"))(t)
	if got.Name != "a" || *got.Bio != "b" || got.Meta.Revision != want.Meta.Revision || !got.UpdatedAt.Equal(want.UpdatedAt) {
		t.Errorf("got %+v", got)
	}
	// And it can be written from, without a read.
	if d := must(c.UpdateFrom(ctx, got, clienttest.AccountPatch{Name: s3db.Set("c")}))(t); d.Name != "c" {
		t.Errorf("updated to %q", d.Name)
	}
	if _, err := (s3db.Image{}).MarshalBinary(); err == nil {
		t.Error("an empty image was written")
	}
}
