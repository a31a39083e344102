package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/boltstore"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
	"github.com/s3dbgen/s3dbgen/runtime/s3store"
)

// databaseFlags say how a command opens a database.
type databaseFlags struct {
	keys    keyFlags
	secrets bool // show the values of secrets
}

func (f *databaseFlags) register(command *cobra.Command, what string) {
	f.keys.register(command)
	command.Flags().BoolVar(&f.secrets, "secrets", false, what)
}

// drivers are those of the stores in which a command finds something.
func drivers() []s3db.Driver {
	return []s3db.Driver{s3store.Driver(), boltstore.Driver(), {
		Schemes: []string{"mem"},
		Open: func(context.Context, s3db.DriverRequest) (s3db.Store, string, error) {
			return nil, "", errors.New("memory belongs to one program, and is empty when a command begins; name a file or a bucket")
		},
	}}
}

// open opens a database by its registry.
func (f *databaseFlags) open(ctx context.Context, url string, options ...s3db.Option) (*dynamic.Database, error) {
	config := dynamic.Config{Drivers: drivers(), Reveal: f.secrets}
	return dynamic.Open(ctx, url, config, append(f.keys.list(), options...)...)
}

// withDatabase opens a database for the time of a function.
func (f *databaseFlags) withDatabase(ctx context.Context, url string, do func(*dynamic.Database) error, options ...s3db.Option) (err error) {
	db, err := f.open(ctx, url, options...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return do(db)
}

// with opens a database and one of its resources for the time of a function.
func (f *databaseFlags) with(ctx context.Context, url, resource string, do func(*dynamic.Resource) error, options ...s3db.Option) error {
	return f.withDatabase(ctx, url, func(db *dynamic.Database) error {
		r, err := db.Resource(resource)
		if err != nil {
			return err
		}
		return do(r)
	}, options...)
}

// exactly wants so many arguments.
func exactly(names ...string) cobra.PositionalArgs {
	return func(command *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		return usageError{fmt.Errorf("%s takes %s, got %s", command.Name(), strings.Join(names, " "), count(len(args), "argument"))}
	}
}

// indented encodes JSON for people to read too.
func indented(w io.Writer) *json.Encoder {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder
}

// choiceFlag declares a flag that has one of some values, the first one unless it is
// given. Shells complete them.
func choiceFlag(command *cobra.Command, value *string, flag string, choices ...string) {
	command.Flags().StringVar(value, flag, choices[0], alternatives(choices))
	// It fails only for a flag that is not declared.
	_ = command.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(choices, cobra.ShellCompDirectiveNoFileComp))
}

// oneOf refuses a value of a flag that is none of its choices.
func oneOf(flag, value string, choices ...string) error {
	if slices.Contains(choices, value) {
		return nil
	}
	return usageError{fmt.Errorf("--%s %q: must be %s", flag, value, alternatives(choices))}
}

// alternatives lists words: "text, json or sarif".
func alternatives(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// documentJSON is the JSON of a document as a command shows it.
func documentJSON(d *dynamic.Document, secrets bool) ([]byte, error) {
	if secrets {
		return d.RevealedJSON()
	}
	return d.MarshalJSON()
}

// lines prints lines until one fails.
type lines struct {
	w   io.Writer
	err error
}

func (p *lines) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}
