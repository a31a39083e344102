package behaviors

import s3db "github.com/s3dbgen/s3dbgen/runtime"

// EnforceLimits refuses a document above the limit with s3db.ErrTooLarge, which
// names the size, the limit and the largest attribute. Nothing is written.
const EnforceLimits enforceLimits = "enforce-limits"

type enforceLimits string

// Name implements s3db.Behavior.
func (b enforceLimits) Name() string { return string(b) }

// Fit implements s3db.Behavior.
func (enforceLimits) Fit(d *s3db.Draft) error {
	if !d.Fits() {
		return d.TooLarge()
	}
	return nil
}
