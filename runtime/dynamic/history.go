package dynamic

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// History returns what a document was last under each older version of the schema,
// the newest of these first, with the attributes that the version had. Otherwise
// it is like History of the generated client.
func (r *Resource) History(ctx context.Context, id string) ([]*Document, error) {
	return r.HistoryWith(ctx, id, r.decodeAsStored)
}

// AsStored makes a document of an image of this resource with the attributes that the
// version had that stored it. It needs no function of the program. Errors:
// s3db.ErrNotFound for a version that was not known when the database was described.
func (r *Resource) AsStored(i s3db.Image) (*Document, error) {
	return r.Stored().DecodeWith(i, r.decodeAsStored)
}

func (r *Resource) decodeAsStored(d *s3db.Decoder, doc *Document, version int) error {
	s, err := r.shape.at(version)
	if err != nil {
		return err
	}
	doc.shape = s
	s.object.decode(d, &doc.Values, s.reveal)
	doc.stored = doc.Values
	return nil
}

// at returns the shape with the attributes of an older version.
func (s *shape) at(version int) (*shape, error) {
	i := slices.IndexFunc(s.versions, func(v s3db.DescribedVersion) bool { return v.Version == version })
	if i < 0 {
		return nil, fmt.Errorf("%w: the registry had no version %d of resource %q when the database was described", s3db.ErrNotFound, version, s.resource)
	}
	var stored storedShape
	if err := json.Unmarshal([]byte(s.versions[i].Schema), &stored); err != nil {
		return nil, fmt.Errorf("%w: the stored shape of version %d of resource %q: %w", s3db.ErrCorrupt, version, s.resource, err)
	}
	object, err := newObject(stored.Fields)
	if err != nil {
		return nil, fmt.Errorf("%w: version %d of resource %q: %w", s3db.ErrNewerFormat, version, s.resource, err)
	}
	older := *s
	older.object = object
	return &older, nil
}
