// Package plugin is how programs of users take part in a generation: they change the
// schema before it is checked, and add files to those that are generated.
//
// A plugin in Go is a [Plugin] in a program that calls gen.Run. A plugin in any language
// is a program that the schema names; it reads a [Request] as JSON from its standard
// input and writes a [Response] to its standard output. [Serve] is such a program in Go.
package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/s3dbgen/s3dbgen/schema"
)

// Protocol is the version of Request and Response. It changes when a plugin that is
// right would become wrong; new fields of a request are no such change.
const Protocol = 1

// Plugin adds files to a generation.
type Plugin interface {
	// Name names the plugin in messages: lower-case letters, digits and "-".
	Name() string
	// Generate returns the files of the plugin. An error ends the generation, and nothing
	// is written; problems of the response do so with their places.
	Generate(ctx context.Context, req *Request) (*Response, error)
}

// Editor is a Plugin that changes the schema before it is checked. Every rule of the
// language holds for what it leaves.
type Editor interface {
	Plugin
	Edit(tree *schema.Tree) error
}

// Request is what a plugin gets.
type Request struct {
	Protocol int            `json:"protocol"`
	Plugin   string         `json:"plugin"`            // its name
	Options  map[string]any `json:"options,omitempty"` // from the schema
	Package  *Package       `json:"package"`
}

// Response is what a plugin returns.
type Response struct {
	Files    []File    `json:"files,omitempty"`
	Problems []Problem `json:"problems,omitempty"`
}

// File is a file that a plugin adds.
type File struct {
	// Name is the path below the directory of the generated package, with "/".
	Name string `json:"name"`
	// Content is the text of the file; Data its bytes if it is no text, base64 in JSON.
	Content string `json:"content,omitempty"`
	Data    []byte `json:"data,omitempty"`
}

// Problem is something that a plugin finds wrong with a schema.
type Problem struct {
	// Path names the resource or attribute: "users", "users.profile.country"; "" for the
	// schema.
	Path    string `json:"path,omitempty"`
	Message string `json:"message"` // lower case, no full stop
	Help    string `json:"help,omitempty"`
	Warning bool   `json:"warning,omitempty"` // files are written all the same
}

// Serve answers one request: the whole of a plugin that is a program of its own.
//
//	func main() {
//		if err := plugin.Serve(os.Stdin, os.Stdout, generate); err != nil {
//			log.Fatal(err)
//		}
//	}
func Serve(stdin io.Reader, stdout io.Writer, generate func(*Request) (*Response, error)) error {
	var req Request
	if err := json.NewDecoder(stdin).Decode(&req); err != nil {
		return fmt.Errorf("the request is not readable: %w", err)
	}
	if req.Protocol != Protocol {
		return fmt.Errorf("the request has protocol %d, this plugin was built for %d", req.Protocol, Protocol)
	}
	resp, err := generate(&req)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(resp)
}
