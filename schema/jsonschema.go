package schema

import (
	"bytes"
	"encoding/json"
	"go/token"
	"slices"
	"strings"
)

// JSONSchemaTitle is the title of the JSON Schema, by which its file is known.
const JSONSchemaTitle = "Schema of s3dbgen"

// JSONSchema returns a JSON Schema (draft-07, which editors read) of schema files. It
// completes and explains every key, and refuses what it can see to be wrong: unknown
// keys, types and rules, rules that do not apply to a type, arguments of a wrong form,
// names that cannot be. What takes more than one place of the file to know, such as a
// partition over an attribute that is not there, is left to Parse. What Parse accepts
// it accepts.
//
// The same release returns the same bytes.
func JSONSchema() []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	// It holds nothing but maps, lists and texts, which can always be encoded.
	_ = encoder.Encode(rootForm())
	return text.Bytes()
}

// form is a JSON Schema, of a value.
type form = map[string]any

// textForm is a scalar that is not null: YAML gives a text without quotes the type that
// it looks like, and the parser takes it as it is written.
func textForm() form { return form{"type": []string{"string", "number", "boolean"}} }

// patternForm is a text of a pattern.
func patternForm(pattern string) form { return form{"type": "string", "pattern": pattern} }

// enumForm is one of some texts.
func enumForm(names []string) form { return form{"enum": names} }

// anyForm is a value of one of some forms.
func anyForm(forms ...form) form { return form{"anyOf": forms} }

// reference is a value of a form that has a name.
func reference(name string) form { return form{"$ref": "#/definitions/" + name} }

// described says what a value is for. What stands beside $ref would be ignored.
func described(f form, about string) form {
	if _, ok := f["$ref"]; ok {
		f = form{"allOf": []form{f}}
	}
	f["description"] = about
	return f
}

// mappingForm is a mapping with the keys of options. "<<" is a merge key, which some
// editors do not follow before they validate.
func mappingForm(options []optionForm, required ...string) form {
	properties := form{"<<": form{}}
	for _, o := range options {
		properties[o.name] = described(o.form, o.about)
	}
	f := form{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		f["required"] = required
	}
	return f
}

// namedForm is a mapping from names to values of a form.
func namedForm(names string, value form) form {
	return form{
		"type": "object", "minProperties": 1,
		"propertyNames":        form{"pattern": "^<<$|" + names},
		"additionalProperties": value,
	}
}

// together refuses two keys in one mapping.
func together(a, b string) form { return form{"not": form{"required": []string{a, b}}} }

// optionForm is what editors know of an option.
type optionForm struct {
	name, about string
	form        form
}

func rootForm() form {
	f := mappingForm(rootForms(), "package", "resources")
	f["$schema"] = "http://json-schema.org/draft-07/schema#"
	f["title"] = JSONSchemaTitle
	f["patternProperties"] = form{"^x-": form{}}
	definitions := valueForms()
	definitions["resource"] = resourceForm()
	definitions["partition"] = indexForm(aPartition)
	definitions["unique"] = indexForm(aConstraint)
	definitions["$$type"] = patternForm(objectString())
	for _, s := range ruleSpecs() {
		definitions[ruleDefinition(s.name)] = described(ruleForm(s.name), ruleAbout(s.name))
	}
	for _, place := range places() {
		definitions[place.name] = place.typeForm()
		definitions[place.name+"String"] = place.stringForm()
		definitions[place.name+"Mapping"] = place.mappingForm()
	}
	f["definitions"] = definitions
	return f
}

func rootForms() []optionForm {
	var keywords []string
	for t := token.BREAK; t <= token.VAR; t++ {
		keywords = append(keywords, t.String())
	}
	packageName := patternForm(packagePattern.String())
	packageName["not"] = anyForm(enumForm(append(keywords, "main", "documentation")), patternForm("_test$"))
	output := patternForm(`^[^\\]*$`)
	output["not"] = patternForm(`^/|^.:|^\s|\s$|^$`)
	store := enumForm(storeNames())
	defaults := mappingForm(settingForms())
	defaults["allOf"] = settingConflicts()
	return []optionForm{
		{"package", "Name of the generated Go package.", packageName},
		{"output", "Directory of the generated package, relative to this file. Left out, it is called like the package.", output},
		{"stores", "Which stores the generated Open can reach; all when left out. Without s3 the program contains no AWS code.",
			anyForm(store, form{"type": "array", "minItems": 1, "uniqueItems": true, "items": store})},
		{"docs", "Files that s3dbgen docs writes, by format, relative to this file.", mappingForm(docsForms())},
		{"fixtures", "Generates functions that make valid inputs, numbered, for tests.", form{"type": "boolean"}},
		{"description", "Comment of the generated package.", textForm()},
		{"plugins", "Programs that add files to the generated ones.", form{"type": "array", "items": pluginForm()}},
		{"defaults", "Options of all resources that do not say otherwise.", defaults},
		{"resources", "From the name of each resource to its description. A resource is a set of documents of one shape, like a table.",
			namedForm(named(resourcePattern), reference("resource"))},
	}
}

