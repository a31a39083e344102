package schema

// Typical returns what is typical for a type, where the rules leave it open:
// characters of a string, bytes, items, and the value of an integer.
func Typical(t *Type) (size int, integer int64) {
	switch t.Kind {
	case KindInteger:
		return 0, typicalInteger(&t.Rules)
	case KindBytes:
		size, _ = ruler{typical: true}.count(nil, t, typicalBytes)
	case KindArray, KindMap:
		size, _ = ruler{typical: true}.count(nil, t, typicalItems)
	default:
		size = ruler{typical: true}.string(nil, t, false).text
	}
	return size, 0
}

// Sizes of typical keys and JSON.
const (
	TypicalKey  = typicalKey
	TypicalJSON = typicalJSON
)
