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
	// Forms say how the values of each field stand in the key. Without them no query
	// chooses the index by itself.
	Forms []KeyForm
	Key   func(*KeyBuilder, *T)
}

// KeyForm says how the values of an attribute stand in an index.
type KeyForm struct {
	Optional  bool // documents without a value are not in the index
	Desc      bool // from large to small
	MaxLength int  // cut to its first characters; 0: whole
	Day       bool // an instant counts as its day in UTC
}

// indexInfo is an index without the type of its documents.
type indexInfo struct {
	name   string
	fields []string
	forms  []KeyForm
	hashed bool
	place  int // in the model
}

func indexInfos[T any](list []Index[T]) []indexInfo {
	infos := make([]indexInfo, len(list))
	for i := range list {
		infos[i] = indexInfo{list[i].Name, list[i].Fields, list[i].Forms, list[i].Hashed, i}
	}
	return infos
}
