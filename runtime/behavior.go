package s3db

// Behavior decides what happens to a document whose attributes do not fit the
// limit for metadata. Package behaviors has the five that schemas name. A
// Behavior is safe for concurrent use and decides by the draft alone, so that
// the same document is always stored the same way.
type Behavior interface {
	// Name is the name in schemas, such as "body-overflow".
	Name() string
	// Fit changes the draft until it fits, or returns an error and the document is
	// not written. A draft that does not fit after Fit is not written either.
	Fit(d *Draft) error
}

// ExceedsLimit is the event of a write whose document did not fit the limit for
// metadata.
type ExceedsLimit[T any] struct {
	Oversize
	Data *T // the document as it is stored
}

// Oversize says how a document did not fit the limit for metadata.
type Oversize struct {
	Operation string   // "insert", "update", "replace" or "upsert"
	ID        string   // id of the document
	TotalSize int      // bytes on the wire that the metadata would have had
	Limit     int      // bytes that the store allows
	Excess    int      // TotalSize - Limit
	Truncated []string // paths of the strings that were cut
}
