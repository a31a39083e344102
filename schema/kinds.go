package schema

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

// known reports whether k is a kind.
func (k Kind) known() bool {
	return k.isKey() || k.isSized() || k == KindObject || k == KindJSON || k == KindSecret
}

// kindHint returns the type of this language for one of another, "" when none is known.
func kindHint(name string) string {
	return map[string]string{
		"int": "integer", "int32": "integer", "int64": "integer", "long": "integer", "bigint": "integer",
		"float": "number", "float64": "number", "double": "number", "real": "number",
		"bool": "boolean", "str": "string", "varchar": "string", "char": "string",
		"timestamp": "datetime", "time": "datetime", "instant": "datetime",
		"money": "decimal", "currency": "decimal", "numeric": "decimal",
		"guid": "uuid", "uri": "url", "link": "url", "ipv4": "ip4", "ipv6": "ip6",
		"binary": "bytes", "blob": "bytes", "buffer": "bytes",
		"record": "map", "dict": "map", "hash": "map", "list": "array", "slice": "array", "tuple": "array",
		"struct": "object", "any": "json", "mixed": "json", "encrypted": "secret",
	}[name]
}

// family groups kinds whose values have the same text in storage, so that one
// may become the other without a change of stored documents.
func (k Kind) family() Kind {
	switch {
	case k.isText() && k != KindPassword:
		return KindString
	case k == KindIP4, k == KindIP6:
		return KindIP
	}
	return k
}

// isPlain reports whether values are texts of no particular form.
func (k Kind) isPlain() bool { return k == KindString || k == KindText }

// isText reports whether values are strings with the rules of strings.
func (k Kind) isText() bool {
	return k.isPlain() || k == KindEmail || k == KindURL || k == KindPassword
}

// isNumber reports whether values are numbers.
func (k Kind) isNumber() bool { return k == KindNumber || k == KindInteger || k == KindDecimal }

// isQuantity reports whether values can be positive or negative.
func (k Kind) isQuantity() bool { return k.isNumber() || k == KindDuration }

// isTime reports whether values are days or instants.
func (k Kind) isTime() bool { return k == KindDate || k == KindDateTime }

// isSized reports whether values have a number of characters, items or bytes.
func (k Kind) isSized() bool {
	return k.isText() || k == KindBytes || k == KindArray || k == KindMap
}

// isOrdered reports whether values can have a least and a most.
func (k Kind) isOrdered() bool { return k.isSized() || k.isTime() || k.isQuantity() }

// isKey reports whether values can be part of a key of a partition or of a
// unique constraint.
func (k Kind) isKey() bool {
	return k.isText() && k != KindPassword || k.isTime() || k.isQuantity() ||
		k.family() == KindIP || k == KindUUID || k == KindEnum || k == KindBoolean
}
