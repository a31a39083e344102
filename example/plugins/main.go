// Command plugins generates the package notes with two plugins in Go. It stands where
// other projects run s3dbgen:
//
//	//go:generate go run ./internal/generate
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/s3dbgen/s3dbgen/example/plugins/tenants"
	"github.com/s3dbgen/s3dbgen/example/plugins/typescript"
	"github.com/s3dbgen/s3dbgen/gen"
	"github.com/s3dbgen/s3dbgen/gen/plugin"
)

//go:generate go run .

func main() {
	schema := flag.String("f", "schema.yaml", "the schema")
	check := flag.Bool("check", false, "write nothing, report what differs")
	flag.Parse()
	if err := run(*schema, *check, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

func run(schema string, check bool, stdout io.Writer) error {
	return gen.Run(context.Background(), gen.Options{
		Schema:  schema,
		Check:   check,
		Stdout:  stdout,
		Plugins: []plugin.Plugin{tenants.Plugin{}, typescript.Plugin{File: "web/notes.ts"}},
	})
}
