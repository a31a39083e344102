package replicator

import (
	"encoding/json"
	"fmt"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
)

// images turns documents into JSON, whichever program stores them: as the registry
// describes them.
type images struct {
	docs    *dynamic.Database
	secrets bool
}

// json returns an image as JSON; nil for the empty image.
func (m *images) json(resource string, i s3db.Image) (json.RawMessage, *dynamic.Document, error) {
	if i == (s3db.Image{}) {
		return nil, nil, nil
	}
	r, err := m.docs.Resource(resource)
	if err != nil {
		return nil, nil, err
	}
	d, err := r.Stored().Decode(i)
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
func (m *images) change(w *s3db.PendingWrite) (Change, error) {
	c := Change{Resource: w.Resource, Action: Update, ID: w.ID, Base: w.Base, Revision: w.Revision, Version: w.Version}
	switch {
	case w.After == nil:
		c.Action = Delete
	case w.Before == nil:
		c.Action = Insert
	}
	before, after := w.Images()
	var err error
	if c.After, _, err = m.json(w.Resource, after); err != nil {
		return c, fmt.Errorf("replicator: the document cannot be told: %w", err)
	}
	var was *dynamic.Document
	if c.Before, was, err = m.json(w.Resource, before); err != nil {
		c.Before = nil // an older document that this program cannot read is no reason to refuse the write
	} else if was != nil {
		c.BaseVersion = was.Meta.StoredVersion
	}
	return c, nil
}

// tell completes a change that tells the state of a document. It reports false when
// the document cannot be read.
func (m *images) tell(c Change, i s3db.Image) (Change, bool) {
	text, d, err := m.json(c.Resource, i)
	if err != nil {
		return c, false
	}
	if c.After = text; d != nil {
		c.Version = d.Meta.StoredVersion
	}
	return c, true
}
