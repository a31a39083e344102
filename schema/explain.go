package schema

import (
	"slices"
	"strings"
)

// Explanation tells what a code means, for the command that explains codes.
type Explanation struct {
	Code     Code
	Severity Severity
	Title    string // a few words
	Text     string // why it matters and what to do; full sentences
	Wrong    string // a schema, or a configuration of replication, that raises the code; "" when the lock file alone does
	Lock     string // the lock file that Wrong is read with; "" for none
	Right    string // Wrong put right; "" when the lock file or a name in Go is what must change
}

// Codes returns all codes, in order.
func Codes() []Code {
	all := explanations()
	codes := make([]Code, len(all))
	for i, e := range all {
		codes[i] = e.Code
	}
	return codes
}

// Explain returns the explanation of a code, and whether there is such a code.
func Explain(code Code) (Explanation, bool) {
	all := explanations()
	i := slices.IndexFunc(all, func(e Explanation) bool { return e.Code == code })
	if i < 0 {
		return Explanation{}, false
	}
	all[i].Severity = code.severity()
	return all[i], true
}

// attributesOf makes an example schema from the attributes of one resource.
func attributesOf(lines string) string {
	return "package: shop\nresources:\n  users:\n    attributes:\n" + lines
}

// explanations is the registry of all codes.
func explanations() []Explanation {
	return slices.Concat(explainFile(), explainNames(), explainRules(), explainIndexes(), explainRelations(), explainTTL(), explainLock(), explainGo(), explainBudget(), explainReplication())
}

func explainFile() []Explanation {
	right := attributesOf("      name: string\n")
	return []Explanation{
		{
			Code: CodeSyntax, Title: "not valid YAML",
			Text:  "The file cannot be read as YAML. The place is the first character that cannot follow what stands before it; the reason may lie just before, such as a missing quote or a wrong indentation.",
			Wrong: attributesOf("      name: \"string\n"), Right: right,
		},
		{
			Code: CodeEncoding, Title: "character that no schema may hold",
			Text:  "A schema is UTF-8 text without control characters and without line breaks that only some programs know, so that every program counts the same lines.",
			Wrong: attributesOf("      name: string\u2028\n"), Right: right,
		},
		{
			Code: CodeEmpty, Title: "empty file",
			Text:  "The file has no content, or only comments.",
			Wrong: "# nothing yet\n", Right: right,
		},
		{
			Code: CodeDocuments, Title: "several YAML documents",
			Text:  "A schema is one YAML document; what follows a second --- would be ignored.",
			Wrong: right + "---\npackage: other\n", Right: right,
		},
		{
			Code: CodeMergeConflict, Title: "unfinished merge",
			Text:  "The file has the marks that git leaves where it could not merge. Decide which lines to keep; of a lock file keep one side whole and generate again.",
			Wrong: attributesOf("<<<<<<< HEAD\n      name: string\n=======\n      nick: string\n>>>>>>> main\n"), Right: right,
		},
		{
			Code: CodeTooLarge, Title: "too large or too deep",
			Text:  "The file is above a limit that no real schema reaches: 4 MiB, 200,000 values once aliases are followed, 100 levels of nesting, or an alias that contains itself.",
			Wrong: "package: shop\nresources: &all\n  users: *all\n", Right: right,
		},
		{
			Code: CodeTab, Title: "tab in the indentation",
			Text:  "YAML is indented with spaces only.",
			Wrong: "package: shop\nresources:\n\tusers: {attributes: {name: string}}\n", Right: right,
		},
		{
			Code: CodeDuplicateKey, Title: "key defined twice",
			Text:  "A mapping has the same key twice, so that one of the two would be lost.",
			Wrong: attributesOf("      name: string\n      name: text\n"), Right: right,
		},
		{
			Code: CodeWrongNode, Title: "wrong form of value",
			Text:  "A list, a mapping, a text or a number stands where another form is needed.",
			Wrong: attributesOf("      name: [string]\n"), Right: right,
		},
		{
			Code: CodeUnknownKey, Title: "unknown option",
			Text:  "The key means nothing here. It may be misspelled or belong elsewhere.",
			Wrong: right + "    timestamp: true\n", Right: right + "    timestamps: true\n",
		},
		{
			Code: CodeMissingKey, Title: "missing option",
			Text:  "A schema needs package and resources, a resource attributes, a partition fields.",
			Wrong: "resources:\n  users:\n    attributes: {name: string}\n", Right: right,
		},
		{
			Code: CodeMergeKey, Title: "wrong merge key",
			Text:  "The merge key << takes a mapping, or a list of mappings, usually by an alias.",
			Wrong: attributesOf("      <<: string\n      name: string\n"), Right: "x-common: &common {note: text}\n" + attributesOf("      <<: *common\n      name: string\n"),
		},
		{
			Code: CodeEmptySection, Title: "nothing inside",
			Text:  "A part that must hold something is empty: resources, attributes, an object, partitions.",
			Wrong: "package: shop\nresources: {}\n", Right: right,
		},
		{
			Code: CodeOptionValue, Title: "unknown or bad value of an option",
			Text:  "The option takes one of a few words, or a number within limits.",
			Wrong: right + "    behavior: body-overflown\n", Right: right + "    behavior: body-overflow\n",
		},
		{
			Code: CodeConflictingKeys, Title: "options that exclude each other",
			Text:  "Two options say the same, or one has no meaning with the other.",
			Wrong: right + "    id: {generator: uuidv7, size: 8}\n", Right: right + "    id: uuidv7\n",
		},
	}
}

