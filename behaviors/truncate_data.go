package behaviors

import s3db "github.com/s3dbgen/s3dbgen/runtime"

// TruncateData cuts texts until the document fits the metadata. It looks for the
// greatest length at which it fits when every longer text is cut to that length:
// so short texts stay whole, and the longest lose most. A cut text ends in "..."
// and keeps what the rule "min" asks for; texts with other rules that a cut could
// break are left alone, and so are texts of 16 bytes or less. The event
// ExceedsLimit is raised as a warning and names what was cut. A document that
// does not fit even then is refused with s3db.ErrTooLarge.
const TruncateData truncateData = "truncate-data"

type truncateData string

// shortestCut is the length in bytes that no text is cut below: what is as short
// is a name or a label, and "..." in its place would say nothing.
const shortestCut = 16

// Name implements s3db.Behavior.
func (b truncateData) Name() string { return string(b) }

// Fit implements s3db.Behavior.
func (truncateData) Fit(d *s3db.Draft) error {
	if d.Fits() {
		return nil
	}
	d.ExceedsLimit()
	// A rune has at most 4 bytes and takes at least one byte on the wire, so a text
	// of more than 4 bytes for each byte of the limit never fits.
	const maxRune = 4
	shortest, longest := shortestCut, min(d.LongestText()-1, maxRune*d.Limit())
	best := -1
	for low, high := shortest, longest; low <= high; {
		middle := low + (high-low)/2
		if err := d.CutTexts(middle); err != nil {
			return err
		}
		if d.Fits() {
			best, low = middle, middle+1
		} else {
			high = middle - 1
		}
	}
	if best < 0 {
		// Tell of the document as short as it gets: what is too large is elsewhere.
		if err := d.CutTexts(shortest); err != nil {
			return err
		}
		return d.TooLarge()
	}
	return d.CutTexts(best)
}
