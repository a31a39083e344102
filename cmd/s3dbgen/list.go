package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
)

// selection says which documents of a resource a command is about.
type selection struct {
	where  []string // PATH=VALUE
	prefix string   // of the id
	after  string   // id
}

func (s *selection) register(command *cobra.Command) {
	command.Flags().StringArrayVar(&s.where, "where", nil, "only documents with the value of `PATH=VALUE`; a partition must be over the attributes named")
}

const whereHelp = `--where PATH=VALUE keeps the documents with that value. It may be given several
times; some partition must begin with the attributes named, so that nothing else
is read.`

// query returns the query of the selected documents.
func (s *selection) query(r *dynamic.Resource) (none s3db.Query[dynamic.Document, string], err error) {
	if len(s.where) > 0 {
		return s.partition(r)
	}
	q := r.Query()
	if s.prefix != "" {
		q = q.Where(r.ID().Prefix(s.prefix))
	}
	if s.after != "" {
		q = q.Where(r.ID().Gt(s.after))
	}
	return q, nil
}

// partition returns the query of a partition.
func (s *selection) partition(r *dynamic.Resource) (none s3db.Query[dynamic.Document, string], err error) {
	given := map[string]string{}
	var paths []string
	for _, condition := range s.where {
		path, text, ok := strings.Cut(condition, "=")
		if !ok || path == "" {
			return none, usageError{fmt.Errorf("--where %q: must be PATH=VALUE", condition)}
		}
		if _, again := given[path]; again {
			return none, usageError{fmt.Errorf("--where names %s twice", path)}
		}
		given[path] = text
		paths = append(paths, path)
	}
	x, ok := r.PartitionFor(paths...)
	if !ok {
		return none, usageError{fmt.Errorf("no partition of %s begins with %s; there are %s", r.Name(), strings.Join(paths, " and "), partitions(r))}
	}
	values := make([]any, len(paths))
	for i, path := range x.Fields[:len(paths)] {
		if values[i], err = r.ParseValue(path, given[path]); err != nil {
			return none, usageError{fmt.Errorf("--where: %w", err)}
		}
	}
	return r.InPartition(x.Name, values...)
}

func partitions(r *dynamic.Resource) string {
	var all []string
	for _, x := range r.Partitions() {
		all = append(all, x.Name+" ("+strings.Join(x.Fields, ", ")+")")
	}
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, ", ")
}

func newList() *cobra.Command {
	var db databaseFlags
	var s selection
	var limit int
	var output string
	command := &cobra.Command{
		Use:                   "list URL RESOURCE [--where PATH=VALUE]... [--prefix P] [--after ID] [--limit N] [--output jsonl|table] [--secrets]",
		DisableFlagsInUseLine: true,
		Short:                 "Print documents, one a line",
		Long: `List prints the documents of a resource in the order of their ids, or those of a
partition in its order. It reads what it prints: --prefix, --after and --limit
spare the requests for all else. Secrets and passwords are "[redacted]" unless
--secrets asks for them and a key is given.

` + whereHelp + `

` + keysHelp,
		Example: `  s3dbgen list file://./shop.db users --limit 10 --output table
  s3dbgen list s3://bucket/shop orders --where user=ada
  s3dbgen list s3://bucket/shop orders --after 01976f1e --limit 100`,
		Args: exactly("URL", "RESOURCE"),
		RunE: func(command *cobra.Command, args []string) error {
			if err := oneOf("output", output, "jsonl", "table"); err != nil {
				return err
			}
			if limit < 0 {
				return usageError{fmt.Errorf("--limit %d: must not be negative; 0 is no limit", limit)}
			}
			if len(s.where) > 0 && (s.prefix != "" || s.after != "") {
				return usageError{fmt.Errorf("--prefix and --after go by the ids of the whole resource, not with --where")}
			}
			return db.with(command.Context(), args[0], args[1], func(r *dynamic.Resource) error {
				return list(command.Context(), r, s, limit, output, db.secrets, command.OutOrStdout())
			})
		},
	}
	db.register(command, "show the values of secrets and the hashes of passwords")
	s.register(command)
	command.Flags().StringVar(&s.prefix, "prefix", "", "only documents whose id begins so")
	command.Flags().StringVar(&s.after, "after", "", "only documents with ids above this one")
	command.Flags().IntVar(&limit, "limit", 0, "at most so many; 0 is no limit")
	choiceFlag(command, &output, "output", "jsonl", "table")
	return command
}

func list(ctx context.Context, r *dynamic.Resource, s selection, limit int, output string, secrets bool, stdout io.Writer) (err error) {
	q, err := s.query(r)
	if err != nil {
		return err
	}
	if limit > 0 {
		q = q.Limit(limit)
	}
	write := func(d *dynamic.Document) error {
		text, err := documentJSON(d, secrets)
		if err != nil {
			return err
		}
		_, err = stdout.Write(append(text, '\n'))
		return err
	}
	if output == "table" {
		table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
		if _, err := fmt.Fprintln(table, strings.Join(r.Columns(), "\t")); err != nil {
			return err
		}
		write = func(d *dynamic.Document) error {
			row, err := r.Row(d, secrets)
			if err != nil {
				return err
			}
			for i := range row {
				row[i] = tableCell(row[i])
			}
			_, err = fmt.Fprintln(table, strings.Join(row, "\t"))
			return err
		}
		defer func() {
			if flushed := table.Flush(); err == nil {
				err = flushed
			}
		}()
	}
	for d, err := range q.All(ctx) {
		if err != nil {
			return err
		}
		if err := write(d); err != nil {
			return err
		}
	}
	return nil
}

// tableCell fits a cell into a line of a terminal.
func tableCell(text string) string {
	const widest = 40
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	if r := []rune(text); len(r) > widest {
		return string(r[:widest-1]) + "…"
	}
	return text
}

func newCount() *cobra.Command {
	var db databaseFlags
	var s selection
	command := &cobra.Command{
		Use:                   "count URL RESOURCE [--where PATH=VALUE]...",
		DisableFlagsInUseLine: true,
		Short:                 "Print the number of documents",
		Long: `Count lists a resource, with one request for each 1,000 documents and without
reading them. The documents of a partition are read.

` + whereHelp,
		Example: `  s3dbgen count file://./shop.db users
  s3dbgen count s3://bucket/shop orders --where status=paid`,
		Args: exactly("URL", "RESOURCE"),
		RunE: func(command *cobra.Command, args []string) error {
			return db.with(command.Context(), args[0], args[1], func(r *dynamic.Resource) error {
				q, err := s.query(r)
				if err != nil {
					return err
				}
				n, err := q.Count(command.Context())
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(command.OutOrStdout(), n)
				return err
			})
		},
	}
	s.register(command)
	return command
}