func explainNames() []Explanation {
	right := attributesOf("      name: string\n")
	return []Explanation{
		{
			Code: CodePackageName, Title: "bad package name",
			Text:  "The generated code is a Go package of its own, so the name must be one that Go accepts and that the go command builds.",
			Wrong: "package: my-shop\nresources: {users: {attributes: {name: string}}}\n", Right: right,
		},
		{
			Code: CodeOutput, Title: "bad output directory",
			Text:  "The directory is relative to the schema file and written with slashes.",
			Wrong: "output: /home/me/shop\n" + right, Right: "output: internal/shop\n" + right,
		},
		{
			Code: CodeResourceName, Title: "bad resource name",
			Text:  "The name of a resource is part of every key and gives names in Go: letters a-z and A-Z, digits, - and _, beginning with a lower-case letter, at most 64 characters.",
			Wrong: "package: shop\nresources: {Order Items: {attributes: {name: string}}}\n", Right: "package: shop\nresources: {orderItems: {attributes: {name: string}}}\n",
		},
		{
			Code: CodeAttributeName, Title: "bad attribute name",
			Text:  "The name of an attribute begins with a letter of any script; letters, digits, _ and - follow; at most 64 characters. A name that begins with _ is kept for fields of the system.",
			Wrong: attributesOf("      first name: string\n"), Right: attributesOf("      firstName: string\n"),
		},
		{
			Code: CodeReservedName, Title: "reserved attribute name",
			Text:  "Every document has an id and the field Meta; with timestamps it has createdAt and updatedAt. The schema does not list them.",
			Wrong: attributesOf("      id: string\n      name: string\n"), Right: right,
		},
		{
			Code: CodeIndexName, Title: "bad name of a partition or unique constraint",
			Text:  "The name is part of keys and gives a name in Go: letters a-z and A-Z, digits, - and _, beginning with a letter, at most 64 characters.",
			Wrong: right + "    partitions: {by name: name}\n", Right: right + "    partitions: {byName: name}\n",
		},
		{
			Code: CodeGoName, Title: "bad name for Go",
			Text:  "The option go gives the exported name that the generated code uses. That of an enum value is the end of the name of a constant.",
			Wrong: attributesOf("      ean: {type: string, go: ean-code}\n"), Right: attributesOf("      ean: {type: string, go: EANCode}\n"),
		},
	}
}

