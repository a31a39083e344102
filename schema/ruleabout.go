package schema

// ruleAbout says in one line what a rule means, for editors; docs/schema.md says more.
func ruleAbout(name string) string {
	return map[string]string{
		"optional":    "The attribute may be absent: a pointer in Go, nil when it is.",
		"required":    "The attribute is never absent; the default, may be written for clarity.",
		"unique":      "No two documents have the same value. Of an array: its items differ.",
		"immutable":   "Set by insert, changed by no update.",
		"default":     "What insert stores when the attribute is left out.",
		"was":         "The former name of the attribute: documents keep their values.",
		"migrate":     "Documents of older versions get their value from a function of the program.",
		"go":          "Name of the Go field; derived from the name of the attribute when left out.",
		"goType":      "Type of the values in Go, as in github.com/acme/money.Amount; they are stored as before.",
		"description": "Comment of the Go field.",
		"deprecated":  "What to use instead. Marks the Go field as deprecated.",
		"min":         "Least number of characters, bytes, items or entries; least value; earliest time.",
		"max":         "Most characters, bytes, items or entries; greatest value; latest time.",
		"length":      "Exact number of characters, bytes, items or entries.",
		"empty":       "false is min: 1.",
		"integer":     "Makes a number an integer.",
		"positive":    "Above zero.",
		"negative":    "Below zero.",
		"equal":       "Exactly this value.",
		"notEqual":    "Any value but this one.",
		"pattern":     "Regular expression of Go (RE2) that matches somewhere; ^ and $ for the whole text. In a rule string one with | stands between slashes.",
		"contains":    "A text that the value holds.",
		"startsWith":  "A text that the value begins with.",
		"endsWith":    "A text that the value ends with.",
		"enum":        "The allowed texts; of an enum the same as values.",
		"alpha":       "Letters a-z and A-Z only.",
		"numeric":     "Digits only.",
		"alphanum":    "Letters a-z, A-Z and digits only.",
		"alphadash":   "Letters a-z, A-Z, digits, - and _ only.",
		"hex":         "Hexadecimal digits only.",
		"base64":      "Base64 only.",
		"singleLine":  "No line break.",
		"trim":        "Removes blanks at both ends before the value is checked.",
		"lowercase":   "Turns the value to lower case before it is checked.",
		"uppercase":   "Turns the value to upper case before it is checked.",
		"normalize":   "trim and lowercase.",
		"example":     "A value for fixtures, which obeys the other rules.",
		"values":      "The values of an enum: names, or mappings with the key name.",
		"version":     "Version of the UUID, 1 to 8.",
		"schemes":     "Schemes that the URL may have, as in https,http.",
		"items":       "Type of the items of an array, of the values of a map, or of what a secret holds.",
		"fields":      "Attributes of the object; left out, it may have any shape.",
		"properties":  "The same as fields.",
		"generate":    "Insert makes the value when it is given none: true, or the number of characters, 8 to 1024.",
	}[name]
}

// isFlag reports whether a rule is on or off.
func isFlag(name string) bool {
	switch name {
	case "optional", "required", "unique", "immutable", "migrate", "empty", "integer", "positive", "negative",
		"alpha", "numeric", "alphanum", "alphadash", "hex", "base64", "singleLine", "trim", "lowercase", "uppercase", "normalize":
		return true
	}
	return false
}