// pluginForm is the form of a generator plugin.
func pluginForm() form {
	word := patternForm(`^[^ ]+$`)
	f := mappingForm([]optionForm{
		{"name", "Tells plugins apart in messages.", patternForm(pluginPattern.String())},
		{"cmd", "The program with its arguments; no shell reads them. It runs in the directory of this file.",
			anyForm(word, form{"type": "array", "minItems": 1, "items": textForm()})},
		{"options", "What the plugin gets as its options.", form{"type": "object"}},
		{"timeout", "How long the program may take, as in 30s; a minute when left out.", patternForm(`^([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$`)},
		{"reads", "All files and directories that the program reads, relative to this file: it runs again only when one of them, or the schema, has changed.",
			form{"type": "array", "items": form{"type": []string{"string", "number", "boolean"}, "pattern": `^[^/\\*?\[]([^\\*?\[:][^\\*?\[]*)?$`}}},
	})
	f["required"] = []string{"name", "cmd"}
	return f
}

// docsForms are the files of the option docs.
func docsForms() []optionForm {
	file := form{"type": []string{"string", "number", "boolean"}, "pattern": `^[^\\/][^\\]*$`, "not": patternForm(`(^|/)\.{0,2}$`)}
	var list []optionForm
	for _, format := range DocsFormats() {
		list = append(list, optionForm{string(format), "The file of " + string(format) + ".", file})
	}
	return list
}

// named is a pattern of names with the limit of their length.
func named(pattern interface{ String() string }) string {
	return strings.Replace(pattern.String(), "*$", "{0,"+decimal(maxName-1)+"}$", 1)
}

func settingForms() []optionForm {
	flag := func() form { return form{"type": "boolean"} }
	generator := enumForm(generatorNames())
	return []optionForm{
		{"timestamps", "Adds createdAt and updatedAt, kept by the client, and the partitions byCreatedDate and byUpdatedDate.", flag()},
		{"behavior", "What happens to a document that object metadata cannot hold (2 KB). user-managed: the rest goes to the body, with an event; body-overflow: the same, the event is a warning; enforce-limits: it is refused; truncate-data: its longest texts are cut; body-only: everything is in the body, without limit.",
			enumForm(behaviorNames())},
		{"id", "How ids are made of documents that are inserted without one: a generator, or a mapping.", anyForm(enumForm(generatorNames()), idForm())},
		{"idGenerator", "The same as the generator of id.", generator},
		{"idSize", "The same as the size of id.", numberForm(minIDSize, maxIDSize)},
		{"versioning", "Adds the partition byVersion, which finds documents by the version of the schema that wrote them.", flag()},
		{"versioningEnabled", "The same as versioning.", flag()},
		{"history", "Keeps what documents were before a write by a newer version of the schema.", flag()},
	}
}

// settingConflicts refuses two spellings of one option.
func settingConflicts() []form {
	return []form{
		together("versioning", "versioningEnabled"),
		together("id", "idGenerator"),
		{"not": form{"required": []string{"id", "idSize"}, "properties": form{"id": form{"type": "object", "required": []string{"size"}}}}},
	}
}

func idForm() form {
	f := mappingForm(idForms())
	f["if"] = form{"required": []string{"generator"}, "properties": form{"generator": form{"not": form{"const": string(NanoID)}}}}
	f["then"] = form{"not": form{"required": []string{"size"}}}
	return f
}

func idForms() []optionForm {
	return []optionForm{
		{"generator", "nanoid: random characters; uuidv1, uuidv7, ulid: in the order of time; uuidv4: random; custom: by a function of the program.", enumForm(generatorNames())},
		{"size", "Characters of a nanoid; 22 when left out.", numberForm(minIDSize, maxIDSize)},
		{"charset", "Which ids are accepted. safe: printable ASCII without blanks, quotes, / and \\; any: any UTF-8 text without NUL.", enumForm([]string{"safe", "any"})},
	}
}

// numberForm is a whole number, quoted or not.
func numberForm(least, most int) form {
	return anyForm(form{"type": "integer", "minimum": least, "maximum": most}, patternForm(`^[+-]?[0-9]+$`))
}

func resourceForm() form {
	f := mappingForm(slices.Concat(settingForms(), resourceForms()), "attributes")
	f["allOf"] = settingConflicts()
	return f
}

