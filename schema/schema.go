// Package schema reads the YAML description of a database: it parses, checks and
// numbers resources and attributes, and reports every mistake at once with its
// place and the fix.
package schema

import "time"

// Schema is a checked description of a database. Everything in it is decided:
// rules are typed, numbers are assigned, references are resolved.
type Schema struct {
	File        string // path as the caller gave it, for positions
	Package     string // name of the generated Go package
	Output      string // directory of the generated files, relative to File; "" if not given
	Stores      []Store
	Docs        []DocsFile // written by the command docs
	Description string
	Fixtures    bool        // generate functions that make example documents for tests
	Plugins     []*Plugin   // programs that add files to the generated ones
	Resources   []*Resource // in the order of the file

	src *source // text of File, for the excerpts of diagnostics
}

// Store is a store that the generated Open can reach.
type Store string

// The stores; all three are linked unless the schema's stores option names some.
const (
	StoreS3   Store = "s3"
	StoreFile Store = "file"
	StoreMem  Store = "mem"
)

// Plugin is a program that adds files to the generated ones.
type Plugin struct {
	Pos     Position
	Name    string
	Command []string       // program and arguments
	Options map[string]any // as JSON has them: string, float64, bool, nil, []any, map[string]any
	Timeout time.Duration  // 0 when not given
	Reads   []string       // files and directories that it reads, relative to the schema, with slashes

	Unbounded bool // it may read more, as it does not say
}

// Resource is a set of documents of one shape.
type Resource struct {
	Pos         Position
	Name        string // "users"
	GoName      string // singular Go name given by the option "go"; "" = derived by the generator
	Description string
	Deprecated  string // the reason; "" when not deprecated
	Attributes  []*Attribute
	Timestamps  bool
	Behavior    Behavior
	ID          ID
	Partitions  []*Index // includes byCreatedDate and byUpdatedDate under timestamps, byVersion under versioning
	Uniques     []*Index // from the rule "unique" and the option "unique"
	Relations   []*Relation
	TTL         *TTL // nil when documents do not expire
	Versioning  bool
	History     bool   // a write keeps what a document of an older version was
	Allow       []Code // warnings that are not told

	Version int      // of the stored shape, from the lock file; 0 is the first
	Hash    string   // hex SHA-256 of StoredShape, set by Assign
	Hashes  []string // of the versions up to Version, by number; "" where the lock file has none
	Steps   []*Step  // how documents of older versions become documents of Version, oldest first
}

// Behavior is the policy for documents above the metadata limit.
type Behavior string

// The behaviors; UserManaged is the default.
const (
	UserManaged   Behavior = "user-managed"
	EnforceLimits Behavior = "enforce-limits"
	TruncateData  Behavior = "truncate-data"
	BodyOverflow  Behavior = "body-overflow"
	BodyOnly      Behavior = "body-only"
)

// ID says how ids are made and which are accepted.
type ID struct {
	Generator IDGenerator
	Size      int  // characters of a nanoid
	Any       bool // option "charset: any"
}

// IDGenerator makes ids of documents inserted without one.
type IDGenerator string

// The id generators; NanoID of 22 characters is the default. Custom means that
// the program gives a function when it opens the database.
const (
	NanoID IDGenerator = "nanoid"
	UUIDv1 IDGenerator = "uuidv1"
	UUIDv4 IDGenerator = "uuidv4"
	UUIDv7 IDGenerator = "uuidv7"
	ULID   IDGenerator = "ulid"
	Custom IDGenerator = "custom"
)

// Attribute is a named value of a resource or of a nested object.
type Attribute struct {
	Pos         Position
	Name        string
	Path        string // "profile.country"
	Number      int    // stable number within its resource or object, from the lock file
	GoName      string // given by the option "go"; "" = derived by the generator
	Type        *Type
	Optional    bool
	Immutable   bool
	Was         string // former name, given by the option "was"
	Migrate     bool   // documents of older versions get their value from a function of the program
	Description string
	Deprecated  string // the reason; "" when not deprecated

	// Default is what an insert stores when the attribute is left out; nil
	// without default. An attribute with a default is never optional and stands
	// at the top level of its resource. Its Go type follows the kind: int64 of
	// an integer, float64 of a number, bool of a boolean, time.Time (UTC) of a
	// datetime, time.Duration of a duration, []byte of bytes, and string of all
	// other single values: canonical text of a decimal, uuid or ip, YYYY-MM-DD
	// of a date, the name of an enum value. Other kinds have no defaults.
	Default any
}

