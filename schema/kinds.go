package schema

import "slices"

// kindNames returns the names of all kinds, in the order of the documentation.
func kindNames() []string {
	kinds := []Kind{
		KindString, KindText, KindEmail, KindURL, KindUUID, KindIP, KindIP4, KindIP6, KindEnum,
		KindNumber, KindInteger, KindDecimal, KindBoolean,
		KindDate, KindDateTime, KindDuration, KindBytes,
		KindObject, KindArray, KindMap, KindJSON, KindSecret, KindPassword,
	}
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	return names
}

// kindHints maps types of other systems to what to write here.
var kindHints = map[string]string{
	"int": "integer", "int32": "integer", "int64": "integer", "long": "integer", "bigint": "integer",
	"float": "number", "float64": "number", "double": "number", "real": "number",
	"bool": "boolean", "str": "string", "varchar": "string", "char": "string",
	"timestamp": "datetime", "time": "datetime", "instant": "datetime",
	"money": "decimal", "currency": "decimal", "numeric": "decimal",
	"guid": "uuid", "uri": "url", "link": "url", "ipv4": "ip4", "ipv6": "ip6",
	"binary": "bytes", "blob": "bytes", "buffer": "bytes",
	"record": "map", "dict": "map", "hash": "map", "list": "array", "slice": "array", "tuple": "array",
	"struct": "object", "any": "json", "mixed": "json", "encrypted": "secret",
}

// family groups kinds whose values have the same text in storage, so that one
// may become the other without a change of stored documents.
func (k Kind) family() string {
	switch k {
	case KindString, KindText, KindEmail, KindURL:
		return "string"
	case KindIP, KindIP4, KindIP6:
		return "ip"
	}
	return string(k)
}

// isText reports whether values are strings with the rules of strings.
func (k Kind) isText() bool { return slices.Contains(textKinds, k) }

var (
	textKinds     = []Kind{KindString, KindText, KindEmail, KindURL, KindPassword}
	plainKinds    = []Kind{KindString, KindText}
	numberKinds   = []Kind{KindNumber, KindInteger, KindDecimal}
	quantityKinds = append([]Kind{KindDuration}, numberKinds...)
	sizedKinds    = append([]Kind{KindBytes, KindArray, KindMap}, textKinds...)
	orderedKinds  = append(append([]Kind{KindDate, KindDateTime}, sizedKinds...), quantityKinds...)
	// keyKinds can be part of a key of a partition or a unique constraint.
	keyKinds = append([]Kind{
		KindString, KindText, KindEmail, KindURL, KindUUID, KindIP, KindIP4, KindIP6, KindEnum,
		KindBoolean, KindDate, KindDateTime,
	}, quantityKinds...)
)
