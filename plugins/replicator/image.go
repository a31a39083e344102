package replicator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
)

// images turns documents into JSON, whichever program stores them: with the attributes
// that the version has that stored them.
type images struct {
	db      *s3db.Database
	secrets bool
	known   atomic.Pointer[knowledge]
}

// knowledge is what the registry said last.
type knowledge struct {
	described *s3db.Description
	docs      *dynamic.Database
}

func newImages(db *s3db.Database, secrets bool) *images {
	m := &images{db: db, secrets: secrets}
	m.learn(db.Describe())
	return m
}

func (m *images) learn(d *s3db.Description) {
	m.known.Store(&knowledge{d, dynamic.Attach(m.db, d, dynamic.Config{Reveal: m.secrets})})
}

// refresh reads the registry again.
func (m *images) refresh(ctx context.Context) error {
	now, err := m.db.DescribeNow(ctx)
	if err == nil {
		m.learn(now)
	}
	return err
}

func (m *images) described() *s3db.Description { return m.known.Load().described }
func (m *images) docs() *dynamic.Database      { return m.known.Load().docs }

func (m *images) document(resource string, i s3db.Image) (*dynamic.Document, error) {
	r, err := m.docs().Resource(resource)
	if err != nil {
		return nil, err
	}
	return r.AsStored(i)
}

// json returns an image as JSON; nil for the empty image.
func (m *images) json(ctx context.Context, resource string, i s3db.Image) (json.RawMessage, *dynamic.Document, error) {
	if i == (s3db.Image{}) {
		return nil, nil, nil
	}
	d, err := m.document(resource, i)
	if errors.Is(err, s3db.ErrNotFound) { // a newer program has stored it
		if err := m.refresh(ctx); err != nil {
			return nil, nil, err
		}
		d, err = m.document(resource, i)
	}
	if err != nil {
		return nil, nil, err
	}
	text, err := d.PublicJSON()
	if m.secrets {
		text, err = d.RevealedJSON()
	}
	return text, d, err
}

// change is what a write is about to do.
func (m *images) change(ctx context.Context, w *s3db.PendingWrite) (Change, error) {
	c := Change{Resource: w.Resource, Action: Update, ID: w.ID, Base: w.Base, Revision: w.Revision, Version: w.Version}
	switch {
	case w.After == nil:
		c.Action = Delete
	case w.Before == nil:
		c.Action = Insert
	}
	before, after := w.Images()
	var err error
	if c.After, _, err = m.json(ctx, w.Resource, after); err != nil {
		return c, fmt.Errorf("replicator: the document cannot be told: %w", err)
	}
	var was *dynamic.Document
	if c.Before, was, err = m.json(ctx, w.Resource, before); err != nil {
		c.Before = nil // an older document that this program cannot read is no reason to refuse the write
	} else if was != nil {
		c.BaseVersion = was.Meta.StoredVersion
	}
	return c, nil
}

// tell completes a change that tells the state of a document. It reports false when
// the document cannot be read.
func (m *images) tell(ctx context.Context, c Change, i s3db.Image) (Change, bool) {
	text, d, err := m.json(ctx, c.Resource, i)
	if err != nil {
		return c, false
	}
	if c.After = text; d != nil {
		c.Version = d.Meta.StoredVersion
	}
	return c, true
}