func explainRules() []Explanation {
	return []Explanation{
		{
			Code: CodeUnknownType, Title: "unknown type",
			Text:  "An attribute begins with its type; see docs/schema.md for all.",
			Wrong: attributesOf("      age: int\n"), Right: attributesOf("      age: integer\n"),
		},
		{
			Code: CodeMissingType, Title: "missing type",
			Text:  "An attribute needs at least a type.",
			Wrong: attributesOf("      name:\n"), Right: attributesOf("      name: string\n"),
		},
		{
			Code: CodeUnknownRule, Title: "unknown rule",
			Text:  "The rule does not exist, or is spelled otherwise. In a mapping with the key type all other keys are rules; an object with an attribute named type is written {type: object, fields: {type: …}}.",
			Wrong: attributesOf("      name: string|minLength:2\n"), Right: attributesOf("      name: string|min:2\n"),
		},
		{
			Code: CodeRuleArgument, Title: "bad argument of a rule",
			Text:  "The rule needs an argument, or one of another form, or takes none.",
			Wrong: attributesOf("      name: string|min:two\n"), Right: attributesOf("      name: string|min:2\n"),
		},
		{
			Code: CodeRuleKind, Title: "rule of other types",
			Text:  "The rule has no meaning for values of this type. Rules of the items of an array are written with the items.",
			Wrong: attributesOf("      active: boolean|min:2\n"), Right: attributesOf("      active: boolean\n"),
		},
		{
			Code: CodeDuplicateRule, Title: "rule given twice",
			Text:  "Each rule can be given once.",
			Wrong: attributesOf("      name: string|min:2|min:3\n"), Right: attributesOf("      name: string|min:3\n"),
		},
		{
			Code: CodeContradiction, Title: "rules that contradict each other",
			Text:  "No value could keep both rules.",
			Wrong: attributesOf("      name: string|min:5|max:2\n"), Right: attributesOf("      name: string|min:2|max:5\n"),
		},
		{
			Code: CodePattern, Title: "pattern that does not compile",
			Text:  "Patterns are those of Go's package regexp (RE2): no look-around, no backreferences. In a rule string a pattern with | stands between slashes.",
			Wrong: attributesOf("      code: string|pattern:^(a|b)$\n"), Right: attributesOf("      code: string|pattern:/^(a|b)$/\n"),
		},
		{
			Code: CodeDefault, Title: "bad default",
			Text:  "A default is a value of the attribute's type that keeps its rules.",
			Wrong: attributesOf("      age: integer|min:18|default:17\n"), Right: attributesOf("      age: integer|min:18|default:18\n"),
		},
		{
			Code: CodeEnumValues, Title: "bad values of an enum",
			Text:  "An enum needs at least one value; values differ, are not empty, have no blanks at the ends and at most 128 bytes.",
			Wrong: attributesOf("      size: enum:small,large,small\n"), Right: attributesOf("      size: enum:small,large\n"),
		},
		{
			Code: CodePlace, Title: "rule in a place where it cannot work",
			Text:  "Items are never optional, and only attributes of the resource itself can have a default, be immutable or be generated, since patches replace nested objects whole.",
			Wrong: attributesOf("      profile:\n        theme: string|default:light\n"), Right: attributesOf("      profile:\n        theme: string|optional\n"),
		},
		{
			Code: CodeSecretPlace, Title: "secret in a place where it cannot be kept",
			Text:  "Each secret is bound to its place in the document, which the items of arrays and maps do not have; encrypt the whole array instead. A password is an attribute of the resource itself.",
			Wrong: attributesOf("      cards: array|items:secret\n"), Right: attributesOf("      cards: {type: secret, items: {type: array, items: string}}\n"),
		},
		{
			Code: CodeItems, Title: "items are not declared",
			Text:  "An array or a map must say what it holds.",
			Wrong: attributesOf("      tags: array\n"), Right: attributesOf("      tags: array|items:string\n"),
		},
		{
			Code: CodeGoType, Title: "bad name of a type in Go",
			Text:  "The rule goType gives the type that values have in Go: the path of its package as in an import declaration, a dot, and the exported name of the type. What follows the last dot is the name.",
			Wrong: attributesOf("      total: {type: decimal, goType: money}\n"), Right: attributesOf("      total: {type: decimal, goType: example.com/shop/money.Amount}\n"),
		},
	}
}

