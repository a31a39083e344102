package plugin

import "github.com/s3dbgen/s3dbgen/schema"

// Package is the generated package, with all names and types decided.
type Package struct {
	Name        string     `json:"name"` // of the Go package
	Description string     `json:"description,omitempty"`
	Resources   []Resource `json:"resources"`
}

// Resource is a resource with its types in Go.
type Resource struct {
	Name        string      `json:"name"`
	Go          string      `json:"go"`         // type of its documents: "User"
	Collection  string      `json:"collection"` // field of DB: "Users"
	Description string      `json:"description,omitempty"`
	Deprecated  string      `json:"deprecated,omitempty"` // the reason
	Behavior    string      `json:"behavior"`
	Timestamps  bool        `json:"timestamps,omitempty"`
	Version     int         `json:"version"` // of the stored shape
	ID          ID          `json:"id"`
	Attributes  []Attribute `json:"attributes"`
	Partitions  []Index     `json:"partitions,omitempty"`
	Uniques     []Index     `json:"uniques,omitempty"`
}

// ID says how ids are made.
type ID struct {
	Go        string `json:"go"` // its type: "UserID"
	Generator string `json:"generator"`
	Size      int    `json:"size,omitempty"`
}

// Attribute is an attribute of a resource or of a nested object.
type Attribute struct {
	Name        string `json:"name"`
	Path        string `json:"path"` // within the resource: "profile.country"
	Go          string `json:"go"`   // name of its field
	Number      int    `json:"number"`
	Description string `json:"description,omitempty"`
	Deprecated  string `json:"deprecated,omitempty"` // the reason
	Optional    bool   `json:"optional,omitempty"`
	Immutable   bool   `json:"immutable,omitempty"`
	HasDefault  bool   `json:"hasDefault,omitempty"`
	Type        Type   `json:"type"`
}

// Type is the type of an attribute or of an item.
type Type struct {
	Kind   schema.Kind `json:"kind"`
	Go     string      `json:"go"`               // its type: "string", "UserProfile", "time.Time"
	Import string      `json:"import,omitempty"` // package of Go, when the schema gives the type with goType
	Items  *Type       `json:"items,omitempty"`  // of an array, a map or a secret
	Fields []Attribute `json:"fields,omitempty"` // of a typed object
	Values []Value     `json:"values,omitempty"` // of an enum
	Rules  Rules       `json:"rules,omitzero"`
}

// Value is a value of an enum.
type Value struct {
	Name        string `json:"name"`
	Go          string `json:"go"` // its constant; for a type of the program, which has its own, the text
	Number      int    `json:"number"`
	Description string `json:"description,omitempty"`
	Deprecated  string `json:"deprecated,omitempty"` // the reason
}

// Index is a partition or a unique constraint.
type Index struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Fields      []string `json:"fields"` // paths
}

// Rules are those of schema.Rules, which says what they mean.
type Rules struct {
	Min         *int64   `json:"min,omitempty"`
	Max         *int64   `json:"max,omitempty"`
	Length      *int64   `json:"length,omitempty"`
	Pattern     string   `json:"pattern,omitempty"`
	Contains    string   `json:"contains,omitempty"`
	StartsWith  string   `json:"startsWith,omitempty"`
	EndsWith    string   `json:"endsWith,omitempty"`
	Example     string   `json:"example,omitempty"`
	In          []string `json:"in,omitempty"`
	Alpha       bool     `json:"alpha,omitempty"`
	Numeric     bool     `json:"numeric,omitempty"`
	Alphanum    bool     `json:"alphanum,omitempty"`
	Alphadash   bool     `json:"alphadash,omitempty"`
	Hex         bool     `json:"hex,omitempty"`
	Base64      bool     `json:"base64,omitempty"`
	SingleLine  bool     `json:"singleLine,omitempty"`
	Lowercase   bool     `json:"lowercase,omitempty"`
	Uppercase   bool     `json:"uppercase,omitempty"`
	Trim        bool     `json:"trim,omitempty"`
	MinNumber   string   `json:"minNumber,omitempty"`
	MaxNumber   string   `json:"maxNumber,omitempty"`
	Equal       string   `json:"equal,omitempty"`
	NotEqual    string   `json:"notEqual,omitempty"`
	Positive    bool     `json:"positive,omitempty"`
	Negative    bool     `json:"negative,omitempty"`
	MinTime     string   `json:"minTime,omitempty"`
	MaxTime     string   `json:"maxTime,omitempty"`
	UniqueItems bool     `json:"uniqueItems,omitempty"`
	Generate    int      `json:"generate,omitempty"`
	UUIDVersion int      `json:"uuidVersion,omitempty"`
	Schemes     []string `json:"schemes,omitempty"`
}

// RulesOf returns the rules of a schema in the form of the protocol.
func RulesOf(r schema.Rules) Rules { return Rules(r) }