// HasDefault reports whether inserts may leave a out although it is not optional.
func (a *Attribute) HasDefault() bool { return a.Default != nil }

// Kind is the type of a value.
type Kind string

// The kinds.
const (
	KindString   Kind = "string"
	KindText     Kind = "text"
	KindNumber   Kind = "number"  // float64
	KindInteger  Kind = "integer" // int64; also number|integer
	KindBoolean  Kind = "boolean"
	KindDate     Kind = "date"     // calendar day
	KindDateTime Kind = "datetime" // instant, nanoseconds
	KindDuration Kind = "duration"
	KindUUID     Kind = "uuid"
	KindEmail    Kind = "email"
	KindURL      Kind = "url"
	KindIP4      Kind = "ip4"
	KindIP6      Kind = "ip6"
	KindIP       Kind = "ip"
	KindEnum     Kind = "enum"
	KindBytes    Kind = "bytes"
	KindDecimal  Kind = "decimal"
	KindObject   Kind = "object" // typed with Fields, free-form without
	KindArray    Kind = "array"
	KindMap      Kind = "map" // string keys
	KindSecret   Kind = "secret"
	KindPassword Kind = "password"
	KindJSON     Kind = "json"
)

// Type is the type of an attribute or of an item, with the rules of its values.
type Type struct {
	Pos    Position
	Kind   Kind
	Elem   *Type        // items of an array, values of a map, what a secret holds (a string by default)
	Fields []*Attribute // of a typed object; nil for a free-form one
	Ref    *Resource    // of a string that holds the id of a document of this resource
	GoType *GoType      // the type of values in Go; nil for that of the kind
	Enum   []EnumValue
	Rules  Rules

	removed []string // values of the enum that are given up, option "removed"
}

// EnumValue is one value of an enum.
type EnumValue struct {
	Pos         Position
	Name        string
	Number      int    // stable, from the lock file
	GoName      string // suffix of the Go constant, given by the option "go"; "" = derived by the generator
	Was         string // former name, given by the option "was"
	Description string
	Deprecated  string // the reason; "" when not deprecated
}

// Rules are the checks on a value. A nil pointer, "" and false mean no rule.
type Rules struct {
	Min, Max, Length *int64 // runes of strings, items of arrays and maps, bytes of bytes
	Pattern          string // RE2
	Contains         string
	StartsWith       string
	EndsWith         string
	Example          string   // a value for fixtures and documentation
	In               []string // allowed values of a string (rule "enum" on a string-like type keeps it a string)
	Alpha            bool     // letters a-z, A-Z
	Numeric          bool     // digits
	Alphanum         bool
	Alphadash        bool // letters, digits, "-", "_"
	Hex              bool
	Base64           bool
	SingleLine       bool
	Lowercase        bool // normalise before checking
	Uppercase        bool
	Trim             bool

	// Number rules, as canonical decimal text so that int64, float64 and decimal
	// lose nothing; of a duration in nanoseconds.
	MinNumber, MaxNumber, Equal, NotEqual string
	Positive, Negative                    bool
	MinTime, MaxTime                      string // RFC 3339 in UTC of a datetime, YYYY-MM-DD of a date

	UniqueItems bool     // items of an array differ
	Generate    int      // characters of a generated secret or password; 0 = none; only at the top level
	UUIDVersion int      // 1 to 8; 0 = any
	Schemes     []string // of a url
}

// Index is a partition or a unique constraint.
type Index struct {
	Pos         Position
	Name        string
	Description string
	Fields      []*IndexField
	Hashed      bool // of a unique constraint: keys hold an HMAC of the values; by the option "hashed", or because a field is a secret
}

// IndexField is one segment of an index's keys.
type IndexField struct {
	Pos       Position
	Path      string
	Attribute *Attribute   // nil for the system fields createdAt, updatedAt (under timestamps) and _v (under versioning)
	Through   []*Attribute // the objects on the way, outermost first
	Date      bool         // rule "date": an instant counts as its UTC day
	MaxLength int          // rule "maxlength": characters of the value's text; 0 = all
	Desc      bool
}