func explainIndexes() []Explanation {
	base := attributesOf("      country: string\n      tags: array|items:string\n      pin: secret\n      seen: datetime\n")
	return []Explanation{
		{
			Code: CodeIndexField, Title: "no such attribute",
			Text:  "A partition or unique constraint names an attribute that the resource does not have. Attributes of nested objects are named by their path.",
			Wrong: base + "    partitions: {byCountry: {fields: {contry: string}}}\n", Right: base + "    partitions: {byCountry: {fields: {country: string}}}\n",
		},
		{
			Code: CodeIndexKind, Title: "values that cannot be looked up",
			Text:  "Keys are made of single values: not of arrays, maps, objects, JSON or bytes.",
			Wrong: base + "    partitions: {byTag: tags}\n", Right: base + "    partitions: {byCountry: country}\n",
		},
		{
			Code: CodeIndexSecret, Title: "secret in a key",
			Text:  "Keys are readable to whoever may list the bucket, so a secret or password cannot be part of one. A secret that holds a single value may be unique: keys hold an HMAC of it, so hashed: false is refused.",
			Wrong: base + "    partitions: {byPin: pin}\n", Right: base + "    unique: {pin: pin}\n",
		},
		{
			Code: CodeIndexRule, Title: "bad rule of a partition's field",
			Text:  "A field of a partition is given with the type of its attribute, then date (the day of an instant), maxlength:n (the first characters) or desc (descending order). Unique constraints compare whole values.",
			Wrong: base + "    partitions: {bySeen: {fields: {seen: datetime|descending}}}\n", Right: base + "    partitions: {bySeen: {fields: {seen: datetime|desc}}}\n",
		},
		{
			Code: CodeIndexDuplicate, Title: "partition, constraint or field given twice",
			Text:  "Names of partitions and of unique constraints differ, also from those that options add (byCreatedDate, byUpdatedDate, byVersion; a unique constraint for each rule unique), and so do the fields of one.",
			Wrong: base + "    partitions: {byCountry: [country, country]}\n", Right: base + "    partitions: {byCountry: [country]}\n",
		},
		{
			Code: CodeIndexSame, Title: "two partitions or constraints with the same fields",
			Text:  "The second finds what the first finds, and costs a request more for each insert.",
			Wrong: base + "    partitions: {byCountry: country, countries: country}\n", Right: base + "    partitions: {byCountry: country}\n",
		},
		{
			Code: CodeIndexSize, Title: "no fields, or more than a key can hold",
			Text:  "A partition or unique constraint has one to eight fields. Keys have at most 1,024 bytes, of which the names of the resource, the partition and its fields may take 256.",
			Wrong: base + "    partitions: {byCountry: {fields: {}}}\n", Right: base + "    partitions: {byCountry: {fields: {country: string}}}\n",
		},
		{
			Code: CodeIndexSystem, Title: "field of the system that cannot be used",
			Text:  "Partitions may use createdAt and updatedAt with timestamps: true, and _v with versioning: true. Every document is found by its id anyway.",
			Wrong: base + "    partitions: {byDay: {fields: {createdAt: date}}}\n", Right: base + "    timestamps: true\n    partitions: {byCountryAndDay: {fields: {country: string, createdAt: date}}}\n",
		},
	}
}

// lockOf makes an example lock file from the entries of one resource.
func lockOf(lines string) string {
	return "format: 1\nresources:\n  users:\n    versions:\n      0: \"" +
		"0000000000000000000000000000000000000000000000000000000000000000\"\n" + lines
}

