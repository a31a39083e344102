package dynamic

import (
	"fmt"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// newTTL reads when documents expire; nil when they do not.
func (s *shape) newTTL() (*s3db.TTL[Document], error) {
	if s.ttl == nil {
		return nil, nil //nolint:nilnil // they live for ever
	}
	t := &s3db.TTL[Document]{}
	var err error
	if t.For, err = time.ParseDuration(s.ttl.For); err != nil {
		return nil, err
	}
	if t.Every, err = time.ParseDuration(s.ttl.Every); err != nil {
		return nil, err
	}
	name := s.ttl.After
	switch f := s.object.field(name); {
	case f != nil && f.typ.kind == "datetime":
		t.After = func(d *Document) *time.Time {
			if at, ok := d.Values[name].(time.Time); ok {
				return &at
			}
			return nil
		}
	case f != nil || name != fieldCreated && name != fieldUpdated:
		return nil, fmt.Errorf("there is no time %q", name)
	default:
		t.Updated = name == fieldUpdated
	}
	return t, nil
}

// Expires tells when documents of the resource expire, such as "720h0m0s after createdAt";
// "" when they live for ever.
func (r *Resource) Expires() string {
	switch {
	case r.shape.ttl == nil:
		return ""
	case r.shape.life.For == 0:
		return "at " + r.shape.ttl.After
	}
	return r.shape.life.For.String() + " after " + r.shape.ttl.After
}
