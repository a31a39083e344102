package templates

import _ "embed" // the template

//go:embed reference.md.tmpl
var reference string

// Reference is the template of the Markdown reference of a schema, for
// text/template.
func Reference() string { return reference }
