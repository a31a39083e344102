package behaviors

import s3db "github.com/s3dbgen/s3dbgen/runtime"

// BodyOverflow is for documents that are often too large. Above the limit the
// largest attributes are stored in the body until the others fit the metadata;
// nothing is lost. The event ExceedsLimit is raised as a warning.
const BodyOverflow bodyOverflow = "body-overflow"

type bodyOverflow string

// Name implements s3db.Behavior.
func (b bodyOverflow) Name() string { return string(b) }

// Fit implements s3db.Behavior.
func (bodyOverflow) Fit(d *s3db.Draft) error {
	if !d.Fits() {
		d.ExceedsLimit()
		d.OverflowToBody()
	}
	return nil
}
