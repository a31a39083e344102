package s3db

import "time"

// Model tells the runtime all it needs of one resource: names, a codec, a
// validator. Generated code makes one for each resource; T is the document, ID
// its id type, I the type that insert takes, P the patch.
type Model[T any, ID ~string, I, P any] struct {
	Resource string      // name in the schema, part of every key
	Schema   string      // canonical JSON of the stored shape, for the registry
	Settings string      // canonical JSON of what else programs without generated code must know; "" when nobody says
	Behavior Behavior    // what happens to documents above the metadata limit
	NewID    IDGenerator // ids of documents inserted without one
	AnyID    bool        // ids may hold any valid UTF-8 but NUL
	Secrets  bool        // some attribute is a secret, so a key is needed
	Names    []string    // names of the attributes by field number; "" where there is none

	ID       func(*T) *ID
	Meta     func(*T) *Meta
	Times    func(*T) (created, updated *time.Time) // nil without timestamps
	InsertID func(*I) ID

	New      func(*Validator, *I, *T) // fills a new document, with defaults
	Merge    func(*Validator, *I, *T) // sets what the input gives, keeps the rest
	Keep     func(old, d *T)          // restores immutable attributes; nil without any
	Apply    func(*Validator, *P, *T) // applies a patch
	Validate func(*Validator, *T)     // normalises and checks every rule
	Encode   func(*Encoder, *T)
	Decode   func(*Decoder, *T)
	Texts    func(*Texts, *T) // the strings that TruncateData may cut; nil without any

	Partitions []Index[T]
	Uniques    []Index[T]
}

// Index derives the values under which a document is found beside its id: those
// of a partition, or those of a unique constraint.
type Index[T any] struct {
	Name   string   // name of the partition or constraint, part of its keys
	Fields []string // attribute paths, in the order of the key's segments
	Hashed bool     // of a constraint: its keys hold an HMAC of the values instead of them
	Key    func(*KeyBuilder, *T)
}
