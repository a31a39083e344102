package behaviors

import s3db "github.com/s3dbgen/s3dbgen/runtime"

// UserManaged is the default. It raises the event ExceedsLimit for a document
// above the limit and leaves it to the program what to do about it. The write
// goes on with the data unchanged: the largest attributes are stored in the body
// until the others fit the metadata, and the document reads back whole.
const UserManaged userManaged = "user-managed"

type userManaged string

// Name implements s3db.Behavior.
func (b userManaged) Name() string { return string(b) }

// Fit implements s3db.Behavior.
func (userManaged) Fit(d *s3db.Draft) error {
	if !d.Fits() {
		d.ExceedsLimit()
		d.OverflowToBody()
	}
	return nil
}