func resourceForms() []optionForm {
	return []optionForm{
		{"attributes", "From the name of each attribute to its type: a rule string such as string|min:2|optional, a mapping with the key type, or a nested object.",
			namedForm(attributeNames(), reference("attribute"))},
		{"partitions", "Ways to find documents by values, without reading the others. Each costs one more request for an insert.",
			namedForm(named(indexPattern), reference("partition"))},
		{"unique", "Values that no two documents share, of one attribute or of several together.",
			namedForm(named(indexPattern), reference("unique"))},
		{"relations", "Documents of other resources that belong to those of this one, or that those belong to; loaded when asked for, many at a time.",
			namedForm(named(indexPattern), relationForm())},
		{"ttl", "When documents expire: 30d after their creation, or as the mapping says.", anyForm(patternForm(lifetimePattern), ttlForm())},
		{"description", "Comment of the Go type.", textForm()},
		{"deprecated", "What to use instead. Marks the Go names as deprecated.", deprecatedForm()},
		{"allow", "Codes of warnings about the metadata budget that are not told.",
			anyForm(enumForm(allowable()), form{"type": "array", "items": enumForm(allowable())})},
		{"go", "Singular name of the Go type; derived from the name of the resource when left out.", goNameForm()},
	}
}

// attributeNames is the pattern of names that attributes can have.
func attributeNames() string { return `^\p{L}[\p{L}\p{Nd}_-]{0,` + decimal(maxName-1) + `}$` }

func deprecatedForm() form { return form{"type": []string{"string", "number"}, "pattern": `\S`} }

func goNameForm() form { return patternForm(`^\p{Lu}[\p{L}\p{Nd}_]{0,` + decimal(maxName-1) + `}$`) }

// indexForm is a partition or a unique constraint.
func indexForm(what string) form {
	path := textForm()
	paths := form{"type": "array", "minItems": 1, "maxItems": maxIndexFields, "uniqueItems": true, "items": textForm()}
	rule := `(?:` + strings.Join(kindNames(), "|") + `)`
	if what == aPartition {
		rule = `(?:` + rule + `|date|desc|maxlength\s*:\s*\+?0*[1-9][0-9]*)`
	}
	fields := form{
		"type": "object", "minProperties": 1, "maxProperties": maxIndexFields,
		"additionalProperties": patternForm(`^\s*` + rule + `(?:\s*\|\s*` + rule + `)*\s*$`),
	}
	return anyForm(path, paths, mappingForm(indexForms(what, anyForm(path, paths, fields)), "fields"))
}

func indexForms(what string, fields form) []optionForm {
	about := "Attributes, in the order of the key: a name, a list of names, or a mapping from names to rules: the type, date (an instant counts as its day), maxlength:n, desc. A nested one is written profile.country."
	if what == aConstraint {
		about = "Attributes whose values, taken together, no two documents share: a name, a list of names, or a mapping from names to types."
	}
	forms := []optionForm{
		{"fields", about, fields},
		{"description", "Comment of the Go method.", textForm()},
	}
	if what == aConstraint {
		forms = append(forms, optionForm{"hashed", "Keys hold an HMAC of the values in their place.", form{"type": "boolean"}})
	}
	return forms
}

// relationForm is a relation to another resource.
func relationForm() form {
	f := mappingForm([]optionForm{
		{string(BelongsTo), "The resource to one of whose documents each one here belongs.", textForm()},
		{string(HasMany), "The resource whose documents belong to those here.", textForm()},
		{"by", "The attribute that holds the id: here with belongsTo, there with hasMany, where it may be left out if there is one belongsTo.", textForm()},
		{"description", "Comment of the Go method.", textForm()},
	})
	f["anyOf"] = []form{{"required": []string{string(BelongsTo), "by"}}, {"required": []string{string(HasMany)}}}
	f["not"] = form{"required": []string{string(BelongsTo), string(HasMany)}}
	return f
}

// ttlForm says from when on, and how long, documents live.
func ttlForm() form {
	f := mappingForm([]optionForm{
		{"after", "createdAt, updatedAt, or a datetime of the resource itself.", textForm()},
		{"for", "How long documents live from then on, as in 2w, 30d or 1h30m.", patternForm(lifetimePattern)},
	})
	f["minProperties"] = 1
	// A system time is nothing without a length.
	f["not"] = form{"properties": form{"after": enumForm([]string{afterCreated, afterUpdated})}, "not": form{"required": []string{"for"}}, "required": []string{"after"}}
	return f
}

// enumNameForm is the name of a value of an enum.
func enumNameForm() form {
	f := textForm()
	f["pattern"] = `^\S(?:[^\p{Cc}]*\S)?$`
	f["maxLength"] = maxEnumName
	return f
}

func enumValueForms() []optionForm {
	return []optionForm{
		{"name", "The value as documents have it.", enumNameForm()},
		{"go", "End of the Go constant, as Admin in UserRoleAdmin.", patternForm(`^[\p{L}\p{Nd}_]+$`)},
		{"was", "Its former name.", textForm()},
		{"description", "Comment of the Go constant.", textForm()},
		{"deprecated", "What to use instead.", deprecatedForm()},
		{"removed", "true gives the value up: no document may hold it.", form{"type": "boolean"}},
	}
}
