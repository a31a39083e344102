// Package templates has the texts that s3dbgen writes and that are not the code of a
// client.
package templates

import (
	"bytes"
	"embed"
	"fmt"
	"text/template"
)

//go:embed project
var projectFiles embed.FS

// Project is what a new project is called.
type Project struct {
	Package  string // of the client, "store"
	Import   string // its import path, "example.com/blog/store"
	Beside   string // package of the Go files beside the schema, "main"
	Program  string // name of the program, "blog"
	Database string // of the program, a file: "store.db"
	Editor   string // file with the JSON Schema of schema.yaml, relative to it
}

// Names of the files of a project.
const (
	SchemaFile   = "schema.yaml"
	GenerateFile = "generate.go"
	MainFile     = "main.go"
	TestFile     = "main_test.go"
)

// File returns the text of one of the files of a new project: a schema with comments,
// the directives for "go generate", a program that uses the client, or a test of it.
// The name is one of the constants; for another, and for nothing else, it fails.
func (p Project) File(name string) ([]byte, error) {
	t, err := template.ParseFS(projectFiles, "project/"+name+".tmpl")
	if err != nil {
		return nil, fmt.Errorf("no template for %s: %w", name, err)
	}
	var text bytes.Buffer
	if err := t.Execute(&text, p); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}