func explainLock() []Explanation {
	name := lockOf("    fields:\n      name: {number: 1, type: string}\n")
	enum := lockOf("    fields:\n      size: {number: 1, type: enum}\n    values:\n      size=large: {number: 2}\n      size=small: {number: 1}\n")
	return []Explanation{
		{
			Code: CodeLockCorrupt, Title: "lock file that no generator wrote",
			Text: "The lock file was edited or damaged. Restore it from version control.",
			Lock: lockOf("    fields:\n      name: {type: string}\n"),
		},
		{
			Code: CodeLockFormat, Title: "lock file of a newer release",
			Text: "A newer s3dbgen wrote the lock file. Install that release.",
			Lock: "format: 2\n",
		},
		{
			Code: CodeLockNumber, Title: "number given twice",
			Text: "Two attributes have one number, usually after a merge of two branches that each added one. Take the lock file of one side whole and generate again; documents written by programs of the other side are then unreadable, so choose the side that is in use.",
			Lock: lockOf("    fields:\n      name: {number: 1, type: string}\n      nick: {number: 1, type: string}\n"),
		},
		{
			Code: CodeLockVersion, Title: "two versions with one hash",
			Text: "The history of versions was damaged by a merge. Take the lock file of one side whole and generate again.",
			Lock: lockOf("      1: \"0000000000000000000000000000000000000000000000000000000000000000\"\n"),
		},
		{
			Code: CodeTypeChange, Title: "type of a stored attribute changed",
			Text:  "Stored documents hold values of the former type under the attribute's number. Say migrate and write the function that makes the new values, or give the new attribute another name. An integer becomes a number or a decimal by itself; string, text, email and url may become each other, and so may ip, ip4 and ip6.",
			Wrong: attributesOf("      name: integer\n"), Lock: name, Right: attributesOf("      name: text\n"),
		},
		{
			Code: CodeEnumRemoved, Title: "value of a stored enum removed",
			Text:  "Stored documents may hold the value, and could not be read without it. Keep it and mark it deprecated; if no document holds it, say so with removed: true.",
			Wrong: attributesOf("      size: enum:small\n"), Lock: enum, Right: attributesOf("      size: {type: enum, values: [small, {name: large, removed: true}]}\n"),
		},
		{
			Code: CodeWas, Title: "was names nothing",
			Text:  "The option was gives the former name of an attribute or enum value, which the lock file must know and the schema must no longer have.",
			Wrong: attributesOf("      fullName: string|was:nam\n"), Lock: name, Right: attributesOf("      fullName: string|was:name\n"),
		},
		{
			Code: CodePossibleRename, Title: "renamed without saying so?",
			Text:  "An attribute went and another of the same type came. If it is the same under a new name, say was: old name, so that stored values are kept.",
			Wrong: attributesOf("      fullName: string\n"), Lock: name, Right: attributesOf("      fullName: string|was:name\n"),
		},
		{
			Code: CodeNewRequired, Title: "required attribute that stored documents lack",
			Text:  "Documents stored before do not have the attribute and cannot be read as long as it is required. Make it optional, give it a default, or say migrate and write the function that makes its value.",
			Wrong: attributesOf("      name: string\n      age: integer\n"), Lock: name, Right: attributesOf("      name: string\n      age: integer|default:0\n"),
		},
		{
			Code: CodeLockHistory, Title: "a migration from a version that the lock file does not know",
			Text:  "The types of a migration are made from the shape of the version before, which an early release of s3dbgen did not record. Generate once from the schema of that version.",
			Wrong: attributesOf("      name: integer|migrate\n"), Lock: name,
		},
	}
}

