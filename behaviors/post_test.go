package behaviors_test

import (
	"context"
	"testing"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// post is a document as generated code has it, written by hand so that a test can
// choose its behavior.
type post struct {
	ID       string
	Title    string
	Content  string
	Category *string
	Metadata map[string]any
	Meta     s3db.Meta
}

type postInsert struct {
	ID, Title, Content string
	Category           *string
	Metadata           map[string]any
}

type postPatch struct{ Title, Content s3db.Change[string] }

type posts = s3db.Collection[post, string, postInsert, postPatch]

func newPost(_ *s3db.Validator, in *postInsert, d *post) {
	d.Title, d.Content, d.Category, d.Metadata = in.Title, in.Content, in.Category, in.Metadata
}

func postModel(b s3db.Behavior) *s3db.Model[post, string, postInsert, postPatch] {
	return &s3db.Model[post, string, postInsert, postPatch]{
		Resource: "posts", Schema: `{"resource":"posts"}`, Behavior: b, NewID: s3db.NanoID(22),
		Names:    []string{1: "title", 2: "content", 3: "category", 4: "metadata"},
		ID:       func(d *post) *string { return &d.ID },
		Meta:     func(d *post) *s3db.Meta { return &d.Meta },
		InsertID: func(in *postInsert) string { return in.ID },
		New:      newPost,
		Merge:    newPost,
		Apply: func(v *s3db.Validator, p *postPatch, d *post) {
			s3db.Apply(v, "title", p.Title, &d.Title)
			s3db.Apply(v, "content", p.Content, &d.Content)
		},
		Validate: func(v *s3db.Validator, d *post) {
			s3db.Check(v, "title", &d.Title, s3db.StringRules{Min: 2})
			s3db.Check(v, "content", &d.Content, s3db.StringRules{})
			s3db.CheckOptional(v, "category", &d.Category, s3db.StringRules{})
			s3db.Check(v, "metadata", &d.Metadata, s3db.FreeObjectRules{Optional: true})
		},
		Encode: func(e *s3db.Encoder, d *post) {
			e.String(1, d.Title)
			e.String(2, d.Content)
			s3db.EncodeOptional(e, 3, d.Category, (*s3db.Encoder).String)
			e.Object(4, d.Metadata)
		},
		Decode: func(r *s3db.Decoder, d *post) {
			d.Title = r.String(1)
			d.Content = r.String(2)
			d.Category = s3db.DecodeOptional(r, 3, (*s3db.Decoder).String)
			d.Metadata = r.Object(4)
		},
		Texts: func(t *s3db.Texts, d *post) {
			t.Add("title", 2, &d.Title)
			t.Add("content", 0, &d.Content)
		},
		Partitions: []s3db.Index[post]{{Name: "byCategory", Fields: []string{"category"}, Key: func(k *s3db.KeyBuilder, d *post) {
			s3db.KeyOptional(k, d.Category, (*s3db.KeyBuilder).String)
		}}},
	}
}

// openPosts opens the collection with a behavior, and collects its events.
func openPosts(t *testing.T, store s3db.Store, b s3db.Behavior) (*posts, *[]s3db.ExceedsLimit[post]) {
	t.Helper()
	model := postModel(b)
	db, err := s3db.New(t.Context(), store, s3db.Config{Resources: []s3db.Resource{model}})
	if err != nil {
		t.Fatal(err)
	}
	c := s3db.NewCollection(db, model)
	events := new([]s3db.ExceedsLimit[post])
	c.OnExceedsLimit(func(_ context.Context, e s3db.ExceedsLimit[post]) { *events = append(*events, e) })
	return c, events
}
