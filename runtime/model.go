package s3db

import "time"

// Model tells the runtime all it needs of one resource: names, a codec, a
// validator. Generated code makes one for each resource; T is the document, ID
// its id type, I the type that insert takes, P the patch.
type Model[T any, ID ~string, I, P any] struct {
	Resource string      // name in the schema, part of every key
	Schema   string      // canonical JSON of the stored shape, for the registry
	Settings string      // canonical JSON of what else programs without generated code must know; "" when nobody says
	Version  int         // of the stored shape, in the lock file
	Hashes   []string    // of the versions up to Version, "" where the lock file has none; nil when Version is 0
	Steps    []Step      // bring documents of older versions to Version, in the order of versions
	Behavior Behavior    // what happens to documents above the metadata limit
	NewID    IDGenerator // ids of documents inserted without one
	History  bool        // a write keeps what a document of an older version was
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

	TTL *TTL[T] // when documents expire; nil for never

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

// indexInfo is what a planner needs to know of an index.
type indexInfo struct {
	name   string
	fields []string
	forms  []KeyForm
	hashed bool
	place  int // in the model
}

// document is a pointer to a document, *T of its resource. All but the typed
// methods of a Collection handle documents as this, so that a program compiles the
// machinery once and not again for each of its resources.
type document = any

// model is a Model with its types forgotten.
type model struct {
	Resource string
	Behavior Behavior
	History  bool
	AnyID    bool
	Secrets  bool
	Names    []string
	Version  int
	Steps    []Step
	TTL      *ttl // nil when documents do not expire

	make   func() document
	id     func(document) string
	setID  func(document, string)
	Meta   func(document) *Meta
	Times  func(document) (created, updated *time.Time) // nil without timestamps
	Keep   func(old, d document)                        // nil without immutable attributes
	Encode func(*Encoder, document)
	Decode func(*Decoder, document)
	Texts  func(*Texts, document) // nil without any

	Validate   func(*Validator, document)
	Partitions []index
	Uniques    []index
}

// index is an Index with its type forgotten.
type index struct {
	indexInfo
	Key func(*KeyBuilder, document)
}

// of returns the typed pointer of a document, nil for none.
func of[T any](d document) *T {
	p, _ := d.(*T)
	return p
}

// forget returns the model without its types.
func (m *Model[T, ID, I, P]) forget() *model {
	f := &model{
		Resource: m.Resource, Behavior: m.Behavior, History: m.History, AnyID: m.AnyID, Secrets: m.Secrets, Names: m.Names,
		Version: m.Version, Steps: m.Steps, TTL: m.ttl(),
		make:       func() document { return new(T) },
		id:         func(d document) string { return string(*m.ID(of[T](d))) },
		setID:      func(d document, id string) { *m.ID(of[T](d)) = ID(id) },
		Meta:       func(d document) *Meta { return m.Meta(of[T](d)) },
		Encode:     func(e *Encoder, d document) { m.Encode(e, of[T](d)) },
		Decode:     func(r *Decoder, d document) { m.Decode(r, of[T](d)) },
		Validate:   func(v *Validator, d document) { m.Validate(v, of[T](d)) },
		Partitions: forgetIndexes(m.Partitions),
		Uniques:    forgetIndexes(m.Uniques),
	}
	if f.TTL != nil {
		f.Partitions = append(f.Partitions, f.expiryIndex())
	}
	if m.Times != nil {
		f.Times = func(d document) (created, updated *time.Time) { return m.Times(of[T](d)) }
	}
	if m.Keep != nil {
		f.Keep = func(old, d document) { m.Keep(of[T](old), of[T](d)) }
	}
	if m.Texts != nil {
		f.Texts = func(t *Texts, d document) { m.Texts(t, of[T](d)) }
	}
	return f
}

func forgetIndexes[T any](list []Index[T]) []index {
	indexes := make([]index, len(list))
	for i, x := range list {
		indexes[i] = index{
			indexInfo: indexInfo{name: x.Name, fields: x.Fields, forms: x.Forms, hashed: x.Hashed, place: i},
			Key:       func(b *KeyBuilder, d document) { x.Key(b, of[T](d)) },
		}
	}
	return indexes
}
