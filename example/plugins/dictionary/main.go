// Command dictionary is a generator plugin that is a program of its own: it writes a
// data dictionary as CSV, one line an attribute.
package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/s3dbgen/s3dbgen/gen/plugin"
)

func main() {
	if err := plugin.Serve(os.Stdin, os.Stdout, generate); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

func generate(req *plugin.Request) (*plugin.Response, error) {
	file, ok := req.Options["file"].(string)
	if !ok {
		return nil, fmt.Errorf("the option file is missing: say where the dictionary goes")
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	rows := [][]string{{"resource", "attribute", "number", "type", "required", "description"}}
	var problems []plugin.Problem
	for _, r := range req.Package.Resources {
		for _, a := range r.Attributes {
			rows = append(rows, []string{r.Name, a.Path, strconv.Itoa(a.Number), string(a.Type.Kind), strconv.FormatBool(!a.Optional), a.Description})
			if req.Options["strict"] == true && a.Description == "" {
				problems = append(problems, plugin.Problem{Path: r.Name + "." + a.Path, Message: a.Path + " has no description", Help: "say what it is with the rule description"})
			}
		}
	}
	if err := w.WriteAll(rows); err != nil {
		return nil, err
	}
	return &plugin.Response{Files: []plugin.File{{Name: file, Content: b.String()}}, Problems: problems}, nil
}
