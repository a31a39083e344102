package s3dbjs

import "fmt"

// ProblemKind says what is wrong with a value or an object.
type ProblemKind string

// The kinds of problems. Values of the first five are not in the record, those of
// the others are.
const (
	Undecodable ProblemKind = "undecodable" // the stored text is none of its type
	Encrypted   ProblemKind = "encrypted"   // no passphrase, or not the right one
	Undeclared  ProblemKind = "undeclared"  // the definition does not name it
	BadVersion  ProblemKind = "bad-version" // the document names a version that is not in the definition; the current one is taken
	BadObject   ProblemKind = "bad-object"  // an object that is no document, or cannot be read

	Ambiguous   ProblemKind = "ambiguous"   // the stored bytes have two readings; the likelier one is taken
	Truncated   ProblemKind = "truncated"   // s3db.js cut or dropped values to make the document fit
	Unencrypted ProblemKind = "unencrypted" // s3db.js stored a secret in clear
)

// Problem is something that could not be decoded, or not without doubt. It holds
// no value of a document.
type Problem struct {
	Kind     ProblemKind `json:"kind"`
	Resource string      `json:"resource,omitempty"`
	ID       string      `json:"id,omitempty"`
	Field    string      `json:"field,omitempty"` // attribute, header or key
	Detail   string      `json:"detail"`
}

// Lost reports whether something that is stored is not in the record.
func (p Problem) Lost() bool {
	switch p.Kind {
	case Ambiguous, Truncated, Unencrypted, BadVersion:
		return false
	}
	return true
}

// String returns "undecodable users/ada: score: not a number in base 62".
func (p Problem) String() string {
	place := p.Resource
	if p.ID != "" {
		place += "/" + p.ID
	}
	if p.Field != "" {
		if place != "" {
			place += ": "
		}
		place += p.Field
	}
	return fmt.Sprintf("%s %s: %s", p.Kind, place, p.Detail)
}
