package behaviors

import s3db "github.com/s3dbgen/s3dbgen/runtime"

// BodyOnly stores every attribute in the body and only the version of format and
// schema in the metadata. There is no limit and no event.
const BodyOnly bodyOnly = "body-only"

type bodyOnly string

// Name implements s3db.Behavior.
func (b bodyOnly) Name() string { return string(b) }

// Fit implements s3db.Behavior.
func (bodyOnly) Fit(d *s3db.Draft) error {
	d.AllToBody()
	return nil
}
