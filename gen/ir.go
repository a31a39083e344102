package gen

import "slices"

// The intermediate representation: what every generated file holds, with all
// names, types, imports and literals decided. Emitters print it and decide
// nothing. Types and expressions are Go source.

// program is a generated package.
type program struct {
	name      string // of the package
	doc       []string
	resources []*resource
	drivers   []driver
	fixtures  *fixtures // nil when the schema asks for none
}

// driver is a store that Open can reach.
type driver struct {
	pkg  pkg
	form string // of its URLs, for the documentation
}

// resource is the file of one resource.
type resource struct {
	name    string // in the schema
	file    string
	imports imports

	// Go names.
	document, id, insert, patch, collection string
	hooks, middleware                       string
	field                                   string // of DB
	model, schema                           string
	new, merge, keep, apply                 string

	shape    string // canonical JSON of the stored shape
	settings string // canonical JSON of the stored settings
	behavior string // of package behaviors
	newID    string // expression; "" when the program gives the function
	version  int
	versions *versions // nil for the first version
	history  bool
	anyID    bool
	secrets  bool
	times    bool

	root       *object
	objects    []*object // nested types, outermost first
	enums      []*enum
	items      []*item
	rules      []*ruleVar
	forms      []*formVar
	partitions []*index
	uniques    []*index
	reads      []*partitionRead
	relations  []*relation
	ttl        string // literal; "" when documents do not expire
	distincts  []*distinct
	lookups    []*lookup
	deprecated []string
}

// object is a struct type with its codec: the document or a nested object.
type object struct {
	name   string
	doc    []string
	fields []*field

	encode, decode, validate, texts string
	put, get                        string          // codec of it as an item; "" when it never is one
	attributes                      *attributeTable // nil when queries cannot ask for it
	normalizes                      bool            // some attribute inside is normalised
	cuttable                        bool            // some string inside may be cut
}

// field is an attribute in Go.
type field struct {
	attribute string // in the schema; also in JSON
	name      string
	number    int
	doc       []string
	value     *value

	optional  bool
	immutable bool
	generate  int    // characters of a generated secret or password
	key       string // function that adds a secret to the key of a unique constraint; "" when none has it
	def       string // default; "" without

	document, insert, change string // types of the field in the document, the input, and below Change
	rules                    string // literal or name of the rules; "" when there is nothing to check
	input                    string // rules of a password as it is given
	text                     *text  // how it may be cut; nil when it may not
}

// text says how truncate-data may cut a field.
type text struct {
	list, optional bool // []string; *string
	min            int
}

// value is the type of an attribute or of an item.
type value struct {
	kind    valueKind
	typ     string  // Go type
	scalar  string  // method of Encoder, Decoder and KeyBuilder; "" for others
	enum    *enum   // of an enum
	object  *object // of a typed object
	elem    *value  // of an array, map or secret
	rules   string  // literal
	rule    string  // type of the literal
	ref     bool    // the id of a document of another resource
	hoisted bool    // the literal is costly to build: keep it in a variable

	// Of a type of the program.
	stored   *value // what is stored
	form     string // variable that knows how
	converts bool   // by a conversion
	absent   bool   // nil stands for an absent value

	put, get   string // functions that write and read it as an item
	normalizes bool
	normal     string // the rules that change a text; "" for none
}

// valueKind says which functions of the runtime a value takes.
type valueKind int

const (
	plainValue    valueKind = iota // a scalar whose zero value is a value
	sliceValue                     // a scalar that is a slice: bytes and raw JSON
	mapValue                       // a free-form object
	enumValue                      // a generated string type
	objectValue                    // a generated struct
	arrayValue                     // a slice of elem
	dictValue                      // a map of elem
	secretValue                    // Secret of elem
	passwordValue                  // Password, PasswordHash
	customValue                    // a type of the program
)

// enum is a generated string type with its constants; or no more than the table of what
// is stored, for a type of the program, which has constants of its own.
type enum struct {
	name      string // "string" when it is not declared
	doc       []string
	declared  bool
	of        string // whose values the table holds
	table     string
	constants []constant
}

// constant is a value of an enum.
type constant struct {
	name, value string
	number      int
	doc         []string
}

// item is a pair of functions that write and read one container as an item of
// another one.
type item struct {
	put, get string
	value    *value
}

// ruleVar is a variable that holds costly rules.
type ruleVar struct{ name, literal string }

// index is a partition or a unique constraint.
type index struct {
	name   string
	fields []string
	hashed bool
	forms  []string // literals of s3db.KeyForm
	key    []string // statements over k and d
}

// partitionRead is the way to read a partition: a method of the collection for
// its first field, and one of the type before for each further field.
type partitionRead struct {
	name, method string
	steps        []keyStep
}

// keyStep takes values of one field of a partition.
type keyStep struct {
	keyValue
	method string // of the type of the step before; "" for the first
	typ    string // generated type that the step returns; "" for the last step
}

// keyValue is how a program gives a value of a key.
type keyValue struct {
	path   string // of the attribute
	param  string
	typeOf string // Go type of the value
	put    string // function that adds it to a key
	call   string // statement over k that adds the parameter
}

// relation is a method that loads documents of another resource.
type relation struct {
	method, name string
	doc          []string
	many         bool
	to           *resourceNames
	held         string // function that returns a pointer to the id that a document holds
	partition    string // of many
}

// distinct is a method that lists the values of a field.
type distinct struct{ method, partition, path, typ, value string }

// lookup is a method that finds the holder of a unique value.
type lookup struct {
	name, method string
	values       []keyValue
}

// byNumber returns the fields in the order of their numbers, in which the codec
// takes them. It is another one than that of the schema as soon as an attribute
// was added in the middle, or moved.
func (o *object) byNumber() []*field {
	return slices.SortedFunc(slices.Values(o.fields), func(a, b *field) int { return a.number - b.number })
}

// nilable reports whether the Go type has nil for "absent", so that optional
// needs no pointer.
func (v *value) nilable() bool {
	switch v.kind {
	case sliceValue, mapValue, arrayValue, dictValue:
		return true
	default:
		return v.absent
	}
}

// storage is the value that is stored: another one for a type of the program.
func (v *value) storage() *value {
	if v.stored != nil {
		return v.stored
	}
	return v
}

// number reports whether changes can add to the value, see s3db.Number.
func (v *value) number() bool {
	return v.kind == plainValue && slices.Contains([]string{"Int", "Float", "Decimal", "Duration"}, v.scalar)
}

// pointer reports whether the field of the document is a pointer.
func (f *field) pointer() bool { return f.optional && !f.value.nilable() }

// given reports whether the input may leave the field out although the document
// always has it.
func (f *field) given() bool { return f.def != "" || f.generate > 0 }
