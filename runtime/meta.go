package s3db

import "time"

// Revision names one state of a document. Every write makes a new one; it is
// opaque and compares with ==.
type Revision string

// Meta is what the runtime knows about a document beside its attributes.
type Meta struct {
	// Revision is the state of the document, for [IfMatch].
	Revision Revision
	// Version is the version of the resource's schema that the document has; the
	// first one is 0. A document of an older version is brought to that of the
	// program when it is read, and stored so when it is written next.
	Version int
	// StoredVersion is the version that the document was written under. Above
	// Version of the collection, a newer program wrote it.
	StoredVersion int
	// InBody reports that attributes are stored in the object's body because they
	// do not fit its metadata, or because the behavior puts all of them there.
	InBody bool
	// Expires is when the document expires; zero for never, and without the option ttl.
	Expires time.Time
	// Content describes the document's content; nil when it has none.
	Content *ContentInfo

	stored *stored
}

// stored is a document as the store has it. It stays with the document so that
// UpdateFrom needs no read and cannot be misled by a caller who changed fields.
type stored struct {
	record *record
	etag   string
}