func explainGo() []Explanation {
	plugin := func(command string) string {
		return "package: shop\nplugins:\n  - {name: towns, cmd: " + command + "}\nresources:\n  users:\n    attributes: {name: string}\n"
	}
	return []Explanation{
		{
			Code: CodeGoNameTaken, Title: "two things with one name in Go",
			Text:  "Two names of the schema give the same name in Go. Name one of them with the option go.",
			Wrong: attributesOf("      user_name: string\n      userName: string\n"), Right: attributesOf("      user_name: string\n      userName: string|go:Login\n"),
		},
		{
			Code: CodeFixture, Title: "no value for fixtures",
			Text:  "With fixtures: true, the generator makes a value for each attribute that obeys all its rules. It found none here: rules may contradict each other in a way that it cannot see, or a pattern may leave too little room for the others. Give a value yourself with the rule example, or simplify the rules.",
			Wrong: "fixtures: true\n" + attributesOf("      code: {type: string, pattern: '^[a-c]$', startsWith: x}\n"),
			Right: "fixtures: true\n" + attributesOf("      code: {type: string, pattern: '^x[a-c]$', startsWith: x}\n"),
		},
		{
			Code: CodePlugin, Title: "a generator plugin failed or found something wrong",
			Text: "A plugin that the schema names under plugins did not run, did not answer in time, answered something other than the protocol says, or reports a problem of the schema. Run its command by hand with a request on standard input to see more; docs/generator-plugins.md describes both. " +
				"In the example, a program that repeats the request has not answered it; {} is the smallest answer.",
			Wrong: plugin("[cat]"), Right: plugin("[echo, '{}']"),
		},
		{
			Code: CodePluginFile, Title: "a file of a generator plugin cannot be written",
			Text:  "Files of plugins lie below the directory of the generated package, each under a name of its own: a relative path with slashes, without dot segments. Change the plugin, or its options.",
			Wrong: plugin(`[echo, '{"files": [{"name": "../towns.txt"}]}']`), Right: plugin(`[echo, '{"files": [{"name": "docs/towns.txt"}]}']`),
		},
		{
			Code: CodeGoTypePackage, Title: "a package of a type cannot be imported",
			Text:  "The package that goType names is looked for as the go command does for the generated package: in its module, in what go.mod requires, in vendor. It must be there, compile, and be no command and no internal package of others. Add it with go get, or put it right; go build says the same.",
			Wrong: attributesOf("      total: {type: decimal, goType: example.com/shop/monee.Amount}\n"), Right: attributesOf("      total: {type: decimal, goType: example.com/shop/money.Amount}\n"),
		},
		{
			Code: CodeGoTypeName, Title: "no such type in a package",
			Text:  "The name after the dot must be that of a type that the package declares: not of a function or variable, not of a generic type without its arguments, not of an interface, and not of one that holds a lock, for values are copied.",
			Wrong: attributesOf("      total: {type: decimal, goType: example.com/shop/money.Amuont}\n"), Right: attributesOf("      total: {type: decimal, goType: example.com/shop/money.Amount}\n"),
		},
		{
			Code: CodeGoTypeForm, Title: "a type whose values cannot be stored as this kind",
			Text: "Values of the type must become values of the kind, and back, without loss. Either both have the same underlying type, as type Cents int64 and an integer; or the type has the methods of encoding.TextMarshaler and encoding.TextUnmarshaler, for texts and for kinds that have a text: decimal, integer, uuid, ip, date, datetime and enum; " +
				"or those of encoding.BinaryMarshaler and encoding.BinaryUnmarshaler, for bytes; or those of json.Marshaler and json.Unmarshaler, for json.",
			Wrong: attributesOf("      paid: {type: boolean, goType: example.com/shop/money.Amount}\n"), Right: attributesOf("      paid: {type: decimal, goType: example.com/shop/money.Amount}\n"),
		},
		{
			Code: CodeGoTypeCycle, Title: "a type whose package imports the generated one",
			Text:  "The generated package imports the one of the type, and Go allows no circle. Move the type to a package that does not import the generated one, neither itself nor through others, nor is it.",
			Wrong: attributesOf("      total: {type: decimal, goType: example.com/shop/orders.Amount}\n"), Right: attributesOf("      total: {type: decimal, goType: example.com/shop/money.Amount}\n"),
		},
	}
}

