package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
)

func newInspect() *cobra.Command {
	var db databaseFlags
	var format string
	var counts bool
	command := &cobra.Command{
		Use:                   "inspect URL [--counts=false] [--format text|json]",
		DisableFlagsInUseLine: true,
		Short:                 "Print what a database is: resources, versions, partitions, counts",
		Long: `Inspect prints what the registry of a database says, how many documents each
resource has, and where the sequences are. Counting costs one request for each
1,000 documents, one for each document that can expire, and one for each sequence;
--counts=false leaves it out.`,
		Example: `  s3dbgen inspect file://./shop.db
  s3dbgen inspect s3://bucket/shop --format json`,
		Args: exactly("URL"),
		RunE: func(command *cobra.Command, args []string) (err error) {
			if err := oneOf("format", format, "text", "json"); err != nil {
				return err
			}
			opened, err := db.open(command.Context(), args[0])
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, opened.Close()) }()
			found, err := inspect(command.Context(), opened, counts)
			if err != nil {
				return err
			}
			if format == "json" {
				return indented(command.OutOrStdout()).Encode(found)
			}
			return found.print(command.OutOrStdout())
		},
	}
	choiceFlag(command, &format, "format", "text", "json")
	command.Flags().BoolVar(&counts, "counts", true, "count the documents")
	return command
}

// inspection is what inspect found.
type inspection struct {
	Database  string                       `json:"database"`
	Format    int                          `json:"format"`
	Created   time.Time                    `json:"created"`
	Keys      []string                     `json:"keys"`
	Servers   map[string]s3db.Capabilities `json:"servers"`
	Resources []inspectedResource          `json:"resources"`
	Sequences []s3db.SequenceState         `json:"sequences,omitempty"`
}

type inspectedResource struct {
	Name       string             `json:"name"`
	Documents  *int               `json:"documents,omitempty"`
	Version    int                `json:"version"`
	Versions   []inspectedVersion `json:"versions"`
	Settings   json.RawMessage    `json:"settings,omitempty"`
	Columns    []string           `json:"columns,omitempty"`
	Partitions []dynamic.Index    `json:"partitions,omitempty"`
	Uniques    []dynamic.Index    `json:"uniques,omitempty"`
	Expires    string             `json:"expires,omitempty"`
	Problem    string             `json:"problem,omitempty"` // why it cannot be read
}

type inspectedVersion struct {
	Version int       `json:"version"`
	Hash    string    `json:"hash"`
	Created time.Time `json:"created"`
}

func inspect(ctx context.Context, db *dynamic.Database, counts bool) (*inspection, error) {
	d := db.Describe()
	found := &inspection{Database: d.ID, Format: d.Format, Created: d.Created, Keys: d.Keys, Servers: d.Servers}
	for _, res := range d.Resources {
		x := inspectedResource{Name: res.Name, Version: res.Version, Settings: json.RawMessage(res.Settings)}
		for _, v := range res.Versions {
			x.Versions = append(x.Versions, inspectedVersion{Version: v.Version, Hash: v.Hash, Created: v.Created})
		}
		r, err := db.Resource(res.Name)
		if err != nil {
			x.Problem = plain(err.Error())
			found.Resources = append(found.Resources, x)
			continue
		}
		x.Columns, x.Partitions, x.Uniques, x.Expires = r.Columns(), r.Partitions(), r.Uniques(), r.Expires()
		if counts {
			n, err := r.Query().Count(ctx)
			if err != nil {
				return nil, err
			}
			x.Documents = &n
		}
		found.Resources = append(found.Resources, x)
	}
	if counts {
		for s, err := range db.Sequences(ctx) {
			if err != nil {
				return nil, err
			}
			found.Sequences = append(found.Sequences, s)
		}
	}
	return found, nil
}

func (f *inspection) print(w io.Writer) error {
	p := &lines{w: w}
	p.line("database %s, format %d, created %s", f.Database, f.Format, f.Created.Format(time.RFC3339))
	if len(f.Keys) > 0 {
		p.line("keys of secrets: %s", strings.Join(f.Keys, ", "))
	}
	for _, address := range slices.Sorted(maps.Keys(f.Servers)) {
		caps := f.Servers[address]
		p.line("server %s: %d bytes of metadata, conditional puts %t, conditional deletes %t", address, caps.MetadataLimit, caps.ConditionalPut, caps.ConditionalDelete)
	}
	for _, r := range f.Resources {
		head := r.Name + ": version " + strconv.Itoa(r.Version)
		if r.Documents != nil {
			head += ", " + count(*r.Documents, "document")
		}
		p.line("%s", head)
		if r.Problem != "" {
			p.line("  cannot be read: %s", r.Problem)
			continue
		}
		p.line("  attributes: %s", strings.Join(r.Columns, ", "))
		for _, x := range r.Partitions {
			p.line("  partition %s: %s", x.Name, strings.Join(x.Fields, ", "))
		}
		for _, x := range r.Uniques {
			p.line("  unique %s: %s", x.Name, strings.Join(x.Fields, ", "))
		}
		if r.Expires != "" {
			p.line("  expires: %s", r.Expires)
		}
		if len(r.Settings) > 0 {
			p.line("  settings: %s", r.Settings)
		}
	}
	for _, s := range f.Sequences {
		p.line("sequence %s: %d comes next", s.Name, s.Next)
	}
	return p.err
}