func explainBudget() []Explanation {
	resource := func(rule, options string) string {
		return attributesOf("      text: "+rule+"\n") + options
	}
	return []Explanation{
		{
			Code: CodeBudgetRefused, Title: "documents may be refused",
			Text: "The attributes of a document are headers of its object, and together they have 2,047 bytes. The behavior refuses a document that needs more, so a rule that allows longer values than fit promises what the first long value breaks, in production. " +
				"The warning counts the largest document that the rules allow, with five bytes for each character of a text, since that is what the rarest ones take; letters of ASCII take one. " +
				"Give the attribute a max, choose body-overflow, which stores what does not fit in the body at the same number of requests, or say with allow that refusing is what you want.",
			Wrong: resource("text", "    behavior: enforce-limits\n"), Right: resource("text|max:300", "    behavior: enforce-limits\n"),
		},
		{
			Code: CodeBudgetCut, Title: "texts may be cut",
			Text: "The attributes of a document are headers of its object, and together they have 2,047 bytes. Under truncate-data the longest texts of a document that needs more are cut, and what is cut off is lost. " +
				"Give the attribute a max that always fits, choose body-overflow, which loses nothing, or say with allow that cutting is what you want.",
			Wrong: resource("text", "    behavior: truncate-data\n"), Right: resource("text", "    behavior: truncate-data\n    allow: [S3D0602]\n"),
		},
	}
}

func explainReplication() []Explanation {
	replicators := func(lines ...string) string {
		return "database: s3://bucket/shop\nreplicators:\n  - " + strings.Join(lines, "\n  - ") + "\n"
	}
	webhook := func(config string) string {
		return "{driver: webhook, resources: [users], config: {" + config + "}}"
	}
	const settings = "url: https://example.com/hook, secret: '${WEBHOOK_SECRET}'"
	backup := "{driver: s3db, resources: [users], config: {connectionString: 's3://backup/shop'}}"
	right := replicators(webhook(settings))
	return []Explanation{
		{
			Code: CodeUnknownDriver, Title: "unknown driver",
			Text:  "A replicator names the kind of its target: s3db, webhook, sqs, postgres or bigquery, or what the program has linked beside these.",
			Wrong: replicators(strings.Replace(webhook(settings), "webhook", "webhok", 1)), Right: right,
		},
		{
			Code: CodeDriverNotLinked, Title: "driver that is not linked",
			Text:  "The program does not contain the driver. Those of sqs, postgres and bigquery need libraries that s3dbgen itself does not link. The command s3dbgen-replicate has them all; a program of your own imports the package link of each driver it wants.",
			Wrong: replicators("{driver: sqs, resources: [users], config: {defaultQueueUrl: 'https://sqs.us-east-1.amazonaws.com/123456789012/users'}}"), Right: right,
		},
		{
			Code: CodeEnvironment, Title: "variable of the environment",
			Text:  "A value takes a variable of the environment, written ${NAME}, which is not set or is empty, or the name is none. Set it before the command is started. For the characters themselves write $${.",
			Wrong: replicators(webhook("url: https://example.com/hook, secret: '${WEBHOOK SECRET}'")), Right: right,
		},
		{
			Code: CodeTargetSettings, Title: "settings that a target cannot have",
			Text:  "The driver refuses what stands under config, for the reason that it gives: a name that the service does not allow, settings that exclude one another, a key that cannot be read.",
			Wrong: replicators(webhook("url: ftp://example.com/hook, secret: '${WEBHOOK_SECRET}'")), Right: right,
		},
		{
			Code: CodeRoute, Title: "wrong route",
			Text:  "A route says which changes of a resource go to which table, queue or URL: {actions: [insert, update, delete], table: users}. Without actions it takes all; a name alone takes inserts only.",
			Wrong: replicators("{driver: s3db, resources: {users: {actions: [inserted]}}, config: {connectionString: 's3://backup/shop'}}"), Right: replicators("{driver: s3db, resources: {users: {actions: [insert]}}, config: {connectionString: 's3://backup/shop'}}"),
		},
		{
			Code: CodeReplicatorName, Title: "two replicators of one name",
			Text:  "What the database keeps of a target, such as the position that it has reached, is kept under its name, so names must differ and stay. Without a name it is that of the driver, so two targets of a driver need names.",
			Wrong: replicators(backup, strings.Replace(backup, "backup", "archive", 1)), Right: replicators(backup, strings.Replace(backup, "{", "{name: archive, ", 1)),
		},
	}
}
